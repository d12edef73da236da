import { centerOf, type Observation, type ScreenElement } from '@deskhand/protocol';
import { find, whereLooked } from '../find.ts';
import { ground } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { joinWords, ocrLines } from '../ocr-phrases.ts';
import { isEditable, isInteractive, isProtected } from '../roles.ts';
import { LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from '../scene.ts';
import { describeTarget, type Target } from '../target.ts';
import { fold, foldLabel, likeness } from '../wording.ts';

/** Reads a value off the screen and keeps it under its name. */
export function* remember(scene: Scene, intent: Extract<Intent, { type: 'remember' }>): Move {
  const { what, name } = intent;
  let value = valueBeside(scene.observation, what) ?? outputValue(scene, what);
  if (value === null && !scene.observation.sources.includes('ocr')) {
    yield* scene.look(
      `${describeTarget(what)} is in no list of elements; reading the picture.`,
      LOOK_WITH_OCR,
    );
    value = valueBeside(scene.observation, what);
  }
  if (value === null) {
    const found = yield* find(scene, what, 'read');
    if (isProtected(found.element))
      throw new TaskFailure(`${describeTarget(what)} is a password and is not read.`);
    value = isEditable(found.element) ? (found.element.value ?? '') : found.element.name;
  }
  if (value.trim() === '')
    throw new TaskFailure(`Found no value for ${describeTarget(what)} in ${whereLooked(scene)}.`);
  scene.memory.set(name, value.trim());
  scene.proofs.push(`remembered ${describeTarget(what)} (${[...value.trim()].length} characters)`);
  yield* scene.look(`Remembered ${describeTarget(what)}: ${[...value.trim()].length} characters.`);
}

function outputValue(scene: Scene, { text, role }: Target): string | null {
  const asksOutput =
    role === null && text !== null && /^(?:command(?:['’]s)?\s+)?output|result of the command$/i.test(text);
  return asksOutput ? scene.commandOutput : null;
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
