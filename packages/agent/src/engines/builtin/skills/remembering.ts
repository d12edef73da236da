import { centerOf, type Observation, type ScreenElement } from '@deskhand/protocol';
import { find, whereLooked } from '../find.ts';
import { ground } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { joinWords, ocrLines } from '../ocr-phrases.ts';
import { isEditable, isInteractive, isProtected } from '../roles.ts';
import { LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from '../scene.ts';
import { describeTarget, isOutput, type Target } from '../target.ts';
import { fold, foldLabel, likeness } from '../wording.ts';

/** Longest value told in a summary. */
const MAX_TOLD = 500;

/** Reads a value off the screen and keeps it under its name. */
export function* remember(scene: Scene, intent: Extract<Intent, { type: 'remember' }>): Move {
  const { what, name, tell } = intent;
  // “… and tell me the number”: of what was counted.
  const value = (tell ? scene.memory.get(name) : undefined) ?? (yield* readValue(scene, what));
  if (value.trim() === '')
    throw new TaskFailure(`Found no value for ${describeTarget(what)} in ${whereLooked(scene)}.`);
  scene.memory.set(name, value.trim());
  if (tell) scene.told.push(`${name}: ${value.trim().slice(0, MAX_TOLD)}`);
  scene.proofs.push(`remembered ${describeTarget(what)} (${[...value.trim()].length} characters)`);
  yield* scene.look(`Remembered ${describeTarget(what)}: ${[...value.trim()].length} characters.`);
}

function* readValue(scene: Scene, what: Target): Move<string> {
  const known = () =>
    windowTitle(scene, what) ??
    pageValue(scene, what) ??
    valueInRow(scene.observation, what) ??
    valueBeside(scene.observation, what);
  let value = known() ?? outputValue(scene, what);
  // A page may still be filling.
  for (const afterMs of [250, 700]) {
    if (value !== null) return value;
    yield* scene.look(`Looking for ${describeTarget(what)}.`, LOOK, afterMs);
    value = known();
  }
  if (value === null && !scene.observation.sources.includes('ocr')) {
    yield* scene.look(
      `${describeTarget(what)} is in no list of elements; reading the picture.`,
      LOOK_WITH_OCR,
    );
    value = known();
  }
  if (value !== null) return value;
  const found = yield* find(scene, what, 'read');
  if (isProtected(found.element))
    throw new TaskFailure(`${describeTarget(what)} is a password and is not read.`);
  return isEditable(found.element) ? (found.element.value ?? '') : found.element.name;
}

/** “The title of the active window”, “the window title”. */
function windowTitle({ activeWindow }: Scene, { phrase }: Target): string | null {
  const which = '(?:active|current|front|frontmost|top|focused|open)';
  const asked = new RegExp(
    `^(?:title of (?:the |this )?(?:${which} )?window|(?:${which} )?window(?:['’]s)? title)$`,
    'i',
  );
  return asked.test(phrase ?? '') ? (activeWindow?.title ?? null) : null;
}

/** The title and the address of the page in front; a heading that is called "title" by the page itself comes first. */
function pageValue({ observation: { page } }: Scene, { phrase, near, ordinal }: Target): string | null {
  if (page === null || phrase === null || near !== null || ordinal !== null) return null;
  if (/^(?:(?:web)?page(?:['’]s)? )?title(?: of (?:the|this) (?:web\s*)?page)?$/i.test(phrase))
    return page.title;
  return /^(?:(?:web)?page(?:['’]s)? |current )?(?:url|(?:web )?address)(?: of (?:the|this) (?:web\s*)?page)?$/i.test(
    phrase,
  )
    ? page.url
    : null;
}

const MONEY = /(?:[$€£¥]\s?\d[\d.,]*|\d[\d.,]*\s?(?:[$€£¥]|EUR|USD|GBP))/;

/** "The price of the Blue mug": in its row the cell under that heading; else the money, or the label, in its card. */
export function valueInRow(observation: Observation, target: Target): string | null {
  const { label, thing } = partsOf(target);
  if (label === null || thing === null) return null;
  const texts = textsOf(observation).filter(({ bounds }) => bounds.width > 0);
  const anchor = texts
    .map((element) => ({ element, like: likeness(thing, element.name) }))
    .filter(({ like }) => like >= 0.66)
    .sort((a, b) => b.like - a.like || a.element.name.length - b.element.name.length)[0]?.element;
  if (anchor === undefined) return null;
  const heading = texts.find(
    (element) =>
      element !== anchor && likeness(label, element.name) >= 0.9 && element.bounds.y < anchor.bounds.y,
  );
  const line = texts.filter(
    (element) =>
      element !== anchor &&
      !isInteractive(element) &&
      Math.abs(centerOf(element.bounds).y - centerOf(anchor.bounds).y) < anchor.bounds.height * 0.8,
  );
  const cell =
    heading === undefined
      ? undefined
      : line
          .map((element) => ({ element, away: Math.abs(columnAway(element, heading)) }))
          .sort((a, b) => a.away - b.away || a.element.name.length - b.element.name.length)[0];
  if (cell !== undefined && cell.away < 60) return cell.element.name;
  if (!/\b(?:price|cost|total|amount)\b/i.test(label)) return null;
  // In cards the price stands beside or below the name.
  const inAnchor = MONEY.exec(anchor.name)?.[0];
  if (inAnchor !== undefined) return inAnchor;
  const near = texts
    .filter(({ name, bounds }) => MONEY.test(name) && name.length < 80 && bounds.y > anchor.bounds.y - 30)
    .sort((a, b) => distance(a, anchor) - distance(b, anchor))[0];
  return near === undefined || distance(near, anchor) > 300 ? null : (MONEY.exec(near.name)?.[0] ?? null);
}

/** Label and thing of "price of the Blue mug" or of a label with a row. */
function partsOf({ text, near, ordinal }: Target): { label: string | null; thing: string | null } {
  if (text === null || ordinal !== null) return { label: null, thing: null };
  if (near !== null) return { label: text, thing: near.relation === 'row' ? near.target.text : null };
  const [, label = null, thing = null] =
    /^(.{2,40}?)\s+(?:of|for)\s+(?:the\s+)?["“]?(.+?)["”]?$/iu.exec(text) ?? [];
  return { label, thing };
}

/** Left edges of a column agree, or its right edges, or its middles. */
function columnAway(cell: ScreenElement, heading: ScreenElement): number {
  const [a, b] = [cell.bounds, heading.bounds];
  return Math.min(
    Math.abs(a.x - b.x),
    Math.abs(a.x + a.width - b.x - b.width),
    Math.abs(a.x + a.width / 2 - b.x - b.width / 2),
  );
}

function distance(a: ScreenElement, b: ScreenElement): number {
  const [first, second] = [centerOf(a.bounds), centerOf(b.bounds)];
  return Math.hypot(first.x - second.x, (first.y - second.y) * 1.5);
}

function outputValue(scene: Scene, what: Target): string | null {
  return isOutput(what) ? scene.commandOutput : null;
}

/**
 * The value that belongs to a name: after the colon of "Order number: A-17", in the field it labels, or in
 * the cell to the right of or below it.
 */
export function valueBeside(observation: Observation, target: Target): string | null {
  if (target.text === null) return null;
  const wanted = target.text.replace(/^(?:value|text|content|number|amount)\s+of\s+(?:the\s+)?/i, '');
  const texts = textsOf(observation);
  for (const element of texts) {
    const inline = afterLabel(element.name, wanted);
    if (inline !== null) return inline;
  }
  const field = ground(target, observation, 'read');
  if (field.type === 'found') {
    const { element } = field.candidate;
    if (isProtected(element)) return null;
    if (isEditable(element) && (element.value ?? '') !== '') return element.value ?? null;
  }
  const label = texts.find((element) => likeness(wanted, element.name) >= 0.95);
  return label === undefined ? null : (beside(label, texts)?.name ?? null);
}

function textsOf(observation: Observation): ScreenElement[] {
  const tree = observation.elements.filter(
    (element) => element.source !== 'ocr' && element.name.trim() !== '' && !isProtected(element),
  );
  return [...tree, ...ocrLines(observation.elements).map(joinWords)];
}

/** "Order number: A-17" asked for "order number" → "A-17". */
function afterLabel(text: string, wanted: string): string | null {
  const colon = /^(.{1,120}?)\s*(?::|=|\s[–—-]\s|#)\s*(\S.*)$/u.exec(text.trim());
  if (colon?.[1] !== undefined && colon[2] !== undefined && foldLabel(colon[1]).endsWith(foldLabel(wanted)))
    return likeness(wanted, colon[1]) >= 0.6 ? colon[2].trim() : null;
  const folded = fold(text);
  const start = `${fold(wanted)} is `;
  const at = folded.indexOf(start);
  if (at < 0 || (at > 0 && /[\p{L}\p{N}]/u.test(folded.charAt(at - 1)))) return null;
  return (
    text
      .trim()
      .slice(at + start.length)
      .replace(/[.!]$/, '')
      .trim() || null
  );
}

/** The nearest text to the right in the same row, else right below. */
function beside(label: ScreenElement, texts: readonly ScreenElement[]): ScreenElement | null {
  const { bounds } = label;
  const others = texts.filter(
    (element) => element !== label && element.name.length < 200 && !isInteractive(element),
  );
  const right = others
    .filter((element) => {
      const sameRow = Math.abs(centerOf(element.bounds).y - centerOf(bounds).y) < bounds.height * 0.6;
      return sameRow && element.bounds.x >= bounds.x + bounds.width - 2;
    })
    .sort((a, b) => a.bounds.x - b.bounds.x)[0];
  if (right !== undefined) return right;
  const below = others
    .filter((element) => {
      const shared =
        Math.min(element.bounds.x + element.bounds.width, bounds.x + bounds.width) -
        Math.max(element.bounds.x, bounds.x);
      const gap = element.bounds.y - (bounds.y + bounds.height);
      // A value may stand a little to the right of its name, as in lists of terms.
      const indent = element.bounds.x - (bounds.x + bounds.width);
      return (
        (shared > 0 || (indent >= 0 && indent < 3 * bounds.height)) && gap >= -2 && gap < 3 * bounds.height
      );
    })
    .sort((a, b) => a.bounds.y - b.bounds.y)[0];
  return below ?? null;
}
