import type { Point } from '@deskhand/protocol';

/** Holds Shift and the left button down for ten seconds: what every kind of end has to let go. */
export function slowDrag(from: Point = { x: 100, y: 100 }, to: Point = { x: 900, y: 600 }) {
  return { type: 'drag' as const, from, to, modifiers: ['shift'], durationMs: 10_000 };
}
