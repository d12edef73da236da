import { describe, expect, it } from 'vitest';
import {
  centerOf,
  contains,
  desktopRectToFrame,
  desktopToFrame,
  FrameGeometry,
  fitWithin,
  frameToDesktop,
  intersection,
  isInsideFrame,
  type Rect,
  union,
} from './geometry.ts';

/** The same numbers every time: a failure can be looked at again. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const between = (random: () => number, from: number, to: number) => from + random() * (to - from);
const wholeBetween = (random: () => number, from: number, to: number) =>
  Math.floor(between(random, from, to + 1));

function geometryOf(region: Rect, maxSidePx: number, scale = 1): FrameGeometry {
  const image = fitWithin({ width: region.width, height: region.height }, maxSidePx);
  return FrameGeometry.parse({ frameId: 'frm_1', displayId: 'd1', layoutId: 'l1', region, image, scale });
}

const displays: ReadonlyArray<[name: string, region: Rect, maxSidePx: number, scale: number]> = [
  ['1366x768', { x: 0, y: 0, width: 1366, height: 768 }, 1280, 1],
  ['1920x1080', { x: 0, y: 0, width: 1920, height: 1080 }, 1280, 1],
  ['4K at scale 2', { x: 0, y: 0, width: 3840, height: 2160 }, 1280, 2],
  ['a display left of the primary one', { x: -1920, y: -120, width: 1920, height: 1080 }, 1280, 1],
  ['8K above the primary one', { x: -3840, y: -4320, width: 7680, height: 4320 }, 1280, 2],
  ['portrait', { x: 2560, y: 0, width: 1440, height: 2560 }, 1280, 1],
  ['smaller than the limit', { x: 0, y: 0, width: 1024, height: 600 }, 1280, 1],
  ['a zoom crop', { x: 333, y: 777, width: 401, height: 303 }, 8192, 1],
  ['a thumbnail', { x: 0, y: 0, width: 1921, height: 1083 }, 64, 1],
];

describe.each(displays)('[GEO1] %s', (_name, region, maxSidePx, scale) => {
  const geometry = geometryOf(region, maxSidePx, scale);
  const { image } = geometry;
  const ratioX = region.width / image.width;
  const ratioY = region.height / image.height;

  it('[GEO3] 1,000 points: frame → desktop → frame is off by at most one physical pixel', () => {
    const random = pseudoRandom(1);
    for (let round = 0; round < 1000; round += 1) {
      const point =
        round % 2 === 0
          ? { x: wholeBetween(random, 0, image.width - 1), y: wholeBetween(random, 0, image.height - 1) }
          : { x: between(random, -0.5, image.width - 0.5), y: between(random, -0.5, image.height - 0.5) };
      expect(isInsideFrame(geometry, point)).toBe(true);
      const back = desktopToFrame(geometry, frameToDesktop(geometry, point));
      expect(Math.abs(back.x - point.x) * ratioX).toBeLessThanOrEqual(1);
      expect(Math.abs(back.y - point.y) * ratioY).toBeLessThanOrEqual(1);
    }
  });

  it('[GEO3] 1,000 pixels: desktop → frame → desktop is the same pixel', () => {
    const random = pseudoRandom(2);
    for (let round = 0; round < 1000; round += 1) {
      const pixel = {
        x: wholeBetween(random, region.x, region.x + region.width - 1),
        y: wholeBetween(random, region.y, region.y + region.height - 1),
      };
      const point = desktopToFrame(geometry, pixel);
      expect(isInsideFrame(geometry, point)).toBe(true);
      expect(frameToDesktop(geometry, point)).toEqual(pixel);
    }
  });

  it('[GEO4] 1,000 elements down to one pixel: the centre of the shrunk element is the centre of the element', () => {
    const random = pseudoRandom(3);
    for (let round = 0; round < 1000; round += 1) {
      const width = wholeBetween(random, 1, round % 3 === 0 ? 4 : Math.min(300, region.width));
      const height = wholeBetween(random, 1, round % 3 === 0 ? 4 : Math.min(200, region.height));
      const element = {
        x: wholeBetween(random, region.x, region.x + region.width - width),
        y: wholeBetween(random, region.y, region.y + region.height - height),
        width,
        height,
      };
      const point = centerOf(desktopRectToFrame(geometry, element));
      expect(isInsideFrame(geometry, point)).toBe(true);
      const hit = frameToDesktop(geometry, point);
      expect(contains(element, hit)).toBe(true);
      expect(Math.abs(hit.x - centerOf(element).x)).toBeLessThanOrEqual(0.5);
      expect(Math.abs(hit.y - centerOf(element).y)).toBeLessThanOrEqual(0.5);
    }
  });

  it('[GEO2] every point of the picture lands on a whole pixel inside the region', () => {
    const random = pseudoRandom(4);
    const corners = [-0.5, 0, 0.01];
    const points = corners.flatMap((x) => corners.map((y) => ({ x, y })));
    for (let round = 0; round < 1000; round += 1)
      points.push({ x: between(random, -0.5, image.width), y: between(random, -0.5, image.height) });
    points.push(
      { x: image.width - 1, y: image.height - 1 },
      { x: image.width - 0.001, y: image.height - 0.001 },
    );
    for (const point of points) {
      const pixel = frameToDesktop(geometry, point);
      expect(contains(region, pixel), JSON.stringify({ point, pixel })).toBe(true);
      expect(Number.isInteger(pixel.x) && Number.isInteger(pixel.y)).toBe(true);
    }
  });

  it('[GEO3] moving right in the frame never moves left on the desktop, whole numbers or not', () => {
    let previous = Number.NEGATIVE_INFINITY;
    for (let x = 0; x < Math.min(image.width, 200); x += 0.125) {
      const pixel = frameToDesktop(geometry, { x, y: 0 });
      expect(pixel.x).toBeGreaterThanOrEqual(previous);
      previous = pixel.x;
    }
  });
});

describe('[GEO2] frameToDesktop', () => {
  const third = geometryOf({ x: 0, y: 0, width: 3840, height: 2160 }, 1280);

  it.each<[x: number, y: number, desktopX: number, desktopY: number]>([
    [0, 0, 1, 1],
    [10, 10, 31, 31],
    [1279, 719, 3838, 2158],
    [9.5, 9.5, 30, 30],
    [-0.5, -0.5, 0, 0],
    [1279.9, 719.9, 3839, 2159],
  ])('a picture shrunk three times: (%d, %d) is (%d, %d)', (x, y, desktopX, desktopY) => {
    expect(frameToDesktop(third, { x, y })).toEqual({ x: desktopX, y: desktopY });
  });

  it('an unscaled frame maps whole points to themselves, both ways', () => {
    const geometry = geometryOf({ x: 0, y: 0, width: 1280, height: 800 }, 1280);
    expect(frameToDesktop(geometry, { x: 100, y: 50 })).toEqual({ x: 100, y: 50 });
    expect(desktopToFrame(geometry, { x: 100, y: 50 })).toEqual({ x: 100, y: 50 });
    expect(frameToDesktop(geometry, { x: 0, y: 0 })).toEqual({ x: 0, y: 0 });
  });

  it('a region that begins between two pixels still yields whole ones inside it', () => {
    const geometry = geometryOf({ x: -10.5, y: 3.25, width: 20, height: 20 }, 20);
    for (let x = 0; x < 20; x += 1) {
      const pixel = frameToDesktop(geometry, { x, y: x });
      expect(Number.isInteger(pixel.x) && Number.isInteger(pixel.y)).toBe(true);
      expect(contains(geometry.region, pixel)).toBe(true);
    }
  });

  it.each<[x: number, y: number]>([
    [-0.51, 0],
    [0, -1],
    [1280, 0],
    [0, 720],
    [Number.NaN, 0],
    [0, Number.POSITIVE_INFINITY],
  ])('(%d, %d) is outside the picture', (x, y) => {
    expect(isInsideFrame(third, { x, y })).toBe(false);
  });
});

describe('rectangles', () => {
  it('[GEO4] the middle of an odd extent is a pixel, of an even one between two', () => {
    expect(centerOf({ x: 7, y: 7, width: 1, height: 1 })).toEqual({ x: 7, y: 7 });
    expect(centerOf({ x: 0, y: 10, width: 5, height: 4 })).toEqual({ x: 2, y: 11.5 });
  });

  it('right and bottom edges are exclusive', () => {
    const rect = { x: -2, y: 3, width: 2, height: 2 };
    expect([-3, -2, -1, 0].map((x) => contains(rect, { x, y: 3 }))).toEqual([false, true, true, false]);
    expect([2, 3, 4, 5].map((y) => contains(rect, { x: -2, y }))).toEqual([false, true, true, false]);
  });

  it('union: the smallest rectangle around both', () => {
    expect(union({ x: -10, y: 5, width: 4, height: 2 }, { x: 3, y: 0, width: 7, height: 6 })).toEqual({
      x: -10,
      y: 0,
      width: 20,
      height: 7,
    });
  });

  it('intersection: the shared area, or null when they only touch', () => {
    const a = { x: 0, y: 0, width: 10, height: 10 };
    expect(intersection(a, { x: 5, y: -5, width: 10, height: 10 })).toEqual({
      x: 5,
      y: 0,
      width: 5,
      height: 5,
    });
    expect(intersection(a, { x: 10, y: 0, width: 5, height: 5 })).toBeNull();
    expect(intersection(a, { x: 20, y: 20, width: 5, height: 5 })).toBeNull();
    expect(intersection(a, a)).toEqual(a);
  });

  it.each<[width: number, height: number, maxSidePx: number, fitted: [number, number]]>([
    [3840, 2160, 1280, [1280, 720]],
    [1366, 768, 1280, [1280, 720]],
    [800, 600, 1280, [800, 600]],
    [1280, 1280, 1280, [1280, 1280]],
    [1080, 1920, 1280, [720, 1280]],
    [10_000, 1, 64, [64, 1]],
  ])('%d×%d within %d px is %j', (width, height, maxSidePx, [fittedWidth, fittedHeight]) => {
    expect(fitWithin({ width, height }, maxSidePx)).toEqual({ width: fittedWidth, height: fittedHeight });
  });

  it.each<[what: string, region: Rect]>([
    ['no width', { x: 0, y: 0, width: 0, height: 10 }],
    ['no height', { x: 0, y: 0, width: 10, height: 0 }],
  ])('a frame of %s is refused', (_what, region) => {
    const bad = {
      frameId: 'f',
      displayId: 'd',
      layoutId: 'l',
      region,
      image: { width: 1, height: 1 },
      scale: 1,
    };
    expect(FrameGeometry.safeParse(bad).success).toBe(false);
  });
});
