import { isTerminal, type StopReason } from '@deskhand/protocol';
import type { Queue } from '../seams/queue.ts';
import type { Database } from '../storage/database.ts';
import type { RunRow } from './run-record.ts';
import { RUNS_QUEUE } from './run-service.ts';

/** What to do with a run that was open when its server ended. */
export type Recovery = Readonly<
  | { type: 'nothing' }
  /** Ends now. */
  | { type: 'end'; reason: StopReason; message?: string }
  /** Takes its place in its machine's queue again; nothing had begun. */
  | { type: 'queue' }
  /** Driven on under a new claim. */
  | { type: 'continue' }
>;

/**
 * Decides one open run from what is stored about it. Pure.
 *
 * | state          | time limit passed | crashed too often | otherwise |
 * | queued         | end               | –                 | queue     |
 * | running        | end               | end (interrupted) | continue: a stored, unanswered command is sent again under its id; then look and decide |
 * | awaiting_human | end               | end (interrupted) | continue: it goes on waiting |
 */
export function decideRecovery(row: RunRow, nowMs: number, maxClaims: number): Recovery {
  if (isTerminal(row.status)) return { type: 'nothing' };
  const limit = passedLimit(row, nowMs);
  if (limit !== null) return { type: 'end', ...limit };
  if (row.status === 'queued') return { type: 'queue' };
  if (row.attempts >= maxClaims && row.last_seq <= row.claimed_seq)
    return {
      type: 'end',
      reason: 'interrupted',
      message: `The server stopped ${row.attempts} times in a row while it drove this run, so it is not tried again.`,
    };
  return { type: 'continue' };
}

/** The time limit that has passed, if any; the deadline counts in every open state. */
export function passedLimit(row: RunRow, nowMs: number): { reason: StopReason; message?: string } | null {
  const passed = (at: string | null) => at !== null && Date.parse(at) <= nowMs;
  if (passed(row.deadline_at)) return { reason: 'deadline' };
  if (row.status === 'awaiting_human' && passed(row.awaiting_until)) return { reason: 'human_timeout' };
  if (row.status === 'queued' && passed(row.queue_until))
    return { reason: 'deadline', message: 'The machine did not become free within the queue’s time limit.' };
  return null;
}

/**
 * Makes sure that every open run has its job: normally the queue kept it, but a job may have been lost with an
 * older backup. @returns how many open runs there are.
 */
export async function recoverRuns(parts: { database: Database; queue: Queue }): Promise<number> {
  const { database, queue } = parts;
  const open = await database.read
    .selectFrom('runs')
    .select(['id', 'machine_id'])
    .where('finished_at', 'is', null)
    .orderBy('position')
    .execute();
  const jobs = await database.read
    .selectFrom('jobs')
    .select('data')
    .where('queue', '=', RUNS_QUEUE)
    .execute();
  const withJob = new Set(jobs.map((job) => (JSON.parse(job.data) as { runId: string }).runId));
  const orphans = open.filter((run) => !withJob.has(run.id));
  if (orphans.length > 0)
    await database.write(async (tx) => {
      for (const run of orphans)
        await queue.enqueue(tx, RUNS_QUEUE, { runId: run.id }, { key: run.machine_id });
    });
  return open.length;
}
