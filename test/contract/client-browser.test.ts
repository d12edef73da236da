import { readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { dirname, extname, relative, resolve, sep } from 'node:path';
import { signWebhook } from '@deskhand/client';
import { encodeSse } from '@deskhand/protocol';
import { chromium } from 'playwright-core';
import { expect, it } from 'vitest';
import { answerJson, runBody, type Script, ScriptedServer } from './client-scripted-server.ts';

const repository = resolve(import.meta.dirname, '../..');
const requireFromProtocol = createRequire(resolve(repository, 'packages/protocol/package.json'));
const zodFolder = dirname(requireFromProtocol.resolve('zod/package.json'));

const page = `<!doctype html><meta charset="utf-8"><title>SDK</title>
<script type="importmap">${JSON.stringify({
  imports: {
    '@deskhand/base': '/source/packages/base/src/index.ts',
    '@deskhand/protocol': '/source/packages/protocol/src/index.ts',
    '@deskhand/client': '/source/packages/client/src/index.ts',
    zod: '/zod/index.js',
  },
})}</script>
<script type="module">import * as sdk from '@deskhand/client'; globalThis.sdk = sdk;</script>`;

type PageGlobals = { sdk: typeof import('@deskhand/client') };

/** The package's own files as a browser takes them: types stripped, nothing bundled, nothing replaced. */
function serveModule(url: string): string {
  if (url.startsWith('/zod/')) return readFileSync(inside(zodFolder, url.slice('/zod/'.length)), 'utf8');
  return stripTypeScriptTypes(
    readFileSync(inside(resolve(repository, 'packages'), url.slice('/source/packages/'.length)), 'utf8'),
  );
}

function inside(folder: string, path: string): string {
  const file = resolve(folder, path);
  if (relative(folder, file).startsWith(`..${sep}`) || !/^\.[jt]s$/.test(extname(file)))
    throw new Error(path);
  return file;
}

const place = (seq: number) => ({ seq, run_id: 'run_1', created_at: '2026-01-01T00:00:00Z' });
const story = [
  { type: 'status', status: 'queued', state: 'queued', ...place(1) },
  { type: 'text', text: 'Grüße 🙂', ...place(2) },
  { type: 'done', status: 'succeeded', state: 'succeeded', result: null, error: null, ...place(3) },
];

/** Cuts the first stream in the middle of its second event. */
const api: Script = ({ url, headers }, response) => {
  if (url === '/') {
    response.writeHead(200, { 'content-type': 'text/html' });
    return void response.end(page);
  }
  if (/^\/(source|zod)\//.test(url)) {
    response.writeHead(200, { 'content-type': 'text/javascript' });
    return void response.end(serveModule(url));
  }
  if (url === '/v1/runs/run_1/events') {
    const cursor = Number(headers['last-event-id'] ?? 0);
    const bytes = Buffer.from(
      story
        .filter(({ seq }) => seq > cursor)
        .map((event) => encodeSse(event, JSON.stringify(event)))
        .join(''),
    );
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (cursor > 0) return void response.end(bytes);
    // Closed, not reset: a reset may overtake bytes that the browser has not read yet.
    return void response.write(bytes.subarray(0, 230), () => response.socket?.end());
  }
  answerJson(response, url === '/v1/runs/run_1' ? 200 : 404, runBody('run_1', 'succeeded'));
};

it('the SDK works in Chromium as it is: follows over a cut, verifies a webhook, reports a dead address', async () => {
  await using server = await ScriptedServer.start(api);
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const tab = await browser.newPage();
    await tab.goto(server.origin);
    await tab.waitForFunction(() => 'sdk' in globalThis);
    const body = JSON.stringify({ event: 'run.succeeded' });
    const header = await signWebhook({ secret: 'whsec_x', body, timestampSeconds: 1_750_000_000 });
    const result = await tab.evaluate(
      async ({ origin, header, body }) => {
        const { Client, verifyWebhook } = (globalThis as unknown as PageGlobals).sdk;
        const client = new Client({ baseUrl: origin, apiKey: 'key', firstBackoffMs: 1 });
        const seqs: number[] = [];
        const run = await client.runs.wait('run_1', { onEvent: ({ seq }) => seqs.push(seq) });
        const genuine = await verifyWebhook({ secret: 'whsec_x', header, body, nowSeconds: 1_750_000_300 });
        const forged = await verifyWebhook({ secret: 'whsec_y', header, body, nowSeconds: 1_750_000_000 });
        const nobody = new Client({ baseUrl: 'http://127.0.0.1:1', apiKey: 'key', firstBackoffMs: 1 });
        const failure = await nobody.health().catch((error: Error) => `${error.name}: ${error.message}`);
        return { seqs, status: run.status, genuine, forged, failure };
      },
      { origin: server.origin, header, body },
    );
    expect(result).toEqual({
      seqs: [1, 2, 3],
      status: 'succeeded',
      genuine: { ok: true, signedAtSeconds: 1_750_000_000 },
      forged: { ok: false, reason: 'mismatch' },
      failure: expect.stringMatching(/^ConnectionError: Could not reach http:\/\/127\.0\.0\.1:1\. /),
    });
    const cursors = server.requests
      .filter(({ url }) => url.endsWith('/events'))
      .map(({ headers }) => headers['last-event-id']);
    expect(cursors[0]).toBeUndefined();
    expect(cursors.at(-1)).toBe('1');
  } finally {
    await browser.close();
  }
});
