import { createHash } from 'node:crypto';
import { contains, type Display, type Point } from '@deskhand/protocol';

/**
 * Names an arrangement of displays: equal for equal places, sizes and scales, in any order.
 * Frames carry it, so an action on a frame of another arrangement can be refused.
 */
export function layoutIdOf(displays: readonly Display[]): string {
  const places = displays
    .map(({ id, bounds, scale }) => [id, bounds.x, bounds.y, bounds.width, bounds.height, scale].join(' '))
    .sort();
  return createHash('sha256').update(places.join('\n')).digest('hex').slice(0, 16);
}

export function primaryDisplay(displays: readonly Display[]): Display | undefined {
  return displays.find((display) => display.primary) ?? displays[0];
}

/** The display a desktop point lies on. */
export function displayAt(displays: readonly Display[], point: Point): Display | undefined {
  return displays.find((display) => contains(display.bounds, point));
}
