import { inertLine } from '@deskhand/base';
import {
  centerOf,
  contains,
  desktopRectToFrame,
  type FrameGeometry,
  intersection,
  LIMITS,
  MAX_ELEMENTS,
  type ScreenElement,
  type WindowInfo,
} from '@deskhand/protocol';

/**
 * What was found becomes what is told: within the limits of the protocol, whatever an application or a page says. One
 * that does not keep them would cost the whole observation, not only itself.
 */

/** Places beyond are none; no desktop is as large. Pixels. */
const ANYWHERE = { x: -100_000, y: -100_000, width: 200_000, height: 200_000 };
const MAX_WINDOWS = 500;
/** Of this many windows and more, titles are told short. */
const MANY_WINDOWS = 100;
const MAX_TITLE = 2000;
const MAX_TITLE_OF_MANY = 200;
/** Stands for the title of a window that the person marked private. */
const PRIVATE_TITLE = '(private)';
/** Leaves room for windows, page and outcomes in the same message. */
const MAX_ELEMENT_BYTES = LIMITS.linkTextBytes * 0.6;
/** JSON writes a control character in six bytes, and no other UTF-16 unit in more. */
const MAX_BYTES_PER_UNIT = 6;
const BYTES_OF_THE_REST = 1500;

/** Desktop bounds → frame pixels; null for what the frame does not show. */
export function inFrame(element: ScreenElement, geometry: FrameGeometry): ScreenElement | null {
  const place = intersection(element.bounds, ANYWHERE);
  if (place === null) return null;
  if (!contains(geometry.region, centerOf(place)) && intersection(geometry.region, place) === null)
    return null;
  const { x, y, width, height } = desktopRectToFrame(geometry, place);
  return {
    ...element,
    id: element.id.slice(0, 200),
    role: element.role.slice(0, 64),
    name: inertLine(element.name, 2000),
    ...(element.value === undefined ? {} : { value: element.value.slice(0, 10_000) }),
    ...(element.description === undefined ? {} : { description: inertLine(element.description, 2000) }),
    states: element.states.slice(0, 32).map((state) => state.slice(0, 32)),
    bounds: { x: tenths(x), y: tenths(y), width: tenths(width), height: tenths(height) },
  };
}

/** What of the elements a frame shows, in its pixels. @param elements desktop space. */
export function elementsToTell(elements: readonly ScreenElement[], geometry: FrameGeometry): ScreenElement[] {
  const shown = elements.map((element) => inFrame(element, geometry)).filter((element) => element !== null);
  return withinBytes(shown.slice(0, MAX_ELEMENTS));
}

/** The first ones that fit into a message. */
export function withinBytes(elements: readonly ScreenElement[]): ScreenElement[] {
  const most = elements.reduce((sum, element) => sum + unitsOf(element) * MAX_BYTES_PER_UNIT, 0);
  if (most + elements.length * BYTES_OF_THE_REST <= MAX_ELEMENT_BYTES) return [...elements];
  const told: ScreenElement[] = [];
  let bytes = 0;
  for (const element of elements) {
    bytes += Buffer.byteLength(JSON.stringify(element)) + 1;
    if (bytes > MAX_ELEMENT_BYTES) break;
    told.push(element);
  }
  return told;
}

function unitsOf({ name, value, description, options }: ScreenElement): number {
  const choices = Array.isArray(options)
    ? options.reduce((sum, choice) => sum + String(choice).length, 0)
    : 0;
  return name.length + (value?.length ?? 0) + (description?.length ?? 0) + choices;
}

export function windowsToTell(
  windows: readonly WindowInfo[],
  isPrivate: (window: WindowInfo) => boolean,
): WindowInfo[] {
  const longest = windows.length < MANY_WINDOWS ? MAX_TITLE : MAX_TITLE_OF_MANY;
  return windows.slice(0, MAX_WINDOWS).map((window) => ({
    ...window,
    title: isPrivate(window) ? PRIVATE_TITLE : window.title.slice(0, longest),
    application: window.application.slice(0, 200),
  }));
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
