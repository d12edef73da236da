import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HeldFolder } from './held-folder.ts';

let place: string;
let path: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'deskhand-held-'));
  path = join(place, 'data');
  mkdirSync(path);
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

it('is there, whatever comes into it', () => {
  using folder = new HeldFolder(path);
  writeFileSync(join(path, 'file'), 'x');
  expect(folder.isRemoved).toBe(false);
  expect(folder.path).toBe(path);
});

it('was removed, alone or with all around it', () => {
  using folder = new HeldFolder(path);
  rmSync(place, { recursive: true });
  expect(folder.isRemoved).toBe(true);
  mkdirSync(path, { recursive: true });
  // What has its name now is a place for what must not be lost.
  expect(folder.isRemoved).toBe(false);
  expect(folder.path).toBe(path);
});

it.runIf(process.platform === 'linux')('was moved: it is not gone, and is found', () => {
  using folder = new HeldFolder(path);
  const moved = join(place, 'elsewhere');
  renameSync(path, moved);
  expect(folder.isRemoved).toBe(false);
  mkdirSync(path);
  writeFileSync(join(folder.path, 'file'), 'x');
  expect(readdirSync(moved)).toEqual(['file']);
});

it('was never there', () => {
  using folder = new HeldFolder(join(place, 'nothing'));
  expect(folder.isRemoved).toBe(true);
});
