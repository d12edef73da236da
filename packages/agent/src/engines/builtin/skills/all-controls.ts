import { centerOf, contains, type ScreenElement } from '@deskhand/protocol';
import { candidatesFor } from '../grounding.ts';
import { isInteractive } from '../roles.ts';
import { failureOf, LOOK, type Move, type Scene, TaskFailure } from '../scene.ts';
import { targetOf } from '../target.ts';
import { likeness } from '../wording.ts';
import { clickCandidate } from './pointing.ts';

/** As many as a repeat may have. */
const MOST = 60;
const MOST_SCREENS = 20;
/** A list may still be sending away the row that was clicked. */
const SETTLES_MS: readonly number[] = [0, 250, 600];

/** "Approve all the requests", "archive every message". */
export function meansAll(words: string): boolean {
  return /^\s*[\p{L}-]+(?:\s+(?:to|from))?\s+(?:all|every|each)\b/iu.test(words);
}

/**
 * Clicks every control of that name, one after the other: each is looked for anew, since rows go, move up or stay.
 * Screen by screen as long as what was done goes away; where it stays, only what is in sight is done, and it is said.
 * @param names what the control may be called, the likeliest first.
 */
export function* useAll(scene: Scene, names: readonly string[]): Move {
  const name = names.find((word) => controls(scene, word).length > 0);
  if (name === undefined)
    throw new TaskFailure(
      `Found no control called ${names.map((word) => `“${word}”`).join(' or ')} to be used on all of them.`,
    );
  let done = 0;
  let stayed = 0;
  for (let screen = 0; screen < MOST_SCREENS; screen += 1) {
    let next = 0;
    for (;;) {
      const there = controls(scene, name);
      const control = there[next];
      if (control === undefined) break;
      if (done === MOST)
        throw new TaskFailure(
          `“${name}” was done ${MOST} times and there are more; that is the most in one task.`,
        );
      yield* clickCandidate(
        scene,
        { element: control, visible: control.bounds, score: 1 },
        targetOf(name, 'button', 'quoted'),
      );
      done += 1;
      if (yield* wentAway(scene, name, there.length)) continue;
      demandNoQuestion(scene, name);
      stayed += 1;
      next += 1;
    }
    if (stayed > 0 || !(yield* scrolled(scene))) break;
  }
  if (stayed > 0)
    scene.doubts.push(
      `“${name}” is still there after ${stayed} of ${done} clicks; what is not in sight was left`,
    );
  scene.proofs.push(`“${name}” was clicked ${done} times`);
}

/** Controls of that name that can be used, top to bottom; the page's own before the browser's tree of it. */
function controls(scene: Scene, name: string): readonly ScreenElement[] {
  const found = candidatesFor(targetOf(name, 'button', 'quoted'), scene.observation, 'point')
    .filter(
      ({ element, visible }) =>
        visible !== null &&
        element.source !== 'ocr' &&
        isInteractive(element) &&
        !element.states.includes('disabled') &&
        likeness(name, element.name) >= 0.95,
    )
    .map(({ element }) => element);
  return found.sort((a, b) => a.bounds.y - b.bounds.y || a.bounds.x - b.bounds.x);
}

function* wentAway(scene: Scene, name: string, before: number): Move<boolean> {
  for (const afterMs of SETTLES_MS) {
    if (afterMs > 0) yield* scene.look(`Looking whether that “${name}” is done.`, LOOK, afterMs);
    const now = controls(scene, name).length;
    if (now < before) return true;
  }
  return false;
}

/** A question that came in between is not answered unasked. */
function demandNoQuestion(scene: Scene, name: string): void {
  const box = scene.elements.find(
    ({ role, source }) => source !== 'ocr' && /^(?:dialog|alert|alert_dialog)$/.test(role),
  );
  if (box === undefined) return;
  const inside = controls(scene, name).some(({ bounds }) => contains(box.bounds, centerOf(bounds)));
  if (!inside)
    throw new TaskFailure(
      `A question came up after clicking “${name}”; say how it is to be answered, for example “for each row, click ${name} and confirm the dialog”.`,
    );
}

/** @returns whether there was more below. */
function* scrolled(scene: Scene): Move<boolean> {
  const window = scene.activeWindow;
  const { frame } = scene.observation;
  if (window === null || frame === null) return false;
  const { image, region } = frame.geometry;
  const scale = image.width / region.width;
  const middle = centerOf(window.bounds);
  const point = { x: (middle.x - region.x) * scale, y: (middle.y - region.y) * scale };
  if (!contains({ x: 0, y: 0, width: image.width, height: image.height }, point)) return false;
  const before = frame.sha256;
  const outcomes = yield* scene.act('Looking for more of them further down.', [
    { type: 'scroll', direction: 'down', amount: 5, point },
  ]);
  return failureOf(outcomes) === null && scene.observation.frame?.sha256 !== before;
}
