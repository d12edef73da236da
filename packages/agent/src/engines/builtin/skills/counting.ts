import { countIn } from '../counting.ts';
import type { Counted, Intent } from '../intent.ts';
import { LOOK, type Move, type Scene, TaskFailure } from '../scene.ts';
import { targetOf } from '../target.ts';
import { valueBeside } from './remembering.ts';

/** A page may still be filling; milliseconds between looks. */
const PATIENCE_MS: readonly number[] = [0, 250, 700];

/** Counts what the screen tells of, and keeps the number under its name, and as “the number”. */
export function* count(scene: Scene, { what, name, tell }: Extract<Intent, { type: 'count' }>): Move {
  yield* scene.look(`Counting the ${what.words}.`, LOOK);
  const number = numberShown(scene, what) ?? (yield* counted(scene, what));
  for (const called of ['number', 'count', 'result', name]) scene.memory.set(called, number);
  if (tell) scene.told.push(`${name}: ${number}`);
  scene.proofs.push(`counted the ${what.words}: ${number}`);
  yield* scene.look(`Counted the ${what.words}: ${number}.`);
}

function* counted(scene: Scene, what: Counted): Move<string> {
  let reason = '';
  for (const afterMs of PATIENCE_MS) {
    if (afterMs > 0) yield* scene.look(`Looking for the ${what.words} to count.`, LOOK, afterMs);
    const result = countIn(scene.observation, what);
    if (result.type === 'counted' && result.more !== null)
      throw new TaskFailure(
        `Counted ${result.count} of the ${what.words} in sight, but ${result.more}, so that there may be others; “… on this page” or “… on the screen” counts those alone.`,
      );
    if (result.type === 'counted' && (result.count > 0 || afterMs === PATIENCE_MS.at(-1)))
      return String(result.count);
    if (result.type === 'not_countable') reason = result.reason;
  }
  throw new TaskFailure(`The ${what.words} cannot be counted: ${reason}.`);
}

/** "Number of guests: 4" says it itself. */
function numberShown(scene: Scene, { words, that, inside }: Counted): string | null {
  if (that !== null || inside !== null) return null;
  const shown = valueBeside(scene.observation, targetOf(`number of ${words}`, null, 'quoted'));
  return shown !== null && /^\d+$/.test(shown.trim()) ? shown.trim() : null;
}
