import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holdLock } from './lock.mjs';
import { makeScratch, makeSink } from './scratch.mjs';

const lockFile = '.deskhand/set-up.lock';

describe('the lock of set-up', () => {
  it('is taken with our pid and is gone after release', async () => {
    using clone = makeScratch({});
    const release = await holdLock(clone.folder, makeSink());
    expect(readFileSync(join(clone.folder, lockFile), 'utf8')).toBe(String(process.pid));
    release();
    expect(existsSync(join(clone.folder, lockFile))).toBe(false);
  });

  it('is taken over from an owner that died', async () => {
    const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await new Promise((resolve) => dead.once('exit', resolve));
    using clone = makeScratch({ [lockFile]: String(dead.pid) });
    const release = await holdLock(clone.folder, makeSink());
    expect(readFileSync(join(clone.folder, lockFile), 'utf8')).toBe(String(process.pid));
    release();
  });

  it('waits for a living owner, says so once, and goes on when that one has ended', async () => {
    const owner = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
    using clone = makeScratch({ [lockFile]: String(owner.pid) });
    const sink = makeSink();
    const held = holdLock(clone.folder, sink, { pollMs: 5 });
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(sink.text).toBe(
      `set-up: another set-up of this clone is running (process ${owner.pid}); waiting for it\n`,
    );
    owner.kill('SIGKILL');
    (await held)();
  });

  it('gives up on an owner that never ends, and names it', async () => {
    using clone = makeScratch({ [lockFile]: String(process.ppid) });
    await expect(holdLock(clone.folder, makeSink(), { ceilingMs: 20, pollMs: 5 })).rejects.toThrow(
      `process ${process.ppid}`,
    );
  });
});
