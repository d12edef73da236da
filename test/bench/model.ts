import { readFileSync, rmSync } from 'node:fs';
import { ScriptedProvider, type ScriptedReply } from '@deskhand/agent/testing';
import { silentLogger } from '@deskhand/base';
import { Client } from '@deskhand/client';
import { openX11ScreenCapture } from '@deskhand/daemon/capture';
import { openX11 } from '@deskhand/daemon/x11';
import type { RunEvent } from '@deskhand/protocol';
import sharp from 'sharp';
import { descendants, temporaryFolder, UpProcess } from '../helpers/up-process.ts';
import type { Benchmark, BenchTable } from './benchmark.ts';
import { openScriptedRuns, type ScriptedRun } from './model-scripts.ts';
import { brief, summarize } from './statistics.ts';
import { STEP_PARTS, spread, timesOf } from './step-parts.ts';

/**
 * Runs with a model on a full-HD desktop: what Deskhand adds to the time of one that thinks about three seconds a
 * step, how many bytes of pictures whole runs send beside a full-size PNG per step, and how fast a cancel reaches
 * the provider. The model is scripted and on loopback, so that its time is known exactly.
 */
const SCREEN = '1920x1080';
/** Pause before each piece of an answer; an answer has about a dozen. */
const PIECE_MS = 250;
const CANCELS = 10;

export const modelBenchmark: Benchmark = {
  name: 'model',
  describe: 'what a run adds to its model’s time, picture bytes beside full-size PNG, cancel in flight',
  run: async ({ signal, progress }) => {
    await using runs = await openScriptedRuns(PIECE_MS);
    const folder = temporaryFolder('bench-model');
    let fullPng: () => Promise<number> = () => Promise.resolve(0);
    const pngBytes: number[] = [];
    const pngs: Array<Promise<unknown>> = [];
    const lines: ScriptedReply[] = [];
    await using provider = new ScriptedProvider({
      replies: Array.from({ length: 400 }, () => (body) => {
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
      const pictures: PicturesOfRun[] = [];
      const times: BenchTable[] = [];
      for (const scripted of [runs.form, ...runs.others]) {
        lines.push(...scripted.replies);
        pngBytes.length = 0;
        provider.answerMs.length = 0;
        progress(`${scripted.name}: one run of ${scripted.replies.length} decisions`);
        const { events, wallMs } = await oneRun(client, up, scripted, signal);
        await Promise.all(pngs.splice(0));
        pictures.push({ name: scripted.name, ...picturesOf(events, pngBytes) });
        if (times.length === 0) times.push(timeTable(events, wallMs, provider.answerMs), partsTable(events));
      }
      progress('cancels');
      const cancelMs: number[] = [];
      for (let nth = 0; nth < CANCELS; nth += 1) cancelMs.push(await cancelInFlight(client, provider, up));
      return {
        name: 'model',
        tables: [...times, pictureTable(pictures), cancelTable(cancelMs)],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function oneRun(client: Client, up: UpProcess, { task }: ScriptedRun, signal: AbortSignal) {
  const startedAt = performance.now();
  const run = await client.runs.create({ machine_id: up.ready.machine_id, task });
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

/** What a screenshot tool saves: every pixel, the usual compression. */
async function fullSizePng(
  capture: Awaited<ReturnType<typeof openX11ScreenCapture>>,
  signal: AbortSignal,
): Promise<number> {
  const [display] = await capture.displays();
  if (display === undefined) throw new Error('no display');
  const { pixels, width, height } = await capture.grab(display.bounds, { signal });
  const rgb = Buffer.alloc(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = pixels[from + 2] as number;
    rgb[to + 1] = pixels[from + 1] as number;
    rgb[to + 2] = pixels[from] as number;
  }
  return (
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer()
  ).length;
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

/** Where the time of a step goes, by the daemon's own clock; the model is not in it. */
function partsTable(events: readonly RunEvent[]): BenchTable {
  const steps = events.flatMap((event) => (event.type === 'step' ? [event.timings_ms ?? {}] : []));
  const parts = STEP_PARTS.filter((part) => part !== 'decide');
  return {
    title: `Parts of these steps (${steps.length} steps)`,
    note: '“act” holds all that come after it.',
    columns: ['part', 'median ms', 'p95 ms'],
    rows: parts.map((part) => [part, ...spread(timesOf(part, steps))]),
  };
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

/** Bytes of one run: ours as sent, and what a full-size PNG of every step would have been. */
type PicturesOfRun = Readonly<{
  name: string;
  requests: number;
  oursBytes: number;
  pngBytes: number;
  /** With all earlier pictures sent again in each request, as a conversation without economy does. */
  pngHistoryBytes: number;
}>;

function picturesOf(events: readonly RunEvent[], pngBytes: readonly number[]): Omit<PicturesOfRun, 'name'> {
  const sent = events.flatMap((event) =>
    (event.type === 'step' || event.type === 'text') && event.model_usage !== undefined
      ? [event.model_usage.image_bytes]
      : [],
  );
  return {
    requests: sent.length,
    oursBytes: sum(sent),
    pngBytes: sum(pngBytes),
    pngHistoryBytes: sum(pngBytes.map((bytes, index) => bytes * (pngBytes.length - index))),
  };
}

function pictureTable(runs: readonly PicturesOfRun[]): BenchTable {
  const all = runs.reduce((total, run) => ({
    name: 'all',
    requests: total.requests + run.requests,
    oursBytes: total.oursBytes + run.oursBytes,
    pngBytes: total.pngBytes + run.pngBytes,
    pngHistoryBytes: total.pngHistoryBytes + run.pngHistoryBytes,
  }));
  return {
    title: `Bytes of pictures in whole runs (${SCREEN})`,
    note: 'Ours holds every picture of every request. The others: one full-size PNG per request, alone or with all before it.',
    columns: [
      'run over',
      'requests',
      'ours kB',
      'PNG per step kB',
      'times ours',
      'with history kB',
      'times ours',
    ],
    rows: [...runs, all].map(({ name, requests, oursBytes, pngBytes, pngHistoryBytes }) => [
      name,
      requests,
      Math.round(oursBytes / 1000),
      Math.round(pngBytes / 1000),
      brief(pngBytes / oursBytes),
      Math.round(pngHistoryBytes / 1000),
      brief(pngHistoryBytes / oursBytes),
    ]),
  };
}

function cancelTable(cancelMs: readonly number[]) {
  const { medianMs } = summarize(cancelMs);
  return {
    title: `Cancel over REST → the provider’s connection is closed (${cancelMs.length} times)`,
    columns: ['median ms', 'max ms'],
    rows: [[brief(medianMs), Math.max(...cancelMs)]],
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
