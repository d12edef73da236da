import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile, syncFolder } from '@deskhand/base/replace-file';
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

/** Room on the disk that is taken beforehand; more than a latch with the longest reason needs. */
const SPARE_BYTES = 4096;
const SPARE_REASON = 'Stopped while the disk was full; who and when could not be written.';

/** Reads the latch. A file that cannot be read or understood is a tripped latch: in doubt, stopped. */
export function readLatchFile(path: string): LatchState {
  let text: string;
  try {
    // Asked many times a second, and most often there is none: an error with its stack would cost more than the look.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return { tripped: false };
    text = readBeginning(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { tripped: false };
    return { tripped: true, by: 'latch_file', reason: `The latch file cannot be read (${code}).` };
  }
  try {
    const parsed = LatchFile.parse(parseJson(text));
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

/** Neither a huge file nor a pipe that nobody writes to may hold guard up. A link is not followed: it stops as it is. */
function readBeginning(path: string): string {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const bytes = Buffer.alloc(MAX_LATCH_BYTES);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

/**
 * Writes the latch so that it survives a power cut. On a disk without room, the room that `reserveLatchRoom` took is used.
 * @throws the file system's error (a disk that cannot be written); the caller then keeps the latch in memory and says so.
 */
export function writeLatchFile(path: string, latch: { by: string; at: string; reason?: string }): void {
  const text = textOf(latch);
  try {
    replaceFile(path, text);
  } catch (error) {
    if (!useSpare(path, text)) throw error;
    syncFolder(dirname(path));
  }
}

/**
 * Takes room for one latch while there is some, in a file beside it; never throws, since a stop can do without it.
 * To be called at guard's start and when a latch was removed.
 */
export function reserveLatchRoom(path: string): void {
  const spare = spareOf(path);
  try {
    if (lstatSync(spare, { throwIfNoEntry: false })?.size === SPARE_BYTES) return;
    const latch = { by: 'guard', at: new Date(0).toISOString(), reason: SPARE_REASON };
    replaceFile(spare, padded(textOf(latch)));
  } catch {
    // A stop that finds no room is kept in memory, as it would be without this.
  }
}

/** A rename needs no room, and blocks that are there already can be written over; where they can't, the rename stops. */
function useSpare(path: string, text: string): boolean {
  const spare = spareOf(path);
  try {
    if (lstatSync(spare).size !== SPARE_BYTES) return false;
    try {
      overwrite(spare, padded(text));
    } catch {
      // What stands in it already is a latch, too.
    }
    renameSync(spare, path);
    return true;
  } catch {
    return false;
  }
}

function textOf(latch: { by: string; at: string; reason?: string }): string {
  return `${JSON.stringify({ ...latch, how_to_clear: HOW_TO_CLEAR }, null, 2)}\n`;
}

function padded(text: string): Buffer {
  const bytes = Buffer.alloc(SPARE_BYTES, ' ');
  bytes.write(text.slice(0, SPARE_BYTES / 4));
  return bytes;
}

function spareOf(path: string): string {
  return join(dirname(path), '.latch-spare');
}

/** Into the blocks it has. @throws the file system's error */
function overwrite(path: string, content: Uint8Array): void {
  const file = openSync(path, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
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
