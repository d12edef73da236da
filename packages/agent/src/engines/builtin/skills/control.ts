import { mapTargets, withIt } from '../control-flow.ts';
import type { Condition, Instruction, Intent } from '../intent.ts';
import { fitsHint, type RoleHint } from '../roles.ts';
import { rowsOf } from '../rows.ts';
import { LOOK, type Move, type Scene, TaskFailure } from '../scene.ts';
import { type Target, targetOf } from '../target.ts';

/** Does one plain intent; handed in, since conditions and repeats contain any of them. */
export type Perform = (scene: Scene, intent: Intent) => Move;

/** A repeat that never ends is a task nobody meant. */
const MAX_REPEATS = 60;

export function* doIf(scene: Scene, intent: Extract<Intent, { type: 'if' }>, perform: Perform): Move {
  const holds = yield* isSo(scene, intent.condition, perform);
  yield* doAll(scene, holds === intent.expected ? intent.body : intent.otherwise, perform);
}

export function* doRepeat(
  scene: Scene,
  { times, body }: Extract<Intent, { type: 'repeat' }>,
  perform: Perform,
): Move {
  for (let turn = 0; turn < times; turn += 1) yield* doAll(scene, body, perform);
}

export function* doRepeatUntil(
  scene: Scene,
  intent: Extract<Intent, { type: 'repeat_until' }>,
  perform: Perform,
): Move {
  for (let turn = 0; turn < MAX_REPEATS; turn += 1) {
    if (yield* isSo(scene, intent.condition, perform)) return;
    yield* doAll(scene, intent.body, perform);
  }
  throw new TaskFailure(`After ${MAX_REPEATS} repeats the end that was waited for had not come.`);
}

/** Every row (by its name, so that a row that disappears disturbs no other), or every thing of a kind by its place. */
export function* doForEach(
  scene: Scene,
  { role, body }: Extract<Intent, { type: 'for_each' }>,
  perform: Perform,
): Move {
  yield* scene.look(`Counting what there is to do for each ${role.replaceAll('_', ' ')}.`, LOOK);
  const places =
    role === 'row' ? rowPlaces(scene) : role === 'list_item' ? itemPlaces(scene) : kindPlaces(scene, role);
  if (places.length === 0)
    throw new TaskFailure(`There is no ${role.replaceAll('_', ' ')} on the screen to do this for.`);
  if (places.length > MAX_REPEATS)
    throw new TaskFailure(`There are ${places.length} of them; at most ${MAX_REPEATS} are done in one task.`);
  for (const place of places) {
    const meant = body
      .map((step) => withIt(step, place))
      .map((step) => ({ ...step, intent: within(step.intent, place, role) }));
    yield* doAll(scene, meant, perform);
  }
  scene.proofs.push(`done for ${places.length} of a kind`);
}

function rowPlaces(scene: Scene): Target[] {
  const counts = new Map<string, number>();
  return rowsOf(scene.observation).map(({ name }) => {
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return { text: name, phrase: null, quoted: true, role: null, ordinal: null, near: null };
  });
}

/** List items by their whole text, the page's own before the browser's tree of it. */
function itemPlaces(scene: Scene): Target[] {
  const all = scene.elements.filter(
    ({ role, source, name }) => source !== 'ocr' && role === 'list_item' && name.trim() !== '',
  );
  const inPage = all.filter(({ source }) => source === 'dom');
  const items = inPage.length > 0 ? inPage : all;
  if (items.length === 0) return kindPlaces(scene, 'list_item');
  return items.map(({ name }) => targetOf(name, null, 'quoted'));
}

function kindPlaces(scene: Scene, role: RoleHint): Target[] {
  const count = scene.elements.filter(
    (element) => element.source !== 'ocr' && fitsHint(element, role),
  ).length;
  return Array.from({ length: count }, (_, index) => ({
    text: null,
    phrase: null,
    quoted: false,
    role,
    ordinal: index + 1,
    near: null,
  }));
}

/** Inside a row or list item every unplaced target means the one there. */
function within(intent: Intent, place: Target, role: RoleHint): Intent {
  if (role !== 'row' && role !== 'list_item') return intent;
  return mapTargets(intent, (target) =>
    target.near !== null || target === place
      ? target
      : { ...target, phrase: null, near: { relation: 'row', target: place } },
  );
}

function* doAll(scene: Scene, steps: readonly Instruction[], perform: Perform): Move {
  for (const { intent } of steps) yield* perform(scene, intent);
}

/** A check that does not hold is an answer here, not a failure. */
function* isSo(scene: Scene, condition: Condition, perform: Perform): Move<boolean> {
  try {
    yield* perform(scene, condition);
    return true;
  } catch (error) {
    if (error instanceof TaskFailure) return false;
    throw error;
  }
}
