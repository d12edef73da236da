import { existsSync, rmSync } from 'node:fs';
import { silentLogger, sleep } from '@deskhand/base';
import { openX11, type RawInputEvent, type X11Connection } from '@deskhand/daemon/x11';
import type { OperationInput } from '@deskhand/protocol';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { type PersonDesktop, startPersonDesktop } from '../helpers/person-desktop.ts';
import { isAlive } from '../helpers/up-process.ts';
import type { Benchmark } from './benchmark.ts';
import { brief } from './statistics.ts';

const TRIPS = 20;
const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(220);
const ESCAPE_KEYCODE = 9;
const MASTER_DEVICES = 1;
/** Long enough for anything that was on its way to show up. */
const WATCH_MS = 700;

type Trip = {
  /** Milliseconds from the person's first key to the last injected press or motion; 0 = none after it. */
  firstKeyToLastInput: number;
  /** Milliseconds from the chord's last key. */
  chordToLastInput: number;
  firstKeyToReleased: number;
  chordToReleased: number;
  chordToLatch: number;
  chordToHandsDead: number;
  held: number;
};

/** The emergency stop, as the X server sees it: a second client of it notes who pressed what when. */
export const stopBenchmark: Benchmark = {
  name: 'stop',
  describe:
    'from the stop chord on a real (nested) keyboard to the last injected event, release, latch, death',
  async run({ signal, progress }) {
    await using desktop = await startPersonDesktop();
    await using server = await LinkServer.start();
    await using daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
    await using observer = await openX11({ display: desktop.display, log: silentLogger });
    await desktop.xterm('sh', '-c', 'stty raw -echo; exec cat > /dev/null');
    const watch = await Watch.start(observer);
    let epoch = 0;
    const rows: Array<Array<string | number | null>> = [];
    for (const scenario of SCENARIOS) {
      progress(`stop: ${scenario.name}, ${TRIPS} trips`);
      const trips: Trip[] = [];
      for (let trip = 0; trip < TRIPS; trip += 1) {
        signal.throwIfAborted();
        epoch += 1;
        trips.push(await oneTrip(scenario, { desktop, server, daemon, watch, epoch }));
      }
      rows.push(...summary(scenario.name, trips));
    }
    rmSync(desktop.folder, { recursive: true, force: true });
    return {
      name: 'stop',
      tables: [
        {
          title: `Emergency stop, ${TRIPS} trips each (milliseconds)`,
          note: 'First key: the person touches the keyboard, which pauses. Chord: its last key, which stops. 0 = nothing was injected after it.',
          columns: ['hands are', 'from → to', 'p50', 'p95', 'max', 'keys or buttons held after'],
          rows,
        },
      ],
    };
  },
};

type Scenario = Readonly<{ name: string; operation: OperationInput; freezeDaemon: boolean }>;
const typing: OperationInput = { type: 'type_text', text: TEXT };
const dragging: OperationInput = {
  type: 'drag',
  from: { x: 900, y: 500 },
  to: { x: 1200, y: 700 },
  modifiers: ['shift'],
  durationMs: 10_000,
};
const SCENARIOS: readonly Scenario[] = [
  { name: 'typing', operation: typing, freezeDaemon: false },
  { name: 'dragging with Shift', operation: dragging, freezeDaemon: false },
  { name: 'typing, daemon frozen', operation: typing, freezeDaemon: true },
];

async function oneTrip(
  scenario: Scenario,
  parts: { desktop: PersonDesktop; server: LinkServer; daemon: DaemonProcess; watch: Watch; epoch: number },
): Promise<Trip> {
  const { desktop, server, daemon, watch, epoch } = parts;
  await using guard = await daemon.guard();
  await guard.request({ type: 'reset', by: 'cli' });
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
  server.act([scenario.operation], { frameId: observation?.frame?.geometry.frameId }).then(
    (answer) => {
      early = answer;
    },
    (error: unknown) => {
      early = error;
    },
  );
  await eventually(() => watch.injected > 60 || early !== undefined, { everyMs: 2, what: 'input' });
  // Without this a refusal would look like a slow start.
  if (watch.injected <= 60) throw new Error(`no input to stop: ${JSON.stringify(early)}`);
  if (scenario.freezeDaemon) process.kill(daemon.pid, 'SIGSTOP');
  try {
    let deadMs = Number.NaN;
    let latchMs = Number.NaN;
    const polling = setInterval(() => {
      if (Number.isNaN(deadMs) && !isAlive(handsPid)) deadMs = performance.now();
      if (Number.isNaN(latchMs) && existsSync(daemon.runtime.latchFile)) latchMs = performance.now();
    }, 1);
    await desktop.person('key', 'ctrl+alt+shift+Escape');
    await sleep(WATCH_MS);
    clearInterval(polling);
    const { firstRealMs, chordMs, lastInputMs, allUpMs } = watch.times();
    return {
      firstKeyToLastInput: Math.max(0, lastInputMs - firstRealMs),
      chordToLastInput: Math.max(0, lastInputMs - chordMs),
      firstKeyToReleased: Math.max(0, allUpMs - firstRealMs),
      chordToReleased: Math.max(0, allUpMs - chordMs),
      chordToLatch: latchMs - chordMs,
      chordToHandsDead: deadMs - chordMs,
      held: (await desktop.held()).length,
    };
  } finally {
    if (scenario.freezeDaemon) process.kill(daemon.pid, 'SIGCONT');
  }
}

/** Notes every raw event of the server with the time it was heard. */
class Watch {
  #injectors = new Set<number>();
  #firstRealMs = Number.NaN;
  #chordMs = Number.NaN;
  #lastInputMs = Number.NEGATIVE_INFINITY;
  /** When the last thing that injection held went up. */
  #allUpMs = Number.NEGATIVE_INFINITY;
  readonly #down = new Set<string>();
  injected = 0;

  static async start(x: X11Connection): Promise<Watch> {
    const watch = new Watch();
    const xinput = await x.require('xinput');
    const devices = await xinput.devices();
    watch.#injectors = new Set(devices.filter(({ name }) => name.includes('XTEST')).map(({ id }) => id));
    x.on('XIRawKeyPress', (event) => watch.#press('key', event));
    x.on('XIRawButtonPress', (event) => watch.#press('button', event));
    x.on('XIRawMotion', (event) => watch.#press('motion', event));
    x.on('XIRawKeyRelease', (event) => watch.#release('key', event));
    x.on('XIRawButtonRelease', (event) => watch.#release('button', event));
    await xinput.select(x.root, MASTER_DEVICES, [
      'RawKeyPress',
      'RawKeyRelease',
      'RawButtonPress',
      'RawButtonRelease',
      'RawMotion',
    ]);
    return watch;
  }

  clear(): void {
    this.#firstRealMs = Number.NaN;
    this.#chordMs = Number.NaN;
    this.#lastInputMs = Number.NEGATIVE_INFINITY;
    this.#allUpMs = Number.NEGATIVE_INFINITY;
    this.#down.clear();
    this.injected = 0;
  }

  times() {
    return {
      firstRealMs: this.#firstRealMs,
      chordMs: this.#chordMs,
      lastInputMs: this.#lastInputMs,
      allUpMs: this.#allUpMs,
    };
  }

  #press(kind: string, event: RawInputEvent): void {
    const nowMs = performance.now();
    if (this.#injectors.has(event.sourceId)) {
      this.injected += 1;
      this.#lastInputMs = nowMs;
      if (kind !== 'motion') this.#down.add(`${kind} ${event.detail}`);
      return;
    }
    if (Number.isNaN(this.#firstRealMs)) this.#firstRealMs = nowMs;
    if (event.detail === ESCAPE_KEYCODE) this.#chordMs = nowMs;
  }

  #release(kind: string, event: RawInputEvent): void {
    if (!this.#injectors.has(event.sourceId) || !this.#down.delete(`${kind} ${event.detail}`)) return;
    if (this.#down.size === 0) this.#allUpMs = performance.now();
  }
}

function summary(name: string, trips: readonly Trip[]): Array<Array<string | number | null>> {
  const held = trips.filter((trip) => trip.held > 0).length;
  const measures: ReadonlyArray<readonly [string, (trip: Trip) => number]> = [
    ['first key → last injected input', (trip) => trip.firstKeyToLastInput],
    ['chord → last injected input', (trip) => trip.chordToLastInput],
    ['first key → everything released', (trip) => trip.firstKeyToReleased],
    ['chord → everything released', (trip) => trip.chordToReleased],
    ['chord → hands dead', (trip) => trip.chordToHandsDead],
    ['chord → latch on disk', (trip) => trip.chordToLatch],
  ];
  return measures.map(([what, of]) => {
    const sorted = trips.map(of).toSorted((a, b) => a - b);
    const at = (share: number) =>
      brief(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN);
    return [name, what, at(0.5), at(0.95), brief(sorted.at(-1) ?? Number.NaN), `${held}/${trips.length}`];
  });
}
