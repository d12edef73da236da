import { z } from 'zod';
import { DisplayId, FrameId } from './ids.ts';

/**
 * Coordinate spaces, and the only place that converts between them.
 *
 *   desktop space   physical pixels; origin is the top-left of the desktop that spans all displays
 *                   (a display left of or above the primary one has a negative origin)
 *   frame space     pixels of one captured image; may be fractional in requests
 *
 * In both spaces a *point* names a pixel: whole numbers are pixel centres, and pixel 0 reaches from -0.5 to 0.5.
 * A *rectangle* names edges: `x` is where its first pixel begins, so a rectangle of one pixel at 7 has x 7, width 1,
 * and its middle is the point 7. `centerOf` is the one way from a rectangle to a point.
 *
 * A point given by an engine lives in the space of a *named* frame and is mapped with that frame's
 * own geometry (SPEC GEO1), never with "the last screenshot".
 */

const coordinate = z.number().finite().min(-1_000_000).max(1_000_000);
const extent = z.number().finite().min(0).max(1_000_000);
const pixels = z.int().min(1).max(65_535);

export const Point = z.strictObject({ x: coordinate, y: coordinate }).meta({ title: 'Point' });
export type Point = z.infer<typeof Point>;

export const Size = z
  .strictObject({ width: pixels, height: pixels })
  .meta({ title: 'Size', description: 'Whole pixels.' });
export type Size = z.infer<typeof Size>;

export const Rect = z
  .strictObject({ x: coordinate, y: coordinate, width: extent, height: extent })
  .meta({ title: 'Rect', description: 'Left-top corner and extent; right and bottom edges are exclusive.' });
export type Rect = z.infer<typeof Rect>;

/** One physical monitor. `bounds` is its place in desktop space. */
export const Display = z
  .strictObject({
    id: DisplayId,
    name: z.string().max(200),
    bounds: Rect,
    scale: z.number().positive().max(16).meta({ description: 'Physical pixels per logical pixel.' }),
    primary: z.boolean(),
  })
  .meta({ title: 'Display' });
export type Display = z.infer<typeof Display>;

/**
 * How a frame's pixels map to the desktop.
 * `region` is the captured rectangle in desktop space (a whole display, or a zoom crop);
 * `image` is the size of the encoded picture.
 */
export const FrameGeometry = z
  .strictObject({
    frameId: FrameId,
    displayId: DisplayId,
    layoutId: z.string().max(64).meta({
      description:
        'Hash of the display layout at capture; an action on a frame of another layout is refused.',
    }),
    region: Rect.refine((region) => region.width >= 1 && region.height >= 1, 'at least one pixel'),
    image: Size,
    scale: z.number().positive().max(16),
  })
  .meta({ title: 'Frame geometry' });
export type FrameGeometry = z.infer<typeof FrameGeometry>;

/**
 * True when the frame point lies inside the picture. The last half pixel at the right and bottom is allowed too
 * (`width - 0.1`): it is what callers send who count from the edge; it is mapped to the last pixel.
 */
export function isInsideFrame(geometry: FrameGeometry, point: Point): boolean {
  const { width, height } = geometry.image;
  return point.x >= -0.5 && point.y >= -0.5 && point.x < width && point.y < height;
}

/**
 * Frame point → desktop physical pixel, whole numbers, never outside the captured region.
 *
 * One formula for whole and fractional points, so that the map is continuous and has an exact inverse: a whole frame
 * pixel of a picture shrunk three times covers nine desktop pixels and means the one in their middle.
 */
export function frameToDesktop(geometry: FrameGeometry, point: Point): Point {
  const { region, image } = geometry;
  return {
    x: toDesktopAxis(point.x, image.width, region.x, region.width),
    y: toDesktopAxis(point.y, image.height, region.y, region.height),
  };
}

function toDesktopAxis(value: number, imageExtent: number, start: number, extent: number): number {
  const exact = start + ((value + 0.5) * extent) / imageExtent - 0.5;
  const first = Math.ceil(start);
  const last = Math.max(first, Math.ceil(start + extent) - 1);
  // Adding 0 turns -0, which Math.round makes of -0.3, into 0.
  return Math.min(last, Math.max(first, Math.round(exact))) + 0;
}

/** Desktop point → frame point (fractional); inverse of {@link frameToDesktop}. May lie outside the picture. */
export function desktopToFrame(geometry: FrameGeometry, point: Point): Point {
  const { region, image } = geometry;
  return {
    x: ((point.x - region.x + 0.5) * image.width) / region.width - 0.5,
    y: ((point.y - region.y + 0.5) * image.height) / region.height - 0.5,
  };
}

/** Desktop rectangle → frame rectangle (fractional), not clipped. Edges, so no half pixel is involved. */
export function desktopRectToFrame(geometry: FrameGeometry, rect: Rect): Rect {
  const { region, image } = geometry;
  return {
    x: ((rect.x - region.x) * image.width) / region.width,
    y: ((rect.y - region.y) * image.height) / region.height,
    width: (rect.width * image.width) / region.width,
    height: (rect.height * image.height) / region.height,
  };
}

/** The pixel in the middle; of a rectangle of even extent, the point between its two middle pixels. */
export function centerOf(rect: Rect): Point {
  return { x: rect.x + (rect.width - 1) / 2, y: rect.y + (rect.height - 1) / 2 };
}

/** Whether a whole pixel lies in a rectangle. */
export function contains(rect: Rect, point: Point): boolean {
  return (
    point.x >= rect.x && point.y >= rect.y && point.x < rect.x + rect.width && point.y < rect.y + rect.height
  );
}

/** The shared area of two rectangles, or `null` when they do not overlap. */
export function intersection(a: Rect, b: Rect): Rect | null {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** The smallest rectangle around both. */
export function union(a: Rect, b: Rect): Rect {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}

/**
 * Size of `source` shrunk so that its longest side is at most `maxSidePx`; never enlarged, never below 1 px.
 */
export function fitWithin(source: Size, maxSidePx: number): Size {
  const factor = Math.min(1, maxSidePx / Math.max(source.width, source.height));
  return {
    width: Math.max(1, Math.round(source.width * factor)),
    height: Math.max(1, Math.round(source.height * factor)),
  };
}
