import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { TestServer } from '@deskhand/server/testing';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** The SDK as a stranger has it: what `npm run build` makes of it, in a folder that knows nothing of this repository. */

const run = promisify(execFile);
const CLIENT = path.resolve(import.meta.dirname, '../../packages/client');
const TSC = path.resolve(import.meta.dirname, '../../node_modules/typescript/bin/tsc');

let folder: string;
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'deskhand-sdk-'));
  installed = path.join(folder, 'node_modules/@deskhand/client');
  await mkdir(installed, { recursive: true });
  await run(process.execPath, [TSC, '-p', path.join(CLIENT, 'tsconfig.build.json'), '--outDir', installed]);
  await run(process.execPath, [path.join(CLIENT, 'finish-build.ts'), installed]);
  await symlink(path.join(CLIENT, 'node_modules/zod'), path.join(folder, 'node_modules/zod'));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const PROGRAM = `
import { ApiError, Client, newIdempotencyKey, type Runs } from '@deskhand/client';
const [baseUrl = '', apiKey = '', machine_id = ''] = process.argv.slice(2);
const client = new Client({ baseUrl, apiKey });
const runs: Runs = client.runs;
const run = await runs.create({ machine_id, task: 'click:1,1 done' }, { idempotencyKey: newIdempotencyKey() });
const seqs: number[] = [];
for await (const event of runs.events(run.id)) seqs.push(event.seq);
const refused = await runs.cancel(run.id).catch((error: unknown) => error);
const code: string = refused instanceof ApiError ? refused.code : 'none';
console.log(JSON.stringify({ seqs, code, status: (await runs.get(run.id)).status }));
`;

it('compiles in the strictest project without this repository’s types, and runs', {
  timeout: 60_000,
}, async () => {
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(
    path.join(folder, 'main.ts'),
    PROGRAM.replace('process.argv', '(globalThis as any).process.argv'),
  );
  for (const [module, resolution] of [
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ])
    await run(
      process.execPath,
      [
        ...[
          TSC,
          'main.ts',
          '--ignoreConfig',
          '--strict',
          '--exactOptionalPropertyTypes',
          '--noUncheckedIndexedAccess',
        ],
        ...['--skipLibCheck', 'false', '--target', 'ES2022', '--lib', 'ES2022,DOM', '--types', ''],
        ...['--module', module as string, '--moduleResolution', resolution as string, '--outDir', 'js'],
      ],
      { cwd: folder },
    ).catch((error: { stdout: string }) => expect.fail(error.stdout));
  await using server = await TestServer.start();
  const desktop = await server.desktop();
  const { stdout } = await run(
    process.execPath,
    ['js/main.js', server.server.baseUrl, server.key, desktop.machineId],
    { cwd: folder },
  );
  const { seqs, ...rest } = JSON.parse(stdout) as { seqs: number[] };
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  expect(rest).toEqual({ code: 'INVALID_STATE', status: 'succeeded' });
});

it('works on a page of an origin that the operator allowed, and on no other', {
  timeout: 60_000,
}, async () => {
  const zod = path.join(CLIENT, 'node_modules/zod');
  const page = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    const file = pathname.startsWith('/zod/')
      ? path.join(zod, pathname.slice('/zod/'.length))
      : path.join(installed, pathname.slice('/sdk/'.length));
    if (pathname === '/') {
      const imports = { '@deskhand/client': '/sdk/client/src/index.js', zod: '/zod/index.js' };
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(`<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>
        <script type="module">import * as sdk from '@deskhand/client'; globalThis.sdk = sdk;</script>`);
      return;
    }
    const text = await readFile(file).catch(() => null);
    response.writeHead(text === null ? 404 : 200, { 'content-type': 'text/javascript' }).end(text ?? '');
  });
  await new Promise<void>((done) => page.listen(0, '127.0.0.1', done));
  const { port } = page.address() as AddressInfo;
  await using server = await TestServer.start({ allowed_origins: `http://localhost:${port}` });
  const desktop = await server.desktop();
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const follow = async (origin: string) => {
      const tab = await browser.newPage();
      await tab.goto(origin);
      await tab.waitForFunction(() => 'sdk' in globalThis);
      return tab.evaluate(
        async ({ baseUrl, apiKey, machineId }) => {
          const { Client } = (globalThis as unknown as { sdk: typeof import('@deskhand/client') }).sdk;
          const client = new Client({ baseUrl, apiKey, firstBackoffMs: 1 });
          try {
            const task = { machine_id: machineId, task: 'click:1,1 done' };
            const run = await client.runs.create(task, {
              idempotencyKey: `page-${Math.random()}`.replace('.', ''),
            });
            const types: string[] = [];
            for await (const event of client.runs.events(run.id)) types.push(event.type);
            const refused = await client.runs.cancel(run.id).catch((error: { code: string }) => error.code);
            return [types.at(0), types.at(-1), refused];
          } catch (error) {
            return [(error as Error).name];
          }
        },
        { baseUrl: server.server.baseUrl, apiKey: server.key, machineId: desktop.machineId },
      );
    };
    expect(await follow(`http://localhost:${port}/`)).toEqual(['status', 'done', 'INVALID_STATE']);
    expect(await follow(`http://127.0.0.1:${port}/`)).toEqual(['ConnectionError']);
  } finally {
    await browser.close();
    page.close();
    page.closeAllConnections();
  }
});
