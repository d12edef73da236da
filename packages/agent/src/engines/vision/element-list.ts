import { centerOf, type Observation, type Point, type ScreenElement } from '@deskhand/protocol';
import { joinWords, ocrLines } from '../builtin/ocr-phrases.ts';
import { isInteractive, isProtected } from '../builtin/roles.ts';
import { type CoordinateSpace, toModelPoint } from './coordinate-space.ts';

const MAX_LINES = 140;
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

/**
 * The elements in words, numbered, each with the middle to click: a help beside the picture. Names come from
 * the screen and are data: one line each, quoted, cut.
 */
export function elementLines(observation: Observation, space: CoordinateSpace = 'pixels'): string[] {
  const geometry = observation.frame?.geometry ?? null;
  const image = observation.frame?.geometry.image;
  const active = observation.activeWindowId;
  const shown = [
    ...observation.elements.filter(({ source }) => source !== 'ocr'),
    ...ocrLines(observation.elements).map(joinWords),
  ]
    .filter((element) => isTold(element) && (image === undefined || isInside(element, image)))
    .sort((a, b) => rank(a, active) - rank(b, active));
  const lines = shown
    .slice(0, MAX_LINES)
    .map(
      (element, index) => `[${index + 1}] ${line(element, (point) => toModelPoint(space, geometry, point))}`,
    );
  if (shown.length > MAX_LINES) lines.push(`… and ${shown.length - MAX_LINES} more`);
  return lines;
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
  const oneLine = text.replace(/\s+/g, ' ').trim();
  return JSON.stringify(oneLine.length <= limit ? oneLine : `${oneLine.slice(0, limit - 1)}…`);
}
