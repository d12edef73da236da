import type { ModelUsage } from '@deskhand/agent';
import { StopError } from '@deskhand/base';
import {
  type CreateRunRequest,
  isTerminal,
  mintRunId,
  OPEN_STATUSES,
  type OverlayExclusion,
  ProtocolError,
  type RunChange,
  type RunEventPayload,
  type RunStatus,
  transition,
} from '@deskhand/protocol';
import type { Owner } from '../keys/owner.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OwnLlm } from '../llm/llm-choice.ts';
import type { Queue } from '../seams/queue.ts';
import type { Database } from '../storage/database.ts';
import { insertedRow, insertRow } from '../storage/insert-row.ts';
import type { Tx } from '../storage/schema.ts';
import type { Seal } from '../storage/seal.ts';
import { sql } from '../storage/sql.ts';
import type { WebhookOutbox } from '../webhooks/webhook-outbox.ts';
import { ModelKeys } from './model-keys.ts';
import { type FinishedAction, type InWords, type PendingAction, RunActions } from './run-actions.ts';
import { type EventLine, eventLine } from './run-event-line.ts';
import { eventsOf, toolCall, toolResult } from './run-events.ts';
import type { RunFeed } from './run-feed.ts';
import type { RunRow } from './run-record.ts';
import { usageReport } from './usage-report.ts';

export const RUNS_QUEUE = 'runs';

/** Another claim drives this run now, or it has ended: whoever reads this must stop. */
export class FencedError extends StopError {
  constructor(runId: string) {
    super('interrupted', `The run ${runId} is no longer driven from here.`);
  }
}

export type RunClaim = Readonly<{ row: RunRow; epoch: number; first: boolean }>;

/** A run as it was created, and how it ended when it found no machine. */
export type CreatedRun = Readonly<{
  queued: RunRow;
  ended: { row: RunRow; lines: readonly EventLine[] } | null;
}>;

export type ScreenshotFacts = Readonly<{
  step: number;
  takenAt: string;
  width: number;
  height: number;
  mimeType: string;
  sizeBytes: number;
  sha256: string;
  degraded: boolean;
  exclusion: OverlayExclusion;
}>;

type Parts = {
  database: Database;
  feed: RunFeed;
  queue: Queue;
  ledger: Ledger;
  webhooks: WebhookOutbox;
  seal: Seal;
  now: () => number;
  limits: { queueTimeoutSeconds: number; awaitingHumanTimeoutSeconds: number };
};

/**
 * The one door: whatever happens to a run is one transaction that checks the fence, changes the row,
 * appends the events and writes ledger entry, webhook and job with them. Only then is it announced.
 *
 * The fence: a driver holds the epoch of its claim; its writes hit only while the row still has that epoch
 * and has not ended. A newer claim, a cancel, a deadline each make them miss.
 */
export class RunService {
  readonly #parts: Parts;
  readonly #changed = new Set<(row: RunRow) => void>();
  readonly modelKeys: ModelKeys;
  readonly actions: RunActions;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.modelKeys = new ModelKeys(parts.seal);
    this.actions = new RunActions(parts.database, parts.seal);
  }

  /** Called after every committed change of state. @returns its own unsubscribe. */
  onChange(listener: (row: RunRow) => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  /** Inside the caller's transaction, which must have checked everything. Call {@link announceCreated} after its commit. */
  async create(
    tx: Tx,
    request: CreateRunRequest,
    context: {
      owner: Owner;
      requestedBy: string;
      requestId: string;
      idempotencyKey: string | null;
      webhookSecret: string | null;
      stepCents: number;
      ownLlm: OwnLlm | null;
      /** The server chose the machine; `machine_id` is '' when there was none, and the run ends as it is created. */
      automatic: boolean;
    },
  ): Promise<CreatedRun> {
    const { now, seal, queue, limits } = this.#parts;
    const nowMs = now();
    const at = iso(nowMs);
    const id = mintRunId();
    const deadlineAt =
      request.deadline_seconds === null ? null : iso(nowMs + request.deadline_seconds * 1000);
    const queueUntil = iso(nowMs + limits.queueTimeoutSeconds * 1000);
    const row = await insertedRow(tx, 'runs', {
      id,
      account_id: context.owner.accountId,
      mode: context.owner.mode,
      machine_id: request.machine_id,
      automatic: context.automatic ? 1 : 0,
      status: 'queued',
      task: request.task,
      cua_version: request.cua_version,
      instructions: request.instructions,
      system_prompt: request.system_prompt,
      model: request.model,
      max_steps: request.max_steps,
      deadline_seconds: request.deadline_seconds,
      deadline_at: deadlineAt,
      queue_until: queueUntil,
      on_awaiting_human: request.on_awaiting_human,
      awaiting_human_timeout_seconds: request.awaiting_human_timeout_seconds,
      webhook_url: request.webhook_url,
      webhook_secret:
        context.webhookSecret === null ? null : seal.close(context.webhookSecret, `webhook ${id}`),
      metadata: json(request.metadata),
      ...this.modelKeys.columns(id, context.ownLlm),
      action_policy: json(request.action_policy),
      budget_cents: request.budget_cents,
      step_cents: context.stepCents,
      steps_completed: 0,
      actions_sent: 0,
      cost_cents: 0,
      requested_by: context.requestedBy,
      idempotency_key: context.idempotencyKey,
      request_id: context.requestId,
      epoch: 0,
      attempts: 0,
      claimed_seq: 0,
      last_seq: 1,
      screenshot_count: 0,
      created_at: at,
      due_at: earliest(deadlineAt, queueUntil),
    });
    await insertEvents(
      tx,
      row,
      [
        {
          type: 'status',
          status: 'queued',
          state: 'queued',
          ...(context.automatic ? {} : { machine_id: row.machine_id }),
        },
      ],
      at,
    );
    if (row.machine_id === '')
      return {
        queued: row,
        ended: await this.#change(tx, id, { type: 'stopped', reason: 'no_machine' }, {}),
      };
    await queue.enqueue(tx, RUNS_QUEUE, { runId: id }, { key: row.machine_id });
    return { queued: row, ended: null };
  }

  announceCreated({ queued, ended }: CreatedRun): void {
    this.#announce(ended?.row ?? queued, ended?.lines ?? []);
  }

  /**
   * Applies one change. Without `epoch` it is somebody's decision from outside (cancel, resume, deadline);
   * with it, the driver's.
   * @throws ProtocolError RUN_NOT_FOUND, INVALID_STATE, NOT_AWAITING_HUMAN, RESUME_CONFLICT; FencedError
   */
  async change(
    runId: string,
    change: RunChange,
    fence: { epoch?: number; only?: RunStatus } = {},
  ): Promise<RunRow> {
    const told = this.modelKeys.blotOut(runId, change);
    const { row, lines } = await this.#parts.database.write((tx) => this.#change(tx, runId, told, fence));
    this.#announce(row, lines);
    return row;
  }

  async #change(
    tx: Tx,
    runId: string,
    change: RunChange,
    fence: { epoch?: number; only?: RunStatus },
  ): Promise<{ row: RunRow; lines: readonly EventLine[] }> {
    const before = await tx.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirst();
    if (before === undefined) throw new ProtocolError('RUN_NOT_FOUND', `There is no run ${runId}.`);
    if (fence.epoch !== undefined && before.epoch !== fence.epoch) throw new FencedError(runId);
    const next = transition(before.status, change);
    if (!next.ok || (fence.only !== undefined && fence.only !== before.status))
      throw refusal(
        before.status,
        next.ok ? 'INVALID_STATE' : next.code,
        next.ok ? [fence.only as RunStatus] : next.allowedFrom,
      );

    const nowMs = this.#parts.now();
    const at = iso(nowMs);
    const ended = isTerminal(next.status);
    const held = parseHeld(before.held_events);
    const payloads = ended
      ? [...held, ...eventsOf(change, next, before)]
      : [...eventsOf(change, next, before), ...held];
    const awaitingUntil =
      change.type === 'needs_human'
        ? iso(
            nowMs +
              (before.awaiting_human_timeout_seconds ?? this.#parts.limits.awaitingHumanTimeoutSeconds) *
                1000,
          )
        : null;
    const row = await tx
      .updateTable('runs')
      .set({
        status: next.status,
        last_seq: sql<number>`last_seq + ${payloads.length}`,
        awaiting_human_reason: change.type === 'needs_human' ? change.reason : null,
        awaiting_human_since: change.type === 'needs_human' ? at : null,
        awaiting_until: awaitingUntil,
        due_at: ended ? null : earliest(before.deadline_at, awaitingUntil),
        held_events: null,
        ...(change.type === 'started' ? { started_at: at } : {}),
        ...(ended
          ? {
              finished_at: at,
              error: json(next.error),
              result: json(next.result),
              llm_key: null,
            }
          : {}),
      })
      .where('id', '=', runId)
      .where('status', '=', before.status)
      .where('epoch', '=', before.epoch)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new FencedError(runId);
    const lines = await insertEvents(tx, row, payloads, at);
    if (ended) await this.actions.eraseSealed(tx, runId);
    await this.#parts.webhooks.add(tx, row, at);
    return { row, lines };
  }

  /**
   * Takes the right to drive the run: the machine's epoch + 1, so that no older driver's command is obeyed.
   * A queued run starts; an open one is taken over as it is.
   * @returns null when it has ended.
   */
  async claim(runId: string): Promise<RunClaim | null> {
    const claimed = await this.#parts.database.write(async (tx) => {
      const before = await tx.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirst();
      if (before === undefined || isTerminal(before.status)) return null;
      const machine = await tx
        .updateTable('machines')
        .set({ epoch: sql<number>`epoch + 1` })
        .where('id', '=', before.machine_id)
        .returning('epoch')
        .executeTakeFirst();
      if (machine === undefined) return null;
      await tx
        .updateTable('runs')
        .set({
          epoch: machine.epoch,
          attempts: before.last_seq > before.claimed_seq ? 1 : before.attempts + 1,
          // The start itself is no progress.
          claimed_seq: before.last_seq + (before.status === 'queued' ? 1 : 0),
        })
        .where('id', '=', runId)
        .execute();
      if (before.status !== 'queued') {
        const row = await tx.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow();
        return { row, lines: [], epoch: machine.epoch, first: false };
      }
      const { row, lines } = await this.#change(tx, runId, { type: 'started' }, {});
      return { row, lines, epoch: machine.epoch, first: true };
    });
    if (claimed === null) return null;
    this.#announce(claimed.row, claimed.lines);
    return { row: claimed.row, epoch: claimed.epoch, first: claimed.first };
  }

  /**
   * Gives a claim back in order: a server that is stopped was not taken down by the run it drove, so the claim does not
   * count among those that got nowhere. Quiet when the run has ended or was claimed anew.
   */
  async release(runId: string, epoch: number): Promise<void> {
    await this.#parts.database.write((tx) =>
      tx
        .updateTable('runs')
        .set({ attempts: sql<number>`attempts - 1` })
        .where('id', '=', runId)
        .where('epoch', '=', epoch)
        .where('finished_at', 'is', null)
        .where('attempts', '>', 0)
        .execute(),
    );
  }

  /** Appends events of the driver. @throws FencedError */
  async append(runId: string, epoch: number, payloads: readonly RunEventPayload[]): Promise<void> {
    await this.#appendWith(runId, epoch, this.modelKeys.blotOut(runId, payloads), async () => {});
  }

  async setEngine(runId: string, epoch: number, engine: string): Promise<void> {
    await this.#parts.database.write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('runs')
        .set({ engine })
        .where('id', '=', runId)
        .where('epoch', '=', epoch)
        .where('finished_at', 'is', null)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new FencedError(runId);
    });
  }

  /**
   * Stores what is about to be sent, before it is sent. The first operation is announced now; the others
   * as they are reached, so that each result follows its call.
   */
  async actionStarted(runId: string, epoch: number, action: PendingAction & InWords): Promise<void> {
    const [first] = action.operations;
    if (first === undefined) return;
    const call = this.modelKeys.blotOut(runId, toolCall(action.step, first, action.descriptions[0]));
    await this.#appendWith(runId, epoch, [call], (tx, row) =>
      this.actions.keep(tx, runId, row.last_seq, action),
    );
  }

  /** Stores the results and erases what was kept for sending it again. A second answer changes nothing. */
  async actionFinished(runId: string, epoch: number, action: FinishedAction & InWords): Promise<void> {
    action = this.modelKeys.blotOut(runId, action);
    const payloads: RunEventPayload[] = [];
    action.outcomes.forEach((outcome, index) => {
      const operation = action.operations[index];
      if (operation === undefined) return;
      if (index > 0) payloads.push(toolCall(action.step, operation, action.descriptions[index]));
      payloads.push(toolResult(action.step, operation, outcome));
    });
    await this.#parts.database
      .write(async (tx) => {
        if (!(await this.actions.finish(tx, runId, action))) return { row: null, lines: [] };
        return this.#appendIn(tx, runId, epoch, payloads, { actions_sent: action.outcomes.length });
      })
      .then(({ row, lines }) => {
        if (row !== null) this.#parts.feed.publish(runId, lines);
      });
  }

  /** Closes a step and bills it, once per (run, step) however often it is told. @returns cents of the run so far. */
  async stepCompleted(
    runId: string,
    epoch: number,
    completed: {
      step: number;
      usage: ModelUsage | null;
      /** Milliseconds per part; empty when the step was finished by recovery. */
      timings: Readonly<Record<string, number>>;
    },
  ): Promise<{ costCents: number; walletEmpty: boolean }> {
    const { step, usage, timings } = completed;
    const { database, ledger, feed, now } = this.#parts;
    const { row, lines, walletEmpty } = await database.write(async (tx) => {
      const before = await tx
        .selectFrom('runs')
        .selectAll()
        .where('id', '=', runId)
        .where('epoch', '=', epoch)
        .where('finished_at', 'is', null)
        .executeTakeFirst();
      if (before === undefined) throw new FencedError(runId);
      const owner = { accountId: before.account_id, mode: before.mode };
      const added = await ledger.add(tx, owner, {
        operation: 'run_step',
        operationId: runId,
        step,
        cents: before.step_cents,
        usage,
        at: iso(now()),
      });
      if (!added) return { row: before, lines: [] as readonly EventLine[], walletEmpty: false };
      const steps = before.steps_completed + 1;
      const cents = before.cost_cents + before.step_cents;
      const appended = await this.#appendIn(
        tx,
        runId,
        epoch,
        [
          {
            type: 'step',
            steps_completed: steps,
            ...(Object.keys(timings).length === 0 ? {} : { timings_ms: { ...timings } }),
            ...usageReport(usage),
          },
          { type: 'billing', credits_charged: cents, cost_cents: cents },
        ],
        { steps_completed: 1, cost_cents: before.step_cents },
      );
      return { ...appended, walletEmpty: !(await ledger.canPay(tx, owner, before.step_cents)) };
    });
    feed.publish(runId, lines);
    return { costCents: row.cost_cents, walletEmpty };
  }

  /** Records a picture the engine saw; its bytes are in the blob store already. */
  async screenshot(runId: string, epoch: number, attempt: number, facts: ScreenshotFacts): Promise<void> {
    await this.#parts.database.write(async (tx) => {
      const row = await tx
        .updateTable('runs')
        .set({ screenshot_count: sql<number>`screenshot_count + 1` })
        .where('id', '=', runId)
        .where('epoch', '=', epoch)
        .where('finished_at', 'is', null)
        .returning('screenshot_count')
        .executeTakeFirst();
      if (row === undefined) throw new FencedError(runId);
      await tx
        .insertInto('run_screenshots')
        .values({
          run_id: runId,
          position: row.screenshot_count - 1,
          attempt,
          step: facts.step,
          taken_at: facts.takenAt,
          width: facts.width,
          height: facts.height,
          mime_type: facts.mimeType,
          size_bytes: facts.sizeBytes,
          sha256: facts.sha256,
          degraded: facts.degraded ? 1 : 0,
          exclusion: facts.exclusion,
          erased: 0,
        })
        .execute();
    });
  }

  async #appendWith(
    runId: string,
    epoch: number,
    payloads: readonly RunEventPayload[],
    extra: (tx: Tx, row: RunRow) => Promise<void>,
  ): Promise<RunRow> {
    const { row, lines } = await this.#parts.database.write(async (tx) => {
      const appended = await this.#appendIn(tx, runId, epoch, payloads);
      await extra(tx, appended.row);
      return appended;
    });
    this.#parts.feed.publish(runId, lines);
    return row;
  }

  /**
   * The fenced append: the row's counter is both lock and sequence. While the run awaits a human its last event stays
   * `awaiting_human`: what the step under way at a takeover still has to tell is held in the row, and told when the run
   * goes on or ends (see {@link #change}). Steps, money and history count at once.
   */
  async #appendIn(
    tx: Tx,
    runId: string,
    epoch: number,
    payloads: readonly RunEventPayload[],
    add: { steps_completed?: number; cost_cents?: number; actions_sent?: number } = {},
  ): Promise<{ row: RunRow; lines: readonly EventLine[] }> {
    const row = await tx
      .updateTable('runs')
      .set({
        last_seq: sql<number>`case when status = 'awaiting_human' then last_seq else last_seq + ${payloads.length} end`,
        steps_completed: sql<number>`steps_completed + ${add.steps_completed ?? 0}`,
        cost_cents: sql<number>`cost_cents + ${add.cost_cents ?? 0}`,
        actions_sent: sql<number>`actions_sent + ${add.actions_sent ?? 0}`,
      })
      .where('id', '=', runId)
      .where('epoch', '=', epoch)
      .where('finished_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new FencedError(runId);
    if (row.status !== 'awaiting_human')
      return { row, lines: await insertEvents(tx, row, payloads, iso(this.#parts.now())) };
    const held = JSON.stringify([...parseHeld(row.held_events), ...payloads]);
    await tx.updateTable('runs').set({ held_events: held }).where('id', '=', runId).execute();
    return { row, lines: [] };
  }

  #announce(row: RunRow, lines: readonly EventLine[]): void {
    if (isTerminal(row.status)) this.modelKeys.forget(row.id);
    this.#parts.feed.publish(row.id, lines);
    for (const listener of [...this.#changed]) listener(row);
  }
}

/** Rows for payloads that end at the row's `last_seq`. */
async function insertEvents(
  tx: Tx,
  row: { id: string; last_seq: number },
  payloads: readonly RunEventPayload[],
  at: string,
): Promise<readonly EventLine[]> {
  if (payloads.length === 0) return [];
  const lines = payloads.map((payload, index) =>
    eventLine({ runId: row.id, seq: row.last_seq - payloads.length + 1 + index, at }, payload),
  );
  for (const line of lines)
    await insertRow(tx, 'run_events', { run_id: row.id, seq: line.seq, type: line.type, event: line.json });
  return lines;
}

function parseHeld(text: string | null): RunEventPayload[] {
  return text === null ? [] : (JSON.parse(text) as RunEventPayload[]);
}

export function refusal(
  current: RunStatus,
  code: 'INVALID_STATE' | 'NOT_AWAITING_HUMAN' | 'RESUME_CONFLICT',
  allowedFrom: readonly RunStatus[],
): ProtocolError {
  const messages = {
    INVALID_STATE: `The run is ${current}; this needs ${allowedFrom.join(', ')}.`,
    NOT_AWAITING_HUMAN: `The run is ${current}; only a run that awaits a human can be resumed.`,
    RESUME_CONFLICT: `The run is ${current} already and cannot be resumed.`,
  };
  return new ProtocolError(code, messages[code], {
    current_state: current,
    allowed_from:
      code === 'INVALID_STATE'
        ? allowedFrom.length === 0
          ? OPEN_STATUSES
          : allowedFrom
        : ['awaiting_human'],
    ...(code === 'INVALID_STATE' ? {} : { required_state: 'awaiting_human' }),
  });
}

function earliest(...times: Array<string | null>): string | null {
  let first: string | null = null;
  for (const time of times) if (time !== null && (first === null || time < first)) first = time;
  return first;
}

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
