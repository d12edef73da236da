import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { descendants, deskhand, UpProcess } from '../helpers/up-process.ts';

const run = promisify(execFile);
/** Values that OCR reads well, so that a picture that shows one would be noticed. */
const PIN = 'QUARTZ 7391 VELVET';
const PASSWORD = 'Xylophone-2846-Zebra';
/** Long enough to be killed in the middle of; in characters a text search finds whole or in part. */
const LONG = 'kumquat'.repeat(500);
const CANARIES = [PIN, PASSWORD, encodeURIComponent(PIN), LONG.slice(0, 70)];

type Run = { id: string; status: string; error: { code: string; message: string } | null };

let up: UpProcess;
let web: Server;
let site: string;
const submitted: URLSearchParams[] = [];
const hooks: string[] = [];

const LOGIN = `<!doctype html><title>Log in</title><style>body{font:24px sans-serif;padding:40px} input{font:24px sans-serif;display:block;margin:10px 0}</style>
<form action=/welcome><label>Name <input name=name></label><label>PIN <input name=pin size=40></label>
<label>Password <input name=password type=password></label><button>Log in</button></form>`;

beforeAll(async () => {
  web = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://site');
    if (request.method === 'POST') hooks.push(await bodyOf(request));
    if (url.pathname === '/typed') submitted.push(url.searchParams);
    if (url.pathname === '/welcome') submitted.push(url.searchParams);
    response.setHeader('content-type', 'text/html');
    const pin = url.searchParams.get('pin');
    response.end(
      url.pathname === '/welcome'
        ? // The worst page: it shows the value and has it in its title and address.
          `<!doctype html><title>Hello ${pin}</title><body style="font:24px sans-serif;padding:40px"><h1>Welcome ann</h1><p>Your PIN is ${pin}.</p>`
        : LOGIN,
    );
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => web.once('listening', resolve));
  site = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  up = await UpProcess.start({ env: { DESKHAND_WEBHOOK_PRIVATE_NETWORKS: 'yes' } });
  await set('pin', PIN, '--for-url', site);
  await set('bank.password', PASSWORD, '--for-url', site);
  await set('elsewhere', PASSWORD, '--for-url', 'https://bank.example');
  await set('long', LONG, '--for-url', site);
}, 120_000);

afterAll(async () => {
  await up?.[Symbol.asyncDispose]();
  web?.close();
});

async function set(name: string, value: string, ...place: string[]): Promise<void> {
  const args = ['secrets', 'set', name, ...place, '--data', up.dataFolder];
  const done = await deskhand(args, { input: `${value}\n` });
  expect(done, done.stderr).toMatchObject({ code: 0 });
  expect(done.stdout + done.stderr).not.toContain(value);
}

async function start(task: string): Promise<string> {
  const body = JSON.stringify({
    machine_id: up.ready.machine_id,
    task,
    model: 'builtin',
    webhook_url: `${site}/hook`,
  });
  const response = await up.request('/runs', { method: 'POST', body });
  const created = (await response.json()) as Run;
  expect(response.status, JSON.stringify(created)).toBeLessThan(300);
  return created.id;
}

async function ended(id: string): Promise<Run> {
  return eventually(
    async () => {
      const found = (await (await up.request(`/runs/${id}`)).json()) as Run;
      return ['succeeded', 'failed', 'cancelled', 'timed_out', 'awaiting_human'].includes(found.status)
        ? found
        : undefined;
    },
    { what: 'the end of the run', timeoutMs: 90_000, everyMs: 200 },
  );
}

const events = async (id: string) => (await up.request(`/runs/${id}/events`)).text();

/** Everything in which a value could have been left, by where it is. */
function traces(): string[] {
  const found: string[] = [];
  const look = (where: string, bytes: Buffer) => {
    for (const canary of CANARIES)
      if (bytes.includes(canary) || bytes.includes(Buffer.from(canary, 'utf16le')))
        found.push(`${where}: ${canary.slice(0, 12)}`);
  };
  const walk = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      // What a page is told is in the browser's own history and cache, as for a person.
      if (entry.name === 'browser-profile') continue;
      if (entry.isDirectory()) walk(file);
      else if (entry.isFile() && statSync(file).size < 200e6) look(file, readFileSync(file));
    }
  };
  walk(up.dataFolder);
  for (const { pid } of descendants(up.child.pid ?? 0))
    for (const part of ['cmdline', 'environ'])
      try {
        look(`process ${pid} ${part}`, readFileSync(`/proc/${pid}/${part}`));
      } catch {
        // It has ended meanwhile.
      }
  look('webhooks', Buffer.from(hooks.join('\n')));
  look('what up printed', Buffer.from(up.stderr()));
  return found;
}

/** Words of every stored picture. */
async function wordsOfFrames(): Promise<string> {
  const pictures: string[] = [];
  const walk = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== 'browser-profile') walk(file);
      } else if (isPicture(file)) pictures.push(file);
    }
  };
  walk(up.dataFolder);
  expect(pictures.length).toBeGreaterThan(3);
  const texts = await Promise.all(
    pictures.map(async (file) => {
      const { stdout } = await run('tesseract', [file, 'stdout', '--psm', '11'], {
        env: { ...process.env, OMP_THREAD_LIMIT: '1' },
        timeout: 60_000,
      });
      return stdout;
    }),
  );
  return texts.join('\n');
}

function isPicture(file: string): boolean {
  const head = readFileSync(file).subarray(0, 4).toString('hex');
  return head.startsWith('ffd8ff') || head === '89504e47';
}

describe('a secret of this desktop', () => {
  it('[SEC6] is typed where it belongs, and left nowhere', { timeout: 200_000 }, async () => {
    const id = await start(
      `Go to ${site}/login. Type "ann" into the Name field. Type "{{secret:pin}}" into the PIN field. Type {{secret:bank.password}} into the Password field. Take a screenshot. Click "Log in". Wait until "Welcome" is visible. Take a screenshot.`,
    );
    const done = await ended(id);
    expect(done, JSON.stringify(done.error)).toMatchObject({ status: 'succeeded' });
    const form = submitted.at(-1);
    expect([form?.get('name'), form?.get('pin'), form?.get('password')]).toEqual(['ann', PIN, PASSWORD]);
    const told = await events(id);
    expect(told).toContain('{{secret:pin}}');
    await eventually(() => hooks.length > 0, { what: 'a webhook' });
    for (const canary of CANARIES) {
      expect(told).not.toContain(canary);
      expect(hooks.join('\n')).not.toContain(canary);
    }
    expect(traces()).toEqual([]);
    const words = await wordsOfFrames();
    // The pictures can be read, so the value would have been.
    expect(words).toMatch(/Welcome/);
    expect(words).toMatch(/Password/);
    expect(words).not.toMatch(/QUARTZ|7391|VELVET|Xylophone|2846/);
    const audit = readFileSync(path.join(up.dataFolder, 'audit.jsonl'), 'utf8');
    expect(audit).toMatch(/"kind":"secret".*"names":"pin".*"verdict":"typed"/);
  });

  it('[SEC6] is not typed into a page it is not bound to', { timeout: 100_000 }, async () => {
    submitted.length = 0;
    const id = await start(
      `Go to ${site}/login. Type {{secret:elsewhere}} into the Name field. Click "Log in". Wait until "Welcome" is visible.`,
    );
    const done = await ended(id);
    expect(done.status).toBe('failed');
    expect(done.error?.message).toMatch(/may be typed into https:\/\/bank\.example only/);
    expect(submitted).toEqual([]);
    expect(await events(id)).not.toContain(PASSWORD);
    expect(traces()).toEqual([]);
  });

  it('[SEC6] leaves nothing when hands or daemon are killed in the middle of it', {
    timeout: 150_000,
  }, async () => {
    for (const victim of ['hands/main.ts', 'apps/daemon/src/main.ts']) {
      const id = await start(
        `Go to ${site}/login. Type {{secret:long}} into the Name field. Click "Log in".`,
      );
      const auditFile = path.join(up.dataFolder, 'audit.jsonl');
      const before = readFileSync(auditFile, 'utf8').length;
      await eventually(() => readFileSync(auditFile, 'utf8').slice(before).includes('"names":"long"'), {
        what: 'the typing',
        timeoutMs: 60_000,
        everyMs: 10,
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      const target = descendants(up.child.pid ?? 0).find(({ command }) => command.includes(victim));
      process.kill(target?.pid ?? Number.NaN, 'SIGKILL');
      await eventually(
        async () => ((await (await up.request(`/runs/${id}`)).json()) as Run).status !== 'running',
        { what: 'an end', timeoutMs: 60_000, everyMs: 200 },
      );
      await up.request(`/runs/${id}/cancel`, { method: 'POST', body: '{}' });
      for (const canary of CANARIES) expect(await events(id)).not.toContain(canary);
      expect(traces()).toEqual([]);
    }
  });
});

it('the command lists and removes them without a value, and refuses what it must', async () => {
  const listed = await deskhand(['secrets', 'list', '--json', '--data', up.dataFolder]);
  expect(JSON.parse(listed.stdout)).toMatchObject({ key: 'file', secrets: [{ name: 'pin' }, {}, {}, {}] });
  expect(listed.stdout).not.toContain(PIN);
  expect(await deskhand(['secrets', 'set', 'x', '--data', up.dataFolder], { input: 'v' })).toMatchObject({
    code: 2,
  });
  expect(await deskhand(['secrets', 'remove', 'pin', '--data', up.dataFolder])).toMatchObject({ code: 0 });
  expect(await deskhand(['secrets', 'remove', 'pin', '--data', up.dataFolder])).toMatchObject({ code: 1 });
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
