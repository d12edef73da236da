import {
  hasSecretReference,
  type OperationInput,
  type Outcome,
  type ScreenElement,
} from '@deskhand/protocol';
import { again, holdsText, typingField } from '../expectations.ts';
import { characters, describeRole, foundWords } from '../explain.ts';
import { find } from '../find.ts';
import { type Candidate, ground, pointOf } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { fitsHint, isEditable, isProtected } from '../roles.ts';
import { CutShort, failureOf, LOOK, type Move, type Scene, TaskFailure } from '../scene.ts';
import { describeTarget, type Target } from '../target.ts';
import { pastUnexpectedBox } from '../unexpected-box.ts';
import { radioIn, selectOption, setChecked } from './choosing.ts';
import { mendText } from './mending.ts';
import { clickCandidate } from './pointing.ts';
import { dateKeys, fieldValueOf, isDateField, setSlider } from './values.ts';

type TypeIntent = Extract<Intent, { type: 'type_text' }>;

/** Looks for the typed text to arrive, milliseconds apart: applications take a moment to publish it. */
const READ_BACK_MS: readonly number[] = [120, 300, 700];
const MAX_TEXT_PER_OPERATION = 100_000;

export function* typeText(scene: Scene, intent: TypeIntent): Move {
  const text = resolveText(scene, intent);
  if (intent.into === null) yield* typeHere(scene, text, intent.submit);
  else yield* typeInto(scene, text, intent.into, intent);
}

export function resolveText(scene: Scene, { text }: Pick<TypeIntent, 'text'>): string {
  const resolved = text.type === 'literal' ? text.text : scene.memory.get(text.name);
  if (resolved === undefined || resolved === '')
    throw new TaskFailure(
      text.type === 'literal' ? 'There is no text to type.' : `Nothing was remembered as “${text.name}”.`,
    );
  if ([...resolved].length > MAX_TEXT_PER_OPERATION) throw new TaskFailure('The text is too long to type.');
  return resolved;
}

/** Types where the cursor is. */
function* typeHere(scene: Scene, text: string, submit: boolean): Move {
  const field = typingField(scene);
  if (field === null && scene.activeWindow === null && scene.isBare)
    throw new TaskFailure('No window is open that could take the text; it was not typed.');
  if (field !== null && isProtected(field) && !hasSecretReference(text))
    return yield* leaveSecretToPerson(scene, describeRole(field));
  const where = field === null ? 'whatever has the focus' : `the focused ${describeRole(field)}`;
  const before = field?.value;
  const frameBefore = scene.observation.frame?.sha256;
  const windowBefore = scene.observation.activeWindowId;
  const outcomes = yield* doTyping(
    scene,
    `Typing ${characters(text)} into ${where}. Expecting them to appear there.`,
    [{ type: 'type_text', text }, ...(submit ? [ENTER] : [])],
    field,
  );
  // A dialog that was on its way has come: the text went where the focus was by then.
  const elsewhere = scene.observation.activeWindowId !== windowBefore;
  if (elsewhere && !submit && !text.includes('\n')) yield* expectInNewWindow(scene, text);
  if (submit || field === null || elsewhere)
    return yield* expectSomething(scene, text, outcomes, frameBefore);
  const verdict = yield* readBack(scene, field, text, 'contains');
  if (verdict !== 'unmet') return;
  const now = again(scene, field);
  // Provably untouched: the focus was elsewhere. Aim at the field itself, once.
  if (now !== null && now.value === before && before !== undefined) {
    yield* doTyping(scene, `Nothing arrived in ${describeRole(now)}; clicking into it and typing there.`, [
      { type: 'click', point: pointOf({ element: now, visible: now.bounds, score: 1 }) },
      { type: 'type_text', text },
    ]);
    if ((yield* readBack(scene, now, text, 'contains')) !== 'unmet') return;
  }
  throw new TaskFailure(mismatch(again(scene, field) ?? field, text));
}

/**
 * Another window took the focus while text was typed: right only where its field holds the whole of it.
 * @throws TaskFailure when that field can be read and holds something else.
 */
function* expectInNewWindow(scene: Scene, text: string): Move {
  const title = scene.activeWindow?.title.slice(0, 80) ?? '';
  for (const afterMs of [0, ...READ_BACK_MS]) {
    if (afterMs > 0)
      yield* scene.look(`“${title}” came to the front; reading what arrived in it.`, LOOK, afterMs);
    const field = typingField(scene);
    if (holdsText(field, text, 'contains') !== 'unmet') return;
  }
  throw new TaskFailure(
    `The window “${title}” came to the front while ${characters(text)} were typed, and its field does not hold them; part of the text may have gone there.`,
  );
}

/**
 * Where no field tells what it holds, something at least must have changed on the screen.
 * @throws TaskFailure when nothing did: the text may have gone nowhere.
 */
function* expectSomething(
  scene: Scene,
  text: string,
  outcomes: readonly Outcome[],
  frameBefore: string | undefined,
): Move {
  for (const afterMs of [0, ...READ_BACK_MS]) {
    if (afterMs > 0) yield* scene.look(`Waiting for ${characters(text)} to appear somewhere.`, LOOK, afterMs);
    const changed =
      outcomes.some(
        ({ status, evidence }) => status === 'confirmed' || (evidence?.changedFraction ?? 0) > 0,
      ) || scene.observation.frame?.sha256 !== frameBefore;
    const arrived = scene.elements.some(
      (element) => isEditable(element) && holdsText(element, text, 'contains') === 'met',
    );
    if (changed || arrived) return;
  }
  throw new TaskFailure(
    `Nothing shows that the text (${characters(text)}) arrived; nothing on the screen changed.`,
  );
}

/** Types into a named field, replacing what it held unless told to append. */
function* typeInto(scene: Scene, said: string, into: Target, intent: TypeIntent): Move {
  let text = said;
  const slider = ground({ ...into, role: 'slider' }, scene.observation, 'point');
  if (
    slider.type === 'found' &&
    slider.candidate.element.role === 'slider' &&
    /^-?\d+(?:\.\d+)?\s*%?$/.test(text.trim())
  )
    return yield* setSlider(scene, slider.candidate, Number.parseFloat(text));
  // "Answer “What is 2+2?” with 4" may mean one of several radio buttons below the question.
  const radio = sureField(scene, into) ? null : radioIn(scene, text, into);
  if (radio !== null) {
    yield* clickCandidate(scene, radio, { ...into, text, role: 'radio', near: null });
    return;
  }
  const found = yield* find(scene, into, 'type');
  const field = fieldAt(scene, found);
  if (fitsHint(field, 'check_box') && YES_OR_NO.test(text))
    return yield* setChecked(scene, {
      type: 'set_checked',
      target: { ...into, role: 'check_box' },
      checked: !/^(?:no|off|false|un)/i.test(text),
    });
  if (isDateField(field)) {
    text = fieldValueOf(text) ?? text;
    if (field.source === 'dom' && (yield* typeAsDate(scene, field, text))) return;
  }
  // "set Size to Large": only the screen tells a drop-down from a text field.
  if (fitsHint(field, 'select') && !isEditable(field)) {
    const from: Target = { ...into, role: 'select' };
    yield* selectOption(scene, { type: 'select_option', option: text, from }, typeText);
    return;
  }
  if (isProtected(field) && !hasSecretReference(text))
    return yield* leaveSecretToPerson(scene, describeTarget(into));
  const empties = intent.mode === 'replace' && field.role !== 'terminal' && field.value !== '';
  const reason = `Typing ${characters(text)} into ${describeTarget(into)}: ${foundWords(found)}. Expecting the field to hold them.`;
  const enter = intent.submit ? [ENTER] : [];
  if (found.element.source === 'ocr') {
    // Read from pixels, so it may be a label rather than a field: look where the focus went before typing.
    yield* doTyping(scene, `Clicking ${describeTarget(into)} first: ${foundWords(found)}.`, [
      { type: 'click', point: pointOf(found) },
    ]);
    const focused = scene.focused;
    if (focused !== null && isProtected(focused) && !hasSecretReference(text))
      return yield* leaveSecretToPerson(scene, describeTarget(into));
    yield* doTyping(scene, reason, [...(empties ? [SELECT_ALL] : []), { type: 'type_text', text }, ...enter]);
    return;
  }
  const outcomes = yield* doTyping(
    scene,
    reason,
    [
      { type: 'click', point: pointOf(found) },
      ...(empties ? [SELECT_ALL] : []),
      { type: 'type_text', text },
      ...enter,
    ],
    field,
  );
  if (intent.submit) return;
  const how = intent.mode === 'replace' ? 'equals' : 'contains';
  if ((yield* readBack(scene, field, text, how)) === 'met') return;
  if (outcomes.at(-1)?.status === 'no_effect' && field.source === 'dom' && again(scene, field) === null) {
    // A box of the browser came in that moment: nothing was typed, and behind it the field is as it was.
    if (yield* pastUnexpectedBox(scene, into)) return yield* typeInto(scene, said, into, intent);
    throw new TaskFailure(
      `${describeTarget(into)} went away before the text arrived in it; nothing on the screen holds it.`,
    );
  }
  if (!isDateField(field) && (yield* typeAsDate(scene, field, text))) return;
  if (arrivedNowhere(scene, field, text)) {
    // The click did not take the focus and the text is in no field: aim again, once.
    const retry = yield* find(scene, into, 'type');
    yield* doTyping(
      scene,
      `The text arrived nowhere; clicking ${describeTarget(into)} again (${foundWords(retry)}) and typing there.`,
      [
        { type: 'click', point: pointOf(retry) },
        ...(empties ? [SELECT_ALL] : []),
        { type: 'type_text', text },
      ],
    );
    if ((yield* readBack(scene, fieldAt(scene, retry), text, how)) !== 'unmet') return;
  }
  // Some fields complete or correct what is typed into them.
  if (how === 'equals' && holdsText(again(scene, field), text, how) === 'unmet')
    yield* mendText(
      scene,
      again(scene, field) ?? field,
      text,
      (value) => holdsText({ ...field, value }, text, how) === 'met',
    );
  if (holdsText(again(scene, field), text, how) === 'unmet')
    throw new TaskFailure(mismatch(again(scene, field) ?? field, text));
}

const YES_OR_NO = /^(?:yes|no|on|off|true|false|(?:un)?(?:checked|ticked))$/i;

function sureField(scene: Scene, into: Target): boolean {
  const grounding = ground(into, scene.observation, 'type');
  return grounding.type !== 'missing' && (grounding.type !== 'found' || grounding.candidate.score >= 0.75);
}

/** The field is as it was before, and no field that can be read holds the text. */
function arrivedNowhere(scene: Scene, field: ScreenElement, text: string): boolean {
  const now = again(scene, field);
  if (now === null || now.value === undefined || now.value !== field.value) return false;
  const focused = scene.focused;
  if (focused !== null && isEditable(focused) && focused.id !== now.id && focused.value === undefined)
    return false;
  return !scene.elements.some(
    (element) => isEditable(element) && holdsText(element, text, 'contains') === 'met',
  );
}

/** A browser's date field takes digits in its own order; it tells its value as year-month-day. */
function* typeAsDate(scene: Scene, field: ScreenElement, text: string): Move<boolean> {
  for (const keys of dateKeys(text)) {
    const now = again(scene, field);
    if (now === null || (now.value ?? '') === text) return now !== null;
    // Its parts start at the left; what is in them is overwritten part by part.
    const left = { x: now.bounds.x + 14, y: now.bounds.y + now.bounds.height / 2 };
    yield* doTyping(
      scene,
      `${describeRole(now)} takes dates in another order; typing the digits part by part.`,
      [
        { type: 'click', point: left },
        { type: 'type_text', text: keys },
      ],
    );
    yield* scene.look('Reading the date back.', LOOK, 100);
    if (again(scene, field)?.value === text) return true;
  }
  return false;
}

/** The label was found: the field it names may be another element at the same place. */
function fieldAt(scene: Scene, found: Candidate): ScreenElement {
  return isEditable(found.element) ? found.element : (again(scene, found.element) ?? found.element);
}

const ENTER: OperationInput = { type: 'key_press', keys: ['enter'] };
const SELECT_ALL: OperationInput = { type: 'key_combo', keys: ['ctrl', 'a'] };

/** @param into the field, where it is known: what a takeover left out of it is typed after the person is done. */
function* doTyping(
  scene: Scene,
  reason: string,
  operations: readonly OperationInput[],
  into: ScreenElement | null = null,
): Move<readonly Outcome[]> {
  try {
    const outcomes = yield* scene.act(reason, operations);
    const failure = failureOf(outcomes);
    if (failure !== null)
      throw new TaskFailure(`Typing failed: ${failure.message ?? failure.code ?? failure.status}.`);
    return outcomes;
  } catch (error) {
    if (!(error instanceof CutShort) || into === null) throw error;
    return yield* typeTheRest(
      scene,
      error,
      into,
      operations.some(({ type }) => type === 'key_combo'),
    );
  }
}

/**
 * After a takeover in the middle of typing: only where the field provably holds a beginning of the text, and
 * nothing but that, and has the focus still, is the rest typed.
 * @throws CutShort where that is not so, for a person to decide.
 */
function* typeTheRest(
  scene: Scene,
  cut: CutShort,
  field: ScreenElement,
  emptied: boolean,
): Move<readonly Outcome[]> {
  const [typing, ...after] = cut.left;
  const first = again(scene, field)?.value;
  // Keys that were sent already may still be on their way through the application.
  yield* scene.look(`Reading what has arrived in ${describeRole(field)}.`, LOOK, READ_BACK_MS.at(-1));
  const now = again(scene, field);
  const value = now?.value ?? '';
  const startedEmpty = emptied || field.value === '';
  const provable =
    typing?.type === 'type_text' &&
    now !== null &&
    value === first &&
    startedEmpty &&
    now.states.includes('focused') &&
    isEditable(now) &&
    !isProtected(now) &&
    value !== '' &&
    typing.text.startsWith(value) &&
    // A field that tells only the beginning of a long value proves nothing.
    value.length < 9_900;
  if (!provable) throw cut;
  const rest = typing.text.slice(value.length);
  return yield* doTyping(
    scene,
    `A person took over midway; ${describeRole(now)} holds the first ${characters(value)}. Typing the ${characters(rest)} that are missing.`,
    [
      { type: 'key_combo', keys: ['ctrl', 'end'] },
      ...(rest === '' ? [] : [{ ...typing, text: rest }]),
      ...after,
    ],
  );
}

function* readBack(
  scene: Scene,
  field: ScreenElement,
  text: string,
  how: 'equals' | 'contains',
): Move<'met' | 'unmet' | 'unknown'> {
  let verdict = holdsText(again(scene, field), text, how);
  for (const afterMs of READ_BACK_MS) {
    if (verdict !== 'unmet') return verdict;
    yield* scene.look(`Waiting for ${characters(text)} to arrive in ${describeRole(field)}.`, LOOK, afterMs);
    verdict = holdsText(again(scene, field), text, how);
  }
  return verdict;
}

function mismatch(field: ScreenElement, text: string): string {
  return `After typing, ${describeRole(field)} holds ${characters(field.value ?? '')} that differ from the ${characters(text)} typed.`;
}

function* leaveSecretToPerson(scene: Scene, field: string): Move {
  yield* scene.ask(
    `${field} takes a password; passwords are left to a person.`,
    `Please type the password into ${field} yourself, then resume.`,
  );
}

export function* clearField(scene: Scene, intent: Extract<Intent, { type: 'clear' }>): Move {
  const remove: OperationInput = { type: 'key_press', keys: ['delete'] };
  if (intent.target === null) {
    yield* doTyping(scene, 'Selecting everything in the focused field and deleting it.', [
      SELECT_ALL,
      remove,
    ]);
    return;
  }
  const found = yield* find(scene, intent.target, 'type');
  yield* doTyping(
    scene,
    `Emptying ${describeTarget(intent.target)}: ${foundWords(found)}. Expecting it to be empty.`,
    [{ type: 'click', point: pointOf(found) }, SELECT_ALL, remove],
  );
  const now = again(scene, found.element);
  if (now?.value !== undefined && now.value !== '' && isEditable(now))
    throw new TaskFailure(`${describeTarget(intent.target)} still holds ${characters(now.value)}.`);
}
