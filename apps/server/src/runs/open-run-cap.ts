import { ProtocolError } from '@deskhand/protocol';
import type { Tx } from '../storage/schema.ts';

/**
 * How many open runs a machine may have. Counting thousands of rows for each new run would make a deep queue slow, so
 * what is kept per machine is the most it can have: the last count and every run let in since. Only when that reaches
 * the cap are the rows counted again; a refusal always comes from a count. Holds because this process alone writes.
 */
export class OpenRunCap {
  readonly #cap: number;
  readonly #atMost = new Map<string, number>();

  constructor(cap: number) {
    this.#cap = cap;
  }

  /**
   * Lets one more run in.
   * @throws ProtocolError TOO_MANY_RUNS
   */
  async take(tx: Tx, machineId: string): Promise<void> {
    let atMost = this.#atMost.get(machineId);
    if (atMost === undefined || atMost >= this.#cap) atMost = await this.#count(tx, machineId);
    if (atMost >= this.#cap) {
      this.#atMost.set(machineId, atMost);
      throw new ProtocolError(
        'TOO_MANY_RUNS',
        `The machine has ${atMost} open runs, which is the most it may have.`,
        { retry_after: 10, limit: this.#cap },
      );
    }
    // Also when the transaction fails later: then it is one too many until the next count.
    this.#atMost.set(machineId, atMost + 1);
  }

  /** Counting stops at the cap. */
  async #count(tx: Tx, machineId: string): Promise<number> {
    const { open } = await tx
      .selectFrom((db) =>
        db
          .selectFrom('runs')
          .select('id')
          .where('machine_id', '=', machineId)
          .where('finished_at', 'is', null)
          .limit(this.#cap)
          .as('waiting'),
      )
      .select((select) => select.fn.countAll<number>().as('open'))
      .executeTakeFirstOrThrow();
    return open;
  }
}
