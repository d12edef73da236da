import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, rm } from 'node:fs/promises';
import { ProtocolError } from '@deskhand/protocol';

/**
 * A file that is whole or not there, and never another's: made under a name nobody else uses, then given its own only
 * where that is still free. Two that want the same name at the same instant: one gets it, the other is told.
 * @param make writes the file it is given.
 * @throws ProtocolError INVALID_PATH when the name is taken; what `make` throws.
 */
export async function writeOnce(
  file: string,
  make: (partial: string) => void | Promise<void>,
): Promise<void> {
  const partial = `${file}.${randomUUID()}.partial`;
  try {
    await make(partial);
    await link(partial, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error;
      // A file system without hard links, as on many USB sticks.
      return copyFile(partial, file, constants.COPYFILE_EXCL);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw taken(file);
    throw error;
  } finally {
    await rm(partial, { force: true });
  }
}

export const taken = (file: string): ProtocolError =>
  new ProtocolError('INVALID_PATH', `${file} exists already; a backup never overwrites.`);
