import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Client } from '@deskhand/client';
import { isTerminal, type RunEvent } from '@deskhand/protocol';
import { temporaryFolder, UpProcess } from '../helpers/up-process.ts';
import type { Benchmark } from './benchmark.ts';
import { brief } from './statistics.ts';
import { STEP_PARTS, type StepTimings, spread, timesOf } from './step-parts.ts';

/**
 * Whole steps of the built-in engine through the public API on a virtual desktop: observe, decide, act,
 * settle, observe. The parts are what server and daemon measured themselves; nothing is added up twice.
 */
const ROUNDS = 3;

/** What others wait, per step, before they even look (fixed sleeps read in their code). */
const FIXED_SLEEPS_MS = [
  ['bytebot', 750],
  ['UI-TARS desktop', 1000],
  ['Anthropic demo', 2000],
  ['open-cowork', 500],
] as const;

export const engineStepBenchmark: Benchmark = {
  name: 'step',
  describe: 'one step of the built-in engine, with the share of each part, beside the fixed sleeps of others',
  run: async ({ signal, progress }) => {
    const page = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(FORM);
    });
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
    const { port } = page.address() as AddressInfo;
    const folder = temporaryFolder('bench-step');
    progress('bringing a virtual desktop up');
    await using up = await UpProcess.start({ dataFolder: folder });
    try {
      const client = new Client({ baseUrl: up.ready.base_url, apiKey: up.ready.api_key });
      const steps: Array<Record<string, number>> = [];
      for (let round = 1; round <= ROUNDS; round += 1) {
        progress(`round ${round} of ${ROUNDS}`);
        const file = path.join(folder, 'work', `round-${round}`, 'note.txt');
        mkdirSync(path.dirname(file), { recursive: true });
        const run = await client.runs.create({
          machine_id: up.ready.machine_id,
          model: 'builtin',
          deadline_seconds: 120,
          task: `Open the text editor. Type "Round ${round}: café #1". Save it as ${file}. Go to http://127.0.0.1:${port}/. Type "Ada" into the Name field. Select "Green" from the Colour list. Tick the "News" box. Click the "Send" button.`,
        });
        const events: RunEvent[] = [];
        for await (const event of client.runs.events(run.id, { signal })) events.push(event);
        const { status, error } = await client.runs.get(run.id);
        if (!isTerminal(status) || status !== 'succeeded')
          throw new Error(
            `The benchmark's own task failed: ${error?.code ?? status} ${error?.message ?? ''}`,
          );
        for (const event of events)
          if (event.type === 'step' && event.timings_ms !== undefined) steps.push(event.timings_ms);
      }
      return { name: 'step', tables: [partsTable(steps), floorsTable(steps)] };
    } finally {
      page.closeAllConnections();
      page.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function partsTable(steps: readonly StepTimings[]) {
  const totals = steps.map(totalOf);
  const sum = totals.reduce((a, b) => a + b, 0);
  const rows = STEP_PARTS.filter((part) => steps.some((step) => step[part] !== undefined)).map((part) => {
    const values = timesOf(part, steps);
    const share = values.reduce((a, b) => a + b, 0) / sum;
    return [
      part === 'act' ? 'act (holds the parts below)' : part,
      ...spread(values),
      `${Math.round(share * 100)} %`,
    ];
  });
  return {
    title: `One step of the built-in engine (${steps.length} steps)`,
    columns: ['part', 'median ms', 'p95 ms', 'share'],
    rows: [['whole step', ...spread(totals), '100 %'], ...rows],
  };
}

function floorsTable(steps: readonly StepTimings[]) {
  const [ours] = spread(steps.map(totalOf));
  return {
    title: 'A step without model time, beside the fixed sleep others begin with',
    note: 'Theirs is the sleep alone, read in their published code: a lower bound, nothing of them is run here.',
    columns: ['who', 'ms', 'times ours'],
    rows: [
      ['deskhand, whole step, median', ours, 1],
      ...FIXED_SLEEPS_MS.map(([name, ms]) => [`${name}, sleep alone`, ms, brief(ms / ours)]),
    ],
  };
}

function totalOf(step: StepTimings): number {
  return (step.decide ?? 0) + (step.journal ?? 0) + (step.act ?? 0);
}

const FORM = `<!doctype html><meta charset="utf-8"><title>Bench</title><style>body{font:16px sans-serif;margin:2rem}label{display:block;margin:.6rem 0}</style>
<h1>Bench</h1><form method="get" action="/"><label>Name <input name="name"></label>
<label>Colour <select name="colour"><option>Red</option><option>Green</option></select></label>
<label><input type="checkbox" name="news" value="1"> News</label><button>Send</button></form>`;
