import { errorAttributes, type Logger } from '@deskhand/base';
import type { Database } from '../storage/database.ts';
import { insertRow } from '../storage/insert-row.ts';
import type { Tx } from '../storage/schema.ts';
import type { Job, JobData, Queue, Stop } from './queue.ts';

/** Waits after a handler's first, second, … failure; the last one repeats. */
const RETRY_MS = [200, 1000, 5000, 30_000];
/** Longest timer Node keeps. */
const MAX_TIMER_MS = 2 ** 31 - 1;

type Entry = {
  id: number;
  key: string | null;
  data: JobData;
  attempts: number;
  /** When its time comes on the wall clock, and on the steady one: whichever is first, so that no clock set back delays it. */
  startAfterMs: number;
  dueSteadyMs: number;
};

type Lane = {
  /** Ready jobs without a key, and the ready heads' keys, in order of arrival. */
  ready: Entry[];
  /** Jobs per key, in order; the head runs or is ready. */
  byKey: Map<string, Entry[]>;
  delayed: Entry[];
  timer: NodeJS.Timeout | undefined;
  running: Set<Promise<void>>;
  consumer: { max: number; handler: (job: Job) => Promise<void>; abort: AbortController } | undefined;
};

/**
 * The queue of a single process: rows in `jobs`, order in memory. No leases are needed: rows that are
 * still there at start belong to nobody and are loaded again.
 */
export class LocalQueue implements Queue, AsyncDisposable {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #steadyMs: () => number;
  readonly #lanes = new Map<string, Lane>();
  #lastLoadedId = 0;
  #dirty = false;
  #loading: Promise<void> | undefined;
  #closed = false;
  #stopListening: (() => void) | undefined;

  constructor(parts: { database: Database; log: Logger; now: () => number; steadyMs: () => number }) {
    this.#database = parts.database;
    this.#log = parts.log;
    this.#now = parts.now;
    this.#steadyMs = parts.steadyMs;
  }

  /** Loads what an earlier process left. Consumers may come before or after. */
  async start(): Promise<void> {
    this.#stopListening = this.#database.onCommit(() => {
      if (this.#dirty) void this.#load();
    });
    await this.#load();
  }

  async enqueue(
    tx: Tx,
    queue: string,
    data: JobData,
    options: { key?: string; startAfter?: Date } = {},
  ): Promise<void> {
    await insertRow(tx, 'jobs', {
      queue,
      key: options.key ?? null,
      data: JSON.stringify(data),
      start_after: options.startAfter?.toISOString() ?? null,
      attempts: 0,
    });
    this.#dirty = true;
  }

  consume(queue: string, max: number, handler: (job: Job) => Promise<void>): Stop {
    const lane = this.#lane(queue);
    if (lane.consumer !== undefined) throw new Error(`The queue ${queue} has a consumer already.`);
    const consumer = { max, handler, abort: new AbortController() };
    lane.consumer = consumer;
    this.#pump(queue, lane);
    return async () => {
      if (lane.consumer === consumer) lane.consumer = undefined;
      consumer.abort.abort(new Error('the consumer stops'));
      await Promise.allSettled([...lane.running]);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#stopListening?.();
    for (const lane of this.#lanes.values()) {
      clearTimeout(lane.timer);
      lane.consumer?.abort.abort(new Error('the queue stops'));
      lane.consumer = undefined;
      await Promise.allSettled([...lane.running]);
    }
  }

  #lane(queue: string): Lane {
    const existing = this.#lanes.get(queue);
    if (existing !== undefined) return existing;
    const lane: Lane = {
      ready: [],
      byKey: new Map(),
      delayed: [],
      timer: undefined,
      running: new Set(),
      consumer: undefined,
    };
    this.#lanes.set(queue, lane);
    return lane;
  }

  /** Takes in the rows committed since the last look; ids only grow and one connection writes them. */
  async #load(): Promise<void> {
    if (this.#loading !== undefined) {
      this.#dirty = true;
      return this.#loading;
    }
    this.#loading = (async () => {
      do {
        this.#dirty = false;
        const rows = await this.#database.read
          .selectFrom('jobs')
          .selectAll()
          .where('id', '>', this.#lastLoadedId)
          .orderBy('id')
          .execute();
        const touched = new Set<string>();
        for (const row of rows) {
          this.#lastLoadedId = Math.max(this.#lastLoadedId, row.id);
          const startAfterMs = row.start_after === null ? 0 : Date.parse(row.start_after);
          const waitMs = Math.max(0, startAfterMs - this.#now());
          const entry: Entry = {
            id: row.id,
            key: row.key,
            data: JSON.parse(row.data) as JobData,
            attempts: row.attempts,
            startAfterMs,
            dueSteadyMs: this.#steadyMs() + waitMs,
          };
          const lane = this.#lane(row.queue);
          if (waitMs > 0) lane.delayed.push(entry);
          else this.#makeReady(lane, entry);
          touched.add(row.queue);
        }
        for (const queue of touched) {
          const lane = this.#lane(queue);
          this.#setTimer(queue, lane);
          this.#pump(queue, lane);
        }
      } while (this.#dirty && !this.#closed);
    })()
      .catch((error) => {
        if (!this.#closed) this.#log.error('jobs could not be loaded', errorAttributes(error));
      })
      .finally(() => {
        this.#loading = undefined;
      });
    return this.#loading;
  }

  #makeReady(lane: Lane, entry: Entry): void {
    if (entry.key === null) {
      lane.ready.push(entry);
      return;
    }
    const others = lane.byKey.get(entry.key);
    if (others !== undefined) {
      others.push(entry);
      return;
    }
    lane.byKey.set(entry.key, [entry]);
    lane.ready.push(entry);
  }

  #setTimer(queue: string, lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    if (lane.delayed.length === 0 || this.#closed) return;
    let waitMs = MAX_TIMER_MS;
    for (const entry of lane.delayed) waitMs = Math.min(waitMs, this.#waitMs(entry));
    lane.timer = setTimeout(
      () => {
        const due = lane.delayed.filter((entry) => this.#waitMs(entry) <= 0);
        lane.delayed = lane.delayed.filter((entry) => this.#waitMs(entry) > 0);
        due.sort((a, b) => a.startAfterMs - b.startAfterMs || a.id - b.id);
        for (const entry of due) this.#makeReady(lane, entry);
        this.#setTimer(queue, lane);
        this.#pump(queue, lane);
      },
      Math.max(0, waitMs),
    );
    lane.timer.unref();
  }

  /** Until its time comes; not positive once it has. */
  #waitMs(entry: Entry): number {
    return Math.min(entry.startAfterMs - this.#now(), entry.dueSteadyMs - this.#steadyMs());
  }

  #pump(queue: string, lane: Lane): void {
    const { consumer } = lane;
    if (consumer === undefined) return;
    while (lane.running.size < consumer.max) {
      const entry = lane.ready.shift();
      if (entry === undefined) return;
      const running: Promise<void> = this.#run(queue, lane, entry, consumer).finally(() => {
        lane.running.delete(running);
        this.#pump(queue, lane);
      });
      lane.running.add(running);
    }
  }

  async #run(
    queue: string,
    lane: Lane,
    entry: Entry,
    consumer: { handler: (job: Job) => Promise<void>; abort: AbortController },
  ): Promise<void> {
    const { signal } = consumer.abort;
    try {
      // The count is stored before the work, so that a job that kills its process is seen to have been tried.
      await this.#database.write((tx) =>
        tx
          .updateTable('jobs')
          .set({ attempts: entry.attempts + 1 })
          .where('id', '=', entry.id)
          .execute(),
      );
      entry.attempts += 1;
      await consumer.handler({ data: entry.data, attempt: entry.attempts, signal });
      // Stopped midway: the row stays for the next process.
      if (signal.aborted) return;
      await this.#database.write((tx) => tx.deleteFrom('jobs').where('id', '=', entry.id).execute());
      this.#next(lane, entry);
    } catch (error) {
      if (signal.aborted || this.#closed) return;
      const waitMs = RETRY_MS[Math.min(entry.attempts, RETRY_MS.length) - 1] ?? RETRY_MS[0] ?? 200;
      this.#log.warn('a job failed and will be tried again', {
        queue,
        jobId: entry.id,
        attempt: entry.attempts,
        waitMs,
        ...errorAttributes(error),
      });
      // It keeps its place: nothing of its key runs before it.
      const timer = setTimeout(() => {
        if (this.#closed) return;
        lane.ready.unshift(entry);
        this.#pump(queue, lane);
      }, waitMs);
      timer.unref();
    }
  }

  /** The next job of the same key becomes ready. */
  #next(lane: Lane, entry: Entry): void {
    if (entry.key === null) return;
    const others = lane.byKey.get(entry.key);
    others?.shift();
    const head = others?.[0];
    if (head === undefined) lane.byKey.delete(entry.key);
    else lane.ready.push(head);
  }
}
