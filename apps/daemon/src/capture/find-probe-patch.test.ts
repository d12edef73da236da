import { PROBE_CELL_PX, PROBE_CELLS, PROBE_COLORS, probeCells } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { findProbePatch } from './find-probe-patch.ts';

const NONCE = '1f00a5c3960fe247';

/** Grey, with the patch of a nonce painted at a place. */
function picture(format: 'bgrx' | 'rgb', nonce: string, at: { x: number; y: number }, shift = 0) {
  const [width, height, step] = [120, 80, format === 'bgrx' ? 4 : 3];
  const pixels = new Uint8Array(width * height * step).fill(120);
  probeCells(nonce).forEach((set, index) => {
    const color = set ? PROBE_COLORS.set : PROBE_COLORS.clear;
    const channels = [(color >> 16) & 255, (color >> 8) & 255, color & 255].map((value) =>
      Math.max(0, Math.min(255, value + (value === 0 ? shift : -shift))),
    );
    for (let dy = 0; dy < PROBE_CELL_PX; dy += 1)
      for (let dx = 0; dx < PROBE_CELL_PX; dx += 1) {
        const x = at.x + (index % PROBE_CELLS) * PROBE_CELL_PX + dx;
        const y = at.y + Math.floor(index / PROBE_CELLS) * PROBE_CELL_PX + dy;
        pixels.set(format === 'bgrx' ? channels.toReversed() : channels, (y * width + x) * step);
      }
  });
  return { width, height, format, pixels };
}

describe('looking for the probe patch', () => {
  it.each(['bgrx', 'rgb'] as const)(
    'finds it wherever it is, also with colours a little off: %s',
    (format) => {
      for (const at of [
        { x: 0, y: 0 },
        { x: 96, y: 56 },
        { x: 33, y: 17 },
      ]) {
        const found = findProbePatch(picture(format, NONCE, at, 30), NONCE);
        expect(Math.abs((found?.x ?? -99) - at.x)).toBeLessThanOrEqual(1);
        expect(Math.abs((found?.y ?? -99) - at.y)).toBeLessThanOrEqual(1);
      }
    },
  );

  it('does not take another nonce’s patch, or none, for it', () => {
    expect(findProbePatch(picture('bgrx', '1f00a5c3960fe246', { x: 5, y: 5 }), NONCE)).toBeNull();
    expect(
      findProbePatch({ width: 50, height: 50, format: 'rgb', pixels: new Uint8Array(7500) }, NONCE),
    ).toBeNull();
  });
});
