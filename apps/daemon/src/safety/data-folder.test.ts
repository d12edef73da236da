import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeDataFolder } from './data-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-data-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('makes it for its owner alone, and takes it again', () => {
  const data = join(folder, 'a', 'b');
  makeDataFolder(data);
  makeDataFolder(data);
  expect(statSync(data).mode & 0o777).toBe(0o700);
});

it('refuses one that anybody may write to, says how to mend that, and mends nothing itself', () => {
  chmodSync(folder, 0o1777);
  expect(() => makeDataFolder(folder)).toThrow(
    expect.objectContaining({
      code: 'DATA_FOLDER_UNWRITABLE',
      message: expect.stringContaining('chmod go-w'),
    }),
  );
  expect(statSync(folder).mode & 0o7777).toBe(0o1777);
  chmodSync(folder, 0o755);
  makeDataFolder(folder);
});

it('refuses what is no folder', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => makeDataFolder(file)).toThrow(expect.objectContaining({ code: 'DATA_FOLDER_UNWRITABLE' }));
});
