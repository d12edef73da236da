import {
  CreateRunRequest,
  isTerminal,
  ProtocolError,
  ResumeRunRequest,
  RUN_STATUSES,
  Run,
  RunList,
  RunLog,
  type RunScreenshot,
  RunScreenshotList,
  type RunStatus,
} from '@deskhand/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Owner } from '../../keys/owner.ts';
import { type LlmWish, llmWish, type OwnLlm } from '../../llm/llm-choice.ts';
import type { LlmKeyStore } from '../../llm/llm-key-store.ts';
import { OpenRunCap } from '../../runs/open-run-cap.ts';
import { type RunRow, toRun } from '../../runs/run-record.ts';
import type { Tx } from '../../storage/schema.ts';
import { mintWebhookSecret } from '../../webhooks/sign-webhook.ts';
import { checkWebhookUrl } from '../../webhooks/webhook-target.ts';
import { callerOf } from '../caller.ts';
import { idempotencyKeyOf } from '../idempotency.ts';
import type { ServerParts } from '../server-parts.ts';
import { cursorFrom } from '../sse.ts';
import { answers, EmptyBody, IdParams, LIMIT, limitFrom, queryOf, REPEATABLE } from './shared.ts';

const WITH_PIXELS_LIMIT = 10;

export function runRoutes(app: FastifyInstance, parts: ServerParts): void {
  const { database, runs, worker, machines, ledger, config, streams, frames, idempotency } = parts;
  const openRuns = new OpenRunCap(config.max_queued_runs_per_machine);

  const find = async (request: FastifyRequest): Promise<RunRow> => {
    const { id } = request.params as { id: string };
    return findRun(database.read, callerOf(request).owner, id);
  };

  app.post(
    '/runs',
    {
      config: { access: 'runs:write' },
      schema: {
        summary: 'Start a run',
        response: answers(Run),
        tags: ['runs'],
        body: CreateRunRequest,
        requestHeaders: {
          ...REPEATABLE,
          'X-LLM-Provider': 'anthropic or openai: the run uses a model key of your own.',
          'X-LLM-Api-Key': 'That key, for this run alone; without it the stored one is used.',
          'X-LLM-Model': 'The model, as its provider calls it.',
        },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = request.body as CreateRunRequest;
      if (body.webhook_url !== null)
        checkWebhookUrl(body.webhook_url, { privateNetworks: config.webhook_private_networks });
      const wish = llmWish({ headers: request.headers, mode: caller.owner.mode, body }, config);
      const wanted = {
        ...body,
        max_steps: Math.min(body.max_steps, config.max_steps_ceiling),
        model: wish.model,
      };
      const key = idempotencyKeyOf({
        header: request.headers['idempotency-key'],
        method: 'POST',
        path: '/v1/runs',
        body: request.rawBody,
        owner: caller.owner,
        requestId: request.id,
      });
      const managedCents = body.cua_version === 'v1' ? config.run_step_v1_cents : config.run_step_cents;
      const stepCents = wish.own ? (config.run_step_own_model_cents ?? managedCents) : managedCents;
      const answer = await idempotency.transact(key, async (tx) => {
        const ownLlm = wish.own ? await ownLlmOf(tx, caller.owner, wish, parts.llmKeys) : null;
        const machine = await machines.findIn(tx, caller.owner, body.machine_id);
        const status = machines.status(machine);
        if (status === 'stopped')
          throw new ProtocolError(
            'INVALID_STATE',
            machine.latched !== 0
              ? 'The kill switch of this desktop is tripped. Only a person there can re-arm it: deskhand reset.'
              : 'Remote control of this machine is suspended: POST /v1/machines/{id}/start allows it again.',
            { current_state: status, allowed_from: ['running', 'provisioning', 'error'] },
          );
        const unarmed = machines.hotkeyProblem(machine.id);
        if (unarmed !== null)
          throw new ProtocolError(
            'NOT_ARMED',
            `The stop hotkey of this desktop is not armed: ${unarmed} Its person can mend that (deskhand doctor) or let runs start all the same (deskhand up --allow-unarmed).`,
            { current_state: status, reason: unarmed },
          );
        if (!(await ledger.canPay(tx, caller.owner, stepCents)))
          throw new ProtocolError('INSUFFICIENT_CREDITS', 'The wallet cannot pay for one step.', {
            required: stepCents,
            balance: (await ledger.balanceIn(tx, caller.owner)).cents,
          });
        await openRuns.take(tx, machine.id);
        const webhookSecret = wanted.webhook_url === null ? null : mintWebhookSecret();
        const row = await runs.create(tx, wanted, {
          owner: caller.owner,
          requestedBy: `${caller.name} (${caller.keyId})`.slice(0, 200),
          requestId: request.id,
          idempotencyKey: key?.key ?? null,
          webhookSecret,
          stepCents,
          ownLlm,
        });
        return { body: toRun(row, webhookSecret), effect: row };
      });
      if (answer.effect !== null) runs.announceCreated(answer.effect);
      idempotencyHeaders(reply, key !== null, answer.replayed);
      await billingHeaders(reply, parts, caller.owner);
      return answer.body;
    },
  );

  app.get(
    '/runs',
    {
      config: { access: 'runs:read' },
      schema: {
        summary: 'List runs, newest first',
        response: answers(RunList),
        tags: ['runs'],
        querystring: queryOf({
          limit: LIMIT,
          status: { description: `One of ${RUN_STATUSES.join(', ')}.`, type: 'string' },
        }),
      },
    },
    async (request) => {
      const query = request.query as { limit?: unknown; status?: unknown };
      const limit = limitFrom(query.limit, 20);
      const status = statusFrom(query.status);
      const { owner } = callerOf(request);
      let select = database.read
        .selectFrom('runs')
        .selectAll()
        .where('account_id', '=', owner.accountId)
        .where('mode', '=', owner.mode)
        .orderBy('position', 'desc')
        .limit(limit + 1);
      if (status !== null) select = select.where('status', '=', status);
      const rows = await select.execute();
      return {
        object: 'list',
        data: rows.slice(0, limit).map((row) => toRun(row)),
        has_more: rows.length > limit,
        request_id: request.id,
      };
    },
  );

  app.get(
    '/runs/:id',
    {
      config: { access: 'runs:read' },
      schema: { summary: 'Get a run', response: answers(Run), tags: ['runs'], params: IdParams },
    },
    async (request) => toRun(await find(request)),
  );

  app.get(
    '/runs/:id/events',
    {
      config: { access: 'runs:read' },
      schema: {
        summary: 'Follow a run (server-sent events)',
        tags: ['runs'],
        params: IdParams,
        querystring: queryOf({ after: { description: 'Only events after this seq.', type: 'integer' } }),
        requestHeaders: { 'Last-Event-ID': 'As `after`; wins over it.' },
        produces: ['text/event-stream'],
      },
    },
    async (request, reply) => {
      const row = await find(request);
      const cursor = cursorFrom(
        request.headers['last-event-id'] as string | undefined,
        (request.query as { after?: unknown }).after,
      );
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) headers[name] = String(value);
      reply.hijack();
      streams.serve(reply.raw, row.id, cursor, headers);
    },
  );

  app.get(
    '/runs/:id/log',
    {
      config: { access: 'runs:read' },
      schema: {
        summary: 'All events of a run so far',
        response: answers(RunLog),
        tags: ['runs'],
        params: IdParams,
      },
    },
    async (request) => {
      const row = await find(request);
      const events = await database.read
        .selectFrom('run_events')
        .select('event')
        .where('run_id', '=', row.id)
        .orderBy('seq')
        .execute();
      return {
        run_id: row.id,
        data: events.map(({ event }) => JSON.parse(event) as unknown),
        request_id: request.id,
      };
    },
  );

  app.post(
    '/runs/:id/cancel',
    {
      config: { access: 'runs:write' },
      schema: {
        summary: 'Cancel a run',
        response: answers(Run),
        tags: ['runs'],
        params: IdParams,
        body: EmptyBody,
      },
    },
    async (request) => {
      const row = await find(request);
      return toRun(await worker.cancel(row.id));
    },
  );

  app.post(
    '/runs/:id/resume',
    {
      config: { access: 'runs:write' },
      schema: {
        summary: 'Answer a run that awaits a human',
        response: answers(Run),
        tags: ['runs'],
        params: IdParams,
        body: ResumeRunRequest,
      },
    },
    async (request) => {
      const row = await find(request);
      return toRun(await worker.resume(row, (request.body as ResumeRunRequest).note));
    },
  );

  app.get(
    '/runs/:id/screenshots',
    {
      config: { access: 'runs:read' },
      schema: {
        summary: 'The pictures the engine saw, oldest first',
        response: answers(RunScreenshotList),
        tags: ['runs'],
        params: IdParams,
        querystring: queryOf({
          limit: LIMIT,
          after_index: { description: 'Only pictures after this index.', type: 'integer' },
          include_image: { description: 'With the pixels, at most ten.', type: 'boolean' },
        }),
      },
    },
    async (request, reply) => {
      const query = request.query as { limit?: unknown; after_index?: unknown; include_image?: unknown };
      const withPixels = ['1', 'true', 'yes'].includes(String(query.include_image ?? '').toLowerCase());
      const limit = Math.min(limitFrom(query.limit, 50), withPixels ? WITH_PIXELS_LIMIT : 200);
      const after = /^\d{1,9}$/.test(String(query.after_index ?? '')) ? Number(query.after_index) : -1;
      const row = await find(request);
      const rows = await database.read
        .selectFrom('run_screenshots')
        .selectAll()
        .where('run_id', '=', row.id)
        .where('position', '>', after)
        .orderBy('position')
        .limit(limit + 1)
        .execute();
      const data: RunScreenshot[] = [];
      for (const shot of rows.slice(0, limit)) {
        const bytes = withPixels && shot.erased === 0 ? await frames.get(shot.sha256) : null;
        data.push({
          index: shot.position,
          attempt: shot.attempt,
          step: shot.step,
          taken_at: shot.taken_at,
          width: shot.width,
          height: shot.height,
          mime_type: shot.mime_type,
          size_bytes: shot.size_bytes,
          sha256: shot.sha256,
          degraded: shot.degraded !== 0,
          encrypted_at_rest: false,
          ...(bytes === null ? {} : { image_b64: Buffer.from(bytes).toString('base64') }),
          ...(shot.erased !== 0 || (withPixels && bytes === null) ? { image_unavailable: true } : {}),
        });
      }
      if (withPixels) reply.header('cache-control', 'no-store');
      return { object: 'list', data, has_more: rows.length > limit, request_id: request.id };
    },
  );
}

async function findRun(db: Pick<Tx, 'selectFrom'>, owner: Owner, id: string): Promise<RunRow> {
  const row = await db
    .selectFrom('runs')
    .selectAll()
    .where('id', '=', id)
    .where('account_id', '=', owner.accountId)
    .where('mode', '=', owner.mode)
    .executeTakeFirst();
  if (row === undefined)
    throw new ProtocolError('RUN_NOT_FOUND', 'There is no run with this id for this key.');
  return row;
}

/** Header key, else stored key (v1-api.md 8.7). @throws ProtocolError LLM_KEY_NOT_CONFIGURED */
async function ownLlmOf(
  tx: Tx,
  owner: Owner,
  wish: Extract<LlmWish, { own: true }>,
  llmKeys: LlmKeyStore,
): Promise<OwnLlm> {
  const { provider, model, headerKey } = wish;
  const key = headerKey ?? (await llmKeys.openIn(tx, owner, provider));
  if (key === null)
    throw new ProtocolError(
      'LLM_KEY_NOT_CONFIGURED',
      `No ${provider} key came with the request and none is stored. Send X-LLM-Api-Key, or store one with PUT /v1/llm/keys/${provider}.`,
    );
  const fingerprint = llmKeys.fingerprint(key);
  return { provider, model, key, fingerprint, source: headerKey === null ? 'stored' : 'header' };
}

function statusFrom(raw: unknown): RunStatus | null {
  if (raw === undefined || raw === '') return null;
  const status = RUN_STATUSES.find((known) => known === raw);
  if (status === undefined)
    throw new ProtocolError('INVALID_STATUS_FILTER', '`status` must be one run state.', {
      valid_options: RUN_STATUSES,
    });
  return status;
}

export function idempotencyHeaders(reply: FastifyReply, keyed: boolean, replayed: boolean): void {
  if (!keyed) return;
  reply.header('idempotency-replayed', String(replayed));
  reply.header('idempotency-status', 'completed');
  if (replayed) reply.header('x-coasty-idempotent-replay', 'true');
}

/** Creating a run charges nothing; its steps do. */
export async function billingHeaders(
  reply: FastifyReply,
  parts: ServerParts,
  owner: Owner,
  cents = 0,
): Promise<void> {
  const balance = await parts.ledger.balance(parts.database, owner);
  reply.header('x-credits-charged', owner.mode === 'test' ? '0' : String(cents));
  reply.header('x-credits-remaining', String(balance.cents));
}

export { isTerminal };
