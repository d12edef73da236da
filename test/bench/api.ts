import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { sleep } from '@deskhand/base';
import { type FakeDaemon, ServerProcess, SseClient, TestServer } from '@deskhand/server/testing';
import { PART_NODE_FLAGS, serverEnv } from '../../apps/cli/src/desk/parts.ts';
import type { Benchmark, BenchTable } from './benchmark.ts';

const CONNECTIONS = 50;
const LOAD_MS = 4000;
const APPEND_RUNS = 100;
const FOLLOWERS = 1000;

type Row = BenchTable['rows'][number];

/** The control plane alone: real HTTP, real SQLite with synchronous FULL, a desktop that answers at once. */
export const apiBenchmark: Benchmark = {
  name: 'api',
  describe: 'the server: requests, fenced appends, followers, memory, start; against the targets of the API',
  async run({ signal, progress }) {
    const rows: Row[] = [];
    const folder = await mkdtemp(path.join(tmpdir(), 'deskhand-bench-'));
    // As `deskhand serve` starts it.
    const server = new ServerProcess(
      folder,
      {
        rate_per_key_per_minute: '10000000',
        rate_per_account_per_minute: '10000000',
        max_queued_runs_per_machine: '1000000',
        model: 'builtin',
      },
      'main',
      { nodeFlags: PART_NODE_FLAGS, env: serverEnv(folder, process.env) },
    );
    try {
      progress('api: start and idle');
      const starts: number[] = [];
      for (let count = 0; count < 5; count += 1) {
        await server.kill();
        starts.push(await server.start());
      }
      rows.push(['start → ready, median of 5', round(percentile(starts, 50)), 'ms', '≤ 1000']);
      await sleep(3000, { signal });
      rows.push(['idle memory (resident)', await residentMegabytes(server.pid), 'MB', '≤ 120']);

      progress('api: POST /v1/runs');
      const key = await server.key();
      const machine = await post(server, key, '/machines', { display_name: 'bench' });
      const machineId = (machine.machine as { id: string }).id;
      const load = await postFor(
        server,
        key,
        JSON.stringify({ machine_id: machineId, task: 'done' }),
        LOAD_MS,
        signal,
      );
      rows.push([`POST /v1/runs, ${CONNECTIONS} connections`, Math.round(load.perSecond), '1/s', '≥ 1000']);
      rows.push(['  p50', round(percentile(load.latenciesMs, 50)), 'ms', '']);
      rows.push(['  p99', round(percentile(load.latenciesMs, 99)), 'ms', '']);
      rows.push(['memory after it', await residentMegabytes(server.pid), 'MB', '']);
      await server.kill();

      progress('api: fenced appends');
      rows.push(...(await appends()));

      progress(`api: ${FOLLOWERS} followers`);
      rows.push(...(await followers(signal)));

      progress('api: cancel');
      rows.push(...(await cancels()));
    } finally {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    }
    return {
      name: 'api',
      tables: [
        {
          title: 'Control plane',
          note: 'Clients share the cores with the server, so rates are floors.',
          columns: ['what', 'measured', 'unit', 'target'],
          rows,
        },
      ],
    };
  },
};

/** Fenced appends through the one door, over many runs at once, in this process. */
async function appends(): Promise<Row[]> {
  await using server = await TestServer.start({ max_queued_runs_per_machine: '1000000' });
  const { runs, database } = server.server.parts;
  const created = await server.call<{ machine: { id: string } }>('POST', '/machines', {
    display_name: 'bench',
  });
  const claims: Array<{ id: string; epoch: number }> = [];
  for (let count = 0; count < APPEND_RUNS; count += 1) {
    const run = await server.createRun(created.body.machine.id, 'wait:600000 done');
    const claim = await runs.claim(run.id);
    if (claim !== null) claims.push({ id: run.id, epoch: claim.epoch });
  }
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  await Promise.all(
    claims.map(async ({ id, epoch }) => {
      while (performance.now() - startedMs < 3000) {
        const at = performance.now();
        await runs.append(id, epoch, [{ type: 'text', text: 'x'.repeat(300) }]);
        latenciesMs.push(performance.now() - at);
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const alone: number[] = [];
  const [one] = claims;
  for (let count = 0; one !== undefined && count < 500; count += 1) {
    const at = performance.now();
    await runs.append(one.id, one.epoch, [{ type: 'text', text: 'x'.repeat(300) }]);
    alone.push(performance.now() - at);
  }
  void database;
  return [
    [
      `fenced appends, ${APPEND_RUNS} runs at once`,
      Math.round(latenciesMs.length / seconds),
      '1/s',
      '≥ 1000',
    ],
    ['  p99', round(percentile(latenciesMs, 99)), 'ms', ''],
    ['fenced append, one at a time, p50', round(percentile(alone, 50)), 'ms', ''],
    ['  p99', round(percentile(alone, 99)), 'ms', '≤ 5'],
  ];
}

/** A thousand followers on a thread of their own; writer, server and one probe on this one. */
async function followers(signal: AbortSignal): Promise<Row[]> {
  await using server = await TestServer.start();
  const { runs, streams } = server.server.parts;
  const created = await server.call<{ machine: { id: string } }>('POST', '/machines', {
    display_name: 'bench',
  });
  const run = await server.createRun(created.body.machine.id, 'wait:600000 done');
  const claim = await runs.claim(run.id);
  if (claim === null) throw new Error('the run could not be claimed');
  const received = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./api-followers.ts', import.meta.url), {
    workerData: {
      url: `${server.server.baseUrl}/runs/${run.id}/events`,
      key: server.key,
      count: FOLLOWERS,
      received,
    },
  });
  const counted = () => Atomics.load(received, 0);
  while (streams.count < FOLLOWERS || counted() < FOLLOWERS * 2) await sleep(20, { signal });
  const probe = new SseClient(`${server.server.baseUrl}/runs/${run.id}/events`, { 'x-api-key': server.key });
  while (probe.events.length < 2) await sleep(5, { signal });
  const before = counted();
  const startedMs = performance.now();
  const sentAtMs: number[] = [];
  const latenciesMs: number[] = [];
  let seen = probe.events.length;
  while (performance.now() - startedMs < 4000) {
    await runs.append(run.id, claim.epoch, [{ type: 'text', text: 'x'.repeat(200) }]);
    sentAtMs.push(performance.now());
    while (probe.events.length - seen < 1) await sleep(0, { signal });
    seen = probe.events.length;
    latenciesMs.push(performance.now() - (sentAtMs.at(-1) ?? 0));
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const rate = (counted() - before) / seconds;
  probe.close();
  await worker.terminate();
  return [
    [`events to ${FOLLOWERS} followers, in sum`, Math.round(rate), '1/s', '≥ 20000'],
    ['stored → received by the last of them, p99', round(percentile(latenciesMs, 99)), 'ms', ''],
    ...(await singleFollower(signal)),
  ];
}

async function singleFollower(signal: AbortSignal): Promise<Row[]> {
  await using server = await TestServer.start();
  const { runs } = server.server.parts;
  const created = await server.call<{ machine: { id: string } }>('POST', '/machines', {
    display_name: 'bench',
  });
  const run = await server.createRun(created.body.machine.id, 'wait:600000 done');
  const claim = await runs.claim(run.id);
  if (claim === null) throw new Error('the run could not be claimed');
  const probe = new SseClient(`${server.server.baseUrl}/runs/${run.id}/events`, { 'x-api-key': server.key });
  while (probe.events.length < 2) await sleep(5, { signal });
  const latenciesMs: number[] = [];
  for (let count = 0; count < 1000; count += 1) {
    const seen = probe.events.length;
    await runs.append(run.id, claim.epoch, [{ type: 'text', text: 'x' }]);
    const at = performance.now();
    while (probe.events.length === seen) await new Promise((resolve) => setImmediate(resolve));
    latenciesMs.push(performance.now() - at);
  }
  probe.close();
  return [
    ['stored → received by one follower, p50', round(percentile(latenciesMs, 50)), 'ms', ''],
    ['  p99', round(percentile(latenciesMs, 99)), 'ms', '≤ 20'],
  ];
}

/** POST cancel → the desktop hears that its lease ended. */
async function cancels(): Promise<Row[]> {
  await using server = await TestServer.start();
  const desktop: FakeDaemon = await server.desktop();
  const latenciesMs: number[] = [];
  for (let count = 0; count < 100; count += 1) {
    const run = await server.createRun(desktop.machineId, 'forever', { max_steps: 1000 });
    await server.untilStatus(run.id, 'running');
    const leases = desktop.released.length;
    const at = performance.now();
    const answered = server.call('POST', `/runs/${run.id}/cancel`);
    while (desktop.released.length === leases) await new Promise((resolve) => setImmediate(resolve));
    latenciesMs.push(performance.now() - at);
    await answered;
  }
  return [
    ['cancel → heard by the desktop, p50', round(percentile(latenciesMs, 50)), 'ms', '≤ 5'],
    ['  p99', round(percentile(latenciesMs, 99)), 'ms', '≤ 50'],
  ];
}

async function postFor(
  server: ServerProcess,
  key: string,
  body: string,
  forMs: number,
  signal: AbortSignal,
): Promise<{ perSecond: number; latenciesMs: number[] }> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const latenciesMs: number[] = [];
  const once = () =>
    new Promise<void>((resolve, reject) => {
      const at = performance.now();
      const outgoing = request(
        `${server.origin}/v1/runs`,
        {
          method: 'POST',
          agent,
          headers: {
            'x-api-key': key,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          },
        },
        (response) => {
          response.resume();
          response.on('end', () => {
            if (response.statusCode !== 200)
              reject(new Error(`POST /v1/runs answered ${response.statusCode}`));
            latenciesMs.push(performance.now() - at);
            resolve();
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() - startedMs < forMs && !signal.aborted) await once();
    }),
  );
  agent.destroy();
  return { perSecond: latenciesMs.length / ((performance.now() - startedMs) / 1000), latenciesMs };
}

async function post(
  server: ServerProcess,
  key: string,
  route: string,
  body: unknown,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.origin}/v1${route}`, {
    method: 'POST',
    headers: { 'x-api-key': key },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Record<string, unknown>;
}

async function residentMegabytes(pid: number): Promise<number | null> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
  } catch {
    return null;
  }
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
