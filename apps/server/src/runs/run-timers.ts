import { errorAttributes, type Logger } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { Database } from '../storage/database.ts';
import { passedLimit } from './recover-runs.ts';
import type { RunRow } from './run-record.ts';
import type { RunService } from './run-service.ts';

/** Longest sleep: also the longest time a clock that was set forward goes unnoticed. */
const MAX_SLEEP_MS = 30_000;
const BATCH = 200;

type Parts = { database: Database; runs: RunService; log: Logger; now: () => number };

/** Ends runs whose deadline, queue time or question has run out, wherever they are; one timer for all of them. */
export class RunTimers implements AsyncDisposable {
  readonly #parts: Parts;
  #timer: NodeJS.Timeout | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #checking: Promise<void> | undefined;
  #closed = false;
  #stopListening: (() => void) | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Strikes what fell due while nobody was there, then watches. */
  async start(): Promise<void> {
    this.#stopListening = this.#parts.runs.onChange((row) => this.#consider(row));
    await this.#check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stopListening?.();
    await this.#checking;
  }

  #consider(row: RunRow): void {
    if (row.due_at !== null) this.#sleepUntil(Date.parse(row.due_at));
  }

  #sleepUntil(atMs: number): void {
    if (this.#closed || atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    clearTimeout(this.#timer);
    const waitMs = Math.min(Math.max(0, atMs - this.#parts.now()), MAX_SLEEP_MS);
    this.#timer = setTimeout(() => void this.#check(), waitMs);
    this.#timer.unref();
  }

  #check(): Promise<void> {
    this.#checking ??= this.#strike()
      .catch((error) =>
        this.#parts.log.error('time limits of runs could not be checked', errorAttributes(error)),
      )
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  async #strike(): Promise<void> {
    const { database, runs, now } = this.#parts;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    let failed = false;
    for (;;) {
      const due = await database.read
        .selectFrom('runs')
        .selectAll()
        .where('due_at', '<=', new Date(now()).toISOString())
        .orderBy('due_at')
        .limit(BATCH)
        .execute();
      for (const row of due) {
        const limit = passedLimit(row, now());
        try {
          if (limit === null) await this.#reschedule(row);
          else await runs.change(row.id, { type: 'stopped', ...limit }, { only: row.status });
        } catch (error) {
          // Somebody was faster; anything else is tried again below.
          if (!(error instanceof ProtocolError) || error.code === 'DB_UNAVAILABLE') failed = true;
        }
      }
      if (due.length < BATCH || failed || this.#closed) break;
    }
    const next = await database.read
      .selectFrom('runs')
      .select('due_at')
      .where('due_at', 'is not', null)
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst();
    const nextMs = next?.due_at == null ? now() + MAX_SLEEP_MS : Date.parse(next.due_at);
    this.#sleepUntil(failed ? now() + 1000 : Math.min(nextMs, now() + MAX_SLEEP_MS));
  }

  /** Its `due_at` belonged to a state it has left: the deadline is what remains. */
  async #reschedule(row: RunRow): Promise<void> {
    await this.#parts.database.write((tx) =>
      tx
        .updateTable('runs')
        .set({ due_at: nextLimit(row) })
        .where('id', '=', row.id)
        .where('finished_at', 'is', null)
        .execute(),
    );
  }
}

/** The time limit of the state the run is in that strikes first. */
function nextLimit(row: RunRow): string | null {
  const limits = [row.deadline_at, row.status === 'awaiting_human' ? row.awaiting_until : null];
  return limits.filter((at) => at !== null).sort()[0] ?? null;
}
