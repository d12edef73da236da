import { closeSync, constants, ftruncateSync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { randomHex } from '@deskhand/base';

/** Memory that the compositor can map: a file without a name. Whoever opened it closes it. */
export function openSharedFile(bytes: number, folder = '/dev/shm'): number {
  const path = join(folder, `deskhand-${randomHex(24)}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
  const descriptor = openSync(path, flags, 0o600);
  try {
    unlinkSync(path);
    ftruncateSync(descriptor, bytes);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return descriptor;
}

/** A second descriptor of the same file, to be given away. */
export function duplicate(descriptor: number): number {
  return openSync(`/proc/self/fd/${descriptor}`, constants.O_RDWR);
}
