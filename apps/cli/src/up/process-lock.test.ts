import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ProcessLock } from './process-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'deskhand-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('refuses a second holder and says which process has it', () => {
  using _held = ProcessLock.take(folder);
  expect(() => ProcessLock.take(folder)).toThrow(
    expect.objectContaining({
      code: 'DATA_FOLDER_IN_USE',
      message: expect.stringContaining(String(process.pid)),
    }),
  );
});

it('is gone after disposal, and disposing twice does not free somebody else’s', () => {
  const first = ProcessLock.take(folder);
  first[Symbol.dispose]();
  using _second = ProcessLock.take(folder);
  first[Symbol.dispose]();
  expect(existsSync(path.join(folder, 'up.lock'))).toBe(true);
});

it('takes over a lock left by a process that was killed', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(()=>{},1000)'], { stdio: 'ignore' });
  const pid = child.pid as number;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  writeFileSync(path.join(folder, 'up.lock'), JSON.stringify({ pid, started }));
  expect(() => ProcessLock.take(folder)).toThrow(/already runs/);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  using lock = ProcessLock.take(folder);
  expect(lock).toBeDefined();
});

it('recognises a pid that now belongs to somebody else', () => {
  writeFileSync(path.join(folder, 'up.lock'), JSON.stringify({ pid: process.ppid, started: '1' }));
  using lock = ProcessLock.take(folder);
  expect(lock).toBeDefined();
});

it('takes over a lock that was torn in writing', () => {
  writeFileSync(path.join(folder, 'up.lock'), '{"pid":');
  using lock = ProcessLock.take(folder);
  expect(lock).toBeDefined();
});
