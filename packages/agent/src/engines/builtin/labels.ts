import type { Rect, ScreenElement } from '@deskhand/protocol';
import { joinWords, ocrLines } from './ocr-phrases.ts';
import { fitsHint, isEditable, isInteractive } from './roles.ts';
import { likeness } from './wording.ts';

/** How far a label may be from what it names, in frame pixels. */
const REACH_LEFT_PX = 320;
const REACH_ABOVE_PX = 48;
const REACH_RIGHT_PX = 160;

/**
 * Likeness through the text standing where labels stand: left of or above a field, right of a box.
 * 0 for things that bear their own face (buttons, links).
 */
export function labelLikeness(
  element: ScreenElement,
  text: string,
  elements: readonly ScreenElement[],
): number {
  const isBox = fitsHint(element, 'check_box') || fitsHint(element, 'radio');
  const isField = isEditable(element) || fitsHint(element, 'select') || fitsHint(element, 'slider');
  if (element.source === 'ocr' || !(isBox || isField)) return 0;
  // A box that says what it is called needs no neighbour: the text beside it may belong to the next box.
  if (isBox && element.name.trim() !== '') return 0;
  let best = 0;
  for (const label of labelsIn(elements)) {
    const like = likeness(text, label.name);
    if (like < 0.5) continue;
    const distance = isBox
      ? boxDistance(element.bounds, label.bounds)
      : fieldDistance(element.bounds, label.bounds);
    if (distance === null) continue;
    best = Math.max(best, like * (0.96 - 0.25 * distance));
  }
  return best;
}

/** Texts that can be labels; computed once per element list. */
function labelsIn(elements: readonly ScreenElement[]): readonly ScreenElement[] {
  const known = CACHE.get(elements);
  if (known !== undefined) return known;
  const labels = [
    ...elements.filter(
      (element) =>
        element.source !== 'ocr' &&
        element.name !== '' &&
        element.name.length < 120 &&
        !isInteractive(element),
    ),
    ...ocrLines(elements).map(joinWords),
  ];
  CACHE.set(elements, labels);
  return labels;
}
const CACHE = new WeakMap<readonly ScreenElement[], readonly ScreenElement[]>();

/** 0 = touching, 1 = as far as a label can be; null = not where a label stands. */
function fieldDistance(field: Rect, label: Rect): number | null {
  const rowShare =
    overlap(field.y, field.height, label.y, label.height) / Math.min(field.height, label.height);
  const gapLeft = field.x - (label.x + label.width);
  if (rowShare >= 0.5 && gapLeft >= -4 && gapLeft <= REACH_LEFT_PX) return gapLeft / REACH_LEFT_PX;
  const columnShare =
    overlap(field.x, field.width, label.x, label.width) / Math.min(field.width, label.width);
  const gapAbove = field.y - (label.y + label.height);
  if (columnShare >= 0.3 && gapAbove >= -4 && gapAbove <= REACH_ABOVE_PX)
    return 0.1 + gapAbove / REACH_ABOVE_PX;
  return null;
}

function boxDistance(box: Rect, label: Rect): number | null {
  const rowShare = overlap(box.y, box.height, label.y, label.height) / Math.min(box.height, label.height);
  if (rowShare < 0.5) return null;
  const gapRight = label.x - (box.x + box.width);
  if (gapRight >= -4 && gapRight <= REACH_RIGHT_PX) return gapRight / REACH_RIGHT_PX;
  const gapLeft = box.x - (label.x + label.width);
  return gapLeft >= -4 && gapLeft <= REACH_RIGHT_PX ? 0.3 + gapLeft / REACH_RIGHT_PX : null;
}

function overlap(startA: number, lengthA: number, startB: number, lengthB: number): number {
  return Math.max(0, Math.min(startA + lengthA, startB + lengthB) - Math.max(startA, startB));
}
