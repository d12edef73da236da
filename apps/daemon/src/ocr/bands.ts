import type { GreyImage } from './reading-image.ts';

/** A stretch of whole rows of a reading image, `top` rows below its upper edge. */
export type Band = Readonly<{ top: number; image: GreyImage }>;

/** Less than this is not worth a second reader: a line of text, enlarged. */
const MIN_BAND_PX = 48;
/** Darker than this is ink. */
const INK = 215;

/**
 * Cuts a reading image into at most `count` bands with about the same ink in each, between lines of text only: never
 * through a row that holds ink. Fewer bands where no such row is near. Bands share the image's memory.
 */
export function bandsOf(image: GreyImage, count: number): Band[] {
  const { width, height, pixels } = image;
  if (count <= 1 || height < 2 * MIN_BAND_PX) return [{ top: 0, image }];
  const ink = new Uint32Array(height);
  let total = 0;
  for (let y = 0; y < height; y += 1) {
    let inRow = 0;
    for (let at = y * width; at < (y + 1) * width; at += 1) if ((pixels[at] ?? 255) < INK) inRow += 1;
    ink[y] = inRow;
    total += inRow;
  }
  const cuts = [0];
  let above = 0;
  for (let y = 0; y < height && cuts.length < count; y += 1) {
    above += ink[y] ?? 0;
    const last = cuts.at(-1) ?? 0;
    const due = above >= (total * cuts.length) / count;
    if (due && ink[y] === 0 && y - last >= MIN_BAND_PX && height - y >= MIN_BAND_PX) cuts.push(y);
  }
  return cuts.map((top, index) => {
    const bottom = cuts[index + 1] ?? height;
    return {
      top,
      image: { width, height: bottom - top, pixels: pixels.subarray(top * width, bottom * width) },
    };
  });
}
