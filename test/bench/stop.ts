import { existsSync, readFileSync, rmSync } from 'node:fs';
import { silentLogger, sleep } from '@deskhand/base';
import { openX11 } from '@deskhand/daemon/x11';
import type { OperationInput } from '@deskhand/protocol';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { FrozenPart } from '../helpers/frozen-part.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { type PersonDesktop, startPersonDesktop } from '../helpers/person-desktop.ts';
import { isAlive } from '../helpers/up-process.ts';
import type { Benchmark, BenchTable } from './benchmark.ts';
import { brief } from './statistics.ts';
import { RIVALS, rivalTrip } from './stop-rivals.ts';
import { StopWatch } from './stop-watch.ts';

const TRIPS = Number(process.env.BENCH_TRIPS ?? 100);
const RIVAL_TRIPS = Math.max(3, Math.round(TRIPS / 5));
const TEXT = 'the quick brown fox jumps over the lazy dog and goes home '.repeat(173).slice(0, 10_000);
/** Long enough for anything that was on its way to show up. */
const WATCH_MS = 350;
const IDLE_MS = 10_000;
const ACTIONS = Number(process.env.BENCH_ACTIONS ?? 10_000);
const BINS_MS = [0, 1, 2, 3, 5, 10, 15, 20, 50, 100];

type Cause = 'chord' | 'chord on a real keyboard' | 'a person’s key';
type Frozen = 'daemon' | 'server' | 'panel';
type Scenario = Readonly<{
  name: string;
  cause: Cause;
  operations: readonly OperationInput[];
  frozen?: Frozen;
}>;

const typing: OperationInput = { type: 'type_text', text: TEXT };
const dragging: OperationInput = {
  type: 'drag',
  from: { x: 900, y: 500 },
  to: { x: 1200, y: 700 },
  modifiers: ['super'],
  durationMs: 10_000,
};
const flood: readonly OperationInput[] = Array.from({ length: 30 }, () => ({
  type: 'type_text',
  text: 'abcdefghij'.repeat(20),
}));

const SCENARIOS: readonly Scenario[] = [
  { name: 'typing 10,000 characters', cause: 'chord', operations: [typing] },
  { name: 'dragging with Super held', cause: 'chord', operations: [dragging] },
  { name: 'flooding', cause: 'chord', operations: flood },
  { name: 'typing, daemon frozen', cause: 'chord', operations: [typing], frozen: 'daemon' },
  { name: 'typing, server frozen', cause: 'chord', operations: [typing], frozen: 'server' },
  { name: 'typing, panel frozen', cause: 'chord', operations: [typing], frozen: 'panel' },
  { name: 'typing', cause: 'chord on a real keyboard', operations: [typing] },
  { name: 'typing', cause: 'a person’s key', operations: [typing] },
];

type Trip = {
  toLastInput: number;
  toReleased: number;
  /** Wall-clock milliseconds of this process, which looks every one. NaN where nothing is stopped. */
  toLatch: number;
  toHandsDead: number;
  held: number;
};

type Parts = Readonly<{
  desktop: PersonDesktop;
  server: LinkServer;
  daemon: DaemonProcess;
  watch: StopWatch;
  stall: Readonly<Record<Frozen, number>>;
}>;

/** The emergency stop, as the X server sees it: a second client of it notes what was injected and who pressed what. */
export const stopBenchmark: Benchmark = {
  name: 'stop',
  describe: 'from the stop chord or a person’s key to the last injected event and to everything released',
  async run({ signal, progress }) {
    await using desktop = await startPersonDesktop();
    await using server = await LinkServer.start();
    await using relay = await FrozenPart.relay(server.port);
    await using daemon = await DaemonProcess.start({
      server: `ws://127.0.0.1:${relay.said}`,
      env: desktop.environment,
    });
    await using panel = await FrozenPart.panel(daemon.runtime);
    await using observer = await openX11({ display: desktop.display, log: silentLogger });
    await desktop.xterm('sh', '-c', 'stty raw -echo; exec cat > /dev/null');
    const watch = await StopWatch.start(observer);
    const cost = await guardCost(daemon.guardPid());
    const stall = { daemon: daemon.pid, server: relay.pid, panel: panel.pid };
    const parts: Parts = { desktop, server, daemon, watch, stall };
    const results: Array<Readonly<{ scenario: Scenario; trips: readonly Trip[] }>> = [];
    let epoch = 0;
    for (const scenario of SCENARIOS) {
      progress(`stop: ${scenario.name}, ${scenario.cause}, ${TRIPS} trips`);
      const trips: Trip[] = [];
      for (let trip = 0; trip < TRIPS; trip += 1) {
        signal.throwIfAborted();
        epoch += 1;
        trips.push(await oneTrip(scenario, parts, epoch));
      }
      results.push({ scenario, trips });
    }
    progress('stop: 10,000 actions of the agent');
    const harmless = await falsePauses(parts, ++epoch, signal);
    await daemon.end();
    const rivals: Array<Array<string | number>> = [];
    for (const rival of RIVALS) {
      progress(`stop: ${rival.name}, ${RIVAL_TRIPS} trips`);
      const trips = [];
      for (let trip = 0; trip < RIVAL_TRIPS; trip += 1) {
        signal.throwIfAborted();
        trips.push(await rivalTrip(rival, desktop, watch));
      }
      const stuck = trips.filter(({ held }) => held > 0).length;
      rivals.push([
        rival.name,
        RIVAL_TRIPS,
        ...quantiles(trips.map((one) => one.toLastInputMs)),
        `${stuck}/${RIVAL_TRIPS}`,
      ]);
    }
    rmSync(desktop.folder, { recursive: true, force: true });
    return { name: 'stop', tables: [...tablesOf(results), rivalTable(rivals), harmless, cost] };
  },
};

async function oneTrip(scenario: Scenario, parts: Parts, epoch: number): Promise<Trip> {
  const { desktop, server, daemon, watch, stall } = parts;
  await using guard = await daemon.guard();
  await guard.request({ type: 'reset', by: 'cli' });
  await guard.request({ type: 'resume', by: 'cli' });
  server.lease({ epoch, leaseId: `lease-${epoch}` });
  const { observation } = await server.observe({ settle: false });
  await using local = await daemon.local();
  await eventually(async () => {
    const state = await guard.request({ type: 'status' });
    const seen = await local.request({ type: 'command', name: 'status' });
    const armed = seen.type === 'state' && seen.control === 'armed';
    return armed && state.type === 'guard_state' && state.handsAlive;
  });
  const handsPid = daemon.handsPid();
  watch.clear();
  let early: unknown;
  const answered = (what: unknown) => {
    early = what;
  };
  const frameId = observation?.frame?.geometry.frameId;
  server.act(scenario.operations, { frameId }).then(answered, answered);
  await eventually(() => watch.injected > 60 || early !== undefined, { everyMs: 2, what: 'input' });
  // Without this a refusal would look like a slow start.
  if (watch.injected <= 60) throw new Error(`no input to stop: ${JSON.stringify(early)}`);
  const frozenPid = scenario.frozen === undefined ? undefined : stall[scenario.frozen];
  if (frozenPid !== undefined) process.kill(frozenPid, 'SIGSTOP');
  let startedMs = Number.NaN;
  let deadMs = Number.NaN;
  let latchMs = Number.NaN;
  const polling = setInterval(() => {
    if (Number.isNaN(startedMs) && watch.chordSeen) startedMs = performance.now();
    if (Number.isNaN(deadMs) && !isAlive(handsPid)) deadMs = performance.now();
    if (Number.isNaN(latchMs) && existsSync(daemon.runtime.latchFile)) latchMs = performance.now();
  }, 1);
  try {
    if (scenario.cause === 'chord') await desktop.ask('xdotool', 'key', 'ctrl+alt+shift+Escape');
    else await desktop.person('key', scenario.cause === 'a person’s key' ? 'z' : 'ctrl+alt+shift+Escape');
    await sleep(WATCH_MS);
  } finally {
    clearInterval(polling);
    if (frozenPid !== undefined) process.kill(frozenPid, 'SIGCONT');
  }
  const { firstRealMs, chordMs, lastInputMs, allUpMs } = watch.times;
  // A person's first key pauses already; the chord's last key is the same person's some milliseconds later.
  const fromMs = scenario.cause === 'chord' ? chordMs : firstRealMs;
  if (Number.isNaN(fromMs)) throw new Error('what should have stopped it was not seen by the X server');
  return {
    toLastInput: Math.max(0, lastInputMs - fromMs),
    toReleased: Math.max(0, allUpMs - fromMs),
    toLatch: latchMs - startedMs,
    toHandsDead: deadMs - startedMs,
    held: (await desktop.held()).length,
  };
}

function tablesOf(
  results: ReadonlyArray<Readonly<{ scenario: Scenario; trips: readonly Trip[] }>>,
): BenchTable[] {
  const figures = results.flatMap(({ scenario: { name, cause }, trips }) => {
    const held = `${trips.filter((trip) => trip.held > 0).length}/${trips.length}`;
    const measures: ReadonlyArray<readonly [string, (trip: Trip) => number]> = [
      ['last injected input', (trip) => trip.toLastInput],
      ['everything released', (trip) => trip.toReleased],
      ['hands dead', (trip) => trip.toHandsDead],
      ['latch on disk', (trip) => trip.toLatch],
    ];
    return measures
      .map(([what, of]) => [name, cause, what, trips.map(of)] as const)
      .filter(([, , , values]) => !values.every(Number.isNaN))
      .map(([agent, by, what, values]) => [agent, by, what, ...quantiles(values), held]);
  });
  return [
    {
      title: `Emergency stop, ${TRIPS} trips each (milliseconds)`,
      note: 'By the X server’s clock, which counts whole milliseconds; "hands dead" and "latch on disk" by a process that looks every millisecond. 0 = nothing was injected after it.',
      columns: ['the agent is', 'stopped by', 'until', 'p50', 'p95', 'p99', 'max', 'something held after'],
      rows: figures,
    },
    {
      title: 'Until the last injected input: how many trips took that long',
      columns: [
        'the agent is',
        'stopped by',
        ...BINS_MS.map((bin, index) => (index === 0 ? '0' : `≤ ${bin}`)),
        `> ${BINS_MS.at(-1)}`,
      ],
      rows: results.map(({ scenario: { name, cause }, trips }) => [
        name,
        cause,
        ...histogram(trips.map((trip) => trip.toLastInput)),
      ]),
    },
  ];
}

function rivalTable(rows: ReadonlyArray<ReadonlyArray<string | number>>): BenchTable {
  return {
    title: 'The same chord with what people use instead (milliseconds to the last injected input)',
    note: 'Typing 243 characters. This benchmark hears the chord and tells the agent in the same moment: the best case.',
    columns: ['the agent types with', 'trips', 'p50', 'p95', 'p99', 'max', 'something held after'],
    rows,
  };
}

function quantiles(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return [at(0.5), at(0.95), at(0.99), sorted.at(-1) ?? Number.NaN].map(brief);
}

function histogram(values: readonly number[]): number[] {
  const counts = new Array<number>(BINS_MS.length + 1).fill(0);
  for (const value of values) {
    const bin = BINS_MS.findIndex((limit) => value <= limit);
    const index = bin === -1 ? BINS_MS.length : bin;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

/** The agent's own input must never look like a person's. */
async function falsePauses(parts: Parts, epoch: number, signal: AbortSignal): Promise<BenchTable> {
  const { server, daemon } = parts;
  await using guard = await daemon.guard();
  await guard.request({ type: 'reset', by: 'cli' });
  await guard.request({ type: 'resume', by: 'cli' });
  server.lease({ epoch, leaseId: `lease-${epoch}` });
  // Hands that were just told to stop a text may still be killed for taking too long over it.
  await sleep(2000);
  let pauses = 0;
  guard.onMessage((message) => {
    if (message.type === 'guard_state' && message.control !== 'armed') pauses += 1;
  });
  const { observation } = await server.observe({ settle: false });
  const frameId = observation?.frame?.geometry.frameId;
  let done = 0;
  while (done < ACTIONS) {
    signal.throwIfAborted();
    const operations: OperationInput[] = Array.from({ length: 30 }, (_, index) =>
      index % 2 === 0
        ? {
            type: 'move',
            point: { x: 200 + ((done + index * 37) % 800), y: 100 + ((done + index * 53) % 500) },
          }
        : { type: 'key_press', keys: [index % 4 === 1 ? 'left' : 'escape'] },
    );
    const reply = await server.act(operations, { frameId });
    if (reply.type !== 'result') throw new Error(`actions failed: ${reply.code}`);
    const refused = reply.outcomes.find(({ status }) => status === 'refused' || status === 'failed');
    if (refused !== undefined) throw new Error(`an action was not done: ${JSON.stringify(refused)}`);
    done += reply.outcomes.length;
  }
  return {
    title: 'The agent’s own input, half movements over 40 px, half keys (Esc among them)',
    columns: ['actions', 'false pauses or stops'],
    rows: [[done, pauses]],
  };
}

/** What guard costs while it does nothing but watch. */
async function guardCost(pid: number): Promise<BenchTable> {
  const memory = () => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
    return {
      rss: kb('Rss') / 1024,
      pss: kb('Pss') / 1024,
      own: (kb('Private_Clean') + kb('Private_Dirty')) / 1024,
    };
  };
  const ticks = () => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user = 0, system = 0] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return user + system;
  };
  await sleep(2000);
  const before = { ticks: ticks(), atMs: performance.now() };
  await sleep(IDLE_MS);
  // Linux counts a process's time in hundredths of a second.
  const share = (ticks() - before.ticks) / ((performance.now() - before.atMs) / 10);
  const { rss, pss, own } = memory();
  return {
    title: 'Guard, idle for 10 s',
    note: 'PSS counts pages that other processes share (the Node program, mostly) in parts; USS counts only its own.',
    columns: ['RSS MB', 'PSS MB', 'USS MB', '% of a core'],
    rows: [[brief(rss), brief(pss), brief(own), brief(share * 100)]],
  };
}
