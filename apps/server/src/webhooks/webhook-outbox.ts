import { mintEventId } from '@deskhand/protocol';
import { type RunRow, toRun } from '../runs/run-record.ts';
import type { Queue } from '../seams/queue.ts';
import type { Tx } from '../storage/schema.ts';

export const WEBHOOKS_QUEUE = 'webhooks';

const ANNOUNCED = new Set(['awaiting_human', 'succeeded', 'failed', 'cancelled', 'timed_out']);

/** What is to be told, written in the very transaction that made it true. */
export class WebhookOutbox {
  readonly #queue: Queue;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  async add(tx: Tx, row: RunRow, at: string): Promise<void> {
    if (row.webhook_url === null || !ANNOUNCED.has(row.status)) return;
    const run = toRun(row);
    const id = mintEventId();
    const event = `run.${row.status}`;
    // Flat names for one generation of clients, `run` for the other (v1-api.md 4).
    const body = JSON.stringify({
      id,
      event,
      type: event,
      run_id: row.id,
      status: row.status,
      state: row.status,
      result: run.result,
      error: run.error,
      awaiting_human_reason: run.awaiting_human_reason,
      run,
      created_at: at,
    });
    await tx
      .insertInto('webhook_deliveries')
      .values({
        event_id: id,
        run_id: row.id,
        event,
        body,
        state: 'pending',
        attempts: 0,
        next_attempt_at: at,
        created_at: at,
      })
      .execute();
    await this.#queue.enqueue(tx, WEBHOOKS_QUEUE, { runId: row.id }, { key: row.id });
  }
}
