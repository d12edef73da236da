import { describe, expect, it } from 'vitest';
import type { RawImage } from '../ports.ts';
import { FrameMemory } from './frame-difference.ts';

function blank(width: number, height: number, fourth = 0): RawImage {
  const pixels = new Uint8Array(width * height * 4);
  for (let index = 3; index < pixels.length; index += 4) pixels[index] = fourth;
  return { width, height, format: 'bgrx', pixels };
}

function dot(image: RawImage, x: number, y: number): void {
  image.pixels[(y * image.width + x) * 4 + 1] = 200;
}

describe('FrameMemory', () => {
  it('has nothing to compare with at first, nor after the size changed', () => {
    const memory = new FrameMemory();
    expect(memory.compare(blank(10, 10))).toBeNull();
    memory.remember(blank(10, 10));
    expect(memory.compare(blank(11, 10))).toBeNull();
    expect(memory.changedNear(blank(11, 10), { x: 0, y: 0, width: 1, height: 1 })).toBeNull();
  });

  it('keeps its own copy: the grab buffer is reused', () => {
    const memory = new FrameMemory();
    const image = blank(20, 20);
    memory.remember(image);
    dot(image, 3, 4);
    expect(memory.compare(image)?.changedPixels).toBe(1);
  });

  it('finds single pixels anywhere and the rectangle around them', () => {
    const memory = new FrameMemory();
    memory.remember(blank(50, 40));
    const image = blank(50, 40);
    dot(image, 7, 3);
    dot(image, 49, 39);
    expect(memory.compare(image)).toEqual({
      changedPixels: 2,
      changedFraction: 2 / 2000,
      bounds: { x: 7, y: 3, width: 43, height: 37 },
    });
    expect(memory.compare(image, { x: 0, y: 0, width: 10, height: 10 })?.changedPixels).toBe(1);
    expect(memory.compare(image, { x: 60, y: 60, width: 10, height: 10 })?.changedPixels).toBe(0);
  });

  it('is blind to the fourth byte', () => {
    const memory = new FrameMemory();
    memory.remember(blank(50, 40, 0));
    expect(memory.compare(blank(50, 40, 255))).toEqual({
      changedPixels: 0,
      changedFraction: 0,
      bounds: null,
    });
  });

  it('compares pixels of three bytes, and pixels that do not begin at a word, alike', () => {
    const rgb = (changed: boolean): RawImage => {
      const pixels = new Uint8Array(6 * 4 * 3);
      if (changed) pixels[(2 * 6 + 5) * 3 + 2] = 1;
      return { width: 6, height: 4, format: 'rgb', pixels };
    };
    const shifted = (changed: boolean): RawImage => {
      const pixels = new Uint8Array(6 * 4 * 4 + 1).subarray(1);
      if (changed) pixels[(2 * 6 + 5) * 4] = 1;
      return { width: 6, height: 4, format: 'bgrx', pixels };
    };
    for (const picture of [rgb, shifted]) {
      const memory = new FrameMemory();
      memory.remember(picture(false));
      expect(memory.compare(picture(true))).toEqual({
        changedPixels: 1,
        changedFraction: 1 / 24,
        bounds: { x: 5, y: 2, width: 1, height: 1 },
      });
    }
  });

  it('tells whether it changed near a target, margin included, edges clipped', () => {
    const memory = new FrameMemory();
    memory.remember(blank(100, 100));
    const image = blank(100, 100);
    dot(image, 30, 30);
    expect(memory.changedNear(image, { x: 40, y: 30, width: 5, height: 5 })).toBe(false);
    expect(memory.changedNear(image, { x: 40, y: 30, width: 5, height: 5 }, 10)).toBe(true);
    expect(memory.changedNear(image, { x: -5, y: -5, width: 200, height: 200 }, 50)).toBe(true);
  });
});
