import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ScriptedProvider, type ScriptedReply } from '@deskhand/agent/testing';
import { silentLogger } from '@deskhand/base';
import { Client } from '@deskhand/client';
import { FrameEncoder, layoutIdOf, openX11ScreenCapture } from '@deskhand/daemon/capture';
import { openX11 } from '@deskhand/daemon/x11';
import type { RunEvent } from '@deskhand/protocol';
import { descendants, temporaryFolder, UpProcess } from '../helpers/up-process.ts';
import type { Benchmark, BenchTable } from './benchmark.ts';
import { brief, summarize } from './statistics.ts';

/**
 * A run with a model that thinks about three seconds a step, on a full-HD desktop: what Deskhand adds to the model's time,
 * how many bytes of pictures it sends beside a full-size PNG per step, and how fast a cancel reaches the provider.
 * The model is scripted and on loopback, so that its time is known exactly.
 */
const SCREEN = '1920x1080';
/** Pause before each piece of an answer; an answer has about a dozen. */
const PIECE_MS = 250;
const WORDS =
  'I look at the page, find the next field of the form and fill it in, then I go on to the next one.';
const FIELDS = ['Name', 'Street', 'City', 'Country', 'Mail', 'Phone'];
const CANCELS = 10;

export const modelBenchmark: Benchmark = {
  name: 'model',
  describe: 'what a run adds to its model’s time, picture bytes beside full-size PNG, cancel in flight',
  run: async ({ signal, progress }) => {
    const site = createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(request.url === '/photograph' ? pageWith(PHOTOGRAPH) : pageWith(''));
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const page = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
    const folder = temporaryFolder('bench-model');
    let fullPng: () => Promise<number> = () => Promise.resolve(0);
    const pngBytes: number[] = [];
    const pngs: Array<Promise<unknown>> = [];
    const lines: ScriptedReply[] = [];
    await using provider = new ScriptedProvider({
      replies: Array.from({ length: 200 }, () => (body) => {
        pngs.push(fullPng().then((bytes) => pngBytes.push(bytes)));
        const line = lines.shift();
        if (line === undefined) return { fault: { type: 'stall' } };
        return typeof line === 'function' ? line(body) : line;
      }),
    });
    await provider.start();
    progress('bringing a virtual desktop up');
    await using up = await UpProcess.start({
      dataFolder: folder,
      args: ['--virtual', SCREEN],
      env: {
        DESKHAND_MODEL: 'openai-compatible/scripted',
        DESKHAND_MODEL_URL: provider.url,
      },
    });
    try {
      const client = new Client({ baseUrl: up.ready.base_url, apiKey: up.ready.api_key });
      process.env.XAUTHORITY = authorityOf(up.ready.pid);
      await using connection = await openX11({ display: up.ready.display ?? '', log: silentLogger });
      await using capture = await openX11ScreenCapture({ connection, log: silentLogger });
      fullPng = () => fullSizePng(capture, signal);
      const pictures: Array<Parameters<typeof pictureRows>[0]> = [];
      let time: BenchTable | undefined;
      for (const kind of ['plain', 'photograph'] as const) {
        lines.push(...formLines(`${page}${kind}`));
        pngBytes.length = 0;
        provider.answerMs.length = 0;
        progress(`one run of ${lines.length} decisions, ${kind} page`);
        const { events, wallMs } = await oneRun(client, up, `${page}${kind}`, signal);
        await Promise.all(pngs.splice(0));
        pictures.push({ kind, events, pngBytes: [...pngBytes] });
        time ??= timeTable(events, wallMs, provider.answerMs);
      }
      progress('cancels');
      const cancelMs: number[] = [];
      for (let nth = 0; nth < CANCELS; nth += 1) cancelMs.push(await cancelInFlight(client, provider, up));
      return {
        name: 'model',
        tables: [...(time === undefined ? [] : [time]), pictureTable(pictures), cancelTable(cancelMs)],
      };
    } finally {
      site.closeAllConnections();
      site.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function formLines(page: string): ScriptedReply[] {
  const think = { text: WORDS, pieceMs: PIECE_MS };
  return [
    { ...think, calls: [{ name: 'browser_navigate', input: { url: page } }] },
    ...FIELDS.map((field) => (body: Record<string, unknown>) => ({
      ...think,
      calls: [
        { name: 'click_element', input: { element: numberOf(body, new RegExp(`^text_field "${field}"`)) } },
        { name: 'type_text', input: { text: `${field} of Ada Lovelace` } },
      ],
    })),
    (body) => ({
      ...think,
      calls: [{ name: 'click_element', input: { element: numberOf(body, /^button "Send"/) } }],
    }),
    { ...think, calls: [{ name: 'done', input: { summary: 'Filled in.' } }] },
  ];
}

async function oneRun(client: Client, up: UpProcess, page: string, signal: AbortSignal) {
  const startedAt = performance.now();
  const run = await client.runs.create({
    machine_id: up.ready.machine_id,
    task: `Open ${page} and fill in the form.`,
  });
  const events: RunEvent[] = [];
  for await (const event of client.runs.events(run.id, { signal })) events.push(event);
  const wallMs = performance.now() - startedAt;
  const { status, error } = await client.runs.get(run.id);
  if (status !== 'succeeded') throw new Error(`The benchmark's run failed: ${error?.message ?? status}`);
  return { events, wallMs };
}

/** The cookie file of the private X server, from its command line. */
function authorityOf(upPid: number): string {
  for (const { pid } of descendants(upPid)) {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const file = words[words.indexOf('-auth') + 1];
    if (words.includes('-auth') && file !== undefined) return file;
  }
  throw new Error('the private X server was not found');
}

async function fullSizePng(
  capture: Awaited<ReturnType<typeof openX11ScreenCapture>>,
  signal: AbortSignal,
): Promise<number> {
  const displays = await capture.displays();
  const [display] = displays;
  if (display === undefined) throw new Error('no display');
  const image = await capture.grab(display.bounds, { signal });
  const { bytes } = await new FrameEncoder().encode(image, {
    region: display.bounds,
    display,
    layoutId: layoutIdOf(displays),
    maxSidePx: 8192,
    mimeType: 'image/png',
    quality: 80,
    capturedAt: new Date(),
  });
  return bytes.length;
}

/** From the cancel request to the moment the provider sees the connection close. */
async function cancelInFlight(client: Client, provider: ScriptedProvider, up: UpProcess): Promise<number> {
  const before = { requests: provider.requests.length, aborted: provider.abortedAt.length };
  const run = await client.runs.create({ machine_id: up.ready.machine_id, task: 'Think for ever.' });
  while (provider.requests.length === before.requests) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const cancelledAt = Date.now();
  await client.runs.cancel(run.id);
  while (provider.abortedAt.length === before.aborted) await new Promise((resolve) => setTimeout(resolve, 1));
  return (provider.abortedAt.at(-1) ?? 0) - cancelledAt;
}

function timeTable(events: readonly RunEvent[], wallMs: number, modelMs: readonly number[]) {
  const steps = events.flatMap((event) => (event.type === 'step' ? [event.timings_ms ?? {}] : []));
  const added = steps.map(
    (step, index) => (step.decide ?? 0) - (modelMs[index] ?? 0) + (step.journal ?? 0) + (step.act ?? 0),
  );
  const thought = sum(modelMs.slice(0, steps.length + 1));
  const { medianMs, p95Ms } = summarize(added);
  const share = (ms: number, of: number) => `${brief((ms / of) * 100)} %`;
  const typical = thought / (steps.length + 1);
  return {
    title: `What a run adds to its model’s time (${steps.length + 1} decisions of ${brief(typical)} ms, ${SCREEN})`,
    columns: ['what', 'ms', 'share of model time'],
    rows: [
      ['per step, median (two actions, settle included)', Math.round(medianMs), share(medianMs, typical)],
      ['per step, p95', Math.round(p95Ms), share(p95Ms, typical)],
      ['all steps', Math.round(sum(added)), share(sum(added), thought)],
      [
        'whole run, start of Chromium included',
        Math.round(wallMs - thought),
        share(wallMs - thought, thought),
      ],
    ],
  };
}

function pictureTable(runs: ReadonlyArray<Parameters<typeof pictureRows>[0]>): BenchTable {
  return {
    title: 'Bytes of pictures in one run',
    note: 'Ours holds every picture of every request, those of earlier steps that are sent again included.',
    columns: ['page', 'who', 'kB', 'times ours'],
    rows: runs.flatMap(pictureRows),
  };
}

function pictureRows({
  kind,
  events,
  pngBytes,
}: {
  kind: string;
  events: readonly RunEvent[];
  pngBytes: readonly number[];
}): Array<Array<string | number>> {
  const sent = events.flatMap((event) =>
    (event.type === 'step' || event.type === 'text') && event.model_usage !== undefined
      ? [event.model_usage.image_bytes]
      : [],
  );
  const total = sum(sent);
  const png = sum(pngBytes);
  const everything = sum(pngBytes.map((bytes, index) => bytes * (pngBytes.length - index)));
  return [
    [kind, `deskhand, ${sent.length} requests`, Math.round(total / 1000), 1],
    [kind, 'a full-size PNG per step, sent once', Math.round(png / 1000), brief(png / total)],
    [
      kind,
      'a full-size PNG per step, history kept',
      Math.round(everything / 1000),
      brief(everything / total),
    ],
  ];
}

function cancelTable(cancelMs: readonly number[]) {
  const { medianMs } = summarize(cancelMs);
  return {
    title: `Cancel over REST → the provider’s connection is closed (${cancelMs.length} times)`,
    columns: ['median ms', 'max ms'],
    rows: [[brief(medianMs), Math.max(...cancelMs)]],
  };
}

function numberOf(body: Record<string, unknown>, name: RegExp): number {
  const text = JSON.stringify(body.messages).replaceAll('\\n', '\n').replaceAll('\\"', '"');
  const list = text.slice(text.lastIndexOf('Elements:'));
  for (const [, number, what = ''] of list.matchAll(/\[(\d+)\] (.*?) at \d+,\d+/g))
    if (name.test(what)) return Number(number);
  throw new Error(`no ${name}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** A page as pages are: a form with some text, and, where it is asked for, a picture as cameras make them. */
const pageWith = (photograph: string) => `<!doctype html><meta charset="utf-8"><title>Order</title>
<style>body{margin:0;font:16px sans-serif}main{display:flex;gap:2rem;padding:2rem}label{display:block;margin:.7rem 0}</style>
<main><form><h1>Order form</h1>${FIELDS.map((field) => `<label>${field} <input name="${field}"></label>`).join('')}<button type="button">Send</button></form>
<div>${photograph}<p>${'All prices include taxes and delivery within three days. '.repeat(24)}</p></div></main>`;

const PHOTOGRAPH = `<canvas width="1100" height="620"></canvas>
<script>const c=document.querySelector('canvas').getContext('2d');const w=1100,h=620,i=c.createImageData(w,h);let s=7;
const r=()=>(s=(s*1103515245+12345)&0x7fffffff)/0x7fffffff;
for(let y=0;y<h;y++)for(let x=0;x<w;x++){const o=(y*w+x)*4,n=(r()-.5)*14,a=Math.sin(x/90)*50+Math.cos(y/70)*40;
i.data[o]=130+a+n;i.data[o+1]=140+Math.sin((x+y)/120)*60+n;i.data[o+2]=160-a+n;i.data[o+3]=255}c.putImageData(i,0,0)</script>`;
