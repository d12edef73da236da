import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a private file (mode 0600) in one step: a reader sees the old content or the new one, never half of it, and
 * what was written survives a power cut. Node only (own subpath).
 * @throws the file system's error; the old file is then still there, and nothing beside it.
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.partial`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // The first error says more.
    }
    throw error;
  }
  syncFolder(dirname(path));
}

/** Brings a folder's names to the disk, after a file in it was renamed or removed. */
export function syncFolder(path: string): void {
  // Windows cannot open a folder for syncing; its rename is journaled.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
