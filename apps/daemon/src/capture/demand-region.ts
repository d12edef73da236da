import { intersection, ProtocolError, type Rect, union } from '@deskhand/protocol';

/**
 * What every capture demands of a region before it looks.
 * @param displays bounds of what can be seen, desktop space; the region must lie in the rectangle around all of them.
 * @throws ProtocolError CAPTURE_FAILED when it is not whole pixels, DISPLAY_UNAVAILABLE when it lies outside.
 */
export function demandRegion(region: Rect, displays: readonly Rect[]): void {
  const { x, y, width, height } = region;
  if (![x, y, width, height].every(Number.isInteger) || width < 1 || height < 1)
    throw new ProtocolError('CAPTURE_FAILED', 'A capture region must be whole pixels and not empty.');
  const [first, ...others] = displays;
  const desktop = first && others.reduce(union, first);
  const inside = desktop && intersection(desktop, region);
  if (desktop !== undefined && inside?.width === width && inside.height === height) return;
  const where =
    desktop === undefined ? 'no display is lit' : `the desktop has ${desktop.width}x${desktop.height}`;
  throw new ProtocolError(
    'DISPLAY_UNAVAILABLE',
    `The region ${width}x${height}+${x}+${y} is outside the desktop: ${where}.`,
  );
}

/** Whole pixels of a wish that lie on the display. @throws ProtocolError POINT_OUTSIDE_FRAME */
export function clipped(wish: Rect, bounds: Rect): Rect {
  const left = Math.floor(wish.x);
  const top = Math.floor(wish.y);
  const whole = {
    x: left,
    y: top,
    width: Math.ceil(wish.x + wish.width) - left,
    height: Math.ceil(wish.y + wish.height) - top,
  };
  const inside = intersection(whole, bounds);
  if (inside === null)
    throw new ProtocolError('POINT_OUTSIDE_FRAME', 'The wanted region lies outside the display.');
  return inside;
}
