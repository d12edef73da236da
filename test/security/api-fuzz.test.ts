import { request } from 'node:http';
import { connect } from 'node:net';
import { type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const REQUESTS = 5000;
const RAW_REQUESTS = 300;

let server: TestServer;
let desktop: FakeDaemon;
beforeAll(async () => {
  server = await TestServer.start({
    rate_per_key_per_minute: '1000000',
    rate_per_account_per_minute: '1000000',
  });
  desktop = await server.desktop();
});
afterAll(() => server[Symbol.asyncDispose]());

function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

type Random = () => number;
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

/** Raw JSON text, so that what no serializer would write can be sent too. */
function strangeValue(random: Random, depth = 0): string {
  return pick(random, [
    () => 'null',
    () => 'true',
    () => '0',
    () => '-1',
    () => '1e999',
    () => '-0',
    () => '123456789012345678901234567890',
    () => '0.1',
    () => '""',
    () => '" "',
    () => '"\\ud800"',
    () => '"\\udc00x"',
    () => '"\\u0000"',
    () => '"\\u202e\\u2066evil"',
    () => '"<script>alert(1)</script>"',
    () => '"\' or 1=1; drop table runs; --"',
    () => `"${'x'.repeat(Math.floor(random() * 20_000))}"`,
    () => '[]',
    () => '{}',
    () => '{"__proto__":{"polluted":true}}',
    () => '{"constructor":{"prototype":{"polluted":true}}}',
    () => `${'['.repeat(100)}${']'.repeat(100)}`,
    () => (depth > 3 ? '1' : `[${strangeValue(random, depth + 1)},${strangeValue(random, depth + 1)}]`),
    () => (depth > 3 ? '1' : `{"a":${strangeValue(random, depth + 1)}}`),
  ])();
}

const FIELDS = [
  'machine_id',
  'task',
  'cua_version',
  'instructions',
  'system_prompt',
  'model',
  'max_steps',
  'deadline_seconds',
  'on_awaiting_human',
  'awaiting_human_timeout_seconds',
  'webhook_url',
  'metadata',
  'llm',
  'action_policy',
  'budget_cents',
  'machine',
  'api_key',
  'name',
  'scopes',
  'display_name',
  'ttl_minutes',
  'note',
  'toString',
  'hasOwnProperty',
];

const ROUTES = [
  ['POST', '/v1/runs'],
  ['POST', '/v1/tasks'],
  ['POST', '/v1/machines/ID/snapshot'],
  ['POST', '/v1/machines/ID/enroll'],
  ['PUT', '/v1/llm/keys/openai'],
  ['POST', '/v1/machines'],
  ['POST', '/v1/keys'],
  ['GET', '/v1/runs'],
  ['GET', '/v1/machines'],
  ['GET', '/v1/usage'],
  ['GET', '/v1/runs/ID'],
  ['GET', '/v1/runs/ID/log'],
  ['GET', '/v1/runs/ID/screenshots'],
  ['POST', '/v1/runs/ID/cancel'],
  ['POST', '/v1/runs/ID/resume'],
  ['PATCH', '/v1/machines/ID'],
  ['POST', '/v1/machines/ID/start'],
  ['GET', '/v1/idempotency/ID'],
  ['DELETE', '/v1/keys/ID'],
  ['POST', '/v1/admin/backup'],
] as const;

function send(options: {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: server.server.port,
        method: options.method,
        path: options.path,
        headers: options.headers,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

describe('strange requests', { timeout: 240_000 }, () => {
  it(`${REQUESTS} of them: always the envelope or a success, never a 5xx, memory flat`, async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`seed ${seed} (SEED=${seed} repeats it)`);
    const random = randomFrom(seed);
    const heapAfter = async (): Promise<number> => {
      globalThis.gc?.();
      return process.memoryUsage().heapUsed;
    };
    const statuses: Record<number, number> = {};
    let halfway = 0;
    for (let index = 0; index < REQUESTS; index += 1) {
      if (index === REQUESTS / 2) halfway = await heapAfter();
      const [method, template] = pick(random, ROUTES);
      const id = pick(random, [
        'x',
        desktop.machineId,
        '%00',
        '%F0%9F%98%80',
        '..%2f',
        'a'.repeat(500),
        '%ff',
        '*',
        "'",
      ]);
      const query = pick(random, [
        '',
        '?limit=1e9',
        '?limit[]=1&limit=2',
        '?status=%00',
        '?after_index=-1',
        '?period=9999-99',
        '?a=%',
        '?__proto__=1',
      ]);
      const entries = Array.from(
        { length: Math.floor(random() * 6) },
        () => `${JSON.stringify(pick(random, FIELDS))}:${strangeValue(random)}`,
      );
      if (random() < 0.5) entries.push(`"machine_id":"${desktop.machineId}"`, '"task":"done"');
      let body = random() < 0.1 ? strangeValue(random) : `{${entries.join(',')}}`;
      if (random() < 0.05) body = body.slice(0, Math.floor(random() * body.length));
      if (method === 'GET' || method === 'DELETE') body = '';
      const headers: Record<string, string> = { 'x-api-key': server.key };
      if (body !== '')
        headers['content-type'] = pick(random, [
          'application/json',
          'text/plain',
          'application/json; charset=utf-16',
          'x/y',
          'multipart/form-data',
        ]);
      if (random() < 0.2)
        headers['idempotency-key'] = pick(random, ['a', 'b', 'a b', 'x'.repeat(200), '__proto__']);
      if (random() < 0.05) headers['x-api-key'] = pick(random, ['', 'Bearer', 'x'.repeat(5000)]);
      if (random() < 0.05) headers['last-event-id'] = pick(random, ['-1', '1e9', 'NaN']);
      const answer = await send({ method, path: template.replace('ID', id) + query, headers, body });
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      const shown = `${method} ${template} ${query} ${body.slice(0, 300)} → ${answer.status} ${answer.text.slice(0, 300)}`;
      if (answer.status >= 500) throw new Error(shown);
      const parsed = JSON.parse(answer.text) as { error?: Record<string, unknown> };
      if (answer.status >= 400) {
        expect(parsed.error, shown).toMatchObject({
          code: expect.any(String),
          message: expect.any(String),
          type: expect.any(String),
          request_id: answer.headers['x-coasty-request-id'],
          retryable: expect.any(Boolean),
          retry_with_same_idempotency_key: expect.any(Boolean),
        });
        expect(answer.text.length, shown).toBeLessThan(20_000);
      }
    }
    const grown = (await heapAfter()) - halfway;
    console.log(JSON.stringify({ statuses, grownMegabytes: Math.round(grown / 1e6) }));
    expect(grown).toBeLessThan(100 * 1024 * 1024);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(statuses[200]).toBeGreaterThan(0);
    expect(statuses[422]).toBeGreaterThan(0);
    expect((await fetch(`${server.server.baseUrl}/health`)).status).toBe(200);
  });

  it(`${RAW_REQUESTS} broken HTTP requests: an envelope or a closed socket`, async () => {
    const random = randomFrom(7);
    const shapes = [
      'GET /v1/runs HTTP/9.9\r\n\r\n',
      'NONSENSE\r\n\r\n',
      'GET  /v1/runs HTTP/1.1\r\n\r\n',
      'POST /v1/runs HTTP/1.1\r\nHost: HOST\r\nContent-Length: -5\r\n\r\n',
      'POST /v1/runs HTTP/1.1\r\nHost: HOST\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'POST /v1/runs HTTP/1.1\r\nHost: HOST\r\nX-API-Key: KEY\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}',
      'GET /v1/runs HTTP/1.1\r\nHost: HOST\r\nHost: evil\r\n\r\n',
      `GET /v1/runs HTTP/1.1\r\nHost: HOST\r\nX-Big: ${'x'.repeat(40_000)}\r\n\r\n`,
      'GET /v1/runs\u0000 HTTP/1.1\r\nHost: HOST\r\n\r\n',
      'GET http://evil.example/v1/runs HTTP/1.1\r\nHost: HOST\r\nX-API-Key: KEY\r\n\r\n',
      '\u0016\u0003\u0001\u0002\u0000\u0001',
    ];
    for (let index = 0; index < RAW_REQUESTS; index += 1) {
      const text = pick(random, shapes)
        .replaceAll('HOST', `127.0.0.1:${server.server.port}`)
        .replaceAll('KEY', server.key);
      const answer = await new Promise<string>((resolve) => {
        const socket = connect(server.server.port, '127.0.0.1');
        let got = '';
        socket.setTimeout(1500, () => socket.destroy());
        socket.on('data', (chunk) => {
          got += chunk.toString('latin1');
          socket.end();
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(got));
        socket.write(text);
      });
      if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 [234]\d\d /);
    }
    expect((await fetch(`${server.server.baseUrl}/health`)).status).toBe(200);
  });
});
