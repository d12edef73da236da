import type { FrameGeometry, Operation, Point } from '@deskhand/protocol';

/** How a model was trained to give places in a picture. */
export type CoordinateSpace = 'pixels' | 'thousandths';

/**
 * Model families that answer in thousandths of the picture's width and height whatever they are told; all
 * others take pixels of the picture they were sent. First match wins.
 * Sources: Google, "Image understanding" and "Computer use" of the Gemini API docs (0–1000, 0–999);
 * Qwen3-VL's model card (relative coordinates 0–1000, unlike Qwen2.5-VL); UI-TARS's README (1.0 and the
 * "doubao" releases 0–1000, 1.5 absolute).
 */
const FAMILIES: ReadonlyArray<{ model: RegExp; space: CoordinateSpace }> = [
  { model: /^google\/|gemini/i, space: 'thousandths' },
  { model: /qwen3(?:\.\d+)?-?vl|qwen3\.5/i, space: 'thousandths' },
  { model: /ui-?tars-?1\.5/i, space: 'pixels' },
  { model: /ui-?tars|doubao/i, space: 'thousandths' },
];

/** @param name `provider/model`. */
export function coordinateSpaceOf(name: string): CoordinateSpace {
  return FAMILIES.find(({ model }) => model.test(name))?.space ?? 'pixels';
}

/** Frame pixels → what the model is told. */
export function toModelPoint(space: CoordinateSpace, geometry: FrameGeometry | null, point: Point): Point {
  if (space === 'pixels' || geometry === null) return { x: Math.round(point.x), y: Math.round(point.y) };
  const { width, height } = geometry.image;
  return { x: Math.round((point.x / width) * 1000), y: Math.round((point.y / height) * 1000) };
}

/** What the model said → frame pixels. 1000 itself is the last pixel. */
export function fromModelPoint(space: CoordinateSpace, geometry: FrameGeometry | null, point: Point): Point {
  if (space === 'pixels' || geometry === null) return point;
  const { width, height } = geometry.image;
  return {
    x: point.x === 1000 ? width - 1 : (point.x / 1000) * width,
    y: point.y === 1000 ? height - 1 : (point.y / 1000) * height,
  };
}

/** The operation with its points in frame pixels. */
export function operationFromModel(
  space: CoordinateSpace,
  geometry: FrameGeometry | null,
  operation: Operation,
): Operation {
  if (space === 'pixels') return operation;
  const map = (point: Point) => fromModelPoint(space, geometry, point);
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
