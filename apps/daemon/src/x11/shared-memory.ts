import { accessSync, closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

const FOLDER = '/dev/shm';
const CLAIMED_AT_ONCE_BYTES = 1024 * 1024;

/** A piece of memory the X server writes to; read in parts, so that no copy of the whole has to exist here. */
export class SharedMemory {
  static #count = 0;
  readonly sizeBytes: number;
  #descriptor: number | null;

  /** @throws Error where the system has no room or no such folder. */
  constructor(sizeBytes: number) {
    accessSync(FOLDER, constants.W_OK);
    SharedMemory.#count += 1;
    const path = `${FOLDER}/deskhand-${process.pid}-${SharedMemory.#count}`;
    const descriptor = openSync(path, 'wx+', 0o600);
    try {
      // Without a name from here on: it ends with the last process that holds it, however that ends.
      unlinkSync(path);
      // Every page is claimed now: where the folder is full (a container's is small), the server would write nowhere
      // without a word, and pictures would be black.
      const zeros = new Uint8Array(Math.min(sizeBytes, CLAIMED_AT_ONCE_BYTES));
      for (let at = 0; at < sizeBytes; )
        at += writeSync(descriptor, zeros, 0, Math.min(zeros.length, sizeBytes - at), at);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    this.sizeBytes = sizeBytes;
    this.#descriptor = descriptor;
  }

  get descriptor(): number {
    if (this.#descriptor === null) throw new Error('the shared memory was given back');
    return this.#descriptor;
  }

  /** Fills `into` with what lies from `offset` on. @throws RangeError beyond the end. */
  read(offset: number, into: Uint8Array): void {
    if (offset < 0 || offset + into.length > this.sizeBytes)
      throw new RangeError(`bytes ${offset} to ${offset + into.length} of ${this.sizeBytes}`);
    for (let done = 0; done < into.length; ) {
      const bytes = readSync(this.descriptor, into, done, into.length - done, offset + done);
      if (bytes === 0) throw new RangeError('the shared memory ends early');
      done += bytes;
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}

/** What the X11 package hands from `create` to a segment's `buffer` untouched, and to the server as a descriptor. */
type ProvidedSegment = Readonly<{ size: number; fd: number; buffer: SharedMemory }>;

/** How the X11 package gets its shared segments: nothing is copied unless somebody reads it. */
export const sharedMemoryProvider = {
  flavor: 'fd',
  zeroCopy: false,
  create(sizeBytes: number): ProvidedSegment {
    const memory = new SharedMemory(sizeBytes);
    return { size: sizeBytes, fd: memory.descriptor, buffer: memory };
  },
  commit(): void {},
  sync(): void {},
  destroy({ buffer }: ProvidedSegment): void {
    buffer.close();
  },
} as const;
