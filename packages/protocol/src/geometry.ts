import { z } from 'zod';
import { DisplayId, FrameId } from './ids.ts';

/**
 * Coordinate spaces, and the only place that converts between them.
 *
 *   desktop space   physical pixels; origin is the top-left of the desktop that spans all displays
 *                   (a display left of or above the primary one has a negative origin)
 *   frame space     pixels of one captured image; may be fractional in requests
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
    region: Rect,
    image: Size,
    scale: z.number().positive().max(16),
  })
  .meta({ title: 'Frame geometry' });
export type FrameGeometry = z.infer<typeof FrameGeometry>;

/** True when the frame point lies inside the picture (right and bottom edges excluded). */
export function isInsideFrame(geometry: FrameGeometry, point: Point): boolean {
  return point.x >= 0 && point.y >= 0 && point.x < geometry.image.width && point.y < geometry.image.height;
}

/**
 * Frame pixels → desktop physical pixels, whole numbers, never outside the captured region.
 * A frame pixel covers an area of the desktop; the centre of that area is meant, so that the
 * centre of a downscaled button stays its centre.
 */
export function frameToDesktop(geometry: FrameGeometry, point: Point): Point {
  const { region, image } = geometry;
  const x = region.x + mapAxis(point.x, image.width, region.width);
  const y = region.y + mapAxis(point.y, image.height, region.height);
  return { x, y };
}

function mapAxis(value: number, imageExtent: number, regionExtent: number): number {
  const ratio = regionExtent / imageExtent;
  // Whole frame pixels mean "this pixel": aim at its centre. Fractions are already exact places.
  const exact = Number.isInteger(value) ? (value + 0.5) * ratio - 0.5 : value * ratio;
  return Math.min(regionExtent - 1, Math.max(0, Math.round(exact)));
}

/** Desktop physical pixels → frame pixels (fractional). May lie outside the picture. */
export function desktopToFrame(geometry: FrameGeometry, point: Point): Point {
  const { region, image } = geometry;
  return {
    x: ((point.x - region.x) * image.width) / region.width,
    y: ((point.y - region.y) * image.height) / region.height,
  };
}

/** Desktop rectangle → frame rectangle (fractional), not clipped. */
export function desktopRectToFrame(geometry: FrameGeometry, rect: Rect): Rect {
  const topLeft = desktopToFrame(geometry, rect);
  return {
    x: topLeft.x,
    y: topLeft.y,
    width: (rect.width * geometry.image.width) / geometry.region.width,
    height: (rect.height * geometry.image.height) / geometry.region.height,
  };
}

export function centerOf(rect: Rect): Point {
  return { x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 };
}

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
