import { contains, intersection, type Point, type Rect, type Size } from '@deskhand/protocol';

/** Extra room around a target: a click at the very edge of the panel is as bad as one inside it. */
export const DODGE_MARGIN_PX = 24;
/** Gap between the panel and the edge of its work area. */
export const PANEL_INSET_PX = 16;

/** `rect` grown on every side by `byPx`; all in desktop space, physical pixels. */
export function grow(rect: Rect, byPx: number): Rect {
  return {
    x: rect.x - byPx,
    y: rect.y - byPx,
    width: rect.width + 2 * byPx,
    height: rect.height + 2 * byPx,
  };
}

/** True when acting at `target` would reach one of `rects`. Desktop space, physical pixels. */
export function covers(rects: readonly Rect[], target: Rect): boolean {
  const area = target.width > 0 && target.height > 0;
  return rects.some((rect) => (area ? intersection(rect, target) !== null : contains(rect, target)));
}

/**
 * The corner of any work area that is farthest from the target and does not cover it.
 * @param workAreas what the desktop leaves free on each display; desktop space, physical pixels.
 * @param panel     the panel's size, physical pixels.
 * @param target    where the next action aims, margin included.
 * @returns         the panel's new top-left corner, or null when every corner covers the target.
 */
export function farthestCorner(workAreas: readonly Rect[], panel: Size, target: Rect): Point | null {
  const aim = { x: target.x + target.width / 2, y: target.y + target.height / 2 };
  let best: { corner: Point; distance: number } | null = null;
  for (const area of workAreas) {
    for (const corner of cornersOf(area, panel)) {
      const place = { ...corner, width: panel.width, height: panel.height };
      if (covers([place], target)) continue;
      const distance = Math.hypot(place.x + panel.width / 2 - aim.x, place.y + panel.height / 2 - aim.y);
      if (best === null || distance > best.distance) best = { corner, distance };
    }
  }
  return best?.corner ?? null;
}

/** Bottom right of the work area: where the panel lives. */
export function homeCorner(area: Rect, panel: Size): Point {
  const [, , , bottomRight] = cornersOf(area, panel);
  return bottomRight;
}

/** Moves `place` so that it lies inside one of the areas; the nearest one wins. Used when a display goes. */
export function clampInto(areas: readonly Rect[], place: Rect): Point {
  let best: { corner: Point; moved: number } | null = null;
  for (const area of areas) {
    const x = Math.max(area.x, Math.min(place.x, area.x + area.width - place.width));
    const y = Math.max(area.y, Math.min(place.y, area.y + area.height - place.height));
    const moved = Math.hypot(x - place.x, y - place.y);
    if (best === null || moved < best.moved) best = { corner: { x, y }, moved };
  }
  return best?.corner ?? { x: place.x, y: place.y };
}

function cornersOf(area: Rect, panel: Size): [Point, Point, Point, Point] {
  const left = area.x + PANEL_INSET_PX;
  const top = area.y + PANEL_INSET_PX;
  const right = Math.max(left, area.x + area.width - panel.width - PANEL_INSET_PX);
  const bottom = Math.max(top, area.y + area.height - panel.height - PANEL_INSET_PX);
  return [
    { x: left, y: top },
    { x: right, y: top },
    { x: left, y: bottom },
    { x: right, y: bottom },
  ];
}
