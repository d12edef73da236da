import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { sleep } from '@deskhand/base';
import { eventually, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Clients and receivers that do what the standards allow and nobody expects, or what they forbid. */

let server: TestServer;
/** Registered and never connected: runs for it wait. */
let away: string;

beforeAll(async () => {
  server = await TestServer.start(
    { webhook_retry_seconds: '0', webhook_round_seconds: ',', webhook_timeout_ms: '1000' },
    { overrides: { headersTimeoutMs: 400 } },
  );
  const created = await server.call<{ machine: { id: string } }>('POST', '/machines', {
    display_name: 'away',
  });
  away = created.body.machine.id;
});
afterAll(() => server[Symbol.asyncDispose]());

const head = (method: string, path: string, ...lines: string[]) =>
  [
    `${method} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${server.server.port}`,
    `X-API-Key: ${server.key}`,
    ...lines,
    '',
    '',
  ].join('\r\n');

/** Sends bytes as they are. @returns the answer, when the server closes. */
async function raw(...pieces: Array<string | Buffer>): Promise<string> {
  const socket = connect(server.server.port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  const closed = new Promise<void>((resolve, reject) => {
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
  for (const piece of pieces)
    if (!socket.write(piece)) await Promise.race([new Promise((done) => socket.once('drain', done)), closed]);
  await closed;
  return answer;
}

const requestIds = (answer: string) => answer.match(/x-coasty-request-id: req_[0-9a-f]{12}\r\n/gi) ?? [];

describe('requests nobody expects (v1-api.md 1.1, 1.3)', () => {
  it('[1.1] [1.3] CONNECT and an unknown expectation are answered like everything else', async () => {
    const tunnel = await raw(head('CONNECT', 'example.com:443'));
    expect(tunnel).toMatch(/^HTTP\/1\.1 404 /);
    expect(tunnel).toContain('"code":"NOT_FOUND"');
    expect(requestIds(tunnel)).toHaveLength(1);
    const expecting = await raw(head('GET', '/v1/runs', 'Expect: the-unexpected', 'Connection: close'));
    expect(expecting).toMatch(/^HTTP\/1\.1 200 /);
    expect(requestIds(expecting)).toHaveLength(1);
  });

  it('[1.1] a body is JSON whatever its sender calls it', async () => {
    for (const type of ['', 'json', ';;', 'text/plain', 'application/x-www-form-urlencoded']) {
      const body = JSON.stringify({ machine_id: away, task: 'x' });
      const answer = await raw(
        head(
          'POST',
          '/v1/runs',
          `Content-Type: ${type}`,
          `Content-Length: ${body.length}`,
          'Connection: close',
        ) + body,
      );
      expect([type, answer.slice(0, 12)]).toEqual([type, 'HTTP/1.1 200']);
    }
  });

  it.each([
    ['with its length', (bytes: number) => [`Content-Length: ${bytes}`]],
    ['in chunks', () => ['Transfer-Encoding: chunked']],
  ])('[1.1] who first sends all of too much %s, then reads, still reads the 413', async (_how, lines) => {
    const mebibyte = Buffer.alloc(1024 * 1024, 120);
    const chunked = lines(0)[0] === 'Transfer-Encoding: chunked';
    const pieces = Array.from({ length: 20 }, () => mebibyte).flatMap((piece) =>
      chunked ? ['100000\r\n', piece, '\r\n'] : [piece],
    );
    const answer = await raw(
      head('POST', '/v1/runs', ...lines(20 * 1024 * 1024)),
      ...pieces,
      chunked ? '0\r\n\r\n' : '',
      // The connection is good for another request.
      head('GET', '/v1/health', 'Connection: close'),
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
    expect(answer).toContain('"code":"PAYLOAD_TOO_LARGE"');
  });

  it('[1.1] who sends a header now and then is answered and cut when the time for a head is up', async () => {
    const socket = connect(server.server.port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.write(`GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:${server.server.port}\r\n`);
    const dribble = setInterval(() => socket.write('X-More: yes\r\n'), 50);
    await new Promise((closed) => socket.on('close', closed));
    clearInterval(dribble);
    expect(answer).toContain('did not arrive whole in time');
    expect(requestIds(answer)).toHaveLength(1);
  });
});

/** Answers each connection with bytes of its own. */
class OddReceiver {
  posts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  answer: (socket: Socket) => void = () => {};

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => {
        this.posts += 1;
        this.answer(socket);
      });
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

describe('receivers nobody expects (v1-api.md 4)', () => {
  const states = async (runId: string) =>
    server.server.parts.database.read
      .selectFrom('webhook_deliveries')
      .select(['state', 'attempts'])
      .where('run_id', '=', runId)
      .execute();

  it.each<[string, (socket: Socket) => void]>([
    [
      'one that switches protocols',
      (socket) =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    ],
    [
      'one that never comes to its answer',
      (socket) => {
        const more = setInterval(() => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), 100);
        socket.on('close', () => clearInterval(more));
      },
    ],
    [
      'one that dribbles its head',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const more = setInterval(() => socket.write('X-More: yes\r\n'), 100);
        socket.on('close', () => clearInterval(more));
      },
    ],
    ['one that talks nonsense', (socket) => socket.end('hello\r\n\r\n')],
    ['one that hangs up', (socket) => socket.destroy()],
  ])('[4] %s has had its attempt, and the next one comes', async (_who, answer) => {
    const receiver = new OddReceiver();
    receiver.answer = answer;
    const run = await server.createRun(away, 'x', { webhook_url: await receiver.open() });
    await server.call('POST', `/runs/${run.id}/cancel`);
    await eventually(
      async () => expect(await states(run.id)).toEqual([{ state: 'failed', attempts: 2 }]),
      30_000,
    );
    expect(receiver.posts).toBe(2);
    receiver.close();
  });

  it('[4] a yes is a yes without its body, however long that is', async () => {
    const receiver = new OddReceiver();
    let sent = 0;
    receiver.answer = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n');
      const pour = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(1024 * 1024))) sent += 1;
      };
      socket.on('drain', pour);
      pour();
    };
    const run = await server.createRun(away, 'x', { webhook_url: await receiver.open() });
    await server.call('POST', `/runs/${run.id}/cancel`);
    await eventually(
      async () => expect(await states(run.id)).toEqual([{ state: 'delivered', attempts: 1 }]),
      30_000,
    );
    await sleep(50);
    expect(sent).toBeLessThan(200);
    receiver.close();
  });
});
