import type { Logger } from '@deskhand/base';
import type { Job, Queue, Stop } from '../seams/queue.ts';
import type { Database } from '../storage/database.ts';
import type { Seal } from '../storage/seal.ts';
import { postWebhook, type WebhookAnswer } from './post-webhook.ts';
import { nextRetrySeconds, type RetrySchedule } from './retry-schedule.ts';
import { signWebhook } from './sign-webhook.ts';
import { WEBHOOKS_QUEUE } from './webhook-outbox.ts';
import { checkWebhookUrl, type TargetRules } from './webhook-target.ts';

const AT_ONCE = 32;

type Parts = {
  database: Database;
  queue: Queue;
  seal: Seal;
  log: Logger;
  now: () => number;
  schedule: RetrySchedule;
  rules: TargetRules;
  timeoutMs: number;
};

/**
 * Delivers the outbox: per run in order, one at a time, the next only when the one before was delivered or
 * given up. At least once; the receiver tells repeats by the event id. Never touches the run.
 */
export class WebhookCourier implements AsyncDisposable {
  readonly #parts: Parts;
  #stop: Stop | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#stop = this.#parts.queue.consume(WEBHOOKS_QUEUE, AT_ONCE, (job) => this.#deliver(job));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop?.();
  }

  async #deliver(job: Job): Promise<void> {
    const { database, seal, now } = this.#parts;
    const runId = String(job.data.runId);
    for (;;) {
      const delivery = await database.read
        .selectFrom('webhook_deliveries')
        .selectAll()
        .where('run_id', '=', runId)
        .where('state', '=', 'pending')
        .orderBy('position')
        .limit(1)
        .executeTakeFirst();
      if (delivery === undefined || job.signal.aborted) return;
      // Waiting for its next attempt: the job that was set for that time will come. This may be it, whatever a clock
      // that was set back meanwhile says.
      const isRetry = job.data.retryOf === attemptOf(delivery);
      if (!isRetry && Date.parse(delivery.next_attempt_at) > now()) return;
      const run = await database.read
        .selectFrom('runs')
        .select(['webhook_url', 'webhook_secret'])
        .where('id', '=', runId)
        .executeTakeFirst();
      if (run?.webhook_url == null || run.webhook_secret === null) return;

      const secret = seal.open(run.webhook_secret, `webhook ${runId}`);
      const signature = signWebhook(secret, Math.floor(now() / 1000), delivery.body);
      const answer = await this.#post(
        run.webhook_url,
        { body: delivery.body, signature, eventId: delivery.event_id },
        job.signal,
      );
      if (job.signal.aborted) return;
      const again = await this.#record(delivery, answer);
      if (!again) return;
    }
  }

  async #post(
    urlText: string,
    message: { body: string; signature: string; eventId: string },
    signal: AbortSignal,
  ): Promise<WebhookAnswer> {
    const { rules, timeoutMs } = this.#parts;
    try {
      // The rules may have become stricter since the run was created.
      const url = checkWebhookUrl(urlText, rules);
      return await postWebhook({ url, rules, timeoutMs }, message, { signal });
    } catch (error) {
      return { type: 'unreachable', problem: (error as Error).message };
    }
  }

  /** @returns whether the run's next delivery may go now. */
  async #record(
    delivery: { position: number; run_id: string; event_id: string; attempts: number },
    answer: WebhookAnswer,
  ): Promise<boolean> {
    const { database, queue, schedule, now, log } = this.#parts;
    const attempts = delivery.attempts + 1;
    const at = new Date(now()).toISOString();
    const status = answer.type === 'answered' ? answer.status : 0;
    const delivered = status >= 200 && status < 300;
    // A redirect or a 4xx is the receiver's final word.
    const final = status >= 300 && status < 500;
    const waitSeconds = delivered || final ? null : nextRetrySeconds(schedule, attempts);
    const problem = answer.type === 'answered' ? `HTTP ${answer.status}` : answer.problem;
    const attributes = { runId: delivery.run_id, eventId: delivery.event_id, attempts };
    if (!delivered) log.warn('a webhook was not delivered', { ...attributes, problem, waitSeconds });
    return database.write(async (tx) => {
      const update = tx.updateTable('webhook_deliveries').where('position', '=', delivery.position);
      if (waitSeconds === null) {
        await update
          .set({
            state: delivered ? 'delivered' : 'failed',
            attempts,
            last_error: delivered ? null : problem,
            delivered_at: delivered ? at : null,
          })
          .execute();
        return true;
      }
      const nextAt = new Date(now() + waitSeconds * 1000);
      await update.set({ attempts, last_error: problem, next_attempt_at: nextAt.toISOString() }).execute();
      await queue.enqueue(
        tx,
        WEBHOOKS_QUEUE,
        { runId: delivery.run_id, retryOf: attemptOf({ ...delivery, attempts }) },
        { key: delivery.run_id, startAfter: nextAt },
      );
      return false;
    });
  }
}

/** Names one attempt of one delivery: the `retryOf` of the job that makes it. */
function attemptOf({ event_id, attempts }: { event_id: string; attempts: number }): string {
  return `${event_id} ${attempts}`;
}
