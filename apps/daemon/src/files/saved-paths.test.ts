import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SavedPaths } from './saved-paths.ts';

let folder: string;
let paths: SavedPaths;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-saved-'));
  paths = new SavedPaths();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('[POL8] opens what was not there when it was named', () => {
  const letter = join(folder, 'letter.txt');
  expect(paths.has(letter)).toBe(false);
  paths.note(`  ${letter} `);
  expect(paths.has(letter)).toBe(true);
  writeFileSync(letter, 'Dear');
  expect(paths.has(letter)).toBe(true);
  paths.clear();
  expect(paths.has(letter)).toBe(false);
});

it('[POL8] keeps a file closed that was there before, also when something writes into it', () => {
  const key = join(folder, 'id_rsa');
  writeFileSync(key, 'secret');
  paths.note(key);
  expect(paths.has(key)).toBe(false);
  appendFileSync(key, 'more');
  expect(paths.has(key)).toBe(false);
  // Naming it again changes nothing, nor does naming it after it vanished for a moment.
  paths.note(key);
  expect(paths.has(key)).toBe(false);
});

it('[POL8] opens one that the run has replaced by saving over it', () => {
  const notes = join(folder, 'notes.txt');
  writeFileSync(notes, 'old');
  paths.note(notes);
  writeFileSync(`${notes}.new`, 'new');
  renameSync(`${notes}.new`, notes);
  expect(paths.has(notes)).toBe(true);
});

it.each(['letter.txt', 'two\n/etc/passwd', '', '/x'.repeat(3000)])('takes %j for no file', (text) => {
  paths.note(text);
  expect(paths.has(text.trim())).toBe(false);
});
