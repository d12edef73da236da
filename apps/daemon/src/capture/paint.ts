import { intersection, type Rect } from '@deskhand/protocol';
import type { PointerImage, RawImage, Rows } from '../ports.ts';

/** Opaque mid-grey: neither a light nor a dark application looks broken, and nothing can be read in it. */
const MASK_WORD = 0x0080_8080;

/**
 * A picture that may be painted on: one 0x00RRGGBB word per pixel.
 * `region` is what it shows, desktop space; everything painted is given in desktop space too.
 */
export type Canvas = Readonly<{ words: Uint32Array; region: Rect }>;

/** Covers a rectangle whole: a pixel touched only in part is covered too. */
export function paintOver({ words, region }: Canvas, mask: Rect): void {
  const left = Math.floor(mask.x);
  const top = Math.floor(mask.y);
  const whole: Rect = {
    x: left,
    y: top,
    width: Math.ceil(mask.x + mask.width) - left,
    height: Math.ceil(mask.y + mask.height) - top,
  };
  const hidden = intersection(region, whole);
  if (hidden === null) return;
  const x = hidden.x - region.x;
  for (let y = hidden.y - region.y; y < hidden.y - region.y + hidden.height; y += 1) {
    const start = y * region.width + x;
    words.fill(MASK_WORD, start, start + hidden.width);
  }
}

/** Covers rectangles of a picture that is not reused by anybody, in its own format. */
export function paintOverAll(image: RawImage, region: Rect, masks: readonly Rect[]): void {
  const step = image.format === 'bgrx' ? 4 : 3;
  for (const mask of masks) {
    const hidden = intersection(region, mask);
    if (hidden === null) continue;
    const first = Math.floor(hidden.x - region.x);
    const last = Math.min(image.width, Math.ceil(hidden.x + hidden.width - region.x));
    const bottom = Math.min(image.height, Math.ceil(hidden.y + hidden.height - region.y));
    for (let y = Math.floor(hidden.y - region.y); y < bottom; y += 1)
      image.pixels.fill(128, (y * image.width + first) * step, (y * image.width + last) * step);
  }
}

/** Pointer pixels are premultiplied, so blending is `source + below × (1 − alpha)`. */
export function paintPointer({ words, region }: Canvas, pointer: PointerImage): void {
  const visible = intersection(region, pointer);
  if (visible === null) return;
  for (let y = visible.y; y < visible.y + visible.height; y += 1) {
    for (let x = visible.x; x < visible.x + visible.width; x += 1) {
      const from = ((y - pointer.y) * pointer.width + (x - pointer.x)) * 4;
      const at = (y - region.y) * region.width + (x - region.x);
      const below = words[at] as number;
      const rest = 255 - (pointer.pixels[from + 3] as number);
      let word = 0;
      for (const shift of [0, 8, 16]) {
        const source = pointer.pixels[from + shift / 8] as number;
        const blended = source + Math.round((((below >>> shift) & 0xff) * rest) / 255);
        word |= Math.min(255, blended) << shift;
      }
      words[at] = word;
    }
  }
}

/** Fills `into` with rows of a picture as BGRX, whatever its format. */
export function readBgrxRows(image: RawImage, rows: Rows, into: Uint8Array): void {
  const first = rows.top * image.width;
  const count = rows.count * image.width;
  if (image.format === 'bgrx') {
    if (image.readRows !== undefined) image.readRows(rows, into);
    else into.set(image.pixels.subarray(first * 4, (first + count) * 4));
    return;
  }
  const { pixels } = image;
  const words = new Uint32Array(into.buffer, into.byteOffset, count);
  for (let index = 0, from = first * 3; index < count; index += 1, from += 3)
    words[index] =
      ((pixels[from] as number) << 16) | ((pixels[from + 1] as number) << 8) | (pixels[from + 2] as number);
}
