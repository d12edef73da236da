import { ApiError, Client, newIdempotencyKey, verifyWebhook } from '@deskhand/client';
import { cancelRun } from '@deskhand/client/examples/cancel';
import { createAndFollow } from '@deskhand/client/examples/create-and-follow';
import { receiveWebhook } from '@deskhand/client/examples/verify-webhook';
import type { RunEvent } from '@deskhand/protocol';
import { eventually, type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ScriptedServer } from './client-scripted-server.ts';

/** The SDK against the real server: every answer goes through the SDK's schemas. */
let server: TestServer;
let desktop: FakeDaemon;
let client: Client;

beforeAll(async () => {
  // The examples talk.
  vi.spyOn(console, 'log').mockImplementation(() => {});
  server = await TestServer.start();
  desktop = await server.desktop();
  client = new Client({ baseUrl: server.server.baseUrl, apiKey: server.key, firstBackoffMs: 20 });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await server[Symbol.asyncDispose]();
});

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.fail(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

function expectGapless(events: readonly RunEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.at(0)).toMatchObject({ type: 'status', status: 'queued' });
  expect(events.at(-1)?.type).toBe('done');
}

describe('runs', () => {
  it('[SSE5] create, follow, get, log, list, screenshots agree with each other', async () => {
    const run = await client.runs.create({
      machine_id: desktop.machineId,
      task: 'click:5,6 type:secret-words done',
      metadata: { ticket: 42 },
    });
    expect(run.status).toBe('queued');
    const events: RunEvent[] = [];
    const ended = await client.runs.wait(run.id, { onEvent: (event) => events.push(event) });
    expectGapless(events);
    expect(ended).toMatchObject({ status: 'succeeded', metadata: { ticket: 42 }, result: { passed: true } });
    expect(await client.runs.get(run.id)).toEqual(ended);
    expect(await client.runs.log(run.id)).toEqual(events);
    expect(JSON.stringify(events)).not.toContain('secret-words');
    expect((await client.runs.list({ status: 'succeeded', limit: 200 })).data).toContainEqual(ended);
    const shots = await client.runs.screenshots(run.id, { includeImage: true });
    expect(shots.data.length).toBeGreaterThan(0);
    expect(shots.data[0]?.image_b64?.length).toBeGreaterThan(0);
  });

  it('[SSE5] a follower sees each event once although the server is stopped and started under it', async () => {
    const run = await client.runs.create({
      machine_id: desktop.machineId,
      task: 'click:1,1 ask:Which? click:2,2 done',
    });
    const events: RunEvent[] = [];
    let restarts = 0;
    for await (const event of client.runs.events(run.id)) {
      events.push(event);
      if (event.type !== 'awaiting_human') continue;
      if (restarts < 3) {
        restarts += 1;
        await server.stop();
        await server.boot();
        await desktop.open();
      }
      // The scripted engine has no memory of what it asked before a restart, so it asks again.
      await eventually(async () => {
        expect((await client.machines.get(desktop.machineId)).status).toBe('running');
      });
      expect((await client.runs.resume(run.id, { note: 'The second one.' })).status).toBe('running');
    }
    expect(restarts).toBe(3);
    expectGapless(events);
    expect(events).toContainEqual(expect.objectContaining({ type: 'resumed', note: 'The second one.' }));
    expect((await client.runs.get(run.id)).status).toBe('succeeded');
  });

  it('an idempotency key makes one run, however often it is asked for', async () => {
    const input = { machine_id: desktop.machineId, task: 'done' };
    const idempotencyKey = newIdempotencyKey();
    const first = await client.runs.create(input, { idempotencyKey });
    const again = await client.runs.create(input, { idempotencyKey });
    expect(again.id).toBe(first.id);
    const other = await failureOf(client.runs.create({ ...input, task: 'fail' }, { idempotencyKey }));
    expect(other).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', status: 422 });
    await client.runs.wait(first.id);
  });

  it('cancel ends it; once more is INVALID_STATE, which the example understands', async () => {
    const run = await client.runs.create({ machine_id: desktop.machineId, task: 'ask:Anyone? done' });
    for await (const event of client.runs.events(run.id)) if (event.type === 'awaiting_human') break;
    expect(await cancelRun(client, run.id)).toBe('cancelled');
    expect(await cancelRun(client, run.id)).toBe('cancelled');
    expect((await client.runs.wait(run.id)).error).toBeNull();
  });

  it('the example that creates and follows says how it ended', async () => {
    expect(await createAndFollow(server.server.baseUrl, server.key, desktop.machineId)).toBe(true);
  });
});

describe('errors', () => {
  it.each<[what: string, call: (client: Client) => Promise<unknown>, error: Partial<ApiError>]>([
    ['an unknown run', (c) => c.runs.get('run_nowhere'), { status: 404, code: 'RUN_NOT_FOUND' }],
    ['events of an unknown run', (c) => c.runs.wait('run_nowhere'), { status: 404, code: 'RUN_NOT_FOUND' }],
    [
      'an unknown machine',
      (c) => c.runs.create({ machine_id: 'nowhere', task: 'done' }),
      { status: 404, code: 'MACHINE_NOT_FOUND' },
    ],
    ['a bad limit', (c) => c.runs.list({ limit: 0 }), { status: 400, code: 'INVALID_LIMIT' }],
    [
      'half a surrogate pair',
      (c) => c.runs.create({ machine_id: 'm', task: '\ud83d' }),
      { retryable: false },
    ],
    ['an unknown key', (c) => c.keys.revoke('key_nowhere'), { status: 404, code: 'NOT_FOUND' }],
  ])('%s', async (_what, call, expected) => {
    const error = await failureOf(call(client));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject(expected);
    expect((error as ApiError).requestId).toMatch(/^req_/);
  });

  it('a wrong key is told so, and is not repeated in the message', async () => {
    const wrong = `sk-coasty-live-${'0'.repeat(48)}`;
    const stranger = new Client({ baseUrl: server.server.baseUrl, apiKey: wrong });
    const error = await failureOf(stranger.machines.list());
    expect(error).toMatchObject({ status: 401, code: 'INVALID_API_KEY' });
    expect(String(error)).not.toContain(wrong);
    expect((await stranger.health()).status).toBe('ok');
  });

  it('a validation error names each place in `extra.details`', async () => {
    const input = { machine_id: desktop.machineId, task: 'done', max_steps: 0, taks: 'typo' } as never;
    const error = await failureOf(client.runs.create(input));
    expect(error).toMatchObject({ status: 422, code: 'VALIDATION_ERROR' });
    expect((error as ApiError).extra.details).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ loc: ['body', 'max_steps'] }),
        expect.objectContaining({ loc: ['body', 'taks'], type: 'extra_forbidden' }),
      ]),
    );
  });
});

describe('machines, keys, usage', () => {
  it('a machine from registration to removal', async () => {
    const created = await client.machines.create({ display_name: 'Attic', ttl_minutes: 60 });
    expect(created.enrollment?.token.length).toBeGreaterThan(0);
    const { id } = created.machine;
    expect(await client.machines.get(id)).toMatchObject({ display_name: 'Attic', status: 'provisioning' });
    expect((await client.machines.list()).data.map((machine) => machine.id)).toContain(id);
    expect((await client.machines.patch(id, { ttl_minutes: 0 })).ttl_minutes).toBeNull();
    expect((await client.machines.remove(id)).status).toBe('terminated');
    expect(await failureOf(client.machines.get(id))).toMatchObject({ code: 'MACHINE_NOT_FOUND' });
  });

  it('stop, start and a look at the connected one', async () => {
    const { machineId } = desktop;
    expect((await client.machines.stop(machineId)).status).toBe('stopped');
    expect(await failureOf(client.runs.create({ machine_id: machineId, task: 'done' }))).toMatchObject({
      code: 'INVALID_STATE',
    });
    await client.machines.start(machineId);
    const shot = await client.machines.screenshot(machineId);
    expect(shot.image_b64.length).toBeGreaterThan(0);
    expect(shot.width).toBeGreaterThan(0);
  });

  it('a key that is made, used, listed and revoked', async () => {
    const made = await client.keys.create({ name: 'CI', scopes: ['machines:read'] });
    const guest = new Client({ baseUrl: server.server.baseUrl, apiKey: made.key });
    expect((await guest.machines.list()).data.length).toBeGreaterThan(0);
    expect(await failureOf(guest.usage())).toMatchObject({
      code: 'INSUFFICIENT_SCOPE',
      extra: { required_scope: 'usage' },
    });
    const listed = (await client.keys.list()).keys.find(({ key_id }) => key_id === made.key_id);
    expect(listed).toMatchObject({ name: 'CI' });
    expect(made.key.startsWith(listed?.key_prefix ?? '?')).toBe(true);
    expect((await client.keys.revoke(made.key_id)).key_id).toBe(made.key_id);
    expect(await failureOf(guest.machines.list())).toMatchObject({ status: 401 });
  });

  it('usage counts the steps of this month', async () => {
    const usage = await client.usage();
    expect(usage.total_credits).toBeGreaterThan(0);
    expect(usage.total_cost_cents).toBe(usage.total_credits);
  });
});

describe('webhooks', () => {
  it('what the server signs, the SDK and its example verify; another secret they refuse', async () => {
    const received = Promise.withResolvers<{ header: string; body: string }>();
    await using receiver = await ScriptedServer.start(({ headers, body }, response) => {
      response.end();
      received.resolve({ header: String(headers['coasty-signature']), body });
    });
    const run = await client.runs.create({
      machine_id: desktop.machineId,
      task: 'done',
      webhook_url: `${receiver.origin}/hook`,
    });
    const secret = run.webhook_secret ?? expect.fail('no webhook secret');
    const { header, body } = await received.promise;
    expect(await verifyWebhook({ secret, header, body })).toMatchObject({ ok: true });
    expect(await verifyWebhook({ secret: `${secret}x`, header, body })).toEqual({
      ok: false,
      reason: 'mismatch',
    });
    const request = () =>
      new Request('http://127.0.0.1/hook', { method: 'POST', body, headers: { 'coasty-signature': header } });
    expect((await receiveWebhook(request(), secret)).status).toBe(204);
    expect((await receiveWebhook(request(), 'whsec_other')).status).toBe(401);
    expect(JSON.parse(body)).toMatchObject({ event: 'run.succeeded', run_id: run.id });
  });
});
