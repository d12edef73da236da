import { existsSync, rmSync } from 'node:fs';
import { silentLogger, sleep } from '@deskhand/base';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import type { OperationInput } from '@deskhand/protocol';
import type { DaemonConnection, GuardConnection } from '@deskhand/protocol/local-client';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { FrozenPart } from '../helpers/frozen-part.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { type PersonDesktop, startPersonDesktop } from '../helpers/person-desktop.ts';
import { isAlive } from '../helpers/up-process.ts';
import type { Benchmark } from './benchmark.ts';
import { falsePauses } from './stop-false-pauses.ts';
import { guardTable, measureGuard } from './stop-guard-cost.ts';
import { RIVALS, rivalTrip } from './stop-rivals.ts';
import {
  histogramTable,
  type RivalTrips,
  refusedStartsTable,
  rivalTable,
  type ScenarioTrips,
  stopTable,
  type Trip,
} from './stop-tables.ts';
import { StopWatch } from './stop-watch.ts';

const TRIPS = Number(process.env.BENCH_TRIPS ?? 100);
const RIVAL_TRIPS = Math.max(3, Math.round(TRIPS / 10));
const ACTIONS = Number(process.env.BENCH_ACTIONS ?? 10_000);
/** Trips of one cause, or of what an agent of this name does, only: for looking into those. */
const { BENCH_CAUSE: ONLY_CAUSE, BENCH_AGENT: ONLY_AGENT } = process.env;
const PROGRESS_EVERY = 25;
const TEXT = 'the quick brown fox jumps over the lazy dog and goes home '.repeat(173).slice(0, 10_000);
/** How long nothing may have been injected, before a trip counts as over: anything on its way has shown up by then. */
const STILL_MS = 150;
const TRIP_CEILING_MS = 10_000;
/** A stop comes somewhere in the middle: this many injected events after the beginning, and up to 20 more. */
const BEFORE_STOP = 10;

/** What a process wrote last may still be in a pipe. */
const LOG_ARRIVES_MS = 200;
const MAX_REFUSED_STARTS = 10;

/** The agent was kept from its work before anybody stopped it. */
class NoInput extends Error {
  override readonly name = 'NoInput';
}

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

type Parts = Readonly<{
  desktop: PersonDesktop;
  server: LinkServer;
  daemon: DaemonProcess;
  guard: GuardConnection;
  local: DaemonConnection;
  observer: X11Connection;
  watch: StopWatch;
  stall: Readonly<Record<Frozen, number>>;
}>;

/** The emergency stop, as the X server sees it: a second client of it notes what was injected and who pressed what. */
export const stopBenchmark: Benchmark = {
  name: 'stop',
  describe: 'from the stop chord or a person’s key to the last injected event and to everything released',
  async run({ signal, progress: print }) {
    const beganMs = performance.now();
    const progress = (line: string) =>
      print(`stop, ${Math.round((performance.now() - beganMs) / 1000)} s: ${line}`);
    await using desktop = await startPersonDesktop();
    await using server = await LinkServer.start();
    await using relay = await FrozenPart.relay(server.port);
    const settings = {
      server: `ws://127.0.0.1:${relay.said}`,
      // The ring at a target is there for eyes; with it, 10,000 actions take an hour.
      env: { ...desktop.environment, DESKHAND_TARGET_RING_MS: '0' },
    };
    progress('the first start, which compiles');
    await (await DaemonProcess.start(settings))[Symbol.asyncDispose]();
    await using daemon = await DaemonProcess.start(settings);
    await using panel = await FrozenPart.panel(daemon.runtime);
    await using observer = await openX11({ display: desktop.display, log: silentLogger });
    await using guard = await daemon.guard();
    await using local = await daemon.local();
    await desktop.xterm('sh', '-c', 'stty raw -echo; exec cat > /dev/null');
    const watch = await StopWatch.start(observer);
    const stall = { daemon: daemon.pid, server: relay.pid, panel: panel.pid };
    const parts: Parts = { desktop, server, daemon, guard, local, observer, watch, stall };
    let epoch = 1;
    server.lease({ epoch, leaseId: `lease-${epoch}` });
    progress('what guard costs');
    const costs = [await measureGuard('after its start', daemon.guardPid())];
    const results: ScenarioTrips[] = [];
    const refusedStarts: string[] = [];
    const chosen = SCENARIOS.filter(
      ({ cause, name }) =>
        (ONLY_CAUSE === undefined || cause === ONLY_CAUSE) &&
        (ONLY_AGENT === undefined || name.includes(ONLY_AGENT)),
    );
    for (const scenario of chosen) {
      const { name: agent, cause } = scenario;
      const trips: Trip[] = [];
      for (let trip = 0; trip < TRIPS; trip += 1) {
        signal.throwIfAborted();
        if (trip % PROGRESS_EVERY === 0) progress(`${agent}, ${cause}: ${trip} of ${TRIPS}`);
        for (;;) {
          epoch += 1;
          try {
            trips.push(await oneTrip(scenario, parts, { epoch, trip }));
            break;
          } catch (error) {
            // Paused by nobody: that is a finding of its own, told in the table; the trip has to be made all the same.
            if (!(error instanceof NoInput) || refusedStarts.length >= MAX_REFUSED_STARTS) throw error;
            refusedStarts.push(`${agent}, ${cause}, trip ${trip}`);
            progress(error.message);
          }
        }
      }
      results.push({ agent, cause, trips });
    }
    epoch += 1;
    await ready(parts, epoch);
    progress(`${ACTIONS} actions of the agent`);
    const harmless = await falsePauses(parts, { actions: ACTIONS, signal, progress });
    progress('what guard costs');
    costs.push(await measureGuard('after all that', daemon.guardPid()));
    await daemon.end();
    const rivals: RivalTrips[] = [];
    for (const rival of RIVALS) {
      progress(`${rival.name}: ${RIVAL_TRIPS} trips`);
      const trips = [];
      for (let trip = 0; trip < RIVAL_TRIPS; trip += 1) {
        signal.throwIfAborted();
        trips.push(await rivalTrip(rival, desktop, watch));
      }
      rivals.push({ name: rival.name, trips });
    }
    rmSync(desktop.folder, { recursive: true, force: true });
    return {
      name: 'stop',
      tables: [
        stopTable(results),
        histogramTable(results),
        refusedStartsTable(results, refusedStarts),
        rivalTable(rivals),
        harmless,
        guardTable(costs),
      ],
    };
  },
};

/** Armed, leased and with live hands, whatever happened before. */
async function ready({ server, guard, local }: Parts, epoch: number): Promise<void> {
  await guard.request({ type: 'reset', by: 'cli' });
  await guard.request({ type: 'resume', by: 'cli' });
  server.lease({ epoch, leaseId: `lease-${epoch}` });
  await eventually(
    async () => {
      const state = await guard.request({ type: 'status' });
      const seen = await local.request({ type: 'command', name: 'status' });
      const armed = seen.type === 'state' && seen.control === 'armed';
      return armed && state.type === 'guard_state' && state.handsAlive;
    },
    { everyMs: 10, what: 'an armed desktop' },
  );
}

async function oneTrip(
  scenario: Scenario,
  parts: Parts,
  { epoch, trip }: Readonly<{ epoch: number; trip: number }>,
): Promise<Trip> {
  const { desktop, server, daemon, observer, watch, stall } = parts;
  await ready(parts, epoch);
  const needsFrame = scenario.operations.some(({ type }) => type === 'drag');
  const { observation } = needsFrame ? await server.observe({ settle: false }) : { observation: null };
  const handsPid = daemon.handsPid();
  watch.clear();
  let early: unknown;
  const answered = (what: unknown) => {
    early = what;
  };
  const frameId = observation?.frame?.geometry.frameId ?? null;
  server.act(scenario.operations, { frameId }).then(answered, answered);
  const enough = BEFORE_STOP + ((trip * 7) % 21);
  await eventually(() => watch.injected > enough || early !== undefined, { everyMs: 2, what: 'input' });
  // Without this a refusal would look like a slow start.
  if (watch.injected <= enough) {
    await sleep(LOG_ARRIVES_MS);
    const said = JSON.stringify([early, await parts.guard.request({ type: 'status' }), watch.times]);
    throw new NoInput(`no input to stop: ${said}\n${daemon.log.slice(-1200)}`);
  }
  const frozenPid = scenario.frozen === undefined ? undefined : stall[scenario.frozen];
  if (frozenPid !== undefined) process.kill(frozenPid, 'SIGSTOP');
  const stops = scenario.cause !== 'a person’s key';
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
    else await desktop.person('key', stops ? 'ctrl+alt+shift+Escape' : 'z');
    const over = () => !stops || !(Number.isNaN(deadMs) || Number.isNaN(latchMs));
    await eventually(() => over() && watch.stillForMs > STILL_MS, {
      everyMs: 5,
      timeoutMs: TRIP_CEILING_MS,
      what: 'the end of all input',
    });
  } finally {
    clearInterval(polling);
    if (frozenPid !== undefined) process.kill(frozenPid, 'SIGCONT');
  }
  const { firstRealMs, chordMs, lastInputMs, allUpMs } = watch.times;
  // A person's first key pauses already; the chord's last key is the same person's some milliseconds later.
  const fromMs = scenario.cause === 'chord' ? chordMs : firstRealMs;
  if (Number.isNaN(fromMs)) throw new Error('what should have stopped it was not seen by the X server');
  return {
    toLastInputMs: Math.max(0, lastInputMs - fromMs),
    chordToLastInputMs: fromMs === chordMs || !stops ? Number.NaN : Math.max(0, lastInputMs - chordMs),
    lastBeforeMs: Math.max(0, fromMs - lastInputMs),
    toReleasedMs: Math.max(0, allUpMs - fromMs),
    toLatchMs: stops ? latchMs - startedMs : Number.NaN,
    toHandsDeadMs: stops ? deadMs - startedMs : Number.NaN,
    held: await heldNow(observer),
  };
}

/** Keys and buttons that the X server says are down, whoever put them there. */
async function heldNow(observer: X11Connection): Promise<number> {
  const [keys, { mask }] = await Promise.all([observer.keysDown(), observer.pointer()]);
  return keys.length + [8, 9, 10, 11, 12].filter((bit) => (mask >> bit) & 1).length;
}
