import { inertLine, inertText } from '@deskhand/base';
import { centerOf, type Observation, type Point, type ScreenElement } from '@deskhand/protocol';
import { joinWords, ocrLines } from '../builtin/ocr-phrases.ts';
import { isInteractive, isProtected } from '../builtin/roles.ts';
import { PIXELS, type Places, toModelPoint } from './coordinate-space.ts';

const MAX_LINES = 140;
const MAX_FOUND = 12;
const MAX_ELEMENT_CHARACTERS = 6000;
const MAX_NAME = 80;
const MAX_VALUE = 120;
const TOLD_STATES = [
  'focused',
  'checked',
  'selected',
  'expanded',
  'disabled',
  'invalid',
  'required',
  'protected',
];

export type ElementList = Readonly<{
  /** As the model is told, one line each. */
  lines: readonly string[];
  /** The elements behind the numbers: number 1 is the first. */
  numbered: readonly ScreenElement[];
}>;

/**
 * The elements in words, numbered, each with the middle to click: a help beside the picture. Names come from
 * the screen and are data: one line each, quoted, cut, and nothing in them that a person would not see.
 */
export function listElements(observation: Observation, places: Places = PIXELS): ElementList {
  const geometry = observation.frame?.geometry ?? null;
  const image = observation.frame?.geometry.image;
  const active = observation.activeWindowId;
  const shown = elementsAndLines(observation)
    .filter((element) => isTold(element) && (image === undefined || isInside(element, image)))
    .sort((a, b) => rank(a, active) - rank(b, active));
  const numbered = shown.slice(0, MAX_LINES);
  const toModel = (point: Point) => toModelPoint(places, geometry, point);
  const lines = numbered.map((element, index) => `[${index + 1}] ${line(element, toModel)}`);
  if (shown.length > MAX_LINES) lines.push(`… and ${shown.length - MAX_LINES} more; find_text finds them`);
  return { lines, numbered };
}

/** Where a text stands, in words; elements first, then lines read from the picture. */
export function findTextInWords(observation: Observation, text: string, places: Places): string {
  const geometry = observation.frame?.geometry ?? null;
  const wanted = fold(text);
  const found = elementsAndLines(observation).filter(
    (element) =>
      fold(element.name).includes(wanted) ||
      (!isProtected(element) && fold(element.value ?? '').includes(wanted)),
  );
  if (found.length === 0) return 'Found nowhere on the screen as it is now; it may be scrolled out of view.';
  const toModel = (point: Point) => toModelPoint(places, geometry, point);
  return found
    .slice(0, MAX_FOUND)
    .map((element) => line(element, toModel))
    .join('\n');
}

/** One element in full, except what a protected field holds. */
export function elementInWords(element: ScreenElement): string {
  const { role, name, value, description, states, source } = element;
  const full = {
    role,
    name: inertLine(name, MAX_ELEMENT_CHARACTERS),
    ...(value === undefined || isProtected(element)
      ? {}
      : { value: inertText(value, MAX_ELEMENT_CHARACTERS) }),
    ...(description === undefined ? {} : { description: inertLine(description, MAX_ELEMENT_CHARACTERS) }),
    states,
    source,
  };
  return JSON.stringify(full).slice(0, MAX_ELEMENT_CHARACTERS);
}

function elementsAndLines({ elements }: Observation): ScreenElement[] {
  return [...elements.filter(({ source }) => source !== 'ocr'), ...ocrLines(elements).map(joinWords)];
}

function fold(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

function isTold(element: ScreenElement): boolean {
  return element.name.trim() !== '' || isInteractive(element);
}

function isInside({ bounds }: ScreenElement, image: { width: number; height: number }): boolean {
  return (
    bounds.width > 0 &&
    bounds.x < image.width &&
    bounds.y < image.height &&
    bounds.x + bounds.width > 0 &&
    bounds.y + bounds.height > 0
  );
}

function rank(element: ScreenElement, active: string | null): number {
  const elsewhere = active !== null && element.windowId !== undefined && element.windowId !== active;
  return (elsewhere ? 2 : 0) + (isInteractive(element) ? 0 : 1);
}

function line(element: ScreenElement, toModel: (point: Point) => Point): string {
  const { x, y } = toModel(centerOf(element.bounds));
  const value =
    element.value === undefined || element.value === '' || isProtected(element)
      ? ''
      : ` = ${quoted(element.value, MAX_VALUE)}`;
  const states = element.states.filter((state) => TOLD_STATES.includes(state));
  const suffix = states.length === 0 ? '' : ` (${states.join(', ')})`;
  return `${element.role} ${quoted(element.name, MAX_NAME)}${value} at ${x},${y}${suffix}`;
}

function quoted(text: string, limit: number): string {
  return JSON.stringify(inertLine(text, limit));
}
