import { inertLine } from '@deskhand/base';
import {
  contains,
  frameToDesktop,
  type Observation,
  type Operation,
  type Point,
  type ScreenElement,
} from '@deskhand/protocol';
import { type OperationTarget, UNKNOWN_TARGET } from './describe-operation.ts';

const MAX_NAME = 60;
/** What covers more of the picture is a place to be in, nothing to point at. */
const MAX_SHARE = 0.25;

type Seen = Pick<Observation, 'elements' | 'frame' | 'windows' | 'activeWindowId'>;

/** Shorter texts are part of many names by chance. */
const MIN_TYPED = 3;

/**
 * What each operation points at or types into, by the name it has on the screen, and in which application: facts of
 * the desktop, not words of the engine.
 * @param seen what the points belong to; elements in pixels of its frame.
 * @param typed texts typed before: a name that shows one of them, or a part of one, is not told (SPEC SEC1).
 */
export function nameTargets(
  operations: readonly Operation[],
  seen: Seen | null,
  typed: ReadonlySet<string> = new Set(),
): ReadonlyArray<OperationTarget> {
  if (seen === null) return operations.map(() => UNKNOWN_TARGET);
  const active = applicationOf(seen, seen.activeWindowId);
  const nameOf = (element: ScreenElement | undefined) => nameUnless(element, typed);
  const focusedElement = seen.elements.find(({ states }) => states.includes('focused'));
  let focused: OperationTarget = { name: nameOf(focusedElement), application: active };
  const under = (point: Point): OperationTarget => {
    const element = elementAt(seen, point);
    return { name: nameOf(element), application: applicationAt(seen, point, element) };
  };
  return operations.map((operation) => {
    switch (operation.type) {
      case 'click':
        focused = under(operation.point);
        return focused;
      case 'move':
        return under(operation.point);
      case 'drag':
        return under(operation.to);
      case 'scroll':
        return operation.point === undefined
          ? { name: null, application: active }
          : { name: null, application: under(operation.point).application };
      case 'type_text':
        return focused;
      case 'key_press':
      case 'key_combo': {
        const { application } = focused;
        // The keys may have taken the focus elsewhere, and with it the window in front.
        focused = UNKNOWN_TARGET;
        return { name: null, application };
      }
      case 'open_application':
      case 'browser_navigate':
      case 'focus_window':
      case 'close_window':
        focused = UNKNOWN_TARGET;
        return UNKNOWN_TARGET;
      default:
        return UNKNOWN_TARGET;
    }
  });
}

/** The smallest thing with a name at a point. */
function elementAt({ elements, frame }: Seen, point: Point) {
  const area = ({ bounds }: ScreenElement) => bounds.width * bounds.height;
  const image = frame?.geometry.image;
  const most = image === undefined ? Number.POSITIVE_INFINITY : MAX_SHARE * image.width * image.height;
  return elements
    .filter(
      (element) => element.name.trim() !== '' && area(element) <= most && contains(element.bounds, point),
    )
    .reduce<ScreenElement | undefined>(
      (best, element) => (best === undefined || area(element) < area(best) ? element : best),
      undefined,
    );
}

/** Of the topmost window there; windows come topmost first. */
function applicationAt(seen: Seen, point: Point, element: ScreenElement | undefined): string | null {
  const own = applicationOf(seen, element?.windowId ?? null);
  if (own !== null || seen.frame === null) return own;
  const place = frameToDesktop(seen.frame.geometry, point);
  const window = seen.windows.find(({ minimized, bounds }) => !minimized && contains(bounds, place));
  return window === undefined ? null : applicationOf(seen, window.id);
}

function applicationOf({ windows }: Seen, windowId: string | null): string | null {
  const window = windows.find(({ id }) => id === windowId);
  const name = inertLine(window?.application ?? '', MAX_NAME).trim();
  return name === '' || name === 'unknown' ? null : name;
}

function nameUnless(element: ScreenElement | undefined, typed: ReadonlySet<string>): string | null {
  const name = element?.name.trim() ?? '';
  for (const text of typed)
    if (Math.min(text.length, name.length) >= MIN_TYPED && (name.includes(text) || text.includes(name)))
      return null;
  return inertLine(name, MAX_NAME).trim() || null;
}
