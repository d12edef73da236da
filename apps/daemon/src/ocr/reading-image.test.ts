import { describe, expect, it } from 'vitest';
import type { RawImage } from '../ports.ts';
import { toPgm, toReadingImage } from './reading-image.ts';

/** A picture drawn from rectangles of one grey each, later ones on top. */
function drawn(
  width: number,
  height: number,
  ground: number,
  rectangles: ReadonlyArray<readonly [x: number, y: number, width: number, height: number, grey: number]>,
): RawImage {
  const pixels = new Uint8Array(width * height * 3).fill(ground);
  for (const [left, top, wide, high, grey] of rectangles) {
    for (let y = top; y < top + high; y += 1) {
      pixels.fill(grey, (y * width + left) * 3, (y * width + left + wide) * 3);
    }
  }
  return { width, height, format: 'rgb', pixels };
}

const at = (image: { width: number; pixels: Uint8Array }, x: number, y: number) =>
  image.pixels[y * image.width + x];

describe('a picture for reading', () => {
  it('turns writing of any colour on any ground into ink on white paper', () => {
    // A stroke on the page, a light stroke on a dark bar, a mid-grey stroke on a grey button.
    const image = drawn(120, 90, 255, [
      [20, 10, 3, 12, 0],
      [0, 30, 120, 24, 30],
      [20, 36, 3, 12, 250],
      [10, 60, 60, 26, 217],
      [30, 66, 3, 12, 60],
    ]);
    const paper = toReadingImage(image, 1);
    for (const [x, y] of [
      [21, 15],
      [21, 40],
      [31, 70],
    ] as const) {
      expect(at(paper, x, y)).toBeLessThan(60);
    }
    for (const [x, y] of [
      [60, 15],
      [60, 40],
      [60, 70],
    ] as const) {
      expect(at(paper, x, y)).toBe(255);
    }
  });

  it('takes frames and rules out and leaves letters in', () => {
    const image = drawn(120, 60, 255, [
      [10, 10, 100, 1, 0],
      [10, 49, 100, 1, 0],
      [10, 10, 1, 40, 0],
      [109, 10, 1, 40, 0],
      [40, 22, 2, 14, 0],
    ]);
    const paper = toReadingImage(image, 1);
    expect(at(paper, 60, 10)).toBe(255);
    expect(at(paper, 10, 30)).toBe(255);
    expect(at(paper, 40, 28)).toBe(0);
  });

  it('enlarges, and shares nothing with the capture, which may be used again', () => {
    const image = drawn(40, 20, 255, [[10, 4, 4, 8, 0]]);
    const paper = toReadingImage(image, 2);
    expect([paper.width, paper.height]).toEqual([80, 40]);
    expect(at(paper, 24, 16)).toBe(0);
    image.pixels.fill(0);
    expect(at(paper, 0, 0)).toBe(255);
  });

  it('reads both pixel orders alike', () => {
    const rgb = drawn(30, 20, 255, [[10, 4, 3, 8, 0]]);
    const bgrx = new Uint8Array(30 * 20 * 4);
    for (let index = 0; index < 600; index += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        bgrx[index * 4 + channel] = rgb.pixels[index * 3 + 2 - channel] ?? 0;
      }
      bgrx[index * 4 + 3] = index % 7;
    }
    const other: RawImage = { width: 30, height: 20, format: 'bgrx', pixels: bgrx };
    expect(toReadingImage(other, 1)).toEqual(toReadingImage(rgb, 1));
  });

  it('is a portable grey map for the reader', () => {
    const map = toPgm({ width: 2, height: 1, pixels: new Uint8Array([7, 9]) });
    expect(map).toEqual(Buffer.from('P5\n2 1\n255\n\u0007\t', 'latin1'));
  });
});
