import { open, rename, rm } from 'node:fs/promises';
import { randomHex } from '@deskhand/base';

/** Writes a whole file with mode 0600, on disk before it gets its name: readers see the old or the new one. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const partial = `${file}.${randomHex(8)}.partial`;
  const handle = await open(partial, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
