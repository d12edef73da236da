import type { OperationInput, ScreenElement } from '@deskhand/protocol';
import { again } from '../expectations.ts';
import { describeRole } from '../explain.ts';
import { type Candidate, pointOf } from '../grounding.ts';
import { failureOf, LOOK, type Move, type Scene, TaskFailure } from '../scene.ts';

/** Most arrow keys pressed to bring a slider to its value. */
const MAX_STEPS = 400;
const KEYS_PER_OPERATION = 100;

/**
 * Brings a slider to a number by its own keys: to its beginning, one step to learn how long a step is, then
 * the rest; read back at the end.
 */
export function* setSlider(scene: Scene, slider: Candidate, wanted: number): Move {
  const what = describeRole(slider.element);
  const low = yield* pressOn(scene, slider, `Clicking ${what} and going to its beginning.`, [
    { type: 'click', point: pointOf(slider) },
    { type: 'key_press', keys: ['home'] },
  ]);
  const next = yield* pressOn(scene, slider, `One step on, to learn how long a step of ${what} is.`, [
    { type: 'key_press', keys: ['right'] },
  ]);
  const step = next - low;
  if (!(step > 0)) throw new TaskFailure(`${what} does not move by the arrow keys.`);
  let left = Math.round((wanted - next) / step);
  if (left < -1 || left > MAX_STEPS)
    throw new TaskFailure(`${what} cannot reach ${wanted}: it begins at ${low} with steps of ${step}.`);
  if (left === -1)
    yield* pressOn(scene, slider, 'The beginning was the value.', [{ type: 'key_press', keys: ['left'] }]);
  for (; left > 0; left -= KEYS_PER_OPERATION) {
    const keys = Array.from({ length: Math.min(left, KEYS_PER_OPERATION) }, () => 'right');
    yield* pressOn(scene, slider, `Moving ${what} ${keys.length} steps. Expecting ${wanted} in the end.`, [
      { type: 'key_press', keys },
    ]);
  }
  const reached = valueOfSlider(again(scene, slider.element));
  if (reached === null || Math.abs(reached - wanted) > step / 2)
    throw new TaskFailure(`${what} shows ${reached ?? 'no value'} instead of ${wanted}.`);
}

function* pressOn(
  scene: Scene,
  slider: Candidate,
  reason: string,
  operations: readonly OperationInput[],
): Move<number> {
  const before = valueOfSlider(again(scene, slider.element));
  const failure = failureOf(yield* scene.act(reason, operations));
  if (failure !== null)
    throw new TaskFailure(`Moving the slider failed: ${failure.message ?? failure.status}.`);
  let value = valueOfSlider(again(scene, slider.element));
  if (value === before) {
    yield* scene.look('Reading the slider.', LOOK, 150);
    value = valueOfSlider(again(scene, slider.element));
  }
  if (value === null) throw new TaskFailure(`${describeRole(slider.element)} does not tell its value.`);
  return value;
}

function valueOfSlider(element: ScreenElement | null): number | null {
  const value = Number.parseFloat(element?.value ?? '');
  return Number.isFinite(value) ? value : null;
}

/** `17:45` as a browser's time field takes it: with the half of the day, or without. */
function timeKeys(text: string): string[] {
  const [, hour = '', minute = ''] = /^(\d{1,2}):(\d{2})$/.exec(text.trim()) ?? [];
  if (hour === '' || Number(hour) > 23) return [];
  const two = (number: number) => String(number).padStart(2, '0');
  const half = Number(hour) < 12 ? 'AM' : 'PM';
  return [`${two(Number(hour) % 12 || 12)}${minute}${half}`, `${two(Number(hour))}${minute}`];
}

/**
 * `2026-05-17` as a browser's date field takes it: digits in the order of its language. Tried one after the
 * other, each only while the field provably holds something else. Times likewise.
 */
export function dateKeys(text: string): string[] {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text.trim()) ?? [];
  return year === ''
    ? timeKeys(text)
    : [`${month}${day}${year}`, `${day}${month}${year}`, `${year}${month}${day}`];
}
