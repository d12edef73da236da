import type { Rect } from '@deskhand/protocol';
import type { RawImage } from '../ports.ts';

const TILE_PX = 32;

/**
 * The smallest rectangle of whole tiles that holds every difference of two captures; null when there is none.
 * The fourth byte of `bgrx` pixels means nothing and is not compared.
 * @throws Error when the captures differ in size or format.
 */
export function changedPart(before: RawImage, after: RawImage): Rect | null {
  const { width, height, format } = after;
  if (before.width !== width || before.height !== height || before.format !== format) {
    throw new Error('only captures of one size and format can be compared');
  }
  let left = Number.POSITIVE_INFINITY;
  let top = Number.POSITIVE_INFINITY;
  let right = 0;
  let bottom = 0;
  for (let tileY = 0; tileY < height; tileY += TILE_PX) {
    for (let tileX = 0; tileX < width; tileX += TILE_PX) {
      const tileRight = Math.min(width, tileX + TILE_PX);
      const tileBottom = Math.min(height, tileY + TILE_PX);
      if (!differs(before, after, tileX, tileY, tileRight, tileBottom)) continue;
      left = Math.min(left, tileX);
      top = Math.min(top, tileY);
      right = Math.max(right, tileRight);
      bottom = Math.max(bottom, tileBottom);
    }
  }
  return right === 0 ? null : { x: left, y: top, width: right - left, height: bottom - top };
}

function differs(
  before: RawImage,
  after: RawImage,
  left: number,
  top: number,
  right: number,
  bottom: number,
): boolean {
  const step = after.format === 'rgb' ? 3 : 4;
  for (let y = top; y < bottom; y += 1) {
    for (let at = (y * after.width + left) * step; at < (y * after.width + right) * step; at += step) {
      if (
        before.pixels[at] !== after.pixels[at] ||
        before.pixels[at + 1] !== after.pixels[at + 1] ||
        before.pixels[at + 2] !== after.pixels[at + 2]
      ) {
        return true;
      }
    }
  }
  return false;
}

/** A copy of a part of a capture. @param part whole pixels inside the image. */
export function cutOut(image: RawImage, part: Rect): RawImage {
  const step = image.format === 'rgb' ? 3 : 4;
  const pixels = new Uint8Array(part.width * part.height * step);
  for (let y = 0; y < part.height; y += 1) {
    const start = ((part.y + y) * image.width + part.x) * step;
    pixels.set(image.pixels.subarray(start, start + part.width * step), y * part.width * step);
  }
  return { width: part.width, height: part.height, format: image.format, pixels };
}
