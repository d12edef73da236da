import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { FakeDesktop, PanelProcess } from '@deskhand/overlay/testing';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { eventually } from '../helpers/eventually.ts';

type Answer = { status: number; body: string; headers: Record<string, string | string[] | undefined> };
type Login = { cookie: string; key: string };

const AREA = { x: 0, y: 0, width: 1, height: 1 };
/** The cheapest message a window may send. */
const PLACE = JSON.stringify({ type: 'place', ...AREA, area: AREA });

describe('the panel’s loopback server', () => {
  let fake: FakeDesktop;
  let panel: PanelProcess;
  let port: number;
  let origin: string;

  beforeAll(async () => {
    fake = await FakeDesktop.start();
    panel = await PanelProcess.start(fake.dataDir, { env: fake.env });
    port = Number(new URL(panel.url).port);
    origin = `http://127.0.0.1:${port}`;
    await eventually(() => fake.guard.clients === 1 && fake.daemon.clients === 1);
  });
  afterAll(async () => {
    await panel[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    fake.guard.received.length = 0;
  });

  function send(
    method: string,
    path: string,
    headers: Record<string, string | undefined> = {},
    body?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, setHost: false, agent: false });
      const all = { Host: `127.0.0.1:${port}`, ...headers };
      for (const [name, value] of Object.entries(all)) if (value !== undefined) sent.setHeader(name, value);
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }),
        );
      });
      sent.end(body);
    });
  }

  async function login(): Promise<Login> {
    const code = new URL(await panel.issueLink()).hash.slice('#code='.length);
    const answer = await send('POST', '/session', { Origin: origin }, JSON.stringify({ code }));
    expect(answer.status).toBe(200);
    const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? '';
    return { cookie, key: JSON.parse(answer.body).key };
  }

  async function ticket({ cookie, key }: Login): Promise<string> {
    const answer = await send('POST', '/ticket', { Origin: origin, Cookie: cookie, 'X-Deskhand-Key': key });
    expect(answer.status).toBe(200);
    return JSON.parse(answer.body).ticket;
  }

  /** @returns the open socket, or the status it was refused with. */
  function dial(
    protocols: string[],
    headers: Record<string, string>,
    path = '/panel',
  ): Promise<WebSocket | number> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { headers });
      socket.on('open', () => resolve(socket));
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      });
      socket.on('error', (error) => {
        if (!/unexpected/i.test(error.message)) reject(error);
      });
    });
  }

  async function openSocket(): Promise<WebSocket> {
    const session = await login();
    const socket = await dial(['deskhand.panel.1', `ticket.${await ticket(session)}`], {
      Origin: origin,
      Cookie: session.cookie,
    });
    if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
    return socket;
  }

  const closed = (socket: WebSocket) =>
    new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)));

  it.each([
    ['evil.example'],
    ['127.0.0.1.evil.example'],
    ['127.evil.example'],
    ['localhost.evil.example:80'],
    ['127.0.0.1'],
    ['127.0.0.1:1'],
    ['[::1]'],
    ['127.0.0.1:0@evil.example'],
  ])('answers 421 to Host %s, for pages, posts and sockets', async (host) => {
    expect((await send('GET', '/', { Host: host })).status).toBe(421);
    expect((await send('POST', '/session', { Host: host, Origin: origin }, '{}')).status).toBe(421);
    const session = await login();
    const headers = { Host: host, Origin: origin, Cookie: session.cookie };
    expect(await dial(['deskhand.panel.1', `ticket.${await ticket(session)}`], headers)).toBe(421);
  });

  it('is not fooled by a page whose name was rebound to 127.0.0.1: Host and Origin agree, and are not ours', async () => {
    const foreign = { Host: `evil.test:${port}`, Origin: `http://evil.test:${port}` };
    expect((await send('POST', '/stop', foreign)).status).toBe(421);
    expect(await dial(['deskhand.panel.1'], foreign)).toBe(421);
  });

  it.each([
    ['http://evil.example'],
    ['null'],
    ['http://127.0.0.1'],
    ['http://127.0.0.1:1'],
    ['https://127.0.0.1'],
    ['file://'],
    [undefined],
  ])('answers 403 to a post or a socket with Origin %s', async (foreign) => {
    const session = await login();
    const withOrigin = foreign === undefined ? {} : { Origin: foreign };
    const headers = { ...withOrigin, Cookie: session.cookie };
    expect((await send('POST', '/stop', { ...headers, 'X-Deskhand-Key': session.key })).status).toBe(403);
    expect(await dial(['deskhand.panel.1', `ticket.${await ticket(session)}`], headers)).toBe(403);
    expect(fake.guard.messages('stop')).toHaveLength(0);
  });

  it('gives a real browser’s page on another site nothing, reaching for it in every way a page can', async () => {
    const reach = `(async () => {
      const base = 'http://127.0.0.1:${port}';
      const fetched = async (path, init) => {
        try { return (await fetch(base + path, init)).type; } catch { return 'failed'; }
      };
      const dialled = (url) => new Promise((done) => {
        const socket = new WebSocket(url, ['deskhand.panel.1']);
        socket.onopen = () => done('open');
        socket.onclose = () => done('closed');
      });
      const form = document.createElement('form');
      form.method = 'post'; form.action = base + '/stop'; form.target = 'frame';
      document.body.append(form); form.submit();
      return {
        read: await fetched('/stop', { method: 'POST', credentials: 'include' }),
        preflighted: await fetched('/session', { method: 'POST', headers: { 'x-deskhand-key': 'k' }, body: '{}' }),
        // Such a request needs nobody's leave to be sent.
        blind: await fetched('/stop', { method: 'POST', mode: 'no-cors', credentials: 'include' }),
        socket: await dialled('ws://127.0.0.1:${port}/panel'),
        name: await dialled('ws://localhost:${port}/panel'),
      };
    })()`;
    const site = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><iframe name="frame"></iframe>');
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      // Without the browser's own protection of local networks: it is luck, not our defence.
      args: [
        '--no-sandbox',
        '--host-resolver-rules=MAP evil.test 127.0.0.1',
        '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets',
      ],
    });
    try {
      const page = await browser.newPage();
      const { port: sitePort } = site.address() as AddressInfo;
      await page.goto(`http://evil.test:${sitePort}/`);
      expect(await page.evaluate(reach)).toEqual({
        read: 'failed',
        preflighted: 'failed',
        blind: 'failed',
        socket: 'closed',
        name: 'closed',
      });
      // The name now leads to the panel's own port: same origin for the browser, a stranger's for the panel.
      const rebound = await page.goto(`http://evil.test:${port}/`);
      expect(rebound?.status()).toBe(421);
      expect(await page.evaluate(`fetch('/stop', { method: 'POST' }).then(({ status }) => status)`)).toBe(
        421,
      );
      expect(fake.guard.messages('stop')).toHaveLength(0);
      expect(fake.daemon.messages('command').filter(({ name }) => name === 'stop')).toHaveLength(0);
    } finally {
      await browser.close();
      site.close();
      site.closeAllConnections();
    }
  });

  it('gives no page a right to read across origins', async () => {
    const answer = await send('OPTIONS', '/session', { Origin: origin });
    expect(answer.status).toBe(405);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('takes a code once', async () => {
    const code = new URL(await panel.issueLink()).hash.slice('#code='.length);
    const body = JSON.stringify({ code });
    expect((await send('POST', '/session', { Origin: origin }, body)).status).toBe(200);
    expect((await send('POST', '/session', { Origin: origin }, body)).status).toBe(401);
  });

  it('keeps an unused link in a private file, and takes it away at the end', async () => {
    const other = await PanelProcess.start(fake.dataDir, { env: fake.env });
    const file = join(fake.dataDir, 'panel-link.html');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const first = readFileSync(file, 'utf8');
    const code = /#code=([0-9a-f]{64})/.exec(first)?.[1];
    const there = new URL(other.url).origin;
    const answer = await fetch(`${there}/session`, {
      method: 'POST',
      headers: { Origin: there },
      body: JSON.stringify({ code }),
    });
    expect(answer.status).toBe(200);
    await eventually(() => readFileSync(file, 'utf8') !== first);
    await other.end();
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    ['a wrong code', JSON.stringify({ code: 'ab'.repeat(32) }), 401],
    ['an empty code', JSON.stringify({ code: '' }), 422],
    ['no JSON', 'code=1', 422],
    ['a role of its own choice', JSON.stringify({ code: 'x', role: 'controller' }), 422],
    ['too much', JSON.stringify({ code: 'x'.repeat(5000) }), 413],
  ])('refuses %s', async (_what, body, status) => {
    const answer = await send('POST', '/session', { Origin: origin }, body);
    expect(answer.status).toBe(status);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('sets a cookie that scripts cannot read and other sites cannot use', async () => {
    const code = new URL(await panel.issueLink()).hash.slice('#code='.length);
    const answer = await send('POST', '/session', { Origin: origin }, JSON.stringify({ code }));
    expect(String(answer.headers['set-cookie'])).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
  });

  it('needs cookie and key together: a cookie alone travels to every port of this host', async () => {
    const one = await login();
    const other = await login();
    for (const headers of [
      { Cookie: one.cookie },
      { 'X-Deskhand-Key': one.key },
      { Cookie: one.cookie, 'X-Deskhand-Key': other.key },
      { Cookie: one.cookie, 'X-Deskhand-Key': one.key.slice(1) },
      {},
    ]) {
      expect((await send('POST', '/ticket', { Origin: origin, ...headers })).status).toBe(401);
      expect((await send('POST', '/stop', { Origin: origin, ...headers })).status).toBe(401);
    }
    expect(fake.guard.messages('stop')).toHaveLength(0);
  });

  it('opens a socket only with a fresh ticket of the same browser', async () => {
    const session = await login();
    const headers = { Origin: origin, Cookie: session.cookie };
    const used = await ticket(session);
    const socket = await dial(['deskhand.panel.1', `ticket.${used}`], headers);
    expect(socket).toBeInstanceOf(WebSocket);
    expect(await dial(['deskhand.panel.1', `ticket.${used}`], headers)).toBe(401);
    expect(await dial(['deskhand.panel.1'], headers)).toBe(401);
    expect(await dial(['deskhand.panel.1', 'ticket.'], headers)).toBe(401);
    const stolen = await ticket(session);
    expect(
      await dial(['deskhand.panel.1', `ticket.${stolen}`], {
        Origin: origin,
        Cookie: (await login()).cookie,
      }),
    ).toBe(401);
    expect(await dial(['deskhand.panel.1', `ticket.${await ticket(session)}`], headers, '/other')).toBe(404);
    (socket as WebSocket).terminate();
  });

  it('has room for two windows and says so to the third', async () => {
    const [one, two] = [await openSocket(), await openSocket()];
    await expect(openSocket()).rejects.toThrow('429');
    one.terminate();
    const three = await eventually(() => openSocket().catch(() => null));
    two.terminate();
    three.terminate();
  });

  it('stops over HTTP with a session', async () => {
    const session = await login();
    const answer = await send('POST', '/stop', {
      Origin: origin,
      Cookie: session.cookie,
      'X-Deskhand-Key': session.key,
    });
    expect(JSON.parse(answer.body)).toEqual({ result: 'confirmed' });
    expect(fake.guard.messages('stop')).toHaveLength(1);
  });

  it.each<[what: string, send: (socket: WebSocket) => void, code: number]>([
    ['a frame over 64 kB', (socket) => socket.send('x'.repeat(65 * 1024)), 1009],
    ['binary', (socket) => socket.send(Buffer.from([1, 2, 3])), 1003],
    ['no JSON', (socket) => socket.send('{"type":'), 1007],
    ['an unknown command', (socket) => socket.send('{"type":"command","id":"a","name":"shutdown"}'), 1007],
    ['an extra field', (socket) => socket.send('{"type":"command","id":"a","name":"stop","role":"x"}'), 1007],
    ['JSON nested without end', (socket) => socket.send('['.repeat(1000)), 1007],
    [
      'a flood',
      (socket) => {
        for (let i = 0; i < 500; i += 1) socket.send(PLACE);
      },
      1008,
    ],
  ])('closes a window that sends %s', async (_what, misbehave, code) => {
    const socket = await eventually(() => openSocket().catch(() => null));
    const end = closed(socket);
    misbehave(socket);
    expect(await end).toBe(code);
  });

  it('stops for one window while another floods', async () => {
    const flooding = await eventually(() => openSocket().catch(() => null));
    const calm = await eventually(() => openSocket().catch(() => null));
    for (let i = 0; i < 2000; i += 1) flooding.send(PLACE);
    calm.send('{"type":"command","id":"a","name":"stop"}');
    await eventually(() => fake.guard.messages('stop').length === 1);
    flooding.terminate();
    calm.terminate();
  });

  it('leaves the way to STOP open to others while somebody sits on hundreds of connections and says nothing', async () => {
    const socket = await eventually(() => openSocket().catch(() => null));
    let ended = false;
    socket.on('close', () => {
      ended = true;
    });
    const session = await login();
    const idlers = Array.from({ length: 300 }, (_, index) => {
      const idler = connect(port, '127.0.0.1', () =>
        idler.write(index % 2 ? 'GET / HTTP/1.1\r\nHost:' : 'G'),
      );
      idler.on('error', () => {});
      return idler;
    });
    await eventually(() => idlers.filter(({ destroyed }) => destroyed).length > 200, {
      what: 'the oldest to be let go',
    });
    expect((await send('GET', '/')).status).toBe(200);
    const stop = await send('POST', '/stop', {
      Origin: origin,
      Cookie: session.cookie,
      'X-Deskhand-Key': session.key,
    });
    expect([stop.status, fake.guard.messages('stop').length]).toEqual([200, 1]);
    expect(ended).toBe(false);
    for (const idler of idlers) idler.destroy();
    socket.terminate();
  });

  it.each(['/../package.json', '/..%2fpackage.json', '//etc/passwd', '/%2e%2e/main.mjs', '/build-id', '/?x'])(
    'serves nothing at %s',
    async (path) => {
      expect((await send('GET', path)).status).toBe(404);
    },
  );

  it.each([
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['pt-BR, JA;q=0.5', 'ja'],
    ['../../x, <evil>', 'en'],
    [undefined, 'en'],
  ])('sends the words of %s with the page: %s', async (languages, tag) => {
    const answer = await send('GET', '/', { 'Accept-Language': languages });
    const [, lang, words] = /id="words" lang="(\w+)">(.*?)<\/script>/s.exec(answer.body) ?? [];
    expect([lang, typeof JSON.parse(words ?? '')['mode.idle']]).toEqual([tag, 'string']);
  });

  it('sends a policy that lets nothing in from elsewhere', async () => {
    const answer = await send('GET', '/');
    const policy = String(answer.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.body).not.toMatch(/https?:\/\//);
  });

  it('ends when its parent goes, and leaves no port behind', async () => {
    const other = await PanelProcess.start(fake.dataDir, { env: fake.env });
    const otherPort = new URL(other.url).port;
    expect((await other.end('disconnect')).code).toBe(0);
    await expect(fetch(`http://127.0.0.1:${otherPort}/`)).rejects.toThrow();
  });

  it('ends on SIGTERM', async () => {
    const other = await PanelProcess.start(fake.dataDir, { env: fake.env });
    expect((await other.end('SIGTERM')).code).toBe(0);
  });
});
