import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import {
  ApiError,
  Client,
  ConnectionError,
  newIdempotencyKey,
  UnexpectedResponseError,
} from '@deskhand/client';
import { describe, expect, it } from 'vitest';
import { answerJson, errorBody, runBody, type Script, ScriptedServer } from './client-scripted-server.ts';

const apiKey = `sk-coasty-live-${'a1'.repeat(24)}`;
const createInput = { machine_id: 'machine-1', task: 'Open the editor' };

function clientOf(server: { origin: string }, options: { timeoutMs?: number } = {}): Client {
  return new Client({ baseUrl: server.origin, apiKey, firstBackoffMs: 1, ...options });
}

/** Answers `failures` in turn, then with a run. */
function failing(...failures: number[]): Script {
  return (_request, response, index) => {
    const status = failures[index];
    if (status === undefined) answerJson(response, 200, runBody('run_1'));
    else answerJson(response, status, errorBody('SOME_CODE'));
  };
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}

describe('retries', () => {
  it.each([429, 502, 503, 504])('a read answered %i is asked again and succeeds', async (status) => {
    await using server = await ScriptedServer.start(failing(status, status, status));
    const run = await clientOf(server).runs.get('run_1');
    expect(run.id).toBe('run_1');
    expect(server.requests).toHaveLength(4);
  });

  it('gives up after four attempts with the last answer', async () => {
    await using server = await ScriptedServer.start(failing(503, 503, 503, 503, 503));
    expect(await errorOf(clientOf(server).runs.get('run_1'))).toMatchObject({
      name: 'ApiError',
      status: 503,
    });
    expect(server.requests).toHaveLength(4);
  });

  it.each([400, 401, 403, 404, 409, 413, 422, 500])('%i is an answer, not asked again', async (status) => {
    await using server = await ScriptedServer.start(failing(status));
    expect(await errorOf(clientOf(server).runs.get('run_1'))).toMatchObject({ status });
    expect(server.requests).toHaveLength(1);
  });

  it('a write without an idempotency key goes out once, whatever happens', async () => {
    await using refusing = await ScriptedServer.start(failing(503));
    expect(await errorOf(clientOf(refusing).runs.create(createInput))).toMatchObject({ status: 503 });
    expect(refusing.requests).toHaveLength(1);
    await using cutting = await ScriptedServer.start((_request, response) => {
      response.destroy();
    });
    expect(await errorOf(clientOf(cutting).runs.create(createInput))).toMatchObject({ fault: 'unreachable' });
    expect(cutting.requests).toHaveLength(1);
  });

  it.each(['cancel', 'resume'] as const)('%s is never repeated', async (verb) => {
    await using server = await ScriptedServer.start(failing(503));
    expect(await errorOf(clientOf(server).runs[verb]('run_1'))).toMatchObject({ status: 503 });
    expect(server.requests).toHaveLength(1);
  });

  it('a write with an idempotency key is repeated to the letter', async () => {
    await using server = await ScriptedServer.start((request, response, index) => {
      if (index === 0) response.destroy();
      else failing(0, 502)(request, response, index);
    });
    const idempotencyKey = newIdempotencyKey();
    const run = await clientOf(server).runs.create(createInput, { idempotencyKey });
    expect(run.id).toBe('run_1');
    expect(server.requests).toHaveLength(3);
    expect(new Set(server.requests.map(({ headers }) => headers['idempotency-key']))).toEqual(
      new Set([idempotencyKey]),
    );
    expect(new Set(server.requests.map(({ body }) => body))).toEqual(new Set([JSON.stringify(createInput)]));
  });

  it('waits for its own first attempt when the server says that one is still running', async () => {
    await using server = await ScriptedServer.start((_request, response, index) => {
      if (index === 0) answerJson(response, 409, errorBody('IDEMPOTENCY_IN_FLIGHT', { retry_after: 0 }));
      else answerJson(response, 200, runBody('run_1'));
    });
    const run = await clientOf(server).runs.create(createInput, { idempotencyKey: 'mine' });
    expect(run.id).toBe('run_1');
  });

  it('an answer that breaks off is asked for again', async () => {
    await using server = await ScriptedServer.start((_request, response, index) => {
      if (index > 0) return answerJson(response, 200, runBody('run_1'));
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
      response.write('{"id":', () => response.destroy());
    });
    expect((await clientOf(server).runs.get('run_1')).id).toBe('run_1');
    expect(server.requests).toHaveLength(2);
  });

  it('leaves a long Retry-After to the caller', async () => {
    await using server = await ScriptedServer.start((_request, response) =>
      answerJson(response, 429, errorBody('RATE_LIMITED'), { 'retry-after': '3600' }),
    );
    const error = await errorOf(clientOf(server).runs.get('run_1'));
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 3600 });
    expect(server.requests).toHaveLength(1);
  });

  it('obeys Retry-After instead of its own pause', async () => {
    await using server = await ScriptedServer.start((request, response, index) => {
      if (index > 0) return failing()(request, response, index);
      answerJson(response, 503, errorBody('SERVICE_UNAVAILABLE'), { 'retry-after': '0' });
    });
    // Its own first pause would outlast the test.
    const client = new Client({ baseUrl: server.origin, apiKey, firstBackoffMs: 3_600_000 });
    expect((await client.runs.get('run_1')).id).toBe('run_1');
  });
});

describe('[ERR4] errors', () => {
  it('carry status, code, message, request id, retryable and every extra', async () => {
    await using server = await ScriptedServer.start((_request, response) =>
      answerJson(response, 409, {
        error: {
          code: 'INVALID_STATE',
          message: 'The run has ended.',
          type: 'state_error',
          request_id: 'req_42',
          retryable: false,
          retry_with_same_idempotency_key: false,
          current_state: 'succeeded',
          allowed_from: ['queued', 'running', 'awaiting_human'],
        },
      }),
    );
    const error = await errorOf(clientOf(server).runs.cancel('run_1'));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 409,
      code: 'INVALID_STATE',
      message: 'The run has ended.',
      type: 'state_error',
      requestId: 'req_42',
      retryable: false,
      retryWithSameIdempotencyKey: false,
      retryAfterSeconds: null,
      extra: { current_state: 'succeeded', allowed_from: ['queued', 'running', 'awaiting_human'] },
    });
  });

  it('a proxy’s HTML is an ApiError that says so', async () => {
    await using server = await ScriptedServer.start((_request, response) => {
      response.writeHead(502, { 'content-type': 'text/html', 'x-request-id': 'edge-7' });
      response.end('<html>Bad gateway</html>');
    });
    const error = await errorOf(clientOf(server).runs.create(createInput));
    expect(error).toMatchObject({ status: 502, code: 'HTTP_502', requestId: 'edge-7', retryable: true });
    expect((error as Error).message).toContain('proxy');
  });

  it('nobody listening: says which address and what to do', async () => {
    const placeholder = createServer().listen(0, '127.0.0.1');
    await once(placeholder, 'listening');
    const { port } = placeholder.address() as AddressInfo;
    placeholder.close();
    await once(placeholder, 'close');
    const error = await errorOf(clientOf({ origin: `http://127.0.0.1:${port}` }).health());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ fault: 'unreachable', url: `http://127.0.0.1:${port}/v1/health` });
    expect((error as Error).message).toMatch(
      new RegExp(`http://127\\.0\\.0\\.1:${port} \\(ECONNREFUSED\\).*deskhand up`),
    );
  });

  it('a server that never answers: a timeout, asked once', async () => {
    await using server = await ScriptedServer.start(() => {});
    const error = await errorOf(clientOf(server, { timeoutMs: 30 }).runs.get('run_1'));
    expect(error).toMatchObject({ name: 'ConnectionError', fault: 'timeout' });
    expect(server.requests).toHaveLength(1);
  });

  it('a server that begins an answer and stalls: the same timeout', async () => {
    await using server = await ScriptedServer.start((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{');
    });
    const error = await errorOf(clientOf(server, { timeoutMs: 100 }).runs.get('run_1'));
    expect(error).toMatchObject({ fault: 'timeout' });
  });

  it.each<[what: string, contentType: string, body: string]>([
    ['another program’s page', 'text/html', '<html>hello</html>'],
    ['JSON of another shape', 'application/json', '{"secret-looking":"value"}'],
    ['nothing', 'application/json', ''],
    ['JSON nested a thousand deep', 'application/json', '['.repeat(1000)],
  ])('%s with status 200 is refused without quoting it', async (_what, contentType, body) => {
    await using server = await ScriptedServer.start((_request, response) => {
      response.writeHead(200, { 'content-type': contentType });
      response.end(body);
    });
    const error = await errorOf(clientOf(server).runs.get('run_1'));
    expect(error).toBeInstanceOf(UnexpectedResponseError);
    expect((error as Error).message).not.toContain('hello');
    expect((error as Error).message).not.toContain('value');
  });

  it('a redirect is refused and its target never sees the key', async () => {
    await using elsewhere = await ScriptedServer.start(failing());
    await using server = await ScriptedServer.start((_request, response) => {
      response.writeHead(307, { location: `${elsewhere.origin}/v1/runs/run_1` });
      response.end();
    });
    const error = await errorOf(clientOf(server).runs.get('run_1'));
    expect(error).toBeInstanceOf(UnexpectedResponseError);
    expect((error as Error).message).toContain('redirect');
    expect(elsewhere.requests).toHaveLength(0);
  });
});

describe('stopping', () => {
  it('throws the signal’s own reason, before and during a call, and closes the connection', async () => {
    const reason = new Error('the person pressed Ctrl-C');
    const closed = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    await using server = await ScriptedServer.start((_request, response) => {
      response.on('close', () => closed.resolve());
      arrived.resolve();
    });
    const client = clientOf(server);
    expect(await errorOf(client.runs.get('run_1', { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(server.requests).toHaveLength(0);
    const controller = new AbortController();
    const outcome = errorOf(client.runs.get('run_1', { signal: controller.signal }));
    await arrived.promise;
    controller.abort(reason);
    expect(await outcome).toBe(reason);
    await closed.promise;
  });

  it('ends a pause between attempts', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    await using server = await ScriptedServer.start((request, response, index) => {
      failing(503)(request, response, index);
      response.on('finish', () => setImmediate(() => controller.abort(reason)));
    });
    const client = new Client({ baseUrl: server.origin, apiKey, firstBackoffMs: 3_600_000 });
    expect(await errorOf(client.runs.get('run_1', { signal: controller.signal }))).toBe(reason);
  });
});

describe('options', () => {
  it.each(['', '/', '/v1', '/v1/', '/v1//'])('takes the base URL with "%s" at its end', async (ending) => {
    await using server = await ScriptedServer.start((_request, response) =>
      answerJson(response, 200, { status: 'ok' }),
    );
    const client = new Client({ baseUrl: `${server.origin}${ending}`, apiKey });
    expect((await client.health()).status).toBe('ok');
    expect(server.requests[0]?.url).toBe('/v1/health');
  });

  it('keeps a path in front of /v1', async () => {
    await using server = await ScriptedServer.start((_request, response) =>
      answerJson(response, 200, { status: 'ok' }),
    );
    await new Client({ baseUrl: `${server.origin}/desk/v1`, apiKey }).health();
    expect(server.requests[0]?.url).toBe('/desk/v1/health');
  });

  it.each([
    'nonsense',
    'ftp://127.0.0.1/v1',
    'http://user:password@127.0.0.1/v1',
    'http://127.0.0.1/v1?key=1',
    'http://127.0.0.1/v1#x',
  ])('refuses the base URL %s', (baseUrl) => {
    expect(() => new Client({ baseUrl, apiKey })).toThrow(TypeError);
  });

  it('refuses a key that cannot be a header, without quoting it', () => {
    const create = () => new Client({ baseUrl: 'http://127.0.0.1', apiKey: 'sk-coasty-live-hush\nX: y' });
    expect(create).toThrow(TypeError);
    expect(create).not.toThrow('hush');
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d as a time', (timeoutMs) => {
    expect(() => new Client({ baseUrl: 'http://127.0.0.1', apiKey, timeoutMs })).toThrow('timeoutMs');
  });

  it('[SEC2] the key is in no rendering of the client', async () => {
    const { inspect } = await import('node:util');
    const client = new Client({ baseUrl: 'http://127.0.0.1', apiKey });
    expect(inspect(client, { depth: 10, showHidden: true })).not.toContain(apiKey);
    expect(JSON.stringify(client)).not.toContain(apiKey);
  });
});

describe('routes', () => {
  const machine = {
    id: 'm/1',
    display_name: 'Desk',
    status: 'running',
    os_type: 'linux',
    provider: 'self_hosted',
    desktop_enabled: true,
    cpu_cores: 2,
    memory_gb: 4,
    storage_gb: null,
    public_ip: null,
    is_test: false,
    created_at: '2026-01-01T00:00:00Z',
    started_at: null,
    auto_destroy_at: null,
    ttl_minutes: null,
    metadata: null,
    billing: {},
  };
  const list = (data: unknown[]) => ({ object: 'list', data, has_more: false, request_id: 'req_1' });
  const lifecycle = { machine_id: 'm/1', status: 'stopped', message: 'Done.', request_id: 'req_1' };
  const run = runBody('r 1');
  const key = { key_id: 'key_1', name: 'CI', tier: 'enterprise', scopes: ['runs:read'], created_at: 'now' };

  type Row = [
    method: string,
    url: string,
    body: unknown,
    answer: unknown,
    call: (client: Client) => Promise<unknown>,
  ];
  it.each<Row>([
    ['POST', '/v1/runs', createInput, run, (c) => c.runs.create(createInput)],
    ['POST', '/v1/tasks', { task: 'x' }, run, (c) => c.tasks.create({ task: 'x' })],
    ['GET', '/v1/runs/r%201', undefined, run, (c) => c.runs.get('r 1')],
    ['GET', '/v1/runs', undefined, list([run]), (c) => c.runs.list()],
    [
      'GET',
      '/v1/runs?status=running&limit=7',
      undefined,
      list([run]),
      (c) => c.runs.list({ status: 'running', limit: 7 }),
    ],
    ['POST', '/v1/runs/r%201/cancel', {}, run, (c) => c.runs.cancel('r 1')],
    ['POST', '/v1/runs/r%201/resume', {}, run, (c) => c.runs.resume('r 1')],
    ['POST', '/v1/runs/r%201/resume', { note: 'go' }, run, (c) => c.runs.resume('r 1', { note: 'go' })],
    [
      'GET',
      '/v1/runs/r%201/log',
      undefined,
      { run_id: 'r 1', data: [], request_id: 'q' },
      (c) => c.runs.log('r 1'),
    ],
    [
      'GET',
      '/v1/runs/r%201/screenshots?after_index=3&limit=5&include_image=true',
      undefined,
      list([]),
      (c) => c.runs.screenshots('r 1', { afterIndex: 3, limit: 5, includeImage: true }),
    ],
    ['GET', '/v1/machines?limit=2', undefined, list([machine]), (c) => c.machines.list({ limit: 2 })],
    [
      'GET',
      '/v1/machines/m%2F1',
      undefined,
      { machine, request_id: 'q', ...machine },
      (c) => c.machines.get('m/1'),
    ],
    [
      'POST',
      '/v1/machines',
      { display_name: 'Desk' },
      {
        machine,
        connection: null,
        enrollment: { token: 't', expires_at: 'x', agent_url: 'u' },
        request_id: 'q',
      },
      (c) => c.machines.create({ display_name: 'Desk' }),
    ],
    ['DELETE', '/v1/machines/m%2F1', undefined, lifecycle, (c) => c.machines.remove('m/1')],
    ['POST', '/v1/machines/m%2F1/start', {}, lifecycle, (c) => c.machines.start('m/1')],
    ['POST', '/v1/machines/m%2F1/stop', {}, lifecycle, (c) => c.machines.stop('m/1')],
    ['POST', '/v1/machines/m%2F1/restart', {}, lifecycle, (c) => c.machines.restart('m/1')],
    [
      'PATCH',
      '/v1/machines/m%2F1',
      { ttl_minutes: 30 },
      { ...lifecycle, ttl_minutes: 30, auto_destroy_at: null },
      (c) => c.machines.patch('m/1', { ttl_minutes: 30 }),
    ],
    [
      'GET',
      '/v1/machines/m%2F1/screenshot',
      undefined,
      {
        machine_id: 'm/1',
        image_b64: 'AA==',
        mime_type: 'image/png',
        width: 1,
        height: 1,
        captured_at: 'x',
        request_id: 'q',
      },
      (c) => c.machines.screenshot('m/1'),
    ],
    ['POST', '/v1/keys', { name: 'CI' }, { ...key, key: 'sk' }, (c) => c.keys.create({ name: 'CI' })],
    [
      'GET',
      '/v1/keys',
      undefined,
      { keys: [{ ...key, last_used_at: null, key_prefix: 'sk' }] },
      (c) => c.keys.list(),
    ],
    ['DELETE', '/v1/keys/key_1', undefined, { status: 'ok', key_id: 'key_1' }, (c) => c.keys.revoke('key_1')],
    [
      'GET',
      '/v1/usage?period=2026-01',
      undefined,
      {
        period: '2026-01',
        total_requests: 1,
        total_credits: 5,
        total_cost_cents: 5,
        breakdown: {},
        balance: 1,
        wallet_balance_cents: 1,
        wallet_balance_usd: 0.01,
      },
      (c) => c.usage({ period: '2026-01' }),
    ],
  ])('%s %s', async (method, url, body, answer, call) => {
    await using server = await ScriptedServer.start((_request, response) =>
      answerJson(response, 200, answer),
    );
    await call(clientOf(server));
    expect(server.requests).toHaveLength(1);
    const [request] = server.requests;
    expect(request).toMatchObject({ method, url, body: body === undefined ? '' : JSON.stringify(body) });
    expect(request?.headers['x-api-key']).toBe(apiKey);
  });

  it.each(['', '.', '..'])('refuses the id "%s", which would climb to another route', async (id) => {
    const client = new Client({ baseUrl: 'http://127.0.0.1', apiKey });
    expect(() => client.runs.get(id)).toThrow(TypeError);
  });
});
