import { describe, expect, it } from 'vitest';
import { bandsOf } from './bands.ts';

const WIDTH = 100;

/** Lines of "text", each `thick` rows of ink, `step` rows apart. */
function page(lines: number, step = 40, thick = 20) {
  const height = lines * step;
  const pixels = new Uint8Array(WIDTH * height).fill(255);
  for (let line = 0; line < lines; line += 1)
    pixels.fill(0, (line * step + 10) * WIDTH, (line * step + 10 + thick) * WIDTH);
  return { width: WIDTH, height, pixels };
}

describe('bands of a reading image', () => {
  it('hold the whole image, in order, without gap or overlap', () => {
    const image = page(20);
    const bands = bandsOf(image, 4);
    expect(bands).toHaveLength(4);
    expect(bands[0]?.top).toBe(0);
    for (const [index, band] of bands.entries())
      expect(band.top + band.image.height).toBe(bands[index + 1]?.top ?? image.height);
    expect(Buffer.concat(bands.map((band) => band.image.pixels)).equals(Buffer.from(image.pixels))).toBe(
      true,
    );
  });

  it('are cut between lines only, with about as much ink in each', () => {
    const bands = bandsOf(page(20), 2);
    const ink = bands.map(({ image }) => image.pixels.filter((pixel) => pixel === 0).length / WIDTH / 20);
    for (const lines of ink) expect(lines).toBe(Math.round(lines));
    expect(ink).toEqual([10, 10]);
  });

  it('are fewer where no row without ink is near, or where the image is low', () => {
    const solid = { width: WIDTH, height: 400, pixels: new Uint8Array(WIDTH * 400) };
    expect(bandsOf(solid, 4)).toHaveLength(1);
    expect(bandsOf(page(2), 4)).toHaveLength(1);
    expect(bandsOf(page(20), 1)).toHaveLength(1);
    const empty = { width: WIDTH, height: 400, pixels: new Uint8Array(WIDTH * 400).fill(255) };
    expect(bandsOf(empty, 2).length).toBeLessThanOrEqual(2);
  });
});
