import type { RawImage } from '../ports.ts';

/**
 * A copy that outlives the next grab.
 * @param room where its pixels go; a fresh buffer when absent, never a view of the capture's.
 */
export function keptImage(image: RawImage, room?: Uint8Array): RawImage {
  const { width, height, format, left } = image;
  const length = width * height * (format === 'bgrx' ? 4 : 3);
  const pixels = room ?? new Uint8Array(length);
  if (image.readRows !== undefined) image.readRows({ top: 0, count: height }, pixels);
  else pixels.set(image.pixels.subarray(0, length));
  return { width, height, format, pixels, ...(left === undefined ? {} : { left }) };
}
