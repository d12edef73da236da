import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replaceFile } from './replace-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'replace-file-'));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

describe('replacing a file', () => {
  it('writes it private, then replaces it, and leaves nothing beside it', () => {
    const file = join(folder, 'file');
    replaceFile(file, 'old');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o644);
    replaceFile(file, 'new, and longer');
    expect(readFileSync(file, 'utf8')).toBe('new, and longer');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('keeps the old file, and nothing else, when the new one cannot take its place', () => {
    const taken = join(folder, 'taken');
    mkdirSync(taken);
    expect(() => replaceFile(taken, 'text')).toThrow();
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it('says what is wrong when there is no such folder', () => {
    expect(() => replaceFile(join(folder, 'none', 'file'), 'text')).toThrow(/ENOENT/);
  });
});
