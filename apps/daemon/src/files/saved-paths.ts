import { lstatSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

const MAX_PATHS = 1000;

/**
 * Files a run has named while saving, which it may look at afterwards to see whether that worked. Naming alone opens
 * nothing: what was there already, and still is the very same file, stays closed, or an agent that types the path of a
 * key into some field could read the key.
 */
export class SavedPaths {
  /** Which file was there when it was named first; null: none. */
  readonly #before = new Map<string, string | null>();

  /** @param text that was typed; anything but one absolute path (or one below `~/`) is no name of a file. */
  note(text: string): void {
    const line = text.trim();
    if (line.length > 4096 || line.includes('\n')) return;
    const path = line.startsWith('~/') ? join(homedir(), line.slice(2)) : line;
    if (!isAbsolute(path) || this.#before.size >= MAX_PATHS) return;
    const named = resolve(path);
    if (!this.#before.has(named)) this.#before.set(named, identityOf(named));
  }

  /** @param path absolute, without `..`. True for what is not there, or came after it was named. */
  has(path: string): boolean {
    const before = this.#before.get(path);
    return before === null || (before !== undefined && before !== identityOf(path));
  }

  clear(): void {
    this.#before.clear();
  }
}

/** Editors that save by replacing make another file; one that is written into, by a log say, stays the same. */
function identityOf(path: string): string | null {
  try {
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? null : `${found.dev} ${found.ino} ${found.birthtimeNs}`;
  } catch {
    // Not to be looked at: whatever it is, it is no file of this run.
    return 'unknown';
  }
}
