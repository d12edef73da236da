import type { Observation, ScreenElement } from '@deskhand/protocol';
import { shownText } from './explain.ts';
import { ground } from './grounding.ts';
import { joinWords, ocrLines } from './ocr-phrases.ts';
import type { Target } from './target.ts';
import { containsText } from './wording.ts';

/**
 * Whether the target can be seen in this observation. Plain text counts anywhere on the screen, window
 * titles included; roles, places and neighbours are grounded.
 */
export function isVisibleIn(observation: Observation, target: Target): boolean {
  if (target.role === 'dialog' && target.text === null) return showsDialog(observation);
  const text = target.text ?? target.phrase;
  // "A cookie banner" is not called so by itself.
  if (
    !target.quoted &&
    /^(?:.+ )?cookies?(?: (?:banner|notice|dialog|pop-?up|message|bar|consent))?$/i.test(text ?? '')
  )
    return showsText(observation, 'cookie');
  const isPlain =
    target.ordinal === null && target.near === null && (target.role === null || target.role === 'text');
  if (text !== null && isPlain) return showsText(observation, text);
  const grounding = ground(target, observation, 'read');
  if (grounding.type !== 'found' && grounding.type !== 'ambiguous') return false;
  // Good enough to be clicked is not what is read: “Active” is nearly spelt like “Inactive”.
  const isText = target.quoted && text !== null && (target.role === null || target.role === 'text');
  const candidates = grounding.type === 'found' ? [grounding.candidate] : grounding.candidates;
  return !isText || candidates.some(({ element }) => containsText(shownText(element), text));
}

const DIALOG_ROLES = new Set(['dialog', 'alert', 'alert_dialog', 'file_chooser']);

/** Something that stands before the rest and asks. An ordinary window is none. */
function showsDialog({ elements }: Observation): boolean {
  return elements.some(({ role, source }) => source !== 'ocr' && DIALOG_ROLES.has(role));
}

export function showsText(observation: Observation, text: string): boolean {
  const { elements, windows } = observation;
  return (
    elements.some((element) => isInPicture(observation, element) && containsText(shownText(element), text)) ||
    ocrLines(elements).some((line) => containsText(joinWords(line).name, text)) ||
    windows.some(({ title, minimized }) => !minimized && containsText(title, text))
  );
}

function isInPicture(observation: Observation, { bounds, states }: ScreenElement): boolean {
  if (states.includes('hidden') || states.includes('offscreen')) return false;
  const image = observation.frame?.geometry.image;
  if (image === undefined) return true;
  const { x, y, width, height } = bounds;
  return x < image.width && y < image.height && x + width > 0 && y + height > 0;
}
