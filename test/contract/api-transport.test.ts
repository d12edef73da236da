import { connect } from 'node:net';
import type { ERRORS, ErrorCode } from '@deskhand/protocol';
import { type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

let server: TestServer;
let desktop: FakeDaemon;
/** Registered and never connected: runs for it wait. */
let away: string;

beforeAll(async () => {
  server = await TestServer.start();
  desktop = await server.desktop();
  const created = await server.call<{ machine: { id: string } }>('POST', '/machines', {
    display_name: 'away',
  });
  away = created.body.machine.id;
});
afterAll(() => server[Symbol.asyncDispose]());

const PUBLIC = [
  '/v1/health',
  '/v1/machines/health',
  '/v1/schedules/health',
  '/v1/triggers/health',
  '/openapi.json',
  '/.well-known/openapi.json',
  '/api/pricing',
  '/api/discovery',
  '/llms.txt',
  '/.well-known/mcp/server-card.json',
];

/** Bytes as they are, the answer as it came, until the server closes. */
function raw(text: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.server.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

const head = (method: string, path: string, ...lines: string[]) =>
  [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${server.server.port}`, ...lines, '', ''].join('\r\n');

type ErrorAnswer = { error: Record<string, unknown> & { code: string } };

describe('transport (v1-api.md 1.1)', () => {
  it.each(PUBLIC)('[1.1] %s needs no key and minds no wrong one', async (path) => {
    for (const headers of [{}, { 'x-api-key': 'none' }] as Array<Record<string, string>>) {
      const response = await fetch(`${server.origin}${path}`, { headers });
      expect(response.status).toBe(200);
      expect(response.headers.get('x-coasty-request-id')).toMatch(/^req_[0-9a-f]{12}$/);
    }
  });

  it('[1.1] the MCP card says who this is and claims no address that speaks MCP', async () => {
    const card = (await (await fetch(`${server.origin}/.well-known/mcp/server-card.json`)).json()) as {
      remotes: unknown[];
      documentationUrl: string;
      api: { base_url: string };
    };
    expect(card).toMatchObject({
      name: 'deskhand',
      version: expect.any(String),
      description: expect.any(String),
      remotes: [],
    });
    expect(card.api.base_url).toBe(server.server.baseUrl);
    expect((await fetch(card.documentationUrl)).status).toBe(200);
  });

  it('[1.1] [11#5] a slash too many is neither refused nor redirected; creates answer 200', async () => {
    const send = (path: string) =>
      fetch(`${server.origin}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'x-api-key': server.key, 'content-type': 'application/json' },
        body: JSON.stringify({ machine_id: away, task: 'x' }),
      });
    for (const path of ['/v1/runs', '/v1/runs/', '/v1//runs', '//v1/runs'])
      expect([path, (await send(path)).status]).toEqual([path, 200]);
    expect((await server.call('POST', '/machines', { display_name: 'm' })).status).toBe(200);
    expect((await server.call('POST', '/keys', { name: 'k' })).status).toBe(200);
  });

  it('[1.1] a stream of events is never compressed, whatever the client offers', async () => {
    const run = await server.createRun(desktop.machineId, 'done');
    await server.untilStatus(run.id, 'succeeded');
    const response = await fetch(`${server.server.baseUrl}/runs/${run.id}/events`, {
      headers: { 'x-api-key': server.key, 'accept-encoding': 'gzip, br' },
    });
    expect(response.headers.get('content-encoding')).toBeNull();
    await response.text();
  });

  it('[1.1] nothing is said about origins to who is no web page; OPTIONS is no route', async () => {
    const plain = await server.call('GET', '/runs');
    expect([...plain.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    const options = await server.call<ErrorAnswer>('OPTIONS', '/runs');
    expect([options.status, options.body.error.code]).toEqual([404, 'NOT_FOUND']);
  });

  it('[1.1] what the public service has and this one has not is said by its name', async () => {
    for (const [method, path, what] of [
      ['POST', '/predict', 'Inference without a run'],
      ['POST', '/ocr', 'Inference without a run'],
      ['GET', '/workflows/runs', 'Workflows'],
      ['GET', '/schedules?limit=5', 'Schedules and triggers'],
      ['POST', '/triggers/webhook/whk_0123456789abcdef', 'Schedules and triggers'],
      ['POST', `/machines/${away}/actions/batch`, 'Driving a machine without a run'],
      ['GET', '/workflow', 'No such route'],
    ] as const) {
      const { status, body } = await server.call<ErrorAnswer>(method, path);
      expect([path, status, body.error]).toMatchObject([
        path,
        404,
        { code: 'NOT_FOUND', message: expect.stringContaining(what) },
      ]);
    }
  });

  it('[1.1] the older name of the API leads to the same handlers, with the same keys', async () => {
    const old = (path: string, key: string) =>
      fetch(`${server.origin}/api/v1/cua${path}`, { headers: { 'x-api-key': key } });
    const run = await server.createRun(away, 'x');
    expect(await (await old(`/runs/${run.id}`, server.key)).json()).toMatchObject({ id: run.id });
    expect((await old('/runs?limit=1', server.key)).status).toBe(200);
    expect((await old('/runs', 'none')).status).toBe(401);
    expect((await old('/nowhere', server.key)).status).toBe(404);
  });

  it('[1.1] HEAD is GET without its body', async () => {
    for (const path of ['/health', '/runs', `/machines/${away}`, '/models']) {
      const response = await fetch(`${server.server.baseUrl}${path}`, {
        method: 'HEAD',
        headers: { 'x-api-key': server.key },
      });
      expect([path, response.status, await response.text()]).toEqual([path, 200, '']);
    }
    const none = await fetch(`${server.server.baseUrl}/runs/run_none`, {
      method: 'HEAD',
      headers: { 'x-api-key': server.key },
    });
    expect(none.status).toBe(404);
  });

  it('[1.1] bodies as Windows tools, curl and streaming clients send them', async () => {
    const body = JSON.stringify({ machine_id: away, task: 'naïve 你好' });
    const marked = await server.call('POST', '/runs', `\uFEFF${body}`);
    expect([marked.status, marked.body.task]).toEqual([200, 'naïve 你好']);
    const key = `X-API-KEY: ${server.key}`;
    const bytes = Buffer.byteLength(body);
    const expecting = await raw(
      head('POST', '/v1/runs', key, 'Expect: 100-continue', `Content-Length: ${bytes}`, 'Connection: close') +
        body,
    );
    expect(expecting).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    const chunked = await raw(
      `${head('POST', '/v1/runs', key, 'Transfer-Encoding: chunked', 'CONTENT-TYPE: application/json; charset=utf-8', 'Connection: close')}${bytes.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    expect(chunked).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('[1.1] a body that is not UTF-8, is compressed, or would be lost is refused with the reason', async () => {
    const send = async (body: string | Buffer, headers: Record<string, string> = {}) => {
      const response = await fetch(`${server.server.baseUrl}/runs`, {
        method: 'POST',
        headers: { 'x-api-key': server.key, ...headers },
        body,
      });
      const { error } = (await response.json()) as { error: { code: string; message: string } };
      return `${error.code} ${error.message}`;
    };
    const latin1 = Buffer.from(JSON.stringify({ machine_id: away, task: 'naïve' }), 'latin1');
    expect(await send(latin1)).toBe('VALIDATION_ERROR The body is not UTF-8');
    expect(await send('{}', { 'content-encoding': 'gzip' })).toContain('Content-Encoding is not accepted');
    for (const name of ['__proto__', '\\u005f_proto__', '__\\u0070roto__'])
      expect(await send(`{"machine_id":"${away}","task":"x","metadata":{"a":[{"${name}":1}]}}`)).toContain(
        'A field named __proto__ is not accepted',
      );
    const kept = { constructor: 1, toString: 'x', hasOwnProperty: null };
    expect((await server.createRun(away, 'x', { metadata: kept })).metadata).toEqual(kept);
  });

  it('[1.1] two requests at once on one connection are answered in order', async () => {
    const key = `x-api-key: ${server.key}`;
    const answer = await raw(
      head('GET', '/v1/health', key) + head('GET', '/v1/runs/run_none', key, 'Connection: close'),
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
  });

  it('[1.1] a body over 15 MB is 413 and says how large a picture may be', async () => {
    const answer = await server.call<ErrorAnswer>('POST', '/runs', `"${'x'.repeat(15 * 1024 * 1024)}"`);
    expect([answer.status, answer.body.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(answer.body.error.examples).toEqual({
      max_base64_bytes: 10_485_760,
      max_mb: 10,
      min_base64_chars: 100,
      formats: ['png', 'jpeg'],
    });
    const under = await server.call<ErrorAnswer>('POST', '/runs', `"${'x'.repeat(15 * 1024 * 1024 - 2)}"`);
    expect(under.body.error.code).toBe('VALIDATION_ERROR');
  });
});

describe('the description (v1-api.md 1.1)', () => {
  it('[1.1] what is described is served, to who may have it, and what is public is described', async () => {
    const { body } = await server.call<{ paths: Record<string, Record<string, { security: unknown[] }>> }>(
      'GET',
      '/openapi.json',
    );
    for (const [path, operations] of Object.entries(body.paths))
      for (const [method, { security }] of Object.entries(operations)) {
        const url = `${server.origin}${path.replaceAll(/\{\w+\}/g, 'x')}`;
        const { status } = await fetch(url, { method: method.toUpperCase() });
        expect([method, path, status]).toEqual([method, path, security.length === 0 ? 200 : 401]);
      }
    for (const path of [...PUBLIC, '/docs'])
      expect([path, body.paths[path]?.get?.security]).toEqual([path, []]);
  });

  it('[1.1] every answer fits the schema that /openapi.json gives it', async () => {
    type Operation = {
      responses: { 200: { content: Record<string, { schema: Parameters<typeof z.fromJSONSchema>[0] }> } };
    };
    const api = (await (await fetch(`${server.origin}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, Operation>>;
    };
    const run = await server.createRun(desktop.machineId, 'click:1,1 done');
    await server.untilStatus(run.id, 'succeeded');
    const asTest = { 'x-api-key': server.testKey };
    const virtual = await server.call<{ machine: { id: string } }>(
      'POST',
      '/machines',
      { display_name: 't' },
      asTest,
    );
    const keyed = { 'idempotency-key': 'described' };
    const key = await server.call('POST', '/keys', { name: 'described' });
    const asked: Array<
      [method: string, path: string, url: string, body?: unknown, headers?: Record<string, string>]
    > = [
      [
        'post',
        '/v1/runs',
        '/runs',
        { machine_id: away, task: 'x', webhook_url: 'http://127.0.0.1:9/' },
        keyed,
      ],
      ['post', '/v1/tasks', '/tasks', { task: 'x', machine: { os_type: 'windows' } }],
      ['get', '/v1/runs', '/runs'],
      ['get', '/v1/runs/{id}', `/runs/${run.id}`],
      ['get', '/v1/runs/{id}/log', `/runs/${run.id}/log`],
      ['get', '/v1/runs/{id}/screenshots', `/runs/${run.id}/screenshots?include_image=1`],
      ['post', '/v1/runs/{id}/cancel', `/runs/${(await server.createRun(away, 'x')).id}/cancel`, {}],
      ['post', '/v1/machines', '/machines', { display_name: 'm' }],
      ['get', '/v1/machines', '/machines'],
      ['get', '/v1/machines/pricing', '/machines/pricing'],
      ['get', '/v1/machines/{id}', `/machines/${desktop.machineId}`],
      ['patch', '/v1/machines/{id}', `/machines/${away}`, { ttl_minutes: 0 }],
      ['post', '/v1/machines/{id}/enroll', `/machines/${away}/enroll`, {}],
      ['get', '/v1/machines/{id}/screenshot', `/machines/${desktop.machineId}/screenshot`],
      ['get', '/v1/machines/{id}/connection', `/machines/${desktop.machineId}/connection`],
      ['post', '/v1/machines/{id}/snapshot', `/machines/${virtual.body.machine.id}/snapshot`, {}, asTest],
      ['post', '/v1/machines/{id}/stop', `/machines/${desktop.machineId}/stop`, {}],
      ['post', '/v1/machines/{id}/start', `/machines/${desktop.machineId}/start`, {}],
      ['delete', '/v1/machines/{id}', `/machines/${virtual.body.machine.id}`, undefined, asTest],
      ['post', '/v1/keys', '/keys', { name: 'k' }],
      ['get', '/v1/keys', '/keys'],
      ['delete', '/v1/keys/{id}', `/keys/${key.body.key_id}`],
      ['put', '/v1/llm/keys/{provider}', '/llm/keys/openai', { api_key: 'sk-0123456789abcdef' }],
      ['get', '/v1/llm/keys', '/llm/keys'],
      ['delete', '/v1/llm/keys/{provider}', '/llm/keys/openai'],
      ['get', '/v1/usage', '/usage'],
      ['get', '/v1/billing/active', '/billing/active'],
      ['get', '/api/pricing', '/api/pricing'],
      ['get', '/v1/health', '/health'],
      ['get', '/v1/models', '/models'],
      ['get', '/v1/idempotency/{key}', '/idempotency/described'],
    ];
    for (const [method, path, url, body, headers] of asked) {
      const answer = await server.call(method.toUpperCase(), url, body, headers);
      expect([method, path, answer.status]).toEqual([method, path, 200]);
      const schema = api.paths[path]?.[method]?.responses[200].content['application/json']?.schema;
      if (schema === undefined) throw new Error(`${method} ${path} is not described`);
      expect([path, z.fromJSONSchema(schema).safeParse(answer.body).error?.issues ?? []]).toEqual([path, []]);
      // Described in earnest: an empty object would not do.
      expect([path, z.fromJSONSchema(schema).safeParse({}).success]).toEqual([path, false]);
    }
  });
});

describe('headers of answers (v1-api.md 1.3)', () => {
  it('[1.3] [11#9] every answer has one request id, under two names, and in its body when it is an error', async () => {
    const run = await server.createRun(away, 'x');
    const seen = new Set<string>();
    for (const [method, path, status] of [
      ['GET', '/v1/runs', 200],
      ['GET', '/v1/models', 200],
      ['GET', '/docs', 200],
      ['GET', '/v1/runs/run_none', 404],
      ['GET', '/nowhere', 404],
      ['GET', '/v1/runs?limit=0', 400],
      ['POST', '/v1/runs', 422],
      ['POST', `/v1/runs/${run.id}/resume`, 409],
      ['HEAD', '/v1/health', 200],
      ['GET', '/v1/%ff', 422],
    ] as const) {
      const response = await fetch(`${server.origin}${path}`, {
        method,
        headers: { 'x-api-key': server.key },
      });
      const id = response.headers.get('x-coasty-request-id') ?? '';
      expect([path, response.status]).toEqual([path, status]);
      expect(id).toMatch(/^req_[0-9a-f]{12}$/);
      expect(response.headers.get('x-request-id')).toBe(id);
      const text = await response.text();
      if (status >= 400) expect((JSON.parse(text) as ErrorAnswer).error.request_id).toBe(id);
      seen.add(id);
    }
    expect(seen.size).toBe(10);
  });

  it('[1.3] who is known is told their kind and what they may still ask, on refusals too', async () => {
    for (const path of ['/runs', '/runs/run_none', '/runs?limit=x', `/machines/${away}/screenshot`]) {
      const { headers } = await server.call('GET', path);
      expect([path, headers.get('x-coasty-key-kind')]).toEqual([path, 'live']);
      const limit = Number(headers.get('ratelimit-limit'));
      expect(limit).toBeGreaterThan(0);
      expect(headers.get('x-ratelimit-limit')).toBe(String(limit));
      expect(headers.get('x-ratelimit-remaining')).toBe(headers.get('ratelimit-remaining'));
      expect(Number(headers.get('x-ratelimit-reset'))).toBeGreaterThan(1_700_000_000);
      expect(Number(headers.get('ratelimit-reset'))).toBeLessThanOrEqual(60);
    }
    const stranger = await server.call('GET', '/runs', undefined, { 'x-api-key': 'none' });
    expect(stranger.headers.get('x-coasty-key-kind')).toBeNull();
    expect(stranger.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('[1.3] errors link to where their code is explained', async () => {
    const { headers, body } = await server.call<ErrorAnswer>('GET', '/runs/run_none');
    expect(body.error.docs_url).toBe(`${server.origin}/docs#RUN_NOT_FOUND`);
    expect(headers.get('link')).toBe(`<${String(body.error.docs_url)}>; rel="help"`);
  });

  it('[1.3] answers with secrets are not to be stored', async () => {
    const store = async (method: string, path: string, body?: unknown) =>
      (await server.call(method, path, body)).headers.get('cache-control');
    const hook = { machine_id: away, task: 'x', webhook_url: 'http://127.0.0.1:9/' };
    expect(await store('POST', '/runs', hook)).toBe('no-store');
    expect(await store('POST', '/keys', { name: 'k' })).toBe('no-store');
    expect(await store('POST', '/machines', { display_name: 'm' })).toBe('no-store');
    expect(await store('POST', `/machines/${away}/enroll`)).toBe('no-store');
    expect(await store('GET', `/machines/${away}/connection`)).toBe('no-store');
    expect(await store('GET', `/machines/${desktop.machineId}/screenshot`)).toBe('no-store');
    const run = await server.createRun(desktop.machineId, 'done');
    expect(await store('GET', `/runs/${run.id}/screenshots?include_image=1`)).toBe('no-store');
    expect(await store('GET', `/runs/${run.id}/screenshots`)).toBeNull();
  });

  it('[1.3] billable operations say what they charged and what is left; a test key pays nothing', async () => {
    const { headers } = await server.call('POST', '/runs', { machine_id: away, task: 'x' });
    expect([headers.get('x-credits-charged'), headers.get('x-credits-remaining')]).toEqual([
      '0',
      '1000000000',
    ]);
    const asTest = { 'x-api-key': server.testKey };
    const made = await server.call<{ machine: { id: string } }>(
      'POST',
      '/machines',
      { display_name: 't' },
      asTest,
    );
    const snapshot = await server.call('POST', `/machines/${made.body.machine.id}/snapshot`, {}, asTest);
    expect([snapshot.body.credits_charged, snapshot.headers.get('x-credits-charged')]).toEqual([1, '0']);
  });

  it('[1.3] Retry-After is a number of seconds, the same as in the body', async () => {
    const away503 = await server.call<ErrorAnswer>('GET', `/machines/${away}/screenshot`);
    expect([away503.status, away503.body.error.code]).toEqual([503, 'UPSTREAM_UNAVAILABLE']);
    expect(away503.headers.get('retry-after')).toBe(String(away503.body.error.retry_after));
    await using tight = await TestServer.start({
      max_queued_runs_per_machine: '1',
      rate_per_key_per_minute: '4',
    });
    const { body } = await tight.call<{ machine: { id: string } }>('POST', '/machines', {
      display_name: 'm',
    });
    const one = { machine_id: body.machine.id, task: 'x' };
    await tight.call('POST', '/runs', one);
    const many = await tight.call<ErrorAnswer>('POST', '/runs', one);
    expect([many.status, many.body.error.code, many.body.error.retryable]).toEqual([
      429,
      'TOO_MANY_RUNS',
      true,
    ]);
    expect(many.headers.get('retry-after')).toBe(String(many.body.error.retry_after));
    await tight.call('GET', '/runs');
    const rate = await tight.call<ErrorAnswer>('GET', '/runs');
    expect(rate.body.error).toMatchObject({
      code: 'RATE_LIMITED',
      scope: 'per_key',
      type: 'rate_limit_error',
    });
    expect(rate.headers.get('retry-after')).toBe(String(rate.body.error.retry_after));
    expect(rate.headers.get('x-ratelimit-remaining')).toBe('0');
  });
});

/** The table of v1-api.md 1.4, as far as this server can answer with it. */
const TABLE: Array<[status: number, type: string, retryable: boolean, codes: ErrorCode[]]> = [
  [
    400,
    'validation_error',
    false,
    ['INVALID_LIMIT', 'INVALID_STATUS_FILTER', 'FEATURE_NOT_AVAILABLE', 'INVALID_PATH'],
  ],
  [401, 'auth_error', false, ['INVALID_API_KEY', 'INVALID_SIGNATURE']],
  [402, 'billing_error', false, ['INSUFFICIENT_CREDITS', 'WALLET_EXHAUSTED']],
  [403, 'auth_error', false, ['INSUFFICIENT_SCOPE']],
  [404, 'not_found_error', false, ['NOT_FOUND', 'MACHINE_NOT_FOUND', 'RUN_NOT_FOUND', 'LLM_KEY_NOT_FOUND']],
  [409, 'state_error', false, ['INVALID_STATE', 'NOT_AWAITING_HUMAN', 'RESUME_CONFLICT', 'CONFLICT']],
  [409, 'state_error', true, ['IDEMPOTENCY_IN_FLIGHT']],
  [413, 'validation_error', false, ['PAYLOAD_TOO_LARGE']],
  [
    422,
    'validation_error',
    false,
    [
      'VALIDATION_ERROR',
      'IDEMPOTENCY_KEY_REUSED',
      'LLM_PROVIDER_UNSUPPORTED',
      'LLM_MODEL_INVALID',
      'LLM_KEY_NOT_CONFIGURED',
    ],
  ],
  [429, 'rate_limit_error', true, ['RATE_LIMITED', 'TOO_MANY_RUNS']],
  [500, 'server_error', true, ['INTERNAL_ERROR', 'RUN_CREATE_FAILED']],
  [502, 'server_error', true, ['UPSTREAM_ERROR']],
  [503, 'server_error', true, ['UPSTREAM_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'DB_UNAVAILABLE']],
  [504, 'server_error', true, ['UPSTREAM_TIMEOUT']],
];

describe('errors (v1-api.md 1.4)', () => {
  it('[1.4] [11#6] [11#37] [11#38] [11#39] [11#40] status, type and retryable of every code, as served', async () => {
    const api = (await (await fetch(`${server.origin}/openapi.json`)).json()) as {
      'x-error-codes': typeof ERRORS;
    };
    for (const [status, type, retryable, codes] of TABLE)
      for (const code of codes)
        expect([code, api['x-error-codes'][code]]).toMatchObject([code, { status, type, retryable }]);
    expect(new Set(Object.values(api['x-error-codes']).map((row) => row.type))).toEqual(
      new Set([
        'validation_error',
        'auth_error',
        'billing_error',
        'not_found_error',
        'state_error',
        'rate_limit_error',
        'server_error',
      ]),
    );
  });

  it('[1.4] what a client needs to mend its request is in the error itself', async () => {
    const error = async (method: string, path: string, body?: unknown) =>
      (await server.call<ErrorAnswer>(method, path, body)).body.error;
    expect(await error('GET', '/runs?limit=0')).toMatchObject({
      code: 'INVALID_LIMIT',
      actual: 0,
      min: 1,
      max: 200,
    });
    expect(await error('GET', '/runs?limit=many')).toMatchObject({ code: 'INVALID_LIMIT', actual: 'many' });
    expect(await error('GET', '/runs?status=done')).toMatchObject({
      code: 'INVALID_STATUS_FILTER',
      valid_options: ['queued', 'running', 'awaiting_human', 'succeeded', 'failed', 'cancelled', 'timed_out'],
    });
    expect(await error('POST', '/runs', { task: '', tusk: 1 })).toMatchObject({
      details: [
        { loc: ['body', 'machine_id'], type: 'missing', msg: expect.any(String) },
        { loc: ['body', 'task'], type: 'string_too_short' },
        { loc: ['body', 'task'], type: 'value_error' },
        { loc: ['body', 'tusk'], type: 'extra_forbidden' },
      ],
    });
    expect(await error('GET', `/machines/${away}/screenshot`)).toMatchObject({
      type: 'server_error',
      support: expect.stringContaining('req_'),
    });
    const run = await server.createRun(away, 'x');
    expect(await error('POST', `/runs/${run.id}/resume`)).toMatchObject({
      code: 'NOT_AWAITING_HUMAN',
      current_state: 'queued',
      allowed_from: ['awaiting_human'],
      required_state: 'awaiting_human',
    });
  });
});

describe('idempotency (v1-api.md 1.5)', () => {
  it('[1.5] is ignored where it means nothing: cancel, lifecycle, PATCH, DELETE', async () => {
    const key = { 'idempotency-key': 'not a key at all' };
    const run = await server.createRun(away, 'x');
    expect((await server.call('POST', `/runs/${run.id}/cancel`, {}, key)).status).toBe(200);
    expect((await server.call<ErrorAnswer>('POST', `/runs/${run.id}/cancel`, {}, key)).body.error.code).toBe(
      'INVALID_STATE',
    );
    expect((await server.call('PATCH', `/machines/${away}`, { ttl_minutes: 0 }, key)).status).toBe(200);
    const { body } = await server.call<{ machine: { id: string } }>('POST', '/machines', {
      display_name: 'm',
    });
    expect((await server.call('DELETE', `/machines/${body.machine.id}`, undefined, key)).status).toBe(200);
    expect((await server.call('DELETE', `/machines/${body.machine.id}`, undefined, key)).status).toBe(404);
  });

  it('[1.5] [11#7] [11#8] one key is one request of the account and mode, over all operations that take it', async () => {
    const key = { 'idempotency-key': 'one:request-1' };
    const first = await server.call('POST', '/runs', { machine_id: away, task: 'x' }, key);
    for (const [path, body] of [
      ['/machines', { display_name: 'm' }],
      ['/tasks', { task: 'x' }],
      ['/runs', { machine_id: away, task: 'y' }],
    ] as const) {
      const answer = await server.call<ErrorAnswer>('POST', path, body, key);
      expect([path, answer.status, answer.body.error.code]).toEqual([path, 422, 'IDEMPOTENCY_KEY_REUSED']);
    }
    const again = await server.call('POST', '/runs', { machine_id: away, task: 'x' }, key);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-status')).toBe('completed');
  });

  it('[1.5] [11#17] a secret is told again to who repeats the request, and to nobody who looks the key up', async () => {
    const key = { 'idempotency-key': 'with-secret' };
    const body = { machine_id: away, task: 'x', webhook_url: 'http://127.0.0.1:9/' };
    const first = await server.call('POST', '/runs', body, key);
    expect(first.body.webhook_secret).toMatch(/^whsec_[0-9a-f]{64}$/);
    expect((await server.call('POST', '/runs', body, key)).body.webhook_secret).toBe(
      first.body.webhook_secret,
    );
    const found = await server.call<{ result: Record<string, unknown> }>('GET', '/idempotency/with-secret');
    expect(found.body.result).toMatchObject({ id: first.body.id, webhook_secret: null });
    expect((await server.run(String(first.body.id))).webhook_secret).toBeNull();
    const machine = await server.call<{ enrollment: { token: string } }>(
      'POST',
      '/machines',
      { display_name: 'm' },
      { 'idempotency-key': 'with-code' },
    );
    const looked = await server.call('GET', '/idempotency/with-code');
    expect(JSON.stringify(looked.body)).not.toContain(machine.body.enrollment.token);
  });
});

describe('how long a key is remembered', () => {
  it('[1.5] for 24 hours; then it is free for another request', async () => {
    let aheadMs = 0;
    await using later = await TestServer.start({}, { overrides: { now: () => Date.now() + aheadMs } });
    const body = { display_name: 'm' };
    const key = { 'idempotency-key': 'daily' };
    const first = await later.call('POST', '/machines', body, key);
    aheadMs = 24 * 3_600_000 - 60_000;
    expect((await later.call('POST', '/machines', body, key)).body).toEqual(first.body);
    aheadMs = 24 * 3_600_000 + 60_000;
    const next = await later.call('POST', '/machines', { display_name: 'other' }, key);
    expect([next.status, next.headers.get('idempotency-replayed')]).toEqual([200, 'false']);
  });
});

describe('lists, limits, ids (v1-api.md 1.6, 1.7)', () => {
  it('[1.6] as many as was asked for, by default 20 runs and 50 machines, newest first', async () => {
    await using fresh = await TestServer.start();
    const machines = await Promise.all(
      Array.from({ length: 51 }, (_, index) =>
        fresh.call<{ machine: { id: string } }>('POST', '/machines', { display_name: `m${index}` }),
      ),
    );
    const machineId = machines[0]?.body.machine.id ?? '';
    for (let index = 0; index < 21; index += 1) await fresh.createRun(machineId, `task ${index}`);
    const list = async (path: string) =>
      (
        await fresh.call<{
          object: string;
          data: Array<{ task: string }>;
          has_more: boolean;
          request_id: string;
        }>('GET', path)
      ).body;
    const runs = await list('/runs');
    expect(runs).toMatchObject({
      object: 'list',
      has_more: true,
      request_id: expect.stringMatching(/^req_/),
    });
    expect(runs.data.map((run) => run.task)).toEqual(
      Array.from({ length: 20 }, (_, index) => `task ${20 - index}`),
    );
    expect((await list('/machines')).data).toHaveLength(50);
    expect(await list('/machines?limit=200&nonsense=1&status=')).toMatchObject({ has_more: false });
    expect((await list('/runs?limit=1&status=queued')).data).toHaveLength(1);
    for (const limit of ['0', '201', '-1', '1.5', 'ten', '1e1', '9999999999', '%20'])
      expect((await fresh.call<ErrorAnswer>('GET', `/machines?limit=${limit}`)).body.error.code).toBe(
        'INVALID_LIMIT',
      );
  });

  it('[1.6] limits count characters, names are not blank', async () => {
    const long = '🙂'.repeat(16_000);
    expect((await server.call('POST', '/runs', { machine_id: away, task: long })).status).toBe(200);
    const over = await server.call<ErrorAnswer>('POST', '/runs', { machine_id: away, task: `${long}🙂` });
    expect(over.body.error.details).toMatchObject([{ loc: ['body', 'task'], type: 'string_too_long' }]);
    for (const [path, body] of [
      ['/machines', { display_name: ' \t\n' }],
      ['/keys', { name: '   ' }],
      ['/runs', { machine_id: away, task: '  ' }],
    ] as const)
      expect((await server.call<ErrorAnswer>('POST', path, body)).body.error.code).toBe('VALIDATION_ERROR');
  });

  it('[1.7] [11#31] [11#32] times end in Z, ids have the forms that clients insist on', async () => {
    const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
    const run = await server.createRun(desktop.machineId, 'click:1,1 done');
    const done = await server.untilStatus(run.id, 'succeeded');
    for (const at of [done.created_at, done.started_at, done.finished_at]) expect(at).toMatch(TIME);
    expect(run.id).toMatch(/^run_[0-9a-f]{24}$/);
    expect(run.request_id).toMatch(/^req_[0-9a-f]{12}$/);
    const { body } = await server.call<{ data: Array<{ created_at: string }> }>('GET', `/runs/${run.id}/log`);
    for (const event of body.data) expect(event.created_at).toMatch(TIME);
    expect(away).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    const asTest = { 'x-api-key': server.testKey };
    const test = await server.call<{ machine: { id: string } }>(
      'POST',
      '/machines',
      { display_name: 't' },
      asTest,
    );
    expect(test.body.machine.id).toMatch(/^mch_test_[0-9a-f]{8,32}$/);
    const key = await server.call('POST', '/keys', { name: 'ids' });
    expect([key.body.key, key.body.key_id]).toEqual([
      expect.stringMatching(/^sk-coasty-live-[0-9a-f]{48}$/),
      expect.stringMatching(/^key_[0-9a-f]+$/),
    ]);
    // Opaque in paths: odd ones are not found, never a fault.
    for (const odd of ['%00', '..%2f..%2fetc', '%F0%9F%99%82', '__proto__', 'constructor', 'a'.repeat(128)])
      expect((await server.call<ErrorAnswer>('GET', `/runs/${odd}`)).body.error.code).toBe('RUN_NOT_FOUND');
  });
});
