import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { parseJson } from './decode.ts';
import type { LatchState } from './link.ts';

/**
 * The stop latch on disk: its presence means "stopped", whatever is in it. Guard writes it; the panel and
 * the CLI write it too when no guard answers, and guard notices. Node only (own subpath). Everything here
 * is synchronous: a stop must not wait for an event loop.
 */
const LatchFile = z.looseObject({
  by: z.string().max(64),
  at: z.iso.datetime(),
  reason: z.string().max(500).optional(),
  /** For the person who finds the file. */
  how_to_clear: z.string().optional(),
});

const HOW_TO_CLEAR =
  'Run "deskhand reset", or hold the reset button of the panel. Resetting permits new runs; it starts none.';

const MAX_LATCH_BYTES = 16 * 1024;

/** Reads the latch. A file that cannot be read or understood is a tripped latch: in doubt, stopped. */
export function readLatchFile(path: string): LatchState {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { tripped: false };
    return {
      tripped: true,
      by: 'latch_file',
      reason: `The latch file cannot be read (${(error as NodeJS.ErrnoException).code}).`,
    };
  }
  try {
    const parsed = LatchFile.parse(parseJson(text.slice(0, MAX_LATCH_BYTES)));
    return {
      tripped: true,
      by: parsed.by,
      at: parsed.at,
      ...(parsed.reason === undefined ? {} : { reason: parsed.reason }),
    };
  } catch {
    return { tripped: true, by: 'latch_file', reason: 'A latch file was put there by hand.' };
  }
}

/**
 * Writes the latch so that it survives a power cut: temporary file, fsync, rename, fsync of the folder.
 * @throws the file system's error (a full disk); the caller then keeps the latch in memory and says so.
 */
export function writeLatchFile(path: string, latch: { by: string; at: string; reason?: string }): void {
  const temporary = join(dirname(path), `.latch-${randomBytes(6).toString('hex')}`);
  const text = `${JSON.stringify({ ...latch, how_to_clear: HOW_TO_CLEAR }, null, 2)}\n`;
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // It was never made.
    }
    throw error;
  }
  syncFolder(dirname(path));
}

/** Removes the latch; only ever on a person's word. */
export function clearLatchFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  syncFolder(dirname(path));
}

function syncFolder(path: string): void {
  // Windows cannot open a folder for syncing; its rename is journaled.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
