import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { randomHex } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { Blobs } from './blobs.ts';

const ID = /^[0-9a-f]{64}$/;

/** Files named by their hash, two characters of it as the folder. */
export class FileBlobs implements Blobs {
  readonly #folder: string;
  readonly #made = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(bytes: Uint8Array): Promise<string> {
    const id = createHash('sha256').update(bytes).digest('hex');
    const file = this.#file(id);
    try {
      // A crash may have left a short file under this name before it was ever synced.
      if ((await stat(file)).size === bytes.length) return id;
    } catch {
      // Not there yet.
    }
    const folder = path.dirname(file);
    const partial = `${file}.${randomHex(8)}.partial`;
    try {
      if (!this.#made.has(folder)) {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        this.#made.add(folder);
      }
      const handle = await open(partial, 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(partial, file);
    } catch (error) {
      this.#made.delete(folder);
      await rm(partial, { force: true }).catch(() => {});
      throw new ProtocolError(
        'DB_UNAVAILABLE',
        'A picture cannot be stored: the disk is full or read-only.',
        { retry_after: 5 },
        { cause: error },
      );
    }
    return id;
  }

  async get(id: string): Promise<Uint8Array | null> {
    if (!ID.test(id)) return null;
    try {
      return await readFile(this.#file(id));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    if (ID.test(id)) await rm(this.#file(id), { force: true });
  }

  #file(id: string): string {
    return path.join(this.#folder, id.slice(0, 2), id);
  }
}
