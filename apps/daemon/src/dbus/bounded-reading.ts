import type { Socket } from 'node:net';

const HEADER_BYTES = 16;
const LITTLE_ENDIAN = 'l'.charCodeAt(0);
/** Ten times what any question of ours is answered with; the package needs about 200 ms to read as much. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Stands between a bus's socket and the package that reads from it. The package takes messages of any size, all of one
 * kept in memory and read in one go, and throws out of its socket's listener at what it cannot read (a file
 * descriptor that was not sent along), which ends the process. Anybody on the bus can send us either.
 */
export class BoundedReading {
  readonly #pull: (size?: number) => Buffer | null;
  readonly #socket: Socket;
  readonly #onTooLarge: (bytes: number) => void;
  /** Where in the stream of messages we are: before a header, or before what belongs to one. */
  #before: 'header' | 'rest' = 'header';
  #toSkip = 0;
  receivedBytes = 0;

  /** @param socket nothing has been read from it yet. */
  constructor(socket: Socket, onTooLarge: (bytes: number) => void) {
    this.#socket = socket;
    this.#onTooLarge = onTooLarge;
    this.#pull = socket.read.bind(socket) as (size?: number) => Buffer | null;
    socket.read = (size?: number) => this.#read(size);
  }

  /** Messages that cannot be read are passed over from now on; their calls stay unanswered. */
  surviveUnreadable(): void {
    const listeners = this.#socket.listeners('readable') as Array<() => void>;
    this.#socket.removeAllListeners('readable');
    for (const listener of listeners)
      this.#socket.on('readable', () => {
        for (;;) {
          const before = this.receivedBytes;
          try {
            listener.call(this.#socket);
            return;
          } catch (error) {
            // It had taken the whole message, and stands before the next one.
            if (this.receivedBytes === before) throw error;
          }
        }
      });
  }

  #read(size?: number): Buffer | null {
    for (;;) {
      if (this.#toSkip > 0 && !this.#skip()) return null;
      const chunk = this.#pull(size);
      if (chunk === null) return null;
      this.receivedBytes += chunk.length;
      if (this.#before === 'rest') {
        this.#before = 'header';
        return chunk;
      }
      // The handshake before the first message is read byte by byte.
      if (size !== HEADER_BYTES) return chunk;
      const restBytes = bytesAfter(chunk);
      if (restBytes <= MAX_MESSAGE_BYTES) {
        this.#before = 'rest';
        return chunk;
      }
      this.#toSkip = restBytes;
      this.#onTooLarge(restBytes);
    }
  }

  /** Throws away what is there of a message that is too large. @returns false when more of it has to come. */
  #skip(): boolean {
    while (this.#toSkip > 0) {
      const chunk = this.#pull(Math.min(this.#toSkip, Math.max(1, this.#socket.readableLength)));
      if (chunk === null) return false;
      this.receivedBytes += chunk.length;
      this.#toSkip -= chunk.length;
    }
    return true;
  }
}

/** Length of a message's fields and body, by its header. */
function bytesAfter(header: Buffer): number {
  const number = (at: number) =>
    header[0] === LITTLE_ENDIAN ? header.readUInt32LE(at) : header.readUInt32BE(at);
  return Math.ceil(number(12) / 8) * 8 + number(4);
}
