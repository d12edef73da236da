import { inertLine } from '@deskhand/base';
import {
  contains,
  type Observation,
  type Operation,
  type Point,
  type ScreenElement,
} from '@deskhand/protocol';

const MAX_NAME = 60;
/** What covers more of the picture is a place to be in, nothing to point at. */
const MAX_SHARE = 0.25;

/**
 * What each operation points at or types into, by the name it has on the screen: facts of the desktop, not words of
 * the engine. Null where nothing there has a name.
 * @param seen what the points belong to; elements in pixels of its frame.
 */
export function nameTargets(
  operations: readonly Operation[],
  seen: Pick<Observation, 'elements' | 'frame'> | null,
): ReadonlyArray<string | null> {
  if (seen === null) return operations.map(() => null);
  let focused = nameOf(seen.elements.find(({ states }) => states.includes('focused')));
  return operations.map((operation) => {
    switch (operation.type) {
      case 'click':
        focused = nameOf(elementAt(seen, operation.point));
        return focused;
      case 'move':
        return nameOf(elementAt(seen, operation.point));
      case 'drag':
        return nameOf(elementAt(seen, operation.to));
      case 'type_text':
        return focused;
      case 'key_press':
      case 'key_combo':
        // The keys may have taken the focus elsewhere.
        focused = null;
        return null;
      default:
        return null;
    }
  });
}

/** The smallest thing with a name at a point. */
function elementAt({ elements, frame }: Pick<Observation, 'elements' | 'frame'>, point: Point) {
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

function nameOf(element: ScreenElement | undefined): string | null {
  return inertLine(element?.name ?? '', MAX_NAME).trim() || null;
}
