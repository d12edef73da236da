import type { Operation, Point } from '@deskhand/protocol';

/** Two points closer than this mean the same place to a person; models jitter by a few pixels. Frame pixels. */
const SAME_PLACE_PX = 8;

/** Longest repeating pattern that counts as going in circles (A B A B …). */
const LONGEST_CYCLE = 3;

/** One finished step, as far as repetition is concerned. */
export type StepTrace = Readonly<{
  operations: readonly Operation[];
  /** Content hash of the picture afterwards; null when there was none to compare. */
  picture: string | null;
}>;

/**
 * Notices an engine that goes in circles: the same operations leading to the same picture, alone or as a
 * short cycle, `maxRepeats` times in a row. A step without a picture never counts as a repeat.
 */
export class StallDetector {
  readonly #maxRepeats: number;
  readonly #traces: StepTrace[] = [];

  constructor(maxRepeats: number) {
    this.#maxRepeats = maxRepeats;
  }

  /** @returns how many steps long the repeated pattern is, or null while there is none. */
  add(trace: StepTrace): number | null {
    this.#traces.push(trace);
    const kept = LONGEST_CYCLE * this.#maxRepeats;
    if (this.#traces.length > kept) this.#traces.splice(0, this.#traces.length - kept);
    for (let cycle = 1; cycle <= LONGEST_CYCLE; cycle += 1) if (this.#repeats(cycle)) return cycle;
    return null;
  }

  /** A person acted or spoke: whatever came before no longer proves a circle. */
  forget(): void {
    this.#traces.length = 0;
  }

  #repeats(cycle: number): boolean {
    const needed = cycle * this.#maxRepeats;
    if (this.#maxRepeats < 2 || this.#traces.length < needed) return false;
    const recent = this.#traces.slice(-needed);
    return recent.every((trace, index) => {
      const before = recent[index - cycle];
      return before === undefined || sameTrace(before, trace);
    });
  }
}

function sameTrace(a: StepTrace, b: StepTrace): boolean {
  if (a.picture === null || a.picture !== b.picture) return false;
  if (a.operations.length !== b.operations.length) return false;
  return a.operations.every((operation, index) => {
    const other = b.operations[index];
    return other !== undefined && sameOperation(operation, other);
  });
}

/** Equal in everything but a few pixels. */
export function sameOperation(a: Operation, b: Operation): boolean {
  if (a.type !== b.type) return false;
  return sameValue(a, b);
}

function sameValue(a: unknown, b: unknown): boolean {
  if (isPoint(a) && isPoint(b)) return Math.hypot(a.x - b.x, a.y - b.y) <= SAME_PLACE_PX;
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  const left = Object.entries(a);
  const right = b as Record<string, unknown>;
  return (
    left.length === Object.keys(right).length && left.every(([key, value]) => sameValue(value, right[key]))
  );
}

function isPoint(value: unknown): value is Point {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Point).x === 'number' &&
    typeof (value as Point).y === 'number'
  );
}
