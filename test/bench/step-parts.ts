import { brief, summarize } from './statistics.ts';

/** Parts of a step's `timings_ms`, in the order of their work; `act` holds all that come after it. */
export const STEP_PARTS = [
  'decide',
  'journal',
  'act',
  'permit',
  'approach',
  'input',
  'between',
  'evidence',
  'settle',
  'look',
  'capture',
  'encode',
  'windows',
  'accessibility',
  'dom',
] as const;

export type StepTimings = Readonly<Record<string, number>>;

/** Milliseconds of one part in each step; 0 where a step had none of it. */
export function timesOf(part: string, steps: readonly StepTimings[]): number[] {
  return steps.map((step) => step[part] ?? 0);
}

/** Median and p95, for reading. */
export function spread(values: readonly number[]): [medianMs: number, p95Ms: number] {
  const { medianMs, p95Ms } = summarize(values);
  return [brief(medianMs), brief(p95Ms)];
}
