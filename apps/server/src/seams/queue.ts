import type { Tx } from '../storage/schema.ts';

/** Ends a consumption or subscription; settles when nothing of it runs any more. */
export type Stop = () => Promise<void>;

export type JobData = Readonly<Record<string, unknown>>;

export type Job = Readonly<{
  data: JobData;
  /** 1 the first time; more after a handler failed or its process died. */
  attempt: number;
  /** Aborts when the consumer stops. */
  signal: AbortSignal;
}>;

/**
 * Work that must happen after the transaction that asked for it, at least once, also after a crash.
 * Jobs of one key run one at a time, in the order they were enqueued; a job with `startAfter` takes its
 * place in that order when its time comes.
 */
export interface Queue {
  /** In the same transaction as what it is about: a rollback leaves no job. */
  enqueue(tx: Tx, queue: string, data: JobData, options?: { key?: string; startAfter?: Date }): Promise<void>;
  /**
   * Runs at most `max` jobs of the queue at once here. A handler that resolves completes its job; one that
   * throws has it tried again later. A business failure is therefore a resolved handler.
   */
  consume(queue: string, max: number, handler: (job: Job) => Promise<void>): Stop;
}
