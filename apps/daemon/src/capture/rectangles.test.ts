import { contains, type Rect } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { areaOf, boundsOf, shared, sizeOf, without, withoutAll } from './rectangles.ts';

/** Pixel by pixel, the slow and certain way. */
const has = (area: readonly Rect[], x: number, y: number) =>
  area.filter((rect) => contains(rect, { x, y })).length;

let seed = 7;
const upTo = (limit: number) => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed % limit;
};
const someRect = (): Rect => ({ x: upTo(16), y: upTo(16), width: 1 + upTo(10), height: 1 + upTo(10) });

describe('areas of rectangles', () => {
  it('subtract, share and add as pixels do, and never count a pixel twice', () => {
    for (let round = 0; round < 200; round += 1) {
      const a = Array.from({ length: 1 + upTo(4) }, someRect);
      const b = Array.from({ length: 1 + upTo(4) }, someRect);
      const [areaA, areaB] = [areaOf(a), areaOf(b)];
      const left = withoutAll(areaA, areaB);
      const both = shared(areaA, areaB);
      const wrong: string[] = [];
      for (let y = 0; y < 30; y += 1)
        for (let x = 0; x < 30; x += 1) {
          const inA = has(a, x, y) > 0;
          const inB = has(b, x, y) > 0;
          if (has(areaA, x, y) !== (inA ? 1 : 0)) wrong.push(`sum at ${x}, ${y}`);
          if (has(left, x, y) !== (inA && !inB ? 1 : 0)) wrong.push(`rest at ${x}, ${y}`);
          if (has(both, x, y) !== (inA && inB ? 1 : 0)) wrong.push(`both at ${x}, ${y}`);
        }
      expect(wrong).toEqual([]);
      expect(sizeOf(left) + sizeOf(both)).toBe(sizeOf(areaA));
    }
  });

  it('a hole that misses changes nothing, one that covers leaves nothing', () => {
    const rect = { x: 5, y: 5, width: 10, height: 10 };
    expect(without([rect], { x: 15, y: 5, width: 3, height: 3 })).toEqual([rect]);
    expect(without([rect], { x: 0, y: 0, width: 99, height: 99 })).toEqual([]);
  });

  it('bounds lie around all of it', () => {
    expect(boundsOf([])).toBeNull();
    expect(
      boundsOf([
        { x: -4, y: 2, width: 3, height: 3 },
        { x: 10, y: 0, width: 5, height: 1 },
      ]),
    ).toEqual({ x: -4, y: 0, width: 19, height: 5 });
  });
});
