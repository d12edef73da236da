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

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** `March 3rd, 1990`, `15th of May 2026`, `5 pm` → how a page's own date or time field tells it; null for anything else. */
export function fieldValueOf(text: string): string | null {
  const two = (number: number) => String(number).padStart(2, '0');
  const written = text.trim().toLowerCase().replace(/[.,]/g, ' ').replace(/\s+/g, ' ');
  const [, first, day1, year1] = /^([a-z]{3,9}) (\d{1,2})(?:st|nd|rd|th)? (\d{4})$/.exec(written) ?? [];
  const [, day2, second, year2] =
    /^(\d{1,2})(?:st|nd|rd|th)? (?:of )?([a-z]{3,9}) (\d{4})$/.exec(written) ?? [];
  const month = MONTHS.indexOf((first ?? second ?? '').slice(0, 3)) + 1;
  const day = Number(day1 ?? day2);
  if (month > 0 && day >= 1 && day <= 31) return `${year1 ?? year2}-${two(month)}-${two(day)}`;
  const [, hour = '', minute = '00', half = ''] =
    /^(\d{1,2})(?::(\d{2}))? ?([ap]) ?m ?$/.exec(written.replace(/ m /g, 'm')) ?? [];
  if (hour === '' || Number(hour) < 1 || Number(hour) > 12) return null;
  return `${two((Number(hour) % 12) + (half === 'p' ? 12 : 0))}:${minute}`;
}

/** A field with parts (day, month, year) rather than one text. */
export function isDateField({ role, states }: ScreenElement): boolean {
  return /^date_(?:editor|field)$/.test(role) || states.some((state) => DATE_STATES.has(state));
}

const DATE_STATES = new Set(['date', 'time', 'month', 'week', 'datetime-local']);

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
