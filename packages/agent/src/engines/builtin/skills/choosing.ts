import type { ScreenElement } from '@deskhand/protocol';
import { again } from '../expectations.ts';
import { describeRole, foundWords } from '../explain.ts';
import { find } from '../find.ts';
import { type Candidate, candidatesFor, ground, pointOf } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { fitsHint, isEditable } from '../roles.ts';
import { failureOf, LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from '../scene.ts';
import { describeTarget, type Target, targetOf } from '../target.ts';
import { foldLabel, likeness } from '../wording.ts';
import { clickCandidate, clickOn } from './pointing.ts';
import { isDateField, setSlider } from './values.ts';

type TypeIntent = Extract<Intent, { type: 'type_text' }>;
type TypeText = (scene: Scene, intent: TypeIntent) => Move;

const named = (text: string, role: Target['role']): Target => targetOf(text, role, 'quoted');

/** Opens menu after menu along the path. */
export function* chooseMenu(scene: Scene, intent: Extract<Intent, { type: 'choose_menu' }>): Move {
  for (const [index, name] of intent.path.entries())
    yield* clickOn(scene, named(name, index === 0 ? 'menu' : 'menu_item'), 'point');
}

/**
 * Picks an option: of a drop-down, a list, or a group of radio buttons.
 * @param typeText for what turns out to be a field.
 */
export function* selectOption(
  scene: Scene,
  intent: Extract<Intent, { type: 'select_option' }>,
  typeText: TypeText,
): Move {
  const { from } = intent;
  let { option } = intent;
  if (from === null) {
    const radio = radioOfLabel(scene, option);
    if (radio !== null) {
      yield* clickCandidate(scene, radio, named(option, 'radio'));
      return;
    }
    const split = labelAndOption(scene, option);
    if (split !== null) return yield* selectOption(scene, { ...intent, ...split }, typeText);
    yield* clickOn(scene, named(option, null), 'point');
    return;
  }
  // "Pick March 3 1990 as the birth date": a field that is typed into.
  const typed = ground({ ...from, role: 'field' }, scene.observation, 'type');
  if (typed.type === 'found' && typed.candidate.score >= 0.8 && isDateField(typed.candidate.element))
    return yield* typeText(scene, asField(option, from));
  let box = ground(from, scene.observation, 'choose');
  let radio = radioIn(scene, option, from);
  // A page may still be filling.
  for (const afterMs of [200, 500]) {
    if (box.type !== 'missing' || radio !== null) break;
    yield* scene.look(`Looking for ${describeTarget(from)}.`, LOOK, afterMs);
    box = ground(from, scene.observation, 'choose');
    radio = radioIn(scene, option, from);
  }
  if (box.type === 'missing' && radio !== null) {
    yield* clickCandidate(scene, radio, named(option, 'radio'));
    return;
  }
  const found = yield* find(scene, from, 'choose');
  option = nearestOption(found.element, option);
  if (!fitsHint(found.element, 'select') && radio !== null) {
    yield* clickCandidate(scene, radio, named(option, 'radio'));
    return;
  }
  // "Set the Volume slider to 75" reads like a choice.
  if (found.element.role === 'slider' && /^-?\d+(?:\.\d+)?\s*%?$/.test(option.trim()))
    return yield* setSlider(scene, found, Number.parseFloat(option));
  if (isEditable(found.element) && !fitsHint(found.element, 'select'))
    return yield* typeText(scene, asField(option, from));
  if (shows(found.element, option)) {
    scene.proofs.push(`${describeTarget(from)} already showed the option`);
    return;
  }
  yield* clickCandidate(scene, found, from);
  if (!(yield* clickOption(scene, option, found))) yield* typeAhead(scene, option, found);
  yield* expectOption(scene, option, from, found.element);
}

function asField(option: string, from: Target): TypeIntent {
  return {
    type: 'type_text',
    text: { type: 'literal', text: option },
    into: { ...from, role: 'field' },
    submit: false,
    mode: 'replace',
  };
}

/** "Select size Large", "pick express shipping": the words name a drop-down of the screen and one of its options. */
function labelAndOption(scene: Scene, words: string): { option: string; from: Target } | null {
  const asWhole = candidatesFor(named(words, null), scene.observation, 'point')[0];
  if (asWhole !== undefined && likeness(words, asWhole.element.name) >= 0.9) return null;
  const boxes = scene.elements.filter((element) => fitsHint(element, 'select') && element.name !== '');
  const all = words.trim().split(/\s+/);
  for (let cut = 1; cut < all.length; cut += 1) {
    const [first, second] = [all.slice(0, cut).join(' '), all.slice(cut).join(' ')];
    for (const [label, option] of [
      [first, second],
      [second, first],
    ] as const) {
      const box = boxes.find((element) => likeness(label, element.name) >= 0.8);
      if (box !== undefined && optionsOf(box).some((name) => likeness(option, name) >= 0.7))
        return { option: nearestOption(box, option), from: named(box.name, 'select') };
    }
  }
  // No label was said, but only one list offers it.
  const offering = boxes.filter((box) => optionsOf(box).some((name) => foldLabel(name) === foldLabel(words)));
  const [only] = offering;
  return offering.length === 1 && only !== undefined
    ? { option: words, from: named(only.name, 'select') }
    : null;
}

/** "Select the Pro plan": a radio button “Pro”, where the rest of the words is written on the page as well. */
function radioOfLabel(scene: Scene, words: string): Candidate | null {
  const radios = candidatesFor(named(words, 'radio'), scene.observation, 'choose').filter(
    ({ element, visible }) => visible !== null && element.source !== 'ocr' && fitsHint(element, 'radio'),
  );
  const exact = radios.filter(({ element }) => likeness(words, element.name) >= 0.9);
  if (exact.length === 1) return exact[0] ?? null;
  const all = words.trim().split(/\s+/);
  const fits = radios.filter(({ element }) => {
    const own = new Set(element.name.toLowerCase().split(/\s+/));
    const rest = all.filter((word) => !own.has(word.toLowerCase())).join(' ');
    if (rest === '' || rest.split(' ').length === all.length) return false;
    return scene.elements.some(({ name, id }) => id !== element.id && likeness(rest, name) >= 0.9);
  });
  return fits.length === 1 ? (fits[0] ?? null) : null;
}

/** The option as the box spells it; what was asked for where none comes near. */
function nearestOption(box: ScreenElement, option: string): string {
  const scored = optionsOf(box)
    .map((name) => ({ name, like: likeness(option, name) }))
    .sort((a, b) => b.like - a.like);
  const [best, second] = scored;
  return best !== undefined && best.like >= 0.7 && (second === undefined || second.like < best.like)
    ? best.name
    : option;
}

/** A radio button of that name, when there is one: "select Large from Size" may mean a group of them. */
export function radioIn(scene: Scene, option: string, from: Target): Candidate | null {
  const radios = candidatesFor(named(option, 'radio'), scene.observation, 'choose').filter(
    ({ element, score, visible }) => fitsHint(element, 'radio') && score >= 0.8 && visible !== null,
  );
  if (radios.length <= 1) return radios[0] ?? null;
  const inGroup = ground(
    { ...named(option, 'radio'), near: { relation: 'in', target: from } },
    scene.observation,
    'choose',
  );
  return inGroup.type === 'found' ? inGroup.candidate : null;
}

/** Clicks the option in the list that opened; false when the list is not to be seen. */
function* clickOption(scene: Scene, option: string, box: Candidate): Move<boolean> {
  for (const request of [null, LOOK, LOOK_WITH_OCR]) {
    if (request !== null)
      yield* scene.look('Looking for the list that opened.', request, request === LOOK ? 250 : 0);
    const choice = openOption(scene, option, box);
    if (choice !== null) {
      yield* clickCandidate(scene, choice, named(option, 'option'));
      return true;
    }
  }
  return false;
}

/** The option itself, not the box that may already bear its name. */
function openOption(scene: Scene, option: string, box: Candidate): Candidate | null {
  const options = candidatesFor(named(option, 'option'), scene.observation, 'point').filter(
    ({ element, visible, score }) =>
      visible !== null &&
      score >= 0.75 &&
      likeness(option, element.name) >= 0.9 &&
      !fitsHint(element, 'select') &&
      !isInside(element, box.element),
  );
  return options[0] ?? null;
}

function isInside(inner: ScreenElement, outer: ScreenElement): boolean {
  const a = inner.bounds;
  const b = outer.bounds;
  return (
    a.x >= b.x - 1 &&
    a.y >= b.y - 1 &&
    a.x + a.width <= b.x + b.width + 1 &&
    a.y + a.height <= b.y + b.height + 1
  );
}

/** The list is drawn where nothing can be read: go to the option by its place, or by its first letters. */
function* typeAhead(scene: Scene, option: string, box: Candidate): Move {
  const known = optionsOf(box.element);
  const place = known.findIndex((name) => foldLabel(name) === foldLabel(option));
  if (known.length > 0 && place < 0)
    throw new TaskFailure(
      `${describeRole(box.element)} has no option “${option}”; it has ${known
        .slice(0, 12)
        .map((name) => `“${name}”`)
        .join(', ')}.`,
    );
  const failure = failureOf(
    yield* scene.act(
      `The options of ${describeRole(box.element)} cannot be seen; choosing by its first letters.`,
      [
        { type: 'type_text', text: option },
        { type: 'key_press', keys: ['enter'] },
      ],
    ),
  );
  if (failure !== null)
    throw new TaskFailure(`Choosing the option failed: ${failure.message ?? failure.status}.`);
}

/** What a drop-down offers, where the page says so. */
function optionsOf(box: ScreenElement): readonly string[] {
  const options: unknown = (box as { options?: unknown }).options;
  return Array.isArray(options)
    ? options.filter((option): option is string => typeof option === 'string')
    : [];
}

function* expectOption(scene: Scene, option: string, from: Target, box: ScreenElement): Move {
  for (const afterMs of [0, 200, 600]) {
    if (afterMs > 0) yield* scene.look('Waiting for the choice to show.', LOOK, afterMs);
    const now = again(scene, box);
    if (now === null || (now.value ?? '') === '') continue;
    if (shows(now, option)) return;
  }
  const now = again(scene, box);
  if (now === null || (now.value ?? '') === '') {
    scene.doubts.push(`whether ${describeTarget(from)} now shows the option could not be read`);
    return;
  }
  throw new TaskFailure(
    `${describeTarget(from)} shows “${(now.value ?? '').slice(0, 80)}” instead of “${option}”.`,
  );
}

function shows(box: ScreenElement, option: string): boolean {
  return foldLabel(box.value ?? '') === foldLabel(option);
}

/** Ticks or unticks; does nothing when it already is as asked. */
export function* setChecked(scene: Scene, intent: Extract<Intent, { type: 'set_checked' }>): Move {
  const { target, checked } = intent;
  const found = yield* find(scene, target, 'tick');
  const word = checked ? 'ticked' : 'not ticked';
  if (knowsTick(found.element) && isTicked(found.element) === checked) {
    scene.proofs.push(`${describeTarget(target)} was ${word} already`);
    return;
  }
  const failure = failureOf(
    yield* scene.act(
      `Clicking ${describeTarget(target)}: ${foundWords(found)}. Expecting it to be ${word}.`,
      [{ type: 'click', point: pointOf(found) }],
    ),
  );
  if (failure !== null)
    throw new TaskFailure(`Clicking ${describeTarget(target)} failed: ${failure.message ?? failure.status}.`);
  for (const afterMs of [0, 200, 600]) {
    if (afterMs > 0) yield* scene.look('Waiting for the tick to show.', LOOK, afterMs);
    const now = again(scene, found.element);
    if (now === null || !knowsTick(now)) return;
    if (isTicked(now) === checked) return;
  }
  throw new TaskFailure(
    `${describeTarget(target)} is still ${checked ? 'not ticked' : 'ticked'} after the click.`,
  );
}

export function isTicked(element: ScreenElement): boolean {
  return element.states.includes('checked') || element.states.includes('pressed');
}

/** Whether this element's states say anything about a tick. */
function knowsTick(element: ScreenElement): boolean {
  return element.source !== 'ocr' && (fitsHint(element, 'check_box') || fitsHint(element, 'radio'));
}
