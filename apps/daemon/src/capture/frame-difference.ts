import { intersection, type Rect } from '@deskhand/protocol';
import type { RawImage } from '../ports.ts';
import { keptImage } from './kept-image.ts';

/** What differs between two pictures of the same region. */
export type FrameDifference = Readonly<{
  /** Share of pixels with another colour, 0…1. */
  changedFraction: number;
  changedPixels: number;
  /** Smallest rectangle around all of them, relative to the picture; null when nothing differs. */
  bounds: Rect | null;
}>;

/** Comparing colours: the fourth byte of a BGRX pixel, the highest of its word, means nothing and differs between windows. */
const COLOUR = 0x00ff_ffff;

/** Less than one of so many rows is few. */
const FEW_ROWS = 4;

/**
 * Remembers one picture and tells what is different in the next. Exact, not sampled: whole rows are
 * compared first, so that equal rows cost a memory comparison.
 */
export class FrameMemory {
  #width = 0;
  #height = 0;
  #bytesPerPixel = 0;
  #pixels = new Uint8Array(0);
  #rows = new Uint8Array(0);

  get isEmpty(): boolean {
    return this.#width === 0;
  }

  /**
   * Copies the picture; the buffer is reused while sizes stay the same.
   * @returns the copy, which lasts until another one is remembered.
   */
  remember(image: RawImage): RawImage {
    const bytesPerPixel = image.format === 'bgrx' ? 4 : 3;
    const length = image.width * image.height * bytesPerPixel;
    if (this.#pixels.length !== length) this.#pixels = new Uint8Array(length);
    this.#width = image.width;
    this.#height = image.height;
    this.#bytesPerPixel = bytesPerPixel;
    return keptImage(image, this.#pixels);
  }

  forget(): void {
    this.#width = 0;
    this.#pixels = new Uint8Array(0);
  }

  /**
   * @param within limits the comparison to a rectangle of the picture.
   * @returns null when there is nothing to compare with: no memory, or another size.
   */
  compare(image: RawImage, within?: Rect): FrameDifference | null {
    const bytesPerPixel = image.format === 'bgrx' ? 4 : 3;
    if (this.#width !== image.width || this.#height !== image.height) return null;
    if (this.#bytesPerPixel !== bytesPerPixel) return null;
    const whole: Rect = { x: 0, y: 0, width: image.width, height: image.height };
    const area = within === undefined ? whole : intersection(whole, wholePixels(within));
    if (area === null) return { changedFraction: 0, changedPixels: 0, bounds: null };
    const strideBytes = image.width * bytesPerPixel;
    const before = this.#pixels.subarray(area.y * strideBytes, (area.y + area.height) * strideBytes);
    const after = this.#rowsOf(image, area, strideBytes);
    const [beforeBytes, afterBytes] = [asBuffer(before), asBuffer(after)];
    const differingIn = bytesPerPixel === 4 ? wordRows(before, after) : byteRows(before, after);
    let changedPixels = 0;
    let left = area.x + area.width;
    let right = area.x - 1;
    let top = -1;
    let bottom = -1;
    for (let row = 0; row < area.height; row += 1) {
      const first = row * image.width + area.x;
      const start = first * bytesPerPixel;
      const end = start + area.width * bytesPerPixel;
      if (beforeBytes.compare(afterBytes, start, end, start, end) === 0) continue;
      const differing = differingIn(first, first + area.width);
      if (differing.count === 0) continue;
      changedPixels += differing.count;
      if (top === -1) top = area.y + row;
      bottom = area.y + row;
      left = Math.min(left, area.x + differing.first);
      right = Math.max(right, area.x + differing.last);
    }
    return {
      changedPixels,
      changedFraction: changedPixels / (area.width * area.height),
      bounds: top === -1 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 },
    };
  }

  /** The rows an area lies in. A few of them are read alone: all of a large screen cost milliseconds. */
  #rowsOf(image: RawImage, { y, height }: Rect, strideBytes: number): Uint8Array {
    if (image.readRows === undefined || height * FEW_ROWS > image.height)
      return image.pixels.subarray(y * strideBytes, (y + height) * strideBytes);
    const bytes = height * strideBytes;
    if (this.#rows.length < bytes) this.#rows = new Uint8Array(bytes);
    const rows = this.#rows.subarray(0, bytes);
    image.readRows({ top: y, count: height }, rows);
    return rows;
  }

  /** Whether anything changed in or within `marginPx` of a rectangle; null when there is nothing to compare with. */
  changedNear(image: RawImage, rect: Rect, marginPx = 0): boolean | null {
    const difference = this.compare(image, {
      x: rect.x - marginPx,
      y: rect.y - marginPx,
      width: rect.width + 2 * marginPx,
      height: rect.height + 2 * marginPx,
    });
    return difference === null ? null : difference.changedPixels > 0;
  }
}

/** Pixels that differ between two numbers of pixel, and the first and the last of them, from the row's beginning. */
type CountRow = (from: number, to: number) => { count: number; first: number; last: number };

/** Pixels of four bytes, read as one word each: several times as fast as reading bytes. */
function wordRows(beforePixels: Uint8Array, afterPixels: Uint8Array): CountRow {
  const before = asWords(beforePixels);
  const after = asWords(afterPixels);
  return (from, to) => {
    let count = 0;
    let first = -1;
    let last = -1;
    for (let at = from; at < to; at += 1) {
      if ((((before[at] as number) ^ (after[at] as number)) & COLOUR) === 0) continue;
      count += 1;
      if (first === -1) first = at - from;
      last = at - from;
    }
    return { count, first, last };
  };
}

function byteRows(before: Uint8Array, after: Uint8Array): CountRow {
  return (from, to) => {
    let count = 0;
    let first = -1;
    let last = -1;
    for (let at = from, byte = from * 3; at < to; at += 1, byte += 3) {
      const same =
        before[byte] === after[byte] &&
        before[byte + 1] === after[byte + 1] &&
        before[byte + 2] === after[byte + 2];
      if (same) continue;
      count += 1;
      if (first === -1) first = at - from;
      last = at - from;
    }
    return { count, first, last };
  };
}

/** Pixels that do not begin at a word are copied: rare, and wrong otherwise. */
function asWords(pixels: Uint8Array): Int32Array {
  const aligned = pixels.byteOffset % 4 === 0 ? pixels : pixels.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
}

function wholePixels(rect: Rect): Rect {
  const x = Math.floor(rect.x);
  const y = Math.floor(rect.y);
  return { x, y, width: Math.ceil(rect.x + rect.width) - x, height: Math.ceil(rect.y + rect.height) - y };
}

function asBuffer(pixels: Uint8Array): Buffer {
  return Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}
