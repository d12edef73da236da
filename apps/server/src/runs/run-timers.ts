import { errorAttributes, type Logger } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { Database } from '../storage/database.ts';
import { passedLimit } from './recover-runs.ts';
import type { RunRow } from './run-record.ts';
import type { RunService } from './run-service.ts';

/** Longest sleep: also the longest time a clock that was set forward goes unnoticed. */
const MAX_SLEEP_MS = 30_000;
const BATCH = 200;
const RETRY_MS = 1000;

type Parts = { database: Database; runs: RunService; log: Logger; now: () => number; steadyMs: () => number };

/** The limits of one open run on the steady clock. */
type Limits = Readonly<{ dueAt: string; dueSteadyMs: number; deadlineSteadyMs: number }>;

/**
 * Ends runs whose deadline, queue time or question has run out, wherever they are; one timer for all of them. The wall
 * clock counts, also over a restart and a night of sleep; beside it the steady one, so that a wall clock that is set
 * back gives no run more time than it was started with.
 */
export class RunTimers implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #limits = new Map<string, Limits>();
  #timer: NodeJS.Timeout | undefined;
  #wakeSteadyMs = Number.POSITIVE_INFINITY;
  #checking: Promise<void> | undefined;
  #closed = false;
  #stopListening: (() => void) | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Strikes what fell due while nobody was there, then watches. */
  async start(): Promise<void> {
    this.#stopListening = this.#parts.runs.onChange((row) => this.#consider(row));
    const open = await this.#parts.database.read
      .selectFrom('runs')
      .select(['id', 'due_at', 'deadline_at'])
      .where('due_at', 'is not', null)
      .execute();
    for (const row of open) this.#consider(row);
    await this.#check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stopListening?.();
    await this.#checking;
  }

  #consider({
    id,
    due_at: dueAt,
    deadline_at: deadlineAt,
  }: Pick<RunRow, 'id' | 'due_at' | 'deadline_at'>): void {
    if (dueAt === null) {
      this.#limits.delete(id);
      return;
    }
    const nowMs = this.#parts.now();
    const steadyMs = this.#parts.steadyMs();
    const onSteady = (at: string | null) =>
      at === null ? Number.POSITIVE_INFINITY : steadyMs + Date.parse(at) - nowMs;
    const known = this.#limits.get(id);
    const limits: Limits = {
      dueAt,
      dueSteadyMs: known?.dueAt === dueAt ? known.dueSteadyMs : onSteady(dueAt),
      deadlineSteadyMs: known?.deadlineSteadyMs ?? onSteady(deadlineAt),
    };
    this.#limits.set(id, limits);
    this.#sleepAtMost(Math.min(onSteady(dueAt), firstOf(limits)) - steadyMs);
  }

  #sleepAtMost(waitMs: number): void {
    const wakeSteadyMs = this.#parts.steadyMs() + Math.min(Math.max(0, waitMs), MAX_SLEEP_MS);
    if (this.#closed || wakeSteadyMs >= this.#wakeSteadyMs) return;
    this.#wakeSteadyMs = wakeSteadyMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), Math.max(0, wakeSteadyMs - this.#parts.steadyMs()));
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
    const { database, now } = this.#parts;
    this.#wakeSteadyMs = Number.POSITIVE_INFINITY;
    let failed = false;
    for (;;) {
      const due = await database.read
        .selectFrom('runs')
        .selectAll()
        .where('due_at', '<=', new Date(now()).toISOString())
        .orderBy('due_at')
        .limit(BATCH)
        .execute();
      for (const row of due) if (!(await this.#end(row, now()))) failed = true;
      if (due.length < BATCH || failed || this.#closed) break;
    }
    if (!(await this.#strikeSteady())) failed = true;
    const next = await database.read
      .selectFrom('runs')
      .select('due_at')
      .where('due_at', 'is not', null)
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst();
    let waitMs = next?.due_at == null ? MAX_SLEEP_MS : Date.parse(next.due_at) - now();
    const steadyMs = this.#parts.steadyMs();
    for (const limits of this.#limits.values()) waitMs = Math.min(waitMs, firstOf(limits) - steadyMs);
    this.#sleepAtMost(failed ? RETRY_MS : waitMs);
  }

  /** Runs that had all their time although the wall clock, set back meanwhile, does not say so. @returns false to try again. */
  async #strikeSteady(): Promise<boolean> {
    const steadyMs = this.#parts.steadyMs();
    const passed = [...this.#limits].filter(([, limits]) => firstOf(limits) <= steadyMs);
    let all = true;
    for (const [id, { deadlineSteadyMs }] of passed) {
      if (this.#closed) return true;
      const row = await this.#parts.database.read
        .selectFrom('runs')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      const at = deadlineSteadyMs <= steadyMs ? row?.deadline_at : row?.due_at;
      if (row === undefined || at == null) this.#limits.delete(id);
      else if (!(await this.#end(row, Date.parse(at)))) all = false;
    }
    return all;
  }

  /** @returns false when it could not be stored and must be tried again. */
  async #end(row: RunRow, atMs: number): Promise<boolean> {
    const limit = passedLimit(row, atMs);
    try {
      if (limit === null) await this.#reschedule(row);
      else await this.#parts.runs.change(row.id, { type: 'stopped', ...limit }, { only: row.status });
      return true;
    } catch (error) {
      // Somebody was faster; anything else is tried again.
      return error instanceof ProtocolError && error.code !== 'DB_UNAVAILABLE';
    }
  }

  /** Its `due_at` belonged to a state it has left: the deadline is what remains. */
  async #reschedule(row: RunRow): Promise<void> {
    const dueAt = nextLimit(row);
    await this.#parts.database.write((tx) =>
      tx
        .updateTable('runs')
        .set({ due_at: dueAt })
        .where('id', '=', row.id)
        .where('finished_at', 'is', null)
        .execute(),
    );
    this.#consider({ ...row, due_at: dueAt });
  }
}

function firstOf({ dueSteadyMs, deadlineSteadyMs }: Limits): number {
  return Math.min(dueSteadyMs, deadlineSteadyMs);
}

/** The time limit of the state the run is in that strikes first. */
function nextLimit(row: RunRow): string | null {
  const limits = [row.deadline_at, row.status === 'awaiting_human' ? row.awaiting_until : null];
  return limits.filter((at) => at !== null).sort()[0] ?? null;
}
