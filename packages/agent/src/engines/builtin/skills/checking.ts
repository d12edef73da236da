import type { ScreenElement } from '@deskhand/protocol';
import { holdsText } from '../expectations.ts';
import { describeRole, nearestWords, shownText } from '../explain.ts';
import { find, whereLooked } from '../find.ts';
import { candidatesFor, ground } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { isProtected } from '../roles.ts';
import { LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure } from '../scene.ts';
import { describeTarget, type Target } from '../target.ts';
import { isVisibleIn } from '../visibility.ts';
import { containsText } from '../wording.ts';
import { isTicked } from './choosing.ts';
import { factsFrom } from './saving.ts';

/** A page may still be filling when a check follows a click; milliseconds between looks. */
const PATIENCE_MS: readonly number[] = [0, 250, 500, 1000, 1500];

/** Seen on the screen, or in the output of the last command. */
export function isVisible(scene: Scene, target: Target): boolean {
  if (isVisibleIn(scene.observation, target)) return true;
  const text = target.text ?? target.phrase;
  return text !== null && scene.commandOutput !== null && containsText(scene.commandOutput, text);
}

export function* checkVisible(scene: Scene, intent: Extract<Intent, { type: 'check_visible' }>): Move {
  const { target, visible } = intent;
  const what = describeTarget(target);
  for (const afterMs of PATIENCE_MS) {
    if (afterMs > 0)
      yield* scene.look(
        `Looking ${visible ? 'for' : 'whether'} ${what}${visible ? '' : ' is still there'}.`,
        LOOK,
        afterMs,
      );
    if (isVisible(scene, target) === visible) {
      if (visible) return yield* prove(scene, `${what} is visible`);
      break;
    }
  }
  // What no list of elements mentions may still be painted: read the picture before judging.
  yield* scene.look(`Reading the picture for ${what}.`, LOOK_WITH_OCR);
  if (isVisible(scene, target) === visible)
    return yield* prove(scene, `${what} is ${visible ? '' : 'not '}visible`);
  if (!visible) throw new TaskFailure(`${what} is visible, but should not be.`);
  const nearest = candidatesFor(target, scene.observation, 'read').slice(0, 3);
  throw new TaskFailure(`${what} is not visible in ${whereLooked(scene)}; ${nearestWords(nearest)}.`);
}

/** A check changes nothing, so its evidence is a look of its own that the log keeps. */
function* prove(scene: Scene, fact: string): Move {
  scene.proofs.push(fact);
  yield* scene.look(`Checked: ${fact}.`);
}

export function* checkValue(scene: Scene, intent: Extract<Intent, { type: 'check_value' }>): Move {
  const { target, how, text, expected } = intent;
  const what = describeTarget(target);
  const purpose = target.role !== null && READ_ONLY.has(target.role) ? 'read' : 'type';
  for (const afterMs of PATIENCE_MS) {
    if (afterMs > 0) yield* scene.look(`Reading ${what} again.`, LOOK, afterMs);
    const grounding = ground(target, scene.observation, purpose);
    // "The heading says …": of several one must.
    if (grounding.type === 'ambiguous' && expected && purpose === 'read') {
      const one = grounding.candidates.some(({ element }) => textVerdict(element, text) === 'met');
      if (one) return yield* prove(scene, `${what} holds the expected text`);
    }
    if (grounding.type !== 'found') continue;
    const { element } = grounding.candidate;
    if (isProtected(element)) throw new TaskFailure(`${what} takes a password and is not read.`);
    const verdict = element.value === undefined ? textVerdict(element, text) : holdsText(element, text, how);
    if ((verdict === 'met') === expected && verdict !== 'unknown')
      return yield* prove(scene, `${what} ${expected ? 'holds' : 'does not hold'} the expected text`);
  }
  // "check that the total shows 42": not a field, just text that should be there.
  if (ground(target, scene.observation, purpose).type === 'missing' && expected) {
    const loose: Target = { text, phrase: null, quoted: true, role: null, ordinal: null, near: null };
    if (isVisible(scene, loose) && isVisible(scene, { ...target, role: null }))
      return yield* prove(scene, `${what} shows the expected text`);
  }
  const found = yield* find(scene, target, purpose);
  throw new TaskFailure(
    `${describeRole(found.element)} ${expected ? 'does not hold' : 'holds'} the expected text (it has ${[...shownText(found.element)].length} characters).`,
  );
}

/** Kinds that show text and take none. */
const READ_ONLY: ReadonlySet<Target['role']> = new Set([
  'heading',
  'text',
  'cell',
  'row',
  'button',
  'link',
  'list_item',
  'tab',
  'dialog',
]);

function textVerdict(element: ScreenElement, text: string): 'met' | 'unmet' {
  return containsText(element.name, text) ? 'met' : 'unmet';
}

export function* checkState(scene: Scene, intent: Extract<Intent, { type: 'check_state' }>): Move {
  const { target, state, expected } = intent;
  const what = describeTarget(target);
  const purpose = state === 'checked' ? 'tick' : 'point';
  for (const afterMs of PATIENCE_MS) {
    if (afterMs > 0) yield* scene.look(`Looking at ${what} again.`, LOOK, afterMs);
    const grounding = ground(target, scene.observation, purpose);
    if (grounding.type !== 'found') continue;
    const { element } = grounding.candidate;
    if (element.source === 'ocr') continue;
    const is =
      state === 'checked'
        ? isTicked(element)
        : state === 'enabled'
          ? !element.states.includes('disabled') &&
            (element.source === 'dom' || element.states.includes('enabled'))
          : // A radio button that is selected says that it is checked.
            element.states.includes(state) || (state === 'selected' && isTicked(element));
    if (is === expected) return yield* prove(scene, `${what} is ${expected ? '' : 'not '}${state}`);
  }
  yield* find(scene, target, purpose);
  throw new TaskFailure(`${what} is ${expected ? 'not ' : ''}${state}.`);
}

export function* checkFile(scene: Scene, intent: Extract<Intent, { type: 'check_file' }>): Move {
  const { path, contains, expected } = intent;
  // Each question is a step of the run, so few of them.
  for (const afterMs of [0, 700, 1500]) {
    if (afterMs > 0) yield* scene.look(`Waiting for ${path}.`, LOOK, afterMs);
    const [outcome] = yield* scene.act(`Looking at the file ${path}.`, [
      contains === null ? { type: 'stat_file', path } : { type: 'read_file', path },
    ]);
    if (outcome?.status === 'refused')
      throw new TaskFailure(
        `This desktop does not let ${path} be looked at: ${outcome.message ?? outcome.code ?? 'refused'}.`,
      );
    if (contains === null) {
      const facts = factsFrom(outcome);
      if (facts !== null && facts.exists === expected)
        return yield* prove(scene, `${path} ${expected ? 'exists' : 'does not exist'}`);
      continue;
    }
    const content = outcome?.result?.text;
    if (typeof content === 'string' && containsText(content, contains) === expected)
      return yield* prove(scene, `${path} contains the expected text`);
  }
  const wanted =
    contains === null ? (expected ? 'does not exist' : 'exists') : 'does not contain the expected text';
  throw new TaskFailure(`${path} ${wanted}.`);
}

export function* checkPage(scene: Scene, intent: Extract<Intent, { type: 'check_page' }>): Move {
  const { part, how, text } = intent;
  let shown = '';
  for (const afterMs of PATIENCE_MS) {
    if (afterMs > 0) yield* scene.look('Waiting for the page.', LOOK, afterMs);
    const { page } = scene.observation;
    shown = (page === null ? scene.activeWindow?.title : page[part]) ?? '';
    const same =
      shown.trim().toLowerCase().replace(/\/$/, '') === text.trim().toLowerCase().replace(/\/$/, '');
    if (how === 'equals' ? same : containsText(shown, text))
      return yield* prove(scene, `the page’s ${part} fits`);
  }
  throw new TaskFailure(
    `The page’s ${part} is “${shown.slice(0, 200)}”, expected ${how === 'equals' ? '' : 'it to contain '}“${text}”.`,
  );
}
