import { intersection, type Rect } from '@deskhand/protocol';
import type { RawImage, Rows } from '../ports.ts';
import { BYTES_PER_PIXEL, type PartPixels } from './x11-pixel-reader.ts';

/** Pixels that lie over the rest of a picture; `place` in desktop space. */
export type Patch = Readonly<{ place: Rect; pixels: PartPixels }>;

/**
 * A picture whose pixels still lie where the X server put them. Whoever goes through it once takes them by rows, which
 * stay in a core's cache; `pixels` brings all of them into `room`, which every grab shares.
 */
export class X11Grab implements RawImage {
  readonly width: number;
  readonly height: number;
  readonly format = 'bgrx';
  readonly left?: readonly Rect[];
  readonly #region: Rect;
  readonly #base: PartPixels;
  readonly #patches: readonly Patch[];
  readonly #room: (bytes: number) => Uint8Array;
  #pixels: Uint8Array | null = null;

  constructor(parts: {
    region: Rect;
    base: PartPixels;
    patches?: readonly Patch[];
    left?: readonly Rect[];
    room: (bytes: number) => Uint8Array;
  }) {
    this.width = parts.region.width;
    this.height = parts.region.height;
    if (parts.left !== undefined) this.left = parts.left;
    this.#region = parts.region;
    this.#base = parts.base;
    this.#patches = parts.patches ?? [];
    this.#room = parts.room;
  }

  /** Bytes the server sent, patches not counted. */
  get sizeBytes(): number {
    return this.#base.sizeBytes;
  }

  get pixels(): Uint8Array {
    if (this.#pixels === null) {
      const room = this.#room(this.width * this.height * BYTES_PER_PIXEL);
      this.readRows({ top: 0, count: this.height }, room);
      this.#pixels = room;
    }
    return this.#pixels;
  }

  readRows({ top, count }: Rows, into: Uint8Array): void {
    const rowBytes = this.width * BYTES_PER_PIXEL;
    const target = into.subarray(0, count * rowBytes);
    if (this.#pixels !== null) {
      target.set(this.#pixels.subarray(top * rowBytes, (top + count) * rowBytes));
      return;
    }
    this.#base.copyTo(target, top * rowBytes);
    const rows = { ...this.#region, y: this.#region.y + top, height: count };
    for (const { place, pixels } of this.#patches) {
      const shown = intersection(place, rows);
      if (shown !== null) lay(place, pixels, shown, target, rows);
    }
  }
}

/** Copies what of a patch is `shown` into the rows of a picture: read in one piece, laid row by row. */
function lay(place: Rect, pixels: PartPixels, shown: Rect, target: Uint8Array, rows: Rect): void {
  const rowBytes = place.width * BYTES_PER_PIXEL;
  const patch = new Uint8Array(shown.height * rowBytes);
  pixels.copyTo(patch, (shown.y - place.y) * rowBytes);
  const from = (shown.x - place.x) * BYTES_PER_PIXEL;
  const bytes = shown.width * BYTES_PER_PIXEL;
  for (let row = 0; row < shown.height; row += 1) {
    const at = ((shown.y - rows.y + row) * rows.width + shown.x - rows.x) * BYTES_PER_PIXEL;
    target.set(patch.subarray(row * rowBytes + from, row * rowBytes + from + bytes), at);
  }
}
