import type { BenchTable } from './benchmark.ts';
import { brief } from './statistics.ts';

const BINS_MS = [0, 1, 2, 3, 5, 10, 15, 20, 50, 100];

export type Trip = Readonly<{
  /** By the X server's clock. 0: nothing was injected after it. */
  toLastInputMs: number;
  /** From the chord's last key, where time counts from its first. NaN elsewhere. */
  chordToLastInputMs: number;
  /** Where nothing was injected after it: how shortly before it something still was. */
  lastBeforeMs: number;
  toReleasedMs: number;
  /** By a process that looks every millisecond. NaN where nothing is stopped. */
  toLatchMs: number;
  toHandsDeadMs: number;
  held: number;
}>;

export type ScenarioTrips = Readonly<{ agent: string; cause: string; trips: readonly Trip[] }>;
export type RivalTrips = Readonly<{
  name: string;
  trips: ReadonlyArray<Readonly<{ toLastInputMs: number; held: number }>>;
}>;

export function stopTable(results: readonly ScenarioTrips[]): BenchTable {
  const measures: ReadonlyArray<readonly [string, (trip: Trip) => number]> = [
    ['last injected input', (trip) => trip.toLastInputMs],
    ['last injected input, from the chord’s last key', (trip) => trip.chordToLastInputMs],
    ['everything released', (trip) => trip.toReleasedMs],
    ['hands dead', (trip) => trip.toHandsDeadMs],
    ['latch on disk', (trip) => trip.toLatchMs],
  ];
  return {
    title: `Emergency stop, ${results[0]?.trips.length ?? 0} trips each (milliseconds)`,
    note: [
      'By the X server’s clock, which counts whole milliseconds; of 100 trips, p99 is the slowest one; "hands dead" and "latch on disk" by a process that looks every millisecond.',
      '0 = nothing was injected after it. That the agent was at it until then is the last column: hands send no key while a program holds the keyboard, and guard’s grab holds it from the chord’s last key on.',
    ].join(' '),
    columns: [
      'the agent is',
      'stopped by',
      'until',
      'p50',
      'p95',
      'p99',
      'max',
      'something held after',
      'last input before it, p50',
    ],
    rows: results.flatMap(({ agent, cause, trips }) =>
      measures
        .map(([what, of]) => [what, trips.map(of)] as const)
        .filter(([, values]) => !values.every(Number.isNaN))
        .map(([what, values]) => [
          agent,
          cause,
          what,
          ...quantiles(values),
          heldAfter(trips),
          quantiles(trips.map(({ lastBeforeMs }) => lastBeforeMs))[0] ?? null,
        ]),
    ),
  };
}

export function histogramTable(results: readonly ScenarioTrips[]): BenchTable {
  return {
    title: 'Until the last injected input: how many trips took that long',
    columns: [
      'the agent is',
      'stopped by',
      ...BINS_MS.map((bin, index) => (index === 0 ? '0' : `≤ ${bin}`)),
      `> ${BINS_MS.at(-1)}`,
    ],
    rows: results.map(({ agent, cause, trips }) => [
      agent,
      cause,
      ...histogram(trips.map((trip) => trip.toLastInputMs)),
    ]),
  };
}

export function refusedStartsTable(
  results: readonly ScenarioTrips[],
  refused: readonly string[],
): BenchTable {
  const trips = results.reduce((sum, { trips: made }) => sum + made.length, 0);
  return {
    title: 'Trips that could not begin, because the desktop was paused and nobody had paused it',
    columns: ['trips', 'begun anew', 'which'],
    rows: [[trips, refused.length, refused.join('; ')]],
  };
}

export function rivalTable(rivals: readonly RivalTrips[]): BenchTable {
  return {
    title: 'The same chord with what people use instead (milliseconds to the last injected input)',
    note: 'Typing 243 characters. This benchmark hears the chord and tells the agent in the same moment: the best case.',
    columns: ['the agent types with', 'trips', 'p50', 'p95', 'p99', 'max', 'something held after'],
    rows: rivals.map(({ name, trips }) => [
      name,
      trips.length,
      ...quantiles(trips.map(({ toLastInputMs }) => toLastInputMs)),
      heldAfter(trips),
    ]),
  };
}

function heldAfter(trips: ReadonlyArray<Readonly<{ held: number }>>): string {
  return `${trips.filter(({ held }) => held > 0).length}/${trips.length}`;
}

function quantiles(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return [at(0.5), at(0.95), at(0.99), sorted.at(-1) ?? Number.NaN].map(brief);
}

function histogram(values: readonly number[]): number[] {
  const counts = new Array<number>(BINS_MS.length + 1).fill(0);
  for (const value of values) {
    const bin = BINS_MS.findIndex((limit) => value <= limit);
    const index = bin === -1 ? BINS_MS.length : bin;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}
