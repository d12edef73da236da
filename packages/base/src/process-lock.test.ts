import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isProcessAlive, LockHeldError, ProcessLock } from './process-lock.ts';

let folder: string;
const file = () => path.join(folder, 'up.lock');
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'deskhand-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('refuses a second holder and says which process has it', () => {
  using _held = ProcessLock.take(file());
  expect(() => ProcessLock.take(file())).toThrow(
    expect.objectContaining({ name: 'LockHeldError', pid: process.pid }),
  );
});

it('is gone after disposal, and disposing twice does not free somebody else’s', () => {
  const first = ProcessLock.take(file());
  first[Symbol.dispose]();
  using _second = ProcessLock.take(file());
  first[Symbol.dispose]();
  expect(existsSync(path.join(folder, 'up.lock'))).toBe(true);
});

it('takes over a lock left by a process that was killed', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(()=>{},1000)'], { stdio: 'ignore' });
  const pid = child.pid as number;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  writeFileSync(path.join(folder, 'up.lock'), JSON.stringify({ pid, started }));
  expect(() => ProcessLock.take(file())).toThrow(LockHeldError);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  using lock = ProcessLock.take(file());
  expect(lock).toBeDefined();
});

it('recognises a pid that now belongs to somebody else', () => {
  writeFileSync(path.join(folder, 'up.lock'), JSON.stringify({ pid: process.ppid, started: '1' }));
  using lock = ProcessLock.take(file());
  expect(lock).toBeDefined();
});

it('takes over a lock that was torn in writing', () => {
  writeFileSync(path.join(folder, 'up.lock'), '{"pid":');
  using lock = ProcessLock.take(file());
  expect(lock).toBeDefined();
});

it('does not mistake a dead process that nobody has reaped for a living one', async () => {
  // The shell starts a child, never waits for it, and goes on: the child stays a zombie once killed.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = Number(
    await new Promise<string>((resolve) => parent.stdout.once('data', (chunk) => resolve(String(chunk)))),
  );
  // Until it is no shell any more, the parent may reap.
  await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim()).toBe('sleep');
  expect(isProcessAlive(pid)).toBe(true);
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => isProcessAlive(pid)).toBe(false);
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  parent.kill('SIGKILL');
});
