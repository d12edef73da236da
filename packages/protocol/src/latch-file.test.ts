import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearLatchFile, readLatchFile, writeLatchFile } from './latch-file.ts';

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

  it('throws when the folder refuses, and leaves no half file', () => {
    const gone = join(folder, 'gone', 'latch.json');
    expect(() => writeLatchFile(gone, latch)).toThrow();
    expect(readdirSync(folder)).toEqual([]);
  });
});
