import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ERRORS, SCOPES } from '@deskhand/protocol';
import { eventually, type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let server: TestServer;
let desktop: FakeDaemon;

/** What every answer that is not 2xx has (v1-api.md 1.4). */
function expectEnvelope(
  answer: { status: number; headers: Headers; body: unknown },
  code: string,
): Record<string, unknown> {
  const { error } = answer.body as { error: Record<string, unknown> };
  expect(error).toMatchObject({
    code,
    message: expect.any(String),
    type: ERRORS[code as keyof typeof ERRORS].type,
    request_id: expect.stringMatching(/^req_[0-9a-f]{12}$/),
    retryable: expect.any(Boolean),
    retry_with_same_idempotency_key: expect.any(Boolean),
  });
  expect(answer.status).toBe(ERRORS[code as keyof typeof ERRORS].status);
  expect(answer.headers.get('x-coasty-request-id')).toBe(error.request_id);
  expect(answer.headers.get('x-request-id')).toBe(error.request_id);
  expect(answer.headers.get('link')).toContain('rel="help"');
  return error;
}

describe('requests (v1-api.md 1)', () => {
  beforeAll(async () => {
    server = await TestServer.start();
    desktop = await server.desktop();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('[1.2] takes the key from either header; blank X-API-Key falls through; Bearer inside it does not', async () => {
    const list = (headers: Record<string, string>) => fetch(`${server.server.baseUrl}/runs`, { headers });
    expect((await list({ 'x-api-key': server.key })).status).toBe(200);
    expect((await list({ authorization: `Bearer ${server.key}` })).status).toBe(200);
    expect((await list({ 'x-api-key': ' ', authorization: `Bearer ${server.key}` })).status).toBe(200);
    for (const headers of [
      {},
      { 'x-api-key': `Bearer ${server.key}` },
      { 'x-api-key': `${server.key}x` },
      { authorization: `Basic ${server.key}` },
      { 'x-api-key': `sk-coasty-live-${'0'.repeat(48)}` },
    ] as Array<Record<string, string>>) {
      const response = await list(headers);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expectEnvelope(
        { status: response.status, headers: response.headers, body: await response.json() },
        'INVALID_API_KEY',
      );
    }
    // Never in the URL, where logs and histories keep it.
    expect((await fetch(`${server.server.baseUrl}/runs?api_key=${server.key}`)).status).toBe(401);
  });

  it('[1.3] says who the key is and what it may still ask', async () => {
    const live = await server.call('GET', '/runs');
    expect(live.headers.get('x-coasty-key-kind')).toBe('live');
    expect(live.headers.get('x-coasty-test-mode')).toBeNull();
    expect(Number(live.headers.get('x-ratelimit-remaining'))).toBeLessThan(
      Number(live.headers.get('x-ratelimit-limit')),
    );
    expect(Number(live.headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1000 - 5);
    expect(Number(live.headers.get('ratelimit-reset'))).toBeLessThanOrEqual(60);
    const test = await server.call('GET', '/runs', undefined, { 'x-api-key': server.testKey });
    expect([test.headers.get('x-coasty-key-kind'), test.headers.get('x-coasty-test-mode')]).toEqual([
      'test',
      'true',
    ]);
  });

  it('[1.2] modes are isolated: 404, never 403', async () => {
    const run = await server.createRun(desktop.machineId, 'done');
    const asTest = { 'x-api-key': server.testKey };
    for (const route of [
      `/runs/${run.id}`,
      `/runs/${run.id}/events`,
      `/runs/${run.id}/log`,
      `/runs/${run.id}/screenshots`,
    ])
      expectEnvelope(await server.call('GET', route, undefined, asTest), 'RUN_NOT_FOUND');
    expectEnvelope(await server.call('POST', `/runs/${run.id}/cancel`, {}, asTest), 'RUN_NOT_FOUND');
    expectEnvelope(
      await server.call('GET', `/machines/${desktop.machineId}`, undefined, asTest),
      'MACHINE_NOT_FOUND',
    );
    expectEnvelope(
      await server.call('POST', '/runs', { machine_id: desktop.machineId, task: 'x' }, asTest),
      'MACHINE_NOT_FOUND',
    );
    expect((await server.call<{ data: unknown[] }>('GET', '/runs', undefined, asTest)).body.data).toEqual([]);
  });

  it('[1.1] accepts POST with no body, {}, null and zero bytes; a text type too', async () => {
    for (const send of [
      {},
      { body: '{}' },
      { body: 'null' },
      { body: '', headers: { 'content-type': 'application/json' } },
      { body: '{}', headers: { 'content-type': 'text/plain' } },
      { body: '{}', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ] as Array<{ body?: string; headers?: Record<string, string> }>) {
      const run = await server.createRun(desktop.machineId, 'wait:60000 done');
      const response = await fetch(`${server.server.baseUrl}/runs/${run.id}/cancel`, {
        method: 'POST',
        ...send,
        headers: { 'x-api-key': server.key, ...send.headers },
      });
      expect([JSON.stringify(send), response.status]).toEqual([JSON.stringify(send), 200]);
    }
  });

  it.each<[string, unknown, string, string]>([
    ['no machine', { task: 'x' }, 'machine_id', 'missing'],
    ['no task', { machine_id: 'm' }, 'task', 'missing'],
    ['a number as task', { machine_id: 'm', task: 7 }, 'task', 'string_type'],
    ['an unknown field', { machine_id: 'm', task: 'x', tasks: 1 }, 'tasks', 'extra_forbidden'],
    ['a blank task', { machine_id: 'm', task: '   ' }, 'task', 'value_error'],
    ['too many steps', { machine_id: 'm', task: 'x', max_steps: 1001 }, 'max_steps', 'less_than_equal'],
    ['half a step', { machine_id: 'm', task: 'x', max_steps: 1.5 }, 'max_steps', 'int_type'],
    ['an unknown engine', { machine_id: 'm', task: 'x', cua_version: 'v9' }, 'cua_version', 'enum'],
    ['an array', [], '', 'object_type'],
    [
      'http to the world',
      { machine_id: 'm', task: 'x', webhook_url: 'http://example.com/' },
      'webhook_url',
      'url_scheme',
    ],
    [
      'credentials in the webhook',
      { machine_id: 'm', task: 'x', webhook_url: 'https://a:b@example.com/' },
      'webhook_url',
      'url_userinfo',
    ],
    [
      'a private webhook',
      { machine_id: 'm', task: 'x', webhook_url: 'https://192.168.0.1/' },
      'webhook_url',
      'url_target',
    ],
    [
      'a link-local webhook',
      { machine_id: 'm', task: 'x', webhook_url: 'https://169.254.169.254/latest' },
      'webhook_url',
      'url_target',
    ],
    [
      'an IPv6-mapped private webhook',
      { machine_id: 'm', task: 'x', webhook_url: 'https://[::ffff:10.0.0.1]/' },
      'webhook_url',
      'url_target',
    ],
  ])('[1.6] [2.2] [11#18] [11#51] refuses %s with its place', async (_name, body, field, type) => {
    const error = expectEnvelope(await server.call('POST', '/runs', body), 'VALIDATION_ERROR');
    const details = error.details as Array<{ loc: string[]; type: string; msg: string }>;
    expect(details.map((detail) => [detail.loc.join('.'), detail.type])).toContainEqual([
      field === '' ? 'body' : `body.${field}`,
      type,
    ]);
  });

  it('[1.6] null on an optional field is the same as absent', async () => {
    const answer = await server.call('POST', '/runs', {
      machine_id: desktop.machineId,
      task: 'done',
      cua_version: null,
      instructions: null,
      max_steps: null,
      deadline_seconds: null,
      webhook_url: null,
      metadata: null,
      llm: null,
      action_policy: null,
    });
    expect(answer.body).toMatchObject({ cua_version: 'v3', max_steps: 50, webhook_secret: null });
  });

  it('[1.1] refuses bodies that are no JSON, too deep, too large, or hold half characters', async () => {
    expectEnvelope(await server.call('POST', '/runs', '{"task":'), 'VALIDATION_ERROR');
    expectEnvelope(
      await server.call('POST', '/runs', `${'['.repeat(5000)}${']'.repeat(5000)}`),
      'VALIDATION_ERROR',
    );
    expectEnvelope(
      await server.call('POST', '/runs', '{"machine_id":"m","task":"\\ud800"}'),
      'VALIDATION_ERROR',
    );
    expectEnvelope(
      await server.call('POST', '/runs', '{"machine_id":"m","task":"a\\u0000b"}'),
      'VALIDATION_ERROR',
    );
    expectEnvelope(
      await server.call('POST', '/runs', '{"machine_id":"m","task":"x","__proto__":{"a":1}}'),
      'VALIDATION_ERROR',
    );
    expectEnvelope(
      await server.call(
        'POST',
        '/runs',
        JSON.stringify({ machine_id: 'm', task: 'x'.repeat(16 * 1024 * 1024) }),
      ),
      'PAYLOAD_TOO_LARGE',
    );
  });

  it('[1.1] unknown routes and methods are 404 with the envelope, with or without a key', async () => {
    for (const [method, route] of [
      ['GET', '/nothing'],
      ['PUT', '/runs'],
      ['DELETE', '/runs/x'],
      ['GET', '/runs/x/nothing'],
    ] as const)
      for (const headers of [{}, { 'x-api-key': 'none' }])
        expectEnvelope(await server.call(method, route, undefined, headers), 'NOT_FOUND');
  });

  it('[2.2] unknown machine and unknown run', async () => {
    expectEnvelope(
      await server.call('POST', '/runs', { machine_id: 'nobody', task: 'x' }),
      'MACHINE_NOT_FOUND',
    );
    for (const route of ['', '/events', '/log', '/screenshots'])
      expectEnvelope(await server.call('GET', `/runs/run_none${route}`), 'RUN_NOT_FOUND');
    expectEnvelope(await server.call('POST', '/runs/run_none/cancel'), 'RUN_NOT_FOUND');
    expectEnvelope(await server.call('POST', '/runs/run_none/resume'), 'RUN_NOT_FOUND');
  });
});

describe('idempotency (v1-api.md 1.5)', () => {
  beforeAll(async () => {
    server = await TestServer.start();
    desktop = await server.desktop();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('[1.5] a repeat waits for the first and then says that it is still in flight', async () => {
    await using slow = await TestServer.start({}, { overrides: { idempotencyWaitMs: 150 } });
    const desk = await slow.desktop();
    const body = { machine_id: desk.machineId, task: 'done' };
    const headers = { 'idempotency-key': 'slow-disk' };
    let release: () => void = () => {};
    // Nothing can be stored until the disk is released.
    const held = slow.server.parts.database.write(() => new Promise<void>((resolve) => (release = resolve)));
    const first = slow.call('POST', '/runs', body, headers);
    await eventually(() => expect(slow.server.parts.idempotency.inFlight).toBe(1));
    expect((await slow.call('GET', '/idempotency/slow-disk')).body).toMatchObject({ status: 'processing' });
    const second = await slow.call('POST', '/runs', body, headers);
    const error = expectEnvelope(second, 'IDEMPOTENCY_IN_FLIGHT');
    expect(error).toMatchObject({ retryable: true, retry_with_same_idempotency_key: true, retry_after: 2 });
    expect(second.headers.get('retry-after')).toBe('2');
    expect(second.headers.get('idempotency-status')).toBe('processing');
    expectEnvelope(
      await slow.call('POST', '/runs', { ...body, task: 'other' }, headers),
      'IDEMPOTENCY_KEY_REUSED',
    );
    const waiting = slow.call('POST', '/runs', body, headers);
    release();
    await held;
    const [one, replay] = await Promise.all([first, waiting]);
    expect(one.headers.get('idempotency-replayed')).toBe('false');
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
    expect(replay.body.id).toBe(one.body.id);
  });

  it('[1.5] fifty at once make one run and get one answer', async () => {
    const body = { machine_id: desktop.machineId, task: 'done', webhook_url: 'http://127.0.0.1:9/hook' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => server.call('POST', '/runs', body, { 'idempotency-key': 'wf:1:1' })),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(answers[0]?.body.webhook_secret).toMatch(/^whsec_[0-9a-f]{64}$/);
    const replayed = answers.filter((answer) => answer.headers.get('idempotency-replayed') === 'true');
    expect(replayed).toHaveLength(49);
    expect(replayed[0]?.headers.get('x-coasty-idempotent-replay')).toBe('true');
    expect(replayed[0]?.headers.get('x-credits-charged')).toBe('0');
    const list = await server.call<{ data: unknown[] }>('GET', '/runs');
    expect(list.body.data).toHaveLength(1);
  });

  it('[1.5] the order of fields does not matter; another body or path is refused', async () => {
    const key = { 'idempotency-key': 'order' };
    const first = await server.call(
      'POST',
      '/runs',
      { machine_id: desktop.machineId, task: 'done', metadata: { a: 1, b: 2 } },
      key,
    );
    const same = await server.call(
      'POST',
      '/runs',
      `{"metadata":{"b":2,"a":1},"task":"done","machine_id":"${desktop.machineId}"}`,
      key,
    );
    expect(same.body.id).toBe(first.body.id);
    expectEnvelope(
      await server.call('POST', '/runs', { machine_id: desktop.machineId, task: 'other' }, key),
      'IDEMPOTENCY_KEY_REUSED',
    );
    expectEnvelope(
      await server.call('POST', '/machines', { display_name: 'x' }, key),
      'IDEMPOTENCY_KEY_REUSED',
    );
  });

  it('[1.5] a refusal frees the key; modes have their own', async () => {
    const key = { 'idempotency-key': 'free' };
    expectEnvelope(
      await server.call('POST', '/runs', { machine_id: 'nobody', task: 'x' }, key),
      'MACHINE_NOT_FOUND',
    );
    expect(
      (await server.call('POST', '/runs', { machine_id: desktop.machineId, task: 'done' }, key)).status,
    ).toBe(200);
    const machine = await server.call(
      'POST',
      '/machines',
      { display_name: 't' },
      { ...key, 'x-api-key': server.testKey },
    );
    expect(machine.status).toBe(200);
  });

  it('[1.5] malformed keys are refused; what a key led to can be looked up', async () => {
    for (const key of ['', 'a b', 'x'.repeat(129), 'ä'.normalize('NFC')])
      expectEnvelope(
        await server.call(
          'POST',
          '/runs',
          { machine_id: desktop.machineId, task: 'done' },
          { 'idempotency-key': encodeURIComponent(key) === key ? key : 'a b' },
        ),
        'VALIDATION_ERROR',
      );
    const made = await server.call(
      'POST',
      '/runs',
      { machine_id: desktop.machineId, task: 'done' },
      { 'idempotency-key': 'look-up' },
    );
    const found = await server.call('GET', '/idempotency/look-up');
    expect(found.body).toMatchObject({
      status: 'completed',
      request_id: made.body.request_id,
      original_status: 200,
      result: { id: made.body.id },
    });
    expectEnvelope(await server.call('GET', '/idempotency/never'), 'NOT_FOUND');
  });

  it('[1.5] outlives the server', async () => {
    const body = { machine_id: desktop.machineId, task: 'done' };
    const first = await server.call('POST', '/runs', body, { 'idempotency-key': 'later' });
    await server.stop();
    await server.boot();
    const again = await server.call('POST', '/runs', body, { 'idempotency-key': 'later' });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });
});

describe('keys, scopes, rates (v1-api.md 1.2, 8.6)', () => {
  beforeEach(async () => {
    server = await TestServer.start({ rate_per_key_per_minute: '40', max_keys_per_account: '4' });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  it('[8.6] creates, lists without the secret, uses, revokes at once', async () => {
    const created = await server.call('POST', '/keys', { name: 'reader', scopes: ['runs:read', 'keys'] });
    const key = String(created.body.key);
    expect(key).toMatch(/^sk-coasty-live-[0-9a-f]{48}$/);
    const asReader = { 'x-api-key': key };
    expect((await server.call('GET', '/runs', undefined, asReader)).status).toBe(200);
    const error = expectEnvelope(
      await server.call('GET', '/machines', undefined, asReader),
      'INSUFFICIENT_SCOPE',
    );
    expect(error).toMatchObject({ required_scope: 'machines:read', current_scopes: ['runs:read', 'keys'] });
    const list = await server.call<{ keys: Array<Record<string, unknown>> }>('GET', '/keys');
    expect(JSON.stringify(list.body)).not.toContain(key);
    expect(list.body.keys.map((entry) => entry.name)).toEqual(['this computer (live)', 'reader']);
    expect(list.body.keys[1]).toMatchObject({
      key_prefix: key.slice(0, 16),
      last_used_at: expect.any(String),
    });
    expect((await server.call('DELETE', `/keys/${created.body.key_id}`)).body).toMatchObject({
      status: 'ok',
    });
    expectEnvelope(await server.call('GET', '/runs', undefined, asReader), 'INVALID_API_KEY');
    expectEnvelope(await server.call('DELETE', `/keys/${created.body.key_id}`), 'NOT_FOUND');
  });

  it('[1.2] [11#33] a child cannot have what its maker lacks; the default grant is cut to it', async () => {
    const maker = await server.call('POST', '/keys', { name: 'maker', scopes: ['keys', 'runs:read'] });
    const asMaker = { 'x-api-key': String(maker.body.key) };
    expectEnvelope(
      await server.call('POST', '/keys', { name: 'more', scopes: ['runs:write'] }, asMaker),
      'INSUFFICIENT_SCOPE',
    );
    expect((await server.call('POST', '/keys', { name: 'same' }, asMaker)).body.scopes).toEqual([
      'runs:read',
    ]);
    expectEnvelope(await server.call('POST', '/keys', { name: 'odd', scopes: ['root'] }), 'VALIDATION_ERROR');
  });

  it('[1.2] has an end to the number of keys; a test key makes test keys', async () => {
    const child = await server.call('POST', '/keys', { name: 't' }, { 'x-api-key': server.testKey });
    expect(child.body.key).toMatch(/^sk-coasty-test-/);
    await server.call('POST', '/keys', { name: 'four' });
    expectEnvelope(await server.call('POST', '/keys', { name: 'five' }), 'CONFLICT');
  });

  it('[1.6] limits the rate and says when to come back', async () => {
    let last = await server.call('GET', '/runs');
    for (let count = 0; count < 50 && last.status === 200; count += 1)
      last = await server.call('GET', '/runs');
    const error = expectEnvelope(last, 'RATE_LIMITED');
    expect(error).toMatchObject({ scope: 'per_key', retryable: true });
    expect(last.headers.get('retry-after')).toBe(String(error.retry_after));
    expect(last.headers.get('x-ratelimit-remaining')).toBe('0');
    expect((await server.call('GET', '/runs', undefined, { 'x-api-key': server.testKey })).status).toBe(200);
  });

  it('[1.2] the keys of this computer hold every scope and survive a restart', async () => {
    const before = server.key;
    await server.stop();
    await server.boot();
    expect(server.key).toBe(before);
    const list = await server.call<{ keys: Array<{ scopes: string[] }> }>('GET', '/keys');
    expect(list.body.keys[0]?.scopes).toEqual([...SCOPES]);
  });
});

describe('ledger (v1-api.md 6)', () => {
  afterEach(() => server[Symbol.asyncDispose]());

  it('[6] [11#34] counts steps once; usage, pricing and active billing agree', async () => {
    server = await TestServer.start({ run_step_cents: '7' });
    desktop = await server.desktop();
    const run = await server.createRun(desktop.machineId, 'click:1,1 click:2,2 done');
    await server.untilStatus(run.id, 'succeeded');
    const usage = await server.call('GET', '/usage');
    expect(usage.body).toMatchObject({
      period: new Date().toISOString().slice(0, 7),
      total_requests: 2,
      total_credits: 14,
      total_cost_cents: 14,
      breakdown: { run_step: { requests: 2, credits: 14 } },
    });
    expect((await server.call('GET', '/usage?period=2020-01')).body).toMatchObject({ total_credits: 0 });
    expectEnvelope(await server.call('GET', '/usage?period=soon'), 'VALIDATION_ERROR');
    expect((await server.call('GET', '/billing/active')).body).toMatchObject({
      active: [expect.objectContaining({ machine_id: desktop.machineId, rate_cents_per_hour: 0 })],
      current_run_rate_cents_per_hour: 0,
    });
    const pricing = await fetch(`${server.origin}/api/pricing`);
    expect(await pricing.json()).toMatchObject({
      currency: 'USD',
      meteredRates: expect.arrayContaining([expect.objectContaining({ creditsPerCall: 7 })]),
    });
    expect((await server.call('GET', '/machines/pricing')).body).toMatchObject({
      object: 'machine.pricing',
      rates: { running_linux: 0 },
    });
  });

  it('[6] a finite wallet: 402 on create, WALLET_EXHAUSTED in mid-run', async () => {
    server = await TestServer.start({ wallet_cents: '12' });
    desktop = await server.desktop();
    const run = await server.createRun(desktop.machineId, 'forever');
    expect(await server.untilStatus(run.id, 'failed')).toMatchObject({
      cost_cents: 10,
      error: { code: 'WALLET_EXHAUSTED' },
      result: { passed: false },
    });
    const refused = await server.call('POST', '/runs', { machine_id: desktop.machineId, task: 'x' });
    expect(expectEnvelope(refused, 'INSUFFICIENT_CREDITS')).toMatchObject({ required: 5, balance: 2 });
    const usage = await server.call('GET', '/usage');
    expect(usage.body).toMatchObject({ balance: 2, wallet_balance_cents: 2, wallet_balance_usd: 0.02 });
  });
});

/** A receiver that records what really came. */
class Receiver {
  readonly got: Array<{ headers: IncomingMessage['headers']; body: string; atMs: number }> = [];
  answer: (index: number) => number | 'hang' | 'redirect' = () => 200;
  readonly #server: Server;
  port = 0;

  constructor() {
    this.#server = createServer((request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        const status = this.answer(this.got.length);
        this.got.push({ headers: request.headers, body, atMs: Date.now() });
        if (status === 'hang') return;
        if (status === 'redirect') response.writeHead(302, { location: '/elsewhere' }).end();
        else response.writeHead(status).end();
      });
    });
  }

  async open(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  get events(): string[] {
    return this.got.map((call) => (JSON.parse(call.body) as { event: string }).event);
  }
}

describe('webhooks (v1-api.md 4)', () => {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = new Receiver();
    await receiver.open();
    server = await TestServer.start({
      webhook_retry_seconds: '0,0',
      webhook_round_seconds: '1',
      webhook_timeout_ms: '500',
    });
    desktop = await server.desktop();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    await receiver.close();
  });

  const verify = (secret: unknown, call: Receiver['got'][number]) => {
    const [t, v1] = String(call.headers['coasty-signature']).split(',');
    const seconds = String(t).slice(2);
    expect(Math.abs(Date.now() / 1000 - Number(seconds))).toBeLessThan(300);
    expect(v1).toBe(
      `v1=${createHmac('sha256', String(secret)).update(`${seconds}.${call.body}`).digest('hex')}`,
    );
  };

  it('[4] [11#16] signs and delivers in order, with the names of both generations; the secret is shown once', async () => {
    const run = await server.createRun(desktop.machineId, 'ask:go? click:1,1 done', {
      webhook_url: receiver.url,
    });
    expect(run.webhook_secret).toMatch(/^whsec_/);
    await server.untilStatus(run.id, 'awaiting_human');
    await server.call('POST', `/runs/${run.id}/resume`);
    await eventually(() => expect(receiver.events).toEqual(['run.awaiting_human', 'run.succeeded']));
    for (const call of receiver.got) {
      verify(run.webhook_secret, call);
      expect(call.headers).toMatchObject({
        'content-type': 'application/json',
        'user-agent': expect.stringMatching(/^Deskhand\//),
      });
    }
    const body = JSON.parse(String(receiver.got[1]?.body)) as Record<string, unknown>;
    expect(body).toMatchObject({
      type: 'run.succeeded',
      run_id: run.id,
      status: 'succeeded',
      state: 'succeeded',
      result: { passed: true },
      error: null,
      run: { id: run.id, run_id: run.id, webhook_secret: null },
    });
    expect(receiver.got[1]?.headers['coasty-event']).toBe(body.id);
    expect((await server.run(run.id)).webhook_secret).toBeNull();
    expect(
      (await server.call<{ data: Array<{ webhook_secret: unknown }> }>('GET', '/runs')).body.data[0]
        ?.webhook_secret,
    ).toBeNull();
  });

  it('[4] tries again after 5xx and time-outs, with the same event id and a fresh signature, and never delays the run', async () => {
    receiver.answer = (index) => (index === 0 ? 'hang' : index === 1 ? 503 : 200);
    const run = await server.createRun(desktop.machineId, 'done', { webhook_url: receiver.url });
    await server.untilStatus(run.id, 'succeeded');
    expect(receiver.got.length).toBeLessThanOrEqual(1);
    await eventually(() => expect(receiver.got).toHaveLength(3));
    expect(new Set(receiver.got.map((call) => call.headers['coasty-event'])).size).toBe(1);
    for (const call of receiver.got) verify(run.webhook_secret, call);
  });

  it('[4] takes any 4xx and a redirect as the final word', async () => {
    receiver.answer = (index) => (index === 0 ? 404 : 'redirect');
    for (const _ of [1, 2])
      await server.untilStatus(
        (await server.createRun(desktop.machineId, 'done', { webhook_url: receiver.url })).id,
        'succeeded',
      );
    await eventually(() => expect(receiver.got).toHaveLength(2));
    await eventually(async () =>
      expect(
        await server.server.parts.database.read
          .selectFrom('webhook_deliveries')
          .select(['state', 'attempts'])
          .execute(),
      ).toEqual([
        { state: 'failed', attempts: 1 },
        { state: 'failed', attempts: 1 },
      ]),
    );
  });

  it('[4] a receiver that is down for long gets everything in the end, in order, also over a restart', async () => {
    const { port, url } = receiver;
    await receiver.close();
    const run = await server.createRun(desktop.machineId, 'ask:go? done', { webhook_url: url });
    await server.untilStatus(run.id, 'awaiting_human');
    await server.call('POST', `/runs/${run.id}/resume`);
    await server.untilStatus(run.id, 'succeeded');
    // The whole first round fails.
    await eventually(async () => {
      const rows = await server.server.parts.database.read
        .selectFrom('webhook_deliveries')
        .select(['attempts'])
        .orderBy('position')
        .execute();
      expect(rows.map((row) => row.attempts)).toEqual([3, 0]);
    });
    await server.stop();
    receiver = new Receiver();
    await receiver.open(port);
    await server.boot();
    await eventually(() => expect(receiver.events).toEqual(['run.awaiting_human', 'run.succeeded']));
  });
});

describe('discovery (v1-api.md 1.1, 8.6)', () => {
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('[1.1] answers health without a key', async () => {
    for (const path of ['/health', '/machines/health', '/schedules/health', '/triggers/health']) {
      const response = await fetch(`${server.server.baseUrl}${path}`);
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.json()).toMatchObject({ status: 'ok', api_version: 'v1' });
    }
  });

  it('[1.1] serves OpenAPI 3.1 made from the schemas, and a page that reads it', async () => {
    const api = (await (await fetch(`${server.origin}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, Record<string, unknown>>>;
    };
    expect(api.openapi).toBe('3.1.0');
    for (const [path, method] of [
      ['/v1/runs', 'post'],
      ['/v1/runs/{id}/events', 'get'],
      ['/v1/machines/{id}/stop', 'post'],
      ['/v1/keys', 'get'],
      ['/v1/usage', 'get'],
    ] as const)
      expect(api.paths[path]?.[method]).toBeDefined();
    const create = api.paths['/v1/runs']?.post as {
      'x-required-scope': string;
      requestBody: {
        content: Record<
          string,
          { schema: { properties: Record<string, unknown>; additionalProperties: boolean } }
        >;
      };
    };
    expect(create['x-required-scope']).toBe('runs:write');
    const schema = create.requestBody.content['application/json']?.schema;
    expect(Object.keys(schema?.properties ?? {})).toEqual(
      expect.arrayContaining(['machine_id', 'task', 'max_steps', 'action_policy', 'budget_cents']),
    );
    const page = await fetch(`${server.origin}/docs`);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await fetch(`${server.origin}/.well-known/openapi.json`)).status).toBe(200);
    expect((await fetch(`${server.origin}/llms.txt`)).status).toBe(200);
  });

  it('[8.6] [11#3] lists models and engine versions to any key', async () => {
    expect((await fetch(`${server.server.baseUrl}/models`)).status).toBe(401);
    const { body } = await server.call<{
      models: Array<{ id: string }>;
      cua_versions: Array<{ id: string; latest: boolean }>;
    }>('GET', '/models');
    expect(body.models.map((model) => model.id)).toContain('default');
    expect(body.cua_versions.map((version) => [version.id, version.latest])).toEqual([
      ['v1', false],
      ['v3', false],
      ['v4', false],
      ['v5', true],
    ]);
  });
});
