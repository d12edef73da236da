import { type Operation, type Outcome, wasDone } from '@deskhand/protocol';
import type { HistoryEntry } from './ports.ts';

/** What this run did, in order, without the engine's reasons; what the verifier and a restarted engine may see. */
export class RunHistory {
  readonly #entries: HistoryEntry[];

  constructor(earlier: readonly HistoryEntry[] = []) {
    this.#entries = [...earlier];
  }

  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  add(step: number, operations: readonly Operation[], outcomes: readonly Outcome[]): void {
    outcomes.forEach((outcome, index) => {
      const operation = operations[index];
      if (operation !== undefined) this.#entries.push({ step, operation, outcome });
    });
  }
}

/** The first operation that was not done, with its place in the list. */
export function firstNotDone(
  outcomes: readonly Outcome[],
): Readonly<{ index: number; outcome: Outcome }> | null {
  const index = outcomes.findIndex((outcome) => !wasDone(outcome));
  const outcome = outcomes[index];
  return outcome === undefined ? null : { index, outcome };
}
