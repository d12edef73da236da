import { centerOf } from '@deskhand/protocol';
import { find, middle } from '../find.ts';
import { ground } from '../grounding.ts';
import type { Direction, Intent } from '../intent.ts';
import { failureOf, LOOK, LOOK_WITH_OCR, type Move, type Scene, TaskFailure, wasCutShort } from '../scene.ts';
import { describeTarget, type Target } from '../target.ts';
import { isVisible } from './checking.ts';

const MAX_WAIT_MS = 60_000;

/** A wait that a person's takeover ends early goes on with what was left of it. */
export function* wait(scene: Scene, { ms }: Extract<Intent, { type: 'wait' }>): Move {
  let left = ms;
  while (left > 0) {
    const part = Math.min(left, MAX_WAIT_MS);
    const outcomes = yield* scene.act(`Waiting ${part} ms as asked.`, [{ type: 'wait', ms: part }]);
    const failure = failureOf(outcomes);
    if (failure === null) left -= part;
    else if (wasCutShort(failure)) left -= Math.min(part, Math.floor(failure.durationMs));
    else throw new TaskFailure(`Waiting failed: ${failure.message ?? failure.code ?? failure.status}.`);
  }
}

/** Every so many looks the picture is read too: what is painted is in no list. */
const OCR_EVERY = 5;

export function* waitUntil(scene: Scene, intent: Extract<Intent, { type: 'wait_until' }>): Move {
  const { target, visible, ceilingMs } = intent;
  const what = describeTarget(target);
  let waitedMs = 0;
  for (let looks = 1; ; looks += 1) {
    const readPixels = looks % OCR_EVERY === 0 || waitedMs >= ceilingMs;
    // "Not there" needs the picture too, or a painted text would count as gone.
    if (isVisible(scene, target) === visible && (visible || scene.observation.sources.includes('ocr'))) {
      scene.proofs.push(`${what} ${visible ? 'appeared' : 'went away'}`);
      return;
    }
    const stillThere = !visible && isVisible(scene, target);
    if (waitedMs > ceilingMs)
      throw new TaskFailure(
        `${what} did not ${visible ? 'appear' : 'go away'} within ${Math.round(ceilingMs / 1000)} s.`,
      );
    const afterMs = Math.min(ceilingMs, Math.min(2000, 250 * 2 ** Math.min(looks - 1, 3)));
    const request = (visible ? readPixels : !stillThere) ? LOOK_WITH_OCR : LOOK;
    yield* scene.look(`Waiting for ${what} to ${visible ? 'appear' : 'go away'}.`, request, afterMs);
    waitedMs += afterMs;
  }
}

/** Notches per turn of the wheel while looking for something. */
const SEARCH_NOTCHES = 5;
const MAX_SEARCH_TURNS = 60;

export function* scroll(scene: Scene, intent: Extract<Intent, { type: 'scroll' }>): Move {
  const at = yield* wheelPlace(scene, intent.inside);
  if (intent.until !== null) return yield* scrollUntil(scene, intent.until, intent.direction, at);
  const direction = intent.direction ?? 'down';
  if (intent.amount !== 'end') {
    yield* turnWheel(scene, direction, intent.amount, at, `Scrolling ${direction} by ${intent.amount}.`);
    return;
  }
  for (let turn = 0; turn < MAX_SEARCH_TURNS; turn += 1)
    if (!(yield* turnWheel(scene, direction, 20, at, `Scrolling ${direction} to the end.`))) return;
}

type Place = Readonly<{ point?: { x: number; y: number } }>;

function* wheelPlace(scene: Scene, inside: Target | null): Move<Place> {
  if (inside === null) return middle(scene);
  const found = yield* find(scene, inside, 'read');
  return { point: centerOf(found.visible ?? found.element.bounds) };
}

function* scrollUntil(scene: Scene, target: Target, direction: Direction | null, at: Place): Move {
  const what = describeTarget(target);
  const directions: readonly Direction[] = direction === null ? ['down', 'up'] : [direction];
  for (const way of directions) {
    for (let turn = 0; turn < MAX_SEARCH_TURNS; turn += 1) {
      if (seen(scene, target)) {
        scene.proofs.push(`${what} was scrolled into view`);
        return;
      }
      const moved = yield* turnWheel(
        scene,
        way,
        SEARCH_NOTCHES,
        at,
        `${what} is not in view; scrolling ${way}.`,
      );
      if (moved) continue;
      yield* scene.look(
        `The ${way === 'up' ? 'beginning' : 'end'} is reached; reading the picture for ${what}.`,
        LOOK_WITH_OCR,
      );
      if (seen(scene, target)) return;
      break;
    }
  }
  throw new TaskFailure(`${what} did not come into view; scrolled ${directions.join(' and ')} to the end.`);
}

function seen(scene: Scene, target: Target): boolean {
  const grounding = ground(target, scene.observation, 'read');
  return grounding.type === 'found' || grounding.type === 'ambiguous' || isVisible(scene, target);
}

/** @returns false when nothing moved, so that the end is reached. */
function* turnWheel(
  scene: Scene,
  direction: Direction,
  amount: number,
  at: Place,
  reason: string,
): Move<boolean> {
  const before = scene.observation.frame?.sha256;
  const outcomes = yield* scene.act(reason, [{ type: 'scroll', direction, amount, ...at }]);
  const failure = failureOf(outcomes);
  if (failure !== null) throw new TaskFailure(`Scrolling failed: ${failure.message ?? failure.status}.`);
  if (outcomes[0]?.status === 'no_effect') return false;
  return before === undefined || scene.observation.frame?.sha256 !== before;
}
