import { intersection, type Rect } from '@deskhand/protocol';

/** Areas as lists of rectangles that do not overlap, whole pixels. */
export type Area = readonly Rect[];

/** What two areas share. */
export function shared(area: Area, other: Area): Rect[] {
  return area.flatMap((a) =>
    other.map((b) => intersection(a, b)).filter((rect): rect is Rect => rect !== null),
  );
}

/** What is left of an area without a rectangle: at most four pieces of each of its rectangles. */
export function without(area: Area, hole: Rect): Rect[] {
  return area.flatMap((rect) => {
    const cut = intersection(rect, hole);
    if (cut === null) return [rect];
    const right = rect.x + rect.width;
    const bottom = rect.y + rect.height;
    const cutRight = cut.x + cut.width;
    const cutBottom = cut.y + cut.height;
    return [
      { x: rect.x, y: rect.y, width: rect.width, height: cut.y - rect.y },
      { x: rect.x, y: cut.y, width: cut.x - rect.x, height: cut.height },
      { x: cutRight, y: cut.y, width: right - cutRight, height: cut.height },
      { x: rect.x, y: cutBottom, width: rect.width, height: bottom - cutBottom },
    ].filter(({ width, height }) => width > 0 && height > 0);
  });
}

/** The same for a whole area of holes. */
export function withoutAll(area: Area, holes: Area): Rect[] {
  return holes.reduce<Rect[]>((left, hole) => without(left, hole), [...area]);
}

/** Makes rectangles that may overlap into an area. */
export function areaOf(rects: readonly Rect[]): Rect[] {
  const area: Rect[] = [];
  for (const rect of rects) area.push(...withoutAll([rect], area));
  return area;
}

export function sizeOf(area: Area): number {
  return area.reduce((sum, { width, height }) => sum + width * height, 0);
}

/** The smallest rectangle around an area; null for none. */
export function boundsOf(area: Area): Rect | null {
  if (area.length === 0) return null;
  const x = Math.min(...area.map((rect) => rect.x));
  const y = Math.min(...area.map((rect) => rect.y));
  return {
    x,
    y,
    width: Math.max(...area.map((rect) => rect.x + rect.width)) - x,
    height: Math.max(...area.map((rect) => rect.y + rect.height)) - y,
  };
}
