import type { OperationInput, Outcome } from '@deskhand/protocol';
import { foundWords } from '../explain.ts';
import { find } from '../find.ts';
import { type Candidate, ground, isBrowsersBox, type Purpose, pointOf } from '../grounding.ts';
import type { Intent } from '../intent.ts';
import { failureOf, LOOK, type Move, type Scene, TaskFailure } from '../scene.ts';
import { describeTarget, type Target } from '../target.ts';
import { waitForNewWindow } from './pressing.ts';

type ClickIntent = Extract<Intent, { type: 'click' }>;

export function* click(scene: Scene, intent: ClickIntent): Move {
  const { target, button, clicks, modifiers, heldMs } = intent;
  const windowBefore = scene.observation.activeWindowId;
  const submits = heldMs === undefined && isSubmitWord(target) ? submitButton(scene, target) : null;
  if (submits !== null) {
    yield* clickCandidate(scene, submits, target);
    return;
  }
  const clicked = yield* clickOn(scene, target, 'point', {
    button,
    clicks,
    modifiers: [...modifiers],
    ...(heldMs === undefined ? {} : { heldMs }),
  });
  if (clicked.element.states.includes('file')) yield* waitForNewWindow(scene, windowBefore);
}

/** "Submit the form", "log in": said of a form, whatever its button bears. */
const SUBMIT_WORDS =
  /^(?:submit|send|post|publish|log ?in|sign ?in|log on|sign on|sign ?up|register|search)$/i;

function isSubmitWord({ text, quoted, role, ordinal, near }: Target): boolean {
  return (
    !quoted &&
    ordinal === null &&
    near === null &&
    (role === null || role === 'button') &&
    SUBMIT_WORDS.test(text ?? '')
  );
}

/** Where no button is called so, the one button that sends the form: of several the one below the field with the focus. */
function submitButton(scene: Scene, target: Target): Candidate | null {
  const named = ground(target, scene.observation, 'point');
  const best =
    named.type === 'found' ? named.candidate : named.type === 'ambiguous' ? named.candidates[0] : undefined;
  if (best !== undefined && best.score >= 0.7) return null;
  const buttons = scene.elements.filter(
    ({ states }) => states.includes('submits') && !states.includes('disabled'),
  );
  const top = scene.elements.find(({ states, source }) => source === 'dom' && states.includes('focused'))
    ?.bounds.y;
  const below = top === undefined ? buttons : buttons.filter(({ bounds }) => bounds.y >= top - 8);
  const element = buttons.length === 1 ? buttons[0] : below.sort((a, b) => a.bounds.y - b.bounds.y)[0];
  return element === undefined ? null : { element, visible: element.bounds, score: 0.8 };
}

const BOX_PAUSE_MS = 600;

type ClickWays = Readonly<{
  button?: 'left' | 'middle' | 'right' | 'back' | 'forward';
  clicks?: number;
  modifiers?: string[];
  heldMs?: number;
}>;

/**
 * Finds and clicks. When the click provably changed nothing and the target turns out to be somewhere else
 * by now, it is aimed at once more; never blindly at the same place.
 */
export function* clickOn(
  scene: Scene,
  target: Target,
  purpose: Purpose,
  ways: ClickWays = {},
): Move<Candidate> {
  const candidate = yield* find(scene, target, purpose);
  if (isBrowsersBox(candidate, scene.observation))
    yield* scene.look(
      'A browser takes no click on a box of its own in its first half second; waiting.',
      LOOK,
      BOX_PAUSE_MS,
    );
  const first = yield* clickCandidate(scene, candidate, target, ways);
  if (first?.status !== 'no_effect') return candidate;
  yield* scene.look('The click changed nothing visible so far; looking once more.', { elements: true }, 600);
  if ((scene.observation.changedFraction ?? 0) > 0) return candidate;
  const now = yield* find(scene, target, purpose);
  const moved = Math.hypot(pointOf(now).x - pointOf(candidate).x, pointOf(now).y - pointOf(candidate).y) > 4;
  if (moved) {
    yield* clickCandidate(scene, now, target, ways);
    return now;
  }
  scene.doubts.push(`clicking ${describeTarget(target)} changed nothing visible`);
  return candidate;
}

export function* clickCandidate(
  scene: Scene,
  candidate: Candidate,
  target: Target,
  ways: ClickWays = {},
): Move<Outcome | undefined> {
  const operation: OperationInput = { type: 'click', point: pointOf(candidate), ...ways };
  const outcomes = yield* scene.act(
    `Clicking ${describeTarget(target)}: ${foundWords(candidate)}. Expecting the screen to react.`,
    [operation],
  );
  const failure = failureOf(outcomes);
  if (failure !== null)
    throw new TaskFailure(
      `Clicking ${describeTarget(target)} failed: ${failure.message ?? failure.code ?? failure.status}.`,
    );
  return outcomes[0];
}

export function* hover(scene: Scene, intent: Extract<Intent, { type: 'hover' }>): Move {
  const candidate = yield* find(scene, intent.target, 'point');
  const failure = failureOf(
    yield* scene.act(`Moving the pointer over ${describeTarget(intent.target)}: ${foundWords(candidate)}.`, [
      { type: 'move', point: pointOf(candidate) },
    ]),
  );
  if (failure !== null)
    throw new TaskFailure(
      `Moving the pointer over ${describeTarget(intent.target)} failed: ${failure.message ?? failure.code ?? failure.status}.`,
    );
}

export function* drag(scene: Scene, intent: Extract<Intent, { type: 'drag' }>): Move {
  const from = yield* find(scene, intent.from, 'point');
  const to = yield* find(scene, intent.to, 'point');
  const outcomes = yield* scene.act(
    `Dragging ${describeTarget(intent.from)} to ${describeTarget(intent.to)}: ${foundWords(from)}; ${foundWords(to)}.`,
    [{ type: 'drag', from: pointOf(from), to: pointOf(to), durationMs: 400 }],
  );
  const failure = failureOf(outcomes);
  if (failure !== null)
    throw new TaskFailure(`Dragging failed: ${failure.message ?? failure.code ?? failure.status}.`);
}
