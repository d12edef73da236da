import { errorAttributes, type Logger } from '@deskhand/base';
import type { Rect } from '@deskhand/protocol';
import type { Shm, ShmSegment, X11Connection } from '../x11/index.ts';

export const BYTES_PER_PIXEL = 4;

/** A rectangle of a window or pixmap, in its own coordinates. */
export type Part = Readonly<{ drawable: number; rect: Rect }>;

/** What was read of one part; valid until the next read. */
export interface PartPixels {
  readonly sizeBytes: number;
  /** Fills `into` with the part's bytes from `offset` on. */
  copyTo(into: Uint8Array, offset: number): void;
}

/** Reads pixels from the X server: through one shared segment that is used again, where it can be had. */
export class X11PixelReader implements AsyncDisposable {
  readonly #x: X11Connection;
  readonly #log: Logger;
  #shm: Shm | null;
  #segment: ShmSegment | null = null;
  #room = Buffer.alloc(0);

  constructor(x: X11Connection, shm: Shm | null, log: Logger) {
    this.#x = x;
    this.#log = log;
    this.#shm = shm;
  }

  /** Room for at least this much, so that later reads need not wait for it. */
  async reserve(bytes: number): Promise<void> {
    if (this.#shm === null || (this.#segment !== null && this.#segment.sizeBytes >= bytes)) return;
    const old = this.#segment;
    this.#segment = null;
    await old?.detach();
    try {
      this.#segment = await this.#shm.createSegment(bytes);
    } catch (error) {
      if (this.#x.isClosed) throw error;
      this.#log.warn(
        'no room for a picture in shared memory: pixels come through the socket, which is slower',
        {
          bytes,
          ...errorAttributes(error),
        },
      );
      this.#shm = null;
    }
  }

  /** All parts are asked for in one write, so that nothing of ours comes between them. Reserve room first. */
  read(parts: readonly Part[]): Promise<PartPixels[]> {
    let offset = 0;
    const segment = this.#segment;
    return Promise.all(
      parts.map(async ({ drawable, rect }): Promise<PartPixels> => {
        if (segment === null) {
          const bytes = await this.#x.getImage(drawable, rect);
          return {
            sizeBytes: bytes.length,
            copyTo: (into, from) => into.set(bytes.subarray(from, from + into.length)),
          };
        }
        const start = offset;
        offset += rect.width * rect.height * BYTES_PER_PIXEL;
        const sizeBytes = await segment.getImage(drawable, rect.x, rect.y, rect.width, rect.height, start);
        return { sizeBytes, copyTo: (into, from) => segment.read(start + from, into) };
      }),
    );
  }

  /** One buffer that is used again; a fresh one costs more page faults than filling it costs time. */
  room(bytes: number): Buffer {
    if (this.#room.length < bytes) this.#room = Buffer.alloc(bytes);
    return this.#room.subarray(0, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const segment = this.#segment;
    this.#segment = null;
    if (segment !== null && !this.#x.isClosed) await segment.detach().catch(() => {});
  }
}
