import { centerOf, contains, type Observation } from '@deskhand/protocol';
import { type Candidate, pointOf } from './grounding.ts';
import { yesOrNo } from './questions.ts';
import { fitsHint } from './roles.ts';
import { failureOf, LOOK, type Move, type Scene, TaskFailure } from './scene.ts';
import { describeTarget, type Target } from './target.ts';
import { likeness } from './wording.ts';

/** A browser takes no click on a box of its own in its first half second. */
const BOX_PAUSE_MS = 600;
const GONE_AFTER_MS: readonly number[] = [0, 300, 700];
const MAX_WORDS = 300;
const YES = ['OK', 'Yes', 'Accept', 'Continue', 'Leave', 'Allow'];
const NO = ['Cancel', 'No', 'Dismiss', 'Stay', 'Block'];

/** A box of the browser's own (“127.0.0.1 says …”) that stands before its page, which tells nothing meanwhile. */
export type BrowserBox = Readonly<{ words: string; buttons: readonly Candidate[] }>;

export function browserBox({ page, elements }: Observation): BrowserBox | null {
  if (page === null || elements.some(({ source }) => source === 'dom')) return null;
  const box = elements.find(
    ({ role, source }) => source === 'accessibility' && /^(?:dialog|alert)/.test(role),
  );
  if (box === undefined) return null;
  const inside = elements.filter(
    (element) =>
      element !== box && element.source === 'accessibility' && contains(box.bounds, centerOf(element.bounds)),
  );
  const buttons = inside.filter((element) => fitsHint(element, 'button') && element.name.trim() !== '');
  if (buttons.length === 0) return null;
  const said = [box, ...inside.filter((element) => !buttons.includes(element))]
    .map(({ name }) => name.replaceAll(/\s+/g, ' ').trim())
    .filter((name) => name !== '');
  return {
    words: [...new Set(said)].join(': ').slice(0, MAX_WORDS),
    buttons: buttons.map((element) => ({ element, visible: element.bounds, score: 1 })),
  };
}

/**
 * A box nobody spoke of stands before what is looked for: a person says what to answer, since what it says is no
 * instruction.
 * @returns whether there was one.
 * @throws TaskFailure where it stays.
 */
export function* pastUnexpectedBox(scene: Scene, target: Target): Move<boolean> {
  const box = browserBox(scene.observation);
  if (box === null) return false;
  const names = box.buttons.map(({ element }) => `“${element.name}”`).join(', ');
  const note = yield* scene.ask(
    `A box of the browser stands before ${describeTarget(target)} and the task does not speak of it; a person decides.`,
    `A box of the browser is in front: “${box.words}” (${names}). The task does not speak of it. Answer with the button to click, or close it yourself and resume.`,
  );
  const chosen = note === null ? null : answerOf(note, box.buttons);
  if (chosen !== null && browserBox(scene.observation) !== null) {
    yield* scene.look('A browser takes no click on a box of its own at once; waiting.', LOOK, BOX_PAUSE_MS);
    const failure = failureOf(
      yield* scene.act(`Clicking “${chosen.element.name}” in the box, as a person said.`, [
        { type: 'click', point: pointOf(chosen) },
      ]),
    );
    if (failure !== null)
      throw new TaskFailure(
        `Clicking “${chosen.element.name}” failed: ${failure.message ?? failure.status}.`,
      );
  }
  for (const afterMs of GONE_AFTER_MS) {
    if (afterMs > 0) yield* scene.look('Waiting for the box to go.', LOOK, afterMs);
    if (browserBox(scene.observation) === null) return true;
  }
  throw new TaskFailure(
    `The box of the browser (“${box.words}”) still stands before ${describeTarget(target)}.`,
  );
}

/** “OK”, “click OK”, “yes”: which button is meant. */
function answerOf(note: string, buttons: readonly Candidate[]): Candidate | null {
  const words = note.replace(/^\s*(?:please\s+)?(?:click|press|choose|answer)\s+(?:on\s+)?/i, '');
  const named = buttons.find(({ element }) => likeness(words, element.name) >= 0.8);
  if (named !== undefined) return named;
  const yes = yesOrNo(note);
  if (yes === null) return null;
  const wanted = yes ? YES : NO;
  return (
    wanted.flatMap((word) => buttons.filter(({ element }) => likeness(word, element.name) >= 0.95))[0] ?? null
  );
}
