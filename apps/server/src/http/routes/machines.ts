import { randomHex } from '@deskhand/base';
import {
  CreateMachineRequest,
  CreateMachineResponse,
  LifecycleResponse,
  MachineList,
  MachineResponse,
  MachineScreenshot,
  mintCommandId,
  ObserveRequest,
  PatchMachineRequest,
  PatchMachineResponse,
  ProtocolError,
} from '@deskhand/protocol';
import {
  EnrolledMachine,
  MachineConnection,
  MachinePricing,
  Snapshot,
} from '@deskhand/protocol/rest-answers';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LinkCutError } from '../../machines/link-connection.ts';
import type { MachineRow } from '../../machines/machine-record.ts';
import type { LifecycleChange } from '../../machines/machine-service.ts';
import { callerOf } from '../caller.ts';
import { idempotencyKeyOf } from '../idempotency.ts';
import type { ServerParts } from '../server-parts.ts';
import { answers, EmptyBody, IdParams, LIMIT, limitFrom, queryOf, REPEATABLE } from './shared.ts';
import { billingHeaders, idempotencyHeaders } from './start-run.ts';

const SCREENSHOT_MS = 30_000;
/** A virtual desktop that is asked for its picture may have to start first. */
const WAKE_MS = 60_000;

export function machineRoutes(app: FastifyInstance, parts: ServerParts): void {
  const { machines, hub, config, idempotency } = parts;

  const find = (request: FastifyRequest): Promise<MachineRow> =>
    machines.find(callerOf(request).owner, (request.params as { id: string }).id);

  const noTtl = (reply: FastifyReply, row: MachineRow) => {
    if (row.ttl_minutes === null)
      reply.header(
        'warning',
        '199 deskhand "This machine has no ttl_minutes and stays registered until it is deleted."',
      );
  };

  app.post(
    '/machines',
    {
      config: { access: 'machines:write' },
      schema: {
        summary: 'Register a machine',
        response: answers(CreateMachineResponse),
        tags: ['machines'],
        body: CreateMachineRequest,
        requestHeaders: REPEATABLE,
      },
    },
    async (request, reply) => {
      const { owner } = callerOf(request);
      const body = request.body as CreateMachineRequest;
      if (body.restore_from_snapshot && owner.mode === 'live')
        throw new ProtocolError(
          'FEATURE_NOT_AVAILABLE',
          'A desktop of your own cannot be restored from a snapshot here.',
        );
      const key = idempotencyKeyOf({
        header: request.headers['idempotency-key'],
        method: 'POST',
        path: '/v1/machines',
        body: request.rawBody,
        owner,
        requestId: request.id,
      });
      const answer = await idempotency.transact(key, async (tx) => {
        const { row, enrollment } = await machines.create(tx, owner, body);
        return {
          body: {
            machine: machines.record(row),
            connection: redactedConnection(),
            ...(owner.mode === 'live' ? { enrollment } : {}),
            request_id: request.id,
          },
          effect: row,
        };
      });
      if (answer.effect !== null) noTtl(reply, answer.effect);
      idempotencyHeaders(reply, key !== null, answer.replayed);
      reply.header('cache-control', 'no-store');
      return answer.body;
    },
  );

  app.get(
    '/machines',
    {
      config: { access: 'machines:read' },
      schema: {
        summary: 'List machines',
        response: answers(MachineList),
        tags: ['machines'],
        querystring: queryOf({ limit: LIMIT }),
      },
    },
    async (request) => {
      const limit = limitFrom((request.query as { limit?: unknown }).limit, 50);
      const { rows, hasMore } = await machines.list(callerOf(request).owner, limit);
      return {
        object: 'list',
        data: rows.map((row) => machines.record(row)),
        has_more: hasMore,
        request_id: request.id,
      };
    },
  );

  app.get(
    '/machines/pricing',
    {
      config: { access: 'machines:read' },
      schema: { summary: 'Prices of machines', response: answers(MachinePricing), tags: ['machines'] },
    },
    async (request) => machinePricing(config, request.id),
  );

  app.get(
    '/machines/:id',
    {
      config: { access: 'machines:read' },
      schema: {
        summary: 'Get a machine',
        response: answers(MachineResponse),
        tags: ['machines'],
        params: IdParams,
      },
    },
    async (request) => {
      const record = machines.record(await find(request));
      // One generation of clients reads it nested, the other flat.
      return { ...record, machine: record, request_id: request.id };
    },
  );

  app.patch(
    '/machines/:id',
    {
      config: { access: 'machines:write' },
      schema: {
        summary: 'Set when a machine unregisters itself',
        response: answers(PatchMachineResponse),
        tags: ['machines'],
        params: IdParams,
        body: PatchMachineRequest,
      },
    },
    async (request) => {
      const { id } = request.params as { id: string };
      const { ttl_minutes: minutes } = request.body as PatchMachineRequest;
      const row = await machines.setTtl(callerOf(request).owner, id, minutes === 0 ? null : minutes);
      return {
        machine_id: row.id,
        ttl_minutes: row.ttl_minutes,
        auto_destroy_at: row.auto_destroy_at,
        status: machines.status(row),
        message:
          row.auto_destroy_at === null
            ? 'It stays registered until it is deleted.'
            : `It unregisters itself at ${row.auto_destroy_at}.`,
        request_id: request.id,
      };
    },
  );

  app.delete(
    '/machines/:id',
    {
      config: { access: 'machines:write' },
      schema: {
        summary: 'Unregister a machine',
        response: answers(LifecycleResponse),
        tags: ['machines'],
        params: IdParams,
      },
    },
    async (request) => {
      const row = await machines.remove(callerOf(request).owner, (request.params as { id: string }).id);
      return {
        machine_id: row.id,
        status: 'terminated',
        message: 'Unregistered; its link is cut and its runs are cancelled.',
        request_id: request.id,
      };
    },
  );

  const lifecycle = (change: LifecycleChange, summary: string, message: string) =>
    app.post(
      `/machines/:id/${change}`,
      {
        config: { access: 'machines:write' },
        schema: {
          summary,
          tags: ['machines'],
          params: IdParams,
          body: EmptyBody,
          response: answers(LifecycleResponse),
        },
      },
      async (request) => {
        const row = await machines.change(
          callerOf(request).owner,
          (request.params as { id: string }).id,
          change,
        );
        const now = machines.status(row);
        // The link it has just lost was cut on purpose and comes back: no error.
        const status = change === 'restart' && now === 'error' ? 'restarting' : now;
        return { machine_id: row.id, status, message, request_id: request.id };
      },
    );
  lifecycle('start', 'Allow remote control again', 'Remote control is allowed.');
  lifecycle('stop', 'Suspend remote control', 'Remote control is suspended; the computer itself stays on.');
  lifecycle(
    'restart',
    'Renew the link to the desktop',
    'The link was cut; the desktop connects again by itself.',
  );

  app.post(
    '/machines/:id/enroll',
    {
      config: { access: 'machines:write' },
      schema: {
        summary: 'A new pairing code for a registered machine',
        response: answers(EnrolledMachine),
        tags: ['machines'],
        params: IdParams,
        body: EmptyBody,
      },
    },
    async (request, reply) => {
      const row = await find(request);
      reply.header('cache-control', 'no-store');
      return {
        machine: machines.record(row),
        enrollment: await machines.enrollAgain(row.id),
        request_id: request.id,
      };
    },
  );

  app.post(
    '/machines/:id/snapshot',
    {
      config: { access: 'snapshots:write' },
      schema: {
        summary: 'Snapshot (virtual machines only)',
        response: answers(Snapshot),
        requestHeaders: REPEATABLE,
        tags: ['machines'],
        params: IdParams,
        body: EmptyBody,
      },
    },
    async (request, reply) => {
      const { owner } = callerOf(request);
      const { id } = request.params as { id: string };
      const key = idempotencyKeyOf({
        header: request.headers['idempotency-key'],
        method: 'POST',
        path: `/v1/machines/${id}/snapshot`,
        body: request.rawBody,
        owner,
        requestId: request.id,
      });
      const answer = await idempotency.transact(key, async (tx) => {
        const row = await machines.findIn(tx, owner, id);
        if (owner.mode === 'live')
          throw new ProtocolError(
            'FEATURE_NOT_AVAILABLE',
            'A desktop of your own cannot be snapshotted from here.',
          );
        const at = new Date(parts.now()).toISOString();
        const snapshotId = `snap_${randomHex(16)}`;
        // Test keys see the price and pay nothing; the snapshot of a virtual desktop is its record.
        await parts.ledger.add(tx, owner, {
          operation: 'snapshot',
          operationId: snapshotId,
          step: 0,
          cents: config.snapshot_cents,
          usage: null,
          at,
        });
        return {
          body: {
            machine_id: row.id,
            snapshot_id: snapshotId,
            name: `${row.display_name} ${at.slice(0, 10)}`,
            created_at: at,
            credits_charged: config.snapshot_cents,
            request_id: request.id,
          },
          effect: null,
        };
      });
      idempotencyHeaders(reply, key !== null, answer.replayed);
      await billingHeaders(reply, parts, owner, answer.replayed ? 0 : config.snapshot_cents);
      return answer.body;
    },
  );

  app.get(
    '/machines/:id/screenshot',
    {
      config: { access: 'machines:read' },
      schema: {
        summary: 'What the machine shows now',
        response: answers(MachineScreenshot),
        tags: ['machines'],
        params: IdParams,
      },
    },
    async (request, reply) => {
      const row = await find(request);
      parts.wakeMachine(row.id);
      const signal = AbortSignal.any([
        request.signal,
        AbortSignal.timeout(row.mode === 'test' ? WAKE_MS : SCREENSHOT_MS),
      ]);
      const connection =
        row.mode === 'test'
          ? await hub.arrival(row.id, { signal }).catch(() => undefined)
          : hub.connection(row.id);
      if (connection === undefined)
        throw new ProtocolError('UPSTREAM_UNAVAILABLE', 'The machine’s daemon is not connected.', {
          retry_after: 5,
        });
      const status = machines.status(row);
      if (status !== 'running')
        throw new ProtocolError('INVALID_STATE', `The machine is ${status}; a screenshot needs running.`, {
          current_state: status,
          allowed_from: ['running'],
        });
      const observe = ObserveRequest.parse({
        settle: false,
        frame: { maxSidePx: 8192, mimeType: 'image/jpeg' },
      });
      const reply_ = await connection
        .request({ type: 'observe', id: mintCommandId(), request: observe }, { signal })
        .catch((error: unknown) => {
          if (error instanceof LinkCutError)
            throw new ProtocolError('UPSTREAM_UNAVAILABLE', 'The machine’s link was cut.', {
              retry_after: 5,
            });
          if (signal.aborted)
            throw new ProtocolError('UPSTREAM_TIMEOUT', 'The machine did not send its picture in time.');
          throw error;
        });
      const frame = reply_.result.observation?.frame;
      if (frame == null || reply_.image === null)
        throw new ProtocolError('UPSTREAM_ERROR', 'The machine answered without a picture.');
      reply.header('cache-control', 'no-store');
      return {
        machine_id: row.id,
        image_b64: Buffer.from(reply_.image).toString('base64'),
        mime_type: frame.mimeType,
        width: frame.geometry.image.width,
        height: frame.geometry.image.height,
        captured_at: frame.capturedAt,
        request_id: request.id,
      };
    },
  );

  app.get(
    '/machines/:id/connection',
    {
      config: { access: 'connection:read' },
      schema: {
        summary: 'How to reach the machine',
        response: answers(MachineConnection),
        tags: ['machines'],
        params: IdParams,
      },
    },
    async (request, reply) => {
      const row = await find(request);
      const displays =
        row.displays === null
          ? []
          : (JSON.parse(row.displays) as Array<{
              primary: boolean;
              bounds: { width: number; height: number };
            }>);
      const primary = displays.find((display) => display.primary) ?? displays[0];
      reply.header('cache-control', 'no-store');
      return {
        machine_id: row.id,
        public_ip: null,
        ssh_port: null,
        ssh_username: null,
        ssh_private_key_pem: null,
        vnc_port: null,
        vnc_password: null,
        websocket_port: null,
        websocket_url: null,
        devtools_url: null,
        vnc_url: null,
        screen_width: primary?.bounds.width ?? null,
        screen_height: primary?.bounds.height ?? null,
        request_id: request.id,
      };
    },
  );
}

function redactedConnection(): Record<string, unknown> {
  return {
    public_ip: null,
    ssh_port: null,
    ssh_username: null,
    vnc_port: null,
    websocket_port: null,
    has_ssh_key: false,
    has_vnc_password: false,
  };
}

function machinePricing(config: ServerParts['config'], requestId: string): Record<string, unknown> {
  const linux = config.machine_hour_linux_cents;
  const windows = config.machine_hour_windows_cents;
  const stopped = config.machine_hour_stopped_cents;
  const rates = {
    running_linux: linux,
    running_windows: windows,
    stopped,
    creating: 0,
    error: 0,
    terminated: 0,
  };
  return {
    object: 'machine.pricing',
    unit: 'credits_per_hour',
    rates,
    snapshot_credits: config.snapshot_cents,
    provision_gate_credits: 0,
    note: 'The desktop is your own: only completed steps of runs are charged, unless the operator set other prices.',
    pricing: { ...rates, snapshot_credits: config.snapshot_cents, provision_gate_credits: 0 },
    runtime_hourly_cents: {
      linux_running: linux,
      windows_running: windows,
      stopped,
      creating: 0,
      terminated: 0,
    },
    one_time_cents: { snapshot: config.snapshot_cents },
    provisioning_gate_cents: 0,
    request_id: requestId,
  };
}
