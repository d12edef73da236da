import { request } from 'node:http';
import { connect } from 'node:net';
import { TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({
    allowed_origins: 'https://board.example',
    allowed_hosts: 'desk.example',
  });
});
afterAll(() => server[Symbol.asyncDispose]());

/** With the headers exactly as given; fetch would not let us lie about Host. */
function ask(options: { method?: string; path?: string; headers: Record<string, string> }): Promise<{
  status: number;
  headers: Record<string, unknown>;
  body: string;
}> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: server.server.port,
        method: options.method ?? 'GET',
        path: options.path ?? '/v1/runs',
        headers: { 'x-api-key': server.key, ...options.headers },
        agent: false,
      },
      (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('Host and Origin (design.md 9)', () => {
  it.each([
    'evil.example',
    'evil.example:PORT',
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost.evil.example:PORT',
    '127.0.0.1.nip.io:PORT',
    '0.0.0.0:PORT',
  ])('refuses Host “%s”', async (host) => {
    const answer = await ask({ headers: { host: host.replace('PORT', String(server.server.port)) } });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'FORBIDDEN_ORIGIN' } });
  });

  it.each([
    '127.0.0.1:PORT',
    'localhost:PORT',
    '[::1]:PORT',
    'LOCALHOST:PORT',
    'desk.example',
    'desk.example:PORT',
  ])('answers to Host “%s”', async (host) => {
    expect((await ask({ headers: { host: host.replace('PORT', String(server.server.port)) } })).status).toBe(
      200,
    );
  });

  it.each([
    'http://evil.example',
    'null',
    'https://board.example.evil.example',
    'http://127.0.0.1:1',
    'file://',
  ])('refuses Origin “%s”, also on public routes and preflights', async (origin) => {
    for (const [method, path] of [
      ['GET', '/v1/runs'],
      ['GET', '/v1/health'],
      ['GET', '/openapi.json'],
      ['OPTIONS', '/v1/runs'],
    ] as const) {
      const answer = await ask({ method, path, headers: { origin } });
      expect([path, answer.status]).toEqual([path, 403]);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('lets an allowed origin in, and exposes the headers', async () => {
    const preflight = await ask({
      method: 'OPTIONS',
      headers: { origin: 'https://board.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    const answer = await ask({ headers: { origin: 'https://board.example' } });
    expect(answer.headers['access-control-allow-origin']).toBe('https://board.example');
    expect(String(answer.headers['access-control-expose-headers'])).toContain('X-Coasty-Request-Id');
    expect((await ask({ headers: {} })).headers['access-control-allow-origin']).toBeUndefined();
  });

  it('the link refuses web pages, other hosts and other paths before a socket exists', async () => {
    const upgrade = (path: string, headers: Record<string, string>) =>
      new Promise<string>((resolve) => {
        const socket = connect(server.server.port, '127.0.0.1');
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString('latin1');
          socket.destroy();
        });
        socket.on('close', () => resolve(text.split('\r\n')[0] ?? ''));
        const lines = Object.entries({
          host: `127.0.0.1:${server.server.port}`,
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
          ...headers,
        }).map(([name, value]) => `${name}: ${value}`);
        socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      });
    expect(await upgrade('/link', {})).toContain(' 101 ');
    expect(await upgrade('/link', { origin: 'http://evil.example' })).toContain(' 403 ');
    expect(await upgrade('/link', { host: 'evil.example' })).toContain(' 403 ');
    expect(await upgrade('/v1/runs', {})).toContain(' 404 ');
  });
});

describe('what never became a request', () => {
  it.each([
    ['no HTTP', 'SSH-2.0-hello\r\n\r\n', 422],
    ['a broken header', 'GET /v1/runs HTTP/1.1\r\nHost : x\r\n\r\n', 422],
    [
      'a link from a web page',
      `GET /link HTTP/1.1\r\nHost: HOST\r\nOrigin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      403,
    ],
    ['no name', 'GET /v1/runs HTTP/1.1\r\n\r\n', 403],
    ['two names', 'GET /v1/runs HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n', 403],
    [
      'another name in the request line',
      'GET http://evil.example/v1/runs HTTP/1.1\r\nHost: HOST\r\n\r\n',
      403,
    ],
    [
      'two lengths',
      'POST /v1/runs HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ',
      422,
    ],
    [
      'a length and chunks',
      'POST /v1/runs HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
      422,
    ],
    ['a folded header', 'GET /v1/runs HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\n c\r\n\r\n', 422],
    ['a line that ends in LF alone', 'GET /v1/runs HTTP/1.1\nHost: HOST\n\n', 422],
    ['a zero byte in its path', 'GET /v1/ru\0ns HTTP/1.1\r\nHost: HOST\r\n\r\n', 422],
    ['20 KB of headers', `GET /v1/runs HTTP/1.1\r\nHost: HOST\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 422],
    ['thousands of headers', `GET /v1/runs HTTP/1.1\r\nHost: HOST\r\n${'A: b\r\n'.repeat(3000)}\r\n`, 422],
  ])('[1.3] [1.4] %s has the envelope and the headers too', async (_title, text, status) => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(server.server.port, '127.0.0.1');
      let got = '';
      socket.on('data', (chunk) => {
        got += chunk.toString('utf8');
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(got));
      // What is no fault of the connection leaves it open, unless it says so.
      const whole = text.replace('HOST', `127.0.0.1:${server.server.port}`);
      socket.write(whole.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    });
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    const { error } = JSON.parse(body) as { error: { request_id: string; code: string } };
    expect(head.toLowerCase()).toContain(`x-coasty-request-id: ${error.request_id}`);
    expect(head.toLowerCase()).toContain('rel="help"');
  });
});

describe('what an answer gives away', () => {
  it('no stack, path or key is in an error', async () => {
    for (const [method, route, body] of [
      ['POST', '/runs', '{"machine_id": {"a":1}, "task": "hunter2", "secret-field": "hunter2"}'],
      ['POST', '/runs', '{"task": "hunter2'],
      ['GET', '/runs/%00%ff', undefined],
      ['GET', '/runs/..%2f..%2fetc%2fpasswd', undefined],
    ] as const) {
      const answer = await server.call(method, route, body);
      const text = JSON.stringify(answer.body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(text).not.toMatch(/hunter2|node_modules|\.ts:|at \w+ \(|\/work\//);
      expect(text).not.toContain(server.key);
    }
  });

  it('two keys of the same mode share, other accounts’ and modes’ objects do not exist', async () => {
    const second = await server.call('POST', '/keys', { name: 'second' });
    const answer = await server.call('GET', '/runs', undefined, { 'x-api-key': String(second.body.key) });
    expect(answer.status).toBe(200);
  });
});
