import {
  type Point,
  PROBE_CELL_PX,
  PROBE_CELLS,
  PROBE_COLORS,
  PROBE_SIDE_PX,
  probeCells,
} from '@deskhand/protocol';
import type { RawImage } from '../ports.ts';

/** Colour management in browsers moves a channel by a few steps. */
const TOLERANCE = 48;

/**
 * Looks for the patch of a nonce anywhere in a picture.
 * @returns its top-left corner, give or take a pixel, relative to the picture; null when it is not there.
 */
export function findProbePatch(image: RawImage, nonce: string): Point | null {
  const cells = probeCells(nonce);
  const step = image.format === 'bgrx' ? 4 : 3;
  const [red, blue] = image.format === 'bgrx' ? [2, 0] : [0, 2];
  const { pixels, width, height } = image;
  const middle = PROBE_CELL_PX >> 1;
  const offsets = cells.map((_, index) => {
    const x = (index % PROBE_CELLS) * PROBE_CELL_PX + middle;
    const y = Math.floor(index / PROBE_CELLS) * PROBE_CELL_PX + middle;
    return (y * width + x) * step;
  });
  const isCell = (at: number, set: boolean | undefined) =>
    matches(pixels, at, red, blue, set ? PROBE_COLORS.set : PROBE_COLORS.clear);
  // Green of the first cell alone decides nearly all of the millions of places.
  const first = (offsets[0] as number) + 1;
  const green = ((cells[0] ? PROBE_COLORS.set : PROBE_COLORS.clear) >>> 8) & 0xff;
  const [low, high] = [green - TOLERANCE, green + TOLERANCE];
  for (let y = 0; y + PROBE_SIDE_PX <= height; y += 1)
    for (let x = 0, at = y * width * step; x + PROBE_SIDE_PX <= width; x += 1, at += step) {
      const value = pixels[at + first] as number;
      if (value < low || value > high) continue;
      if (offsets.every((offset, index) => isCell(at + offset, cells[index]))) return { x, y };
    }
  return null;
}

function matches(pixels: Uint8Array, at: number, red: number, blue: number, color: number): boolean {
  const near = (offset: number, shift: number) =>
    Math.abs((pixels[at + offset] as number) - ((color >>> shift) & 0xff)) <= TOLERANCE;
  return near(red, 16) && near(1, 8) && near(blue, 0);
}
