import { describe, expect, it } from 'vitest';
import { clampInto, covers, farthestCorner, grow, homeCorner } from './dodge.ts';

const area = { x: 0, y: 0, width: 1280, height: 760 };
const second = { x: 1280, y: -200, width: 1920, height: 1080 };
const panel = { width: 376, height: 560 };

describe('dodge', () => {
  it('lives bottom right', () => {
    expect(homeCorner(area, panel)).toEqual({ x: 1280 - 376 - 16, y: 760 - 560 - 16 });
  });

  it('goes to the corner farthest from the target', () => {
    expect(farthestCorner([area], panel, { x: 1000, y: 600, width: 10, height: 10 })).toEqual({
      x: 16,
      y: 16,
    });
    expect(farthestCorner([area], panel, { x: 100, y: 100, width: 10, height: 10 })).toEqual({
      x: 888,
      y: 184,
    });
  });

  it('goes to another display when that is farther', () => {
    const corner = farthestCorner([area, second], panel, { x: 100, y: 700, width: 10, height: 10 });
    expect(corner?.x).toBeGreaterThan(1280);
  });

  it('says that there is no corner when every one covers the target', () => {
    const small = { x: 0, y: 0, width: 400, height: 600 };
    expect(farthestCorner([small], panel, { x: 200, y: 300, width: 1, height: 1 })).toBeNull();
  });

  it('never answers with a corner that covers the target', () => {
    for (let x = 0; x < 1280; x += 64)
      for (let y = 0; y < 760; y += 38) {
        const target = grow({ x, y, width: 1, height: 1 }, 24);
        const corner = farthestCorner([area], panel, target);
        expect(corner).not.toBeNull();
        expect(covers([{ ...(corner ?? { x: 0, y: 0 }), ...panel }], target)).toBe(false);
      }
  });

  it.each([
    [{ x: 100, y: 100, width: 0, height: 0 }, true],
    [{ x: 110, y: 100, width: 0, height: 0 }, false],
    [{ x: 90, y: 90, width: 11, height: 11 }, true],
    [{ x: 90, y: 90, width: 10, height: 10 }, false],
  ])('knows whether %j is under a rectangle, edges exclusive', (target, hit) => {
    expect(covers([{ x: 100, y: 100, width: 10, height: 10 }], target)).toBe(hit);
  });

  it('comes back into the nearest area when its display is gone', () => {
    expect(clampInto([area], { x: 2800, y: 300, ...panel })).toEqual({ x: 904, y: 200 });
    expect(clampInto([area, second], { x: 1400, y: 0, ...panel })).toEqual({ x: 1400, y: 0 });
    expect(clampInto([], { x: 1, y: 2, ...panel })).toEqual({ x: 1, y: 2 });
  });
});
