import type { FrameGeometry, Operation, Point } from '@deskhand/protocol';
import type { CoordinateSpace, ModelProfile } from './model-profiles.ts';

/** How one model gives places: its space, and the preprocessing behind `resized`. */
export type Places = Pick<ModelProfile, 'space' | 'resize'>;

export const PIXELS: Places = { space: 'pixels' };

/** Size of the coordinate space over one picture, in the model's own units. */
export function spaceSize(places: Places, image: Readonly<{ width: number; height: number }>) {
  switch (places.space) {
    case 'pixels':
      return image;
    case 'thousandths':
      return { width: 1000, height: 1000 };
    case 'resized':
      return places.resize === undefined ? image : resizedSize(image, places.resize);
  }
}

/** Frame pixels → what the model is told. */
export function toModelPoint(places: Places, geometry: FrameGeometry | null, point: Point): Point {
  if (places.space === 'pixels' || geometry === null)
    return { x: Math.round(point.x), y: Math.round(point.y) };
  const size = spaceSize(places, geometry.image);
  return {
    x: Math.round((point.x / geometry.image.width) * size.width),
    y: Math.round((point.y / geometry.image.height) * size.height),
  };
}

/** What the model said → frame pixels. The far edge itself is the last pixel. */
export function fromModelPoint(places: Places, geometry: FrameGeometry | null, point: Point): Point {
  if (places.space === 'pixels' || geometry === null) return point;
  const { image } = geometry;
  const size = spaceSize(places, image);
  return {
    x: point.x === size.width ? image.width - 1 : (point.x / size.width) * image.width,
    y: point.y === size.height ? image.height - 1 : (point.y / size.height) * image.height,
  };
}

/** The operation with its points in frame pixels. */
export function operationFromModel(
  places: Places,
  geometry: FrameGeometry | null,
  operation: Operation,
): Operation {
  if (places.space === 'pixels') return operation;
  const map = (point: Point) => fromModelPoint(places, geometry, point);
  switch (operation.type) {
    case 'click':
    case 'move':
      return { ...operation, point: map(operation.point) };
    case 'drag':
      return { ...operation, from: map(operation.from), to: map(operation.to) };
    case 'scroll':
      return operation.point === undefined ? operation : { ...operation, point: map(operation.point) };
    default:
      return operation;
  }
}

/** What a model is told about its coordinates, in one sentence. */
export function placesInWords(space: CoordinateSpace): string {
  return space === 'thousandths'
    ? 'Coordinates are thousandths of the last full screenshot: x from 0 (left) to 1000 (right), y from 0 (top) to 1000 (bottom).'
    : 'Coordinates are pixels of the last full screenshot: x to the right, y down, 0,0 at its top left corner.';
}

/** Both sides rounded to the factor, then scaled together until the picture's area lies within the bounds. */
function resizedSize(
  { width, height }: Readonly<{ width: number; height: number }>,
  { factor, minPixels, maxPixels }: NonNullable<Places['resize']>,
): { width: number; height: number } {
  const rounded = {
    width: Math.max(factor, Math.round(width / factor) * factor),
    height: Math.max(factor, Math.round(height / factor) * factor),
  };
  const area = rounded.width * rounded.height;
  if (area >= minPixels && area <= maxPixels) return rounded;
  const isLarge = area > maxPixels;
  const shrink = Math.sqrt((width * height) / (isLarge ? maxPixels : minPixels));
  const round = isLarge ? Math.floor : Math.ceil;
  return {
    width: Math.max(factor, round(width / shrink / factor) * factor),
    height: Math.max(factor, round(height / shrink / factor) * factor),
  };
}
