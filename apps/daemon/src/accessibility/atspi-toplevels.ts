import { centerOf, contains, intersection, type Rect, type WindowInfo } from '@deskhand/protocol';
import type { Accessible } from './accessible-calls.ts';

const WINDOW_ROLES = new Set([23, 16, 19, 2]);

/** One window of an application, as it describes itself. */
export type ToplevelFacts = Readonly<{
  accessible: Accessible;
  role: number;
  name: string;
  bounds: Rect | null;
  active: boolean;
  showing: boolean;
}>;

/** The toplevel that is this X window: by title and place, else the active one. */
export function bestMatch(facts: readonly ToplevelFacts[], window: WindowInfo): ToplevelFacts | null {
  let best: ToplevelFacts | null = null;
  let bestScore = 0;
  for (const fact of facts) {
    if (isAnotherWindow(fact, window)) continue;
    let score = 0;
    if (fact.name !== '' && fact.name === window.title) score += 4;
    if (fact.active) score += 2;
    if (fact.showing) score += 1;
    if (WINDOW_ROLES.has(fact.role)) score += 1;
    if (fact.bounds !== null && contains(window.bounds, centerOf(fact.bounds))) {
      const shared = intersection(fact.bounds, window.bounds);
      const area = window.bounds.width * window.bounds.height;
      if (shared !== null && area > 0) score += (3 * shared.width * shared.height) / area;
    }
    if (score > bestScore) {
      best = fact;
      bestScore = score;
    }
  }
  return best;
}

/** How far a toplevel's size may be from its window's, which has a frame around it. Pixels. */
const FRAME_PX = 80;

/**
 * A dialog that an application shows by another toolkit (a browser's file chooser) is in no tree: the tree of the
 * window behind it, of another title and size, is not what a person sees.
 */
function isAnotherWindow({ name, bounds }: ToplevelFacts, window: WindowInfo): boolean {
  if (name === '' || window.title === '' || bounds === null) return false;
  const named = name.includes(window.title) || window.title.includes(name);
  const alike =
    Math.abs(bounds.width - window.bounds.width) <= FRAME_PX &&
    Math.abs(bounds.height - window.bounds.height) <= FRAME_PX;
  return !named && !alike;
}

/**
 * Some toolkits answer "screen" coordinates relative to their own window. When the toplevel claims the
 * screen's corner but the window is elsewhere and of the same size, everything moves to the window.
 */
export function screenShift(toplevel: Rect | null, window: Rect): { x: number; y: number } {
  const none = { x: 0, y: 0 };
  if (toplevel === null || toplevel.x !== 0 || toplevel.y !== 0) return none;
  const sameSize =
    Math.abs(toplevel.width - window.width) <= 20 &&
    window.height - toplevel.height >= -2 &&
    window.height - toplevel.height <= 60;
  const elsewhere = window.x > 20 || window.y > 40;
  if (!sameSize || !elsewhere) return none;
  return {
    x: window.x + Math.round((window.width - toplevel.width) / 2),
    y: window.y + (window.height - toplevel.height),
  };
}
