import type { Rect } from '@deskhand/protocol';
import type { Shm, ShmSegment, X11Connection } from '../x11/index.ts';

export const BYTES_PER_PIXEL = 4;

/** A rectangle of a window or pixmap, in its own coordinates. */
export type Part = Readonly<{ drawable: number; rect: Rect }>;

/** Reads pixels from the X server into one buffer that is used again: through shared memory where it can be had. */
export class X11PixelReader implements AsyncDisposable {
  readonly #x: X11Connection;
  readonly #shm: Shm | null;
  #segment: ShmSegment | null = null;

  constructor(x: X11Connection, shm: Shm | null) {
    this.#x = x;
    this.#shm = shm;
  }

  /** Room for at least this much, so that later reads need not wait for it. */
  async reserve(bytes: number): Promise<void> {
    if (this.#shm === null || (this.#segment !== null && this.#segment.sizeBytes >= bytes)) return;
    const old = this.#segment;
    this.#segment = null;
    await old?.detach();
    this.#segment = await this.#shm.createSegment(bytes);
  }

  /**
   * All parts are asked for in one write, so that nothing of ours comes between them. Reserve room first.
   * @returns each part's rows, valid until the next read.
   */
  read(parts: readonly Part[]): Promise<Buffer[]> {
    let offset = 0;
    const segment = this.#segment;
    return Promise.all(
      parts.map(async ({ drawable, rect }) => {
        if (segment === null) return this.#x.getImage(drawable, rect);
        const start = offset;
        offset += rect.width * rect.height * BYTES_PER_PIXEL;
        const size = await segment.getImage(drawable, rect.x, rect.y, rect.width, rect.height, start);
        return segment.buffer.subarray(start, start + size);
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const segment = this.#segment;
    this.#segment = null;
    if (segment !== null && !this.#x.isClosed) await segment.detach().catch(() => {});
  }
}
