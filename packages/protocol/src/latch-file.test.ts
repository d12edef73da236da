import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearLatchFile, readLatchFile, reserveLatchRoom, writeLatchFile } from './latch-file.ts';

let folder: string;
let path: string;
const latch = { by: 'hotkey', at: '2026-01-02T03:04:05.678Z', reason: 'pressed' };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-latch-'));
  path = join(folder, 'latch.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the latch file', () => {
  it('[KILL] says who, when, why and how to clear it, and leaves nothing else behind', () => {
    expect(readLatchFile(path)).toEqual({ tripped: false });
    writeLatchFile(path, latch);
    expect(readLatchFile(path)).toEqual({ tripped: true, ...latch });
    expect(readFileSync(path, 'utf8')).toContain('deskhand reset');
    expect(readdirSync(folder)).toEqual(['latch.json']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    clearLatchFile(path);
    clearLatchFile(path);
    expect(readLatchFile(path)).toEqual({ tripped: false });
  });

  it.each(['', 'stop', '{}', '{"by":7}', '['.repeat(100), 'x'.repeat(100_000)])(
    '[KILL] whatever is in it, it stops: %#',
    (text) => {
      writeFileSync(path, text);
      expect(readLatchFile(path)).toMatchObject({ tripped: true, by: 'latch_file' });
    },
  );

  it('[KILL] stops when it cannot be read at all', () => {
    mkdirSync(path);
    expect(readLatchFile(path)).toMatchObject({ tripped: true });
  });

  it('[KILL] is not held up by a pipe that nobody writes to, nor misled by a link', () => {
    execFileSync('mkfifo', [path]);
    expect(readLatchFile(path)).toMatchObject({ tripped: true });
    rmSync(path);
    symlinkSync(join(folder, 'nowhere'), path);
    expect(readLatchFile(path)).toMatchObject({ tripped: true });
    rmSync(path);
    symlinkSync('/dev/zero', path);
    expect(readLatchFile(path)).toMatchObject({ tripped: true });
  });

  it('[KILL11] keeps room for one latch, as a latch, once', () => {
    reserveLatchRoom(path);
    const spare = join(folder, '.latch-spare');
    const { size, mtimeMs, mode } = statSync(spare);
    expect(readLatchFile(spare)).toMatchObject({ tripped: true, by: 'guard' });
    expect(mode & 0o777).toBe(0o600);
    reserveLatchRoom(path);
    expect(statSync(spare)).toMatchObject({ size, mtimeMs });
    expect(readLatchFile(path)).toEqual({ tripped: false });
    reserveLatchRoom(join(folder, 'gone', 'latch.json'));
    expect(readdirSync(folder)).toEqual(['.latch-spare']);
  });

  it('throws when the folder refuses, and leaves no half file', () => {
    const gone = join(folder, 'gone', 'latch.json');
    expect(() => writeLatchFile(gone, latch)).toThrow();
    expect(readdirSync(folder)).toEqual([]);
  });
});
