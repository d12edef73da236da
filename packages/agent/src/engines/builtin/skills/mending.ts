import type { OperationInput, ScreenElement } from '@deskhand/protocol';
import { again } from '../expectations.ts';
import { characters, describeRole } from '../explain.ts';
import { isEditable, isProtected } from '../roles.ts';
import { failureOf, LOOK, type Move, type Scene } from '../scene.ts';

const READ_BACK_MS: readonly number[] = [0, 200, 500];
const MOST_ROUNDS = 3;
/** Longer texts are not typed anew behind a person's back; they are reported. */
const MOST_CHARACTERS = 300;
/** A field that completes by itself gets the rest in so many pieces, and time to think after each. */
const PIECES = 8;
const MOST_BACKSPACES = 90;

const key = (name: string, times = 1): OperationInput => ({
  type: 'key_press',
  keys: Array.from({ length: times }, () => name),
});

/**
 * Puts right what a field that completes or corrects by itself made of a text, and reads it back: what it added is
 * deleted, what it changed is typed anew from the first wrong character on, in pieces.
 * @param is whether a value is as good as the text.
 * @returns the last value read; null where the field does not tell one.
 */
export function* mendText(
  scene: Scene,
  field: ScreenElement,
  text: string,
  is: (value: string) => boolean,
): Move<string | null> {
  let value = yield* settledValue(scene, field, is);
  for (let round = 0; round < MOST_ROUNDS && value !== null && !is(value); round += 1) {
    const now = again(scene, field);
    if (now === null || !isMendable(now, text)) return value;
    const before = value;
    const outcomes = yield* scene.act(
      `${describeRole(now)} made ${characters(value)} of the ${characters(text)} typed; putting that right.`,
      mending(value, text, round),
    );
    if (failureOf(outcomes) !== null) return value;
    value = yield* settledValue(scene, field, is);
    // Nothing to be had: it is the field's own rule, such as a greatest length.
    if (value === before && round > 0) return value;
  }
  return value;
}

function isMendable(field: ScreenElement, text: string): boolean {
  const plain = text.length <= MOST_CHARACTERS && !text.includes('\n');
  return plain && field.states.includes('focused') && isEditable(field) && !isProtected(field);
}

/** Keys that make `text` of `value`; the caret is where typing left it. */
function mending(value: string, text: string, round: number): OperationInput[] {
  const [held, wanted] = [[...value], [...text]];
  // A completion stands selected behind what was typed.
  if (round === 0 && value.startsWith(text)) return [key('delete')];
  const wrongAt = held.findIndex((character, index) => character !== wanted[index]);
  const kept = wrongAt === -1 ? held.length : wrongAt;
  const tooMany = held.length - kept;
  if (kept === 0 || tooMany > MOST_BACKSPACES)
    return [{ type: 'key_combo', keys: ['ctrl', 'a'] }, ...piecesOf(wanted).map(typed)];
  const away = tooMany === 0 ? [] : [key('backspace', tooMany)];
  return [key('end'), ...away, ...piecesOf(wanted.slice(kept)).map(typed)];
}

function piecesOf(characters: readonly string[]): string[] {
  const step = Math.max(1, Math.ceil(characters.length / PIECES));
  return Array.from({ length: Math.ceil(characters.length / step) }, (_, index) =>
    characters.slice(index * step, (index + 1) * step).join(''),
  );
}

const typed = (text: string): OperationInput => ({ type: 'type_text', text });

/** What the field says when it has had the time to hear everything. */
function* settledValue(
  scene: Scene,
  field: ScreenElement,
  is: (value: string) => boolean,
): Move<string | null> {
  for (const afterMs of READ_BACK_MS) {
    if (afterMs > 0) yield* scene.look(`Reading back what ${describeRole(field)} holds.`, LOOK, afterMs);
    const value = again(scene, field)?.value ?? null;
    if (value === null || is(value)) return value;
  }
  return again(scene, field)?.value ?? null;
}
