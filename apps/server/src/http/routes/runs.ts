import {
  CreateRunRequest,
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
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Owner } from '../../keys/owner.ts';
import type { OpenRunCap } from '../../runs/open-run-cap.ts';
import { logEntry } from '../../runs/run-event-line.ts';
import { type RunRow, toRun } from '../../runs/run-record.ts';
import type { Tx } from '../../storage/schema.ts';
import { callerOf } from '../caller.ts';
import type { ServerParts } from '../server-parts.ts';
import { eventCursorFrom } from '../sse.ts';
import {
  answers,
  cursorFrom,
  EmptyBody,
  IdParams,
  LIMIT,
  limitFrom,
  OWN_MODEL,
  queryOf,
  REPEATABLE,
} from './shared.ts';
import { startRun, usableMachine } from './start-run.ts';

const WITH_PIXELS_LIMIT = 10;

export function runRoutes(app: FastifyInstance, parts: ServerParts, openRuns: OpenRunCap): void {
  const { database, worker, streams, frames } = parts;

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
        requestHeaders: { ...REPEATABLE, ...OWN_MODEL },
      },
    },
    async (request, reply) => {
      const body = request.body as CreateRunRequest;
      const { owner } = callerOf(request);
      return startRun(parts, openRuns, request, reply, {
        path: '/v1/runs',
        body,
        automatic: false,
        machineFor: (tx) => usableMachine(tx, parts, owner, body.machine_id),
      });
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
      const cursor = eventCursorFrom(
        request.headers['last-event-id'] as string | undefined,
        (request.query as { after?: unknown }).after,
      );
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) headers[name] = String(value);
      reply.hijack();
      streams.serve(reply.raw, row.id, cursor, headers, callerOf(request).keyId);
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
        data: events.map(({ event }) => logEntry(event)),
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
      const after = cursorFrom(query.after_index, -1);
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
          ...(shot.exclusion === null ? {} : { exclusion: shot.exclusion }),
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

function statusFrom(raw: unknown): RunStatus | null {
  if (raw === undefined || raw === '') return null;
  const status = RUN_STATUSES.find((known) => known === raw);
  if (status === undefined)
    throw new ProtocolError('INVALID_STATUS_FILTER', '`status` must be one run state.', {
      valid_options: RUN_STATUSES,
    });
  return status;
}
