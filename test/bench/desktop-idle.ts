import { readdirSync, readFileSync } from 'node:fs';
import { silentLogger, sleep } from '@deskhand/base';
import { FrameEncoder, layoutIdOf, openX11ScreenCapture } from '@deskhand/daemon/capture';
import { openX11 } from '@deskhand/daemon/x11';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { startXDesktop } from '../helpers/x-desktop.ts';
import type { BenchTable } from './benchmark.ts';
import { brief } from './statistics.ts';

/** `node desktop-idle.ts idle|growth`: its tables as JSON on stdout. What the daemon costs while it only waits. */
const WATCHED_MS = 20_000;
const STEPS = 60;
const CAPTURES = 5000;
const MARKS = [100, 1000, 2500, 5000];
/** For half a minute the engine still compiles what turned out to be used: what start-up has left to do is not idling. */
const STARTING_MS = 25_000;

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort(new Error('stopped')));
process.once('SIGINT', () => stop.abort(new Error('stopped')));
const { signal } = stop;

console.log(JSON.stringify([process.argv[2] === 'growth' ? await growthTable() : await idleTable()]));

async function idleTable(): Promise<BenchTable> {
  await using desktop = await startXDesktop({ width: 1920, height: 1080 });
  await desktop.mousepad();
  await desktop.xterm('sh', '-c', 'ls -la /usr/lib | head -60; exec sleep 100000');
  await using server = await LinkServer.start();
  await using daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
  const parts = [
    ['daemon', daemon.pid],
    ['hands', daemon.handsPid()],
    ['guard', daemon.guardPid()],
  ] as const;
  await sleep(STARTING_MS, { signal });
  const before = parts.map(([, pid]) => cpuMs(pid));
  await sleep(WATCHED_MS, { signal });
  const idle = parts.map(([, pid], index) => ({
    share: ((cpuMs(pid) - (before[index] as number)) / WATCHED_MS) * 100,
    residentMb: residentMb(pid),
  }));
  const pids = parts.map(([, pid]) => pid);
  const idleTogetherMb = togetherMb(pids);
  server.lease();
  const most = parts.map(() => 0);
  let mostTogetherMb = 0;
  for (let step = 0; step < STEPS; step += 1) {
    signal.throwIfAborted();
    const { observation } = await server.observe({ elements: true, ocr: step % 10 === 0 });
    await server.act([{ type: 'move', point: { x: 200 + step, y: 300 } }], {
      frameId: observation?.frame?.geometry.frameId,
      observe: { elements: true },
    });
    parts.forEach(([, pid], index) => {
      most[index] = Math.max(most[index] as number, residentMb(pid));
    });
    mostTogetherMb = Math.max(mostTogetherMb, togetherMb(pids));
  }
  return {
    title: 'The daemon at rest, and during a run',
    note: `Linked, a still 1920x1080 desktop; CPU over ${WATCHED_MS / 1000} s, ${STARTING_MS / 1000} s after the start; then ${STEPS} steps with pictures, elements and words.`,
    columns: ['process', 'idle, % of one core', 'idle, MB resident', 'run, most MB resident'],
    rows: [
      ...parts.map(([name], index) => [
        name,
        brief(idle[index]?.share ?? Number.NaN),
        Math.round(idle[index]?.residentMb ?? Number.NaN),
        Math.round(most[index] as number),
      ]),
      [
        'all three, what they share counted once',
        brief(idle.reduce((sum, { share }) => sum + share, 0)),
        Math.round(idleTogetherMb),
        Math.round(mostTogetherMb),
      ],
    ],
  };
}

/** Many pictures in one process, half of them with something to leave out. */
async function growthTable(): Promise<BenchTable> {
  await using desktop = await startXDesktop();
  await desktop.xterm('sh', '-c', 'seq 1 300; exec sleep 100000');
  await using connection = await openX11({ display: desktop.display, log: silentLogger });
  await using capture = await openX11ScreenCapture({ connection, log: silentLogger });
  await using overlay = await openX11({ display: desktop.display, log: silentLogger });
  const panel = await overlay.createWindow(
    { x: 600, y: 200, width: 380, height: 520 },
    { overrideRedirect: 1, backgroundPixel: 0xff00ff },
  );
  await overlay.changeProperty(panel, '_DESKHAND_OVERLAY', 'CARDINAL', { format: 32, data: [1] });
  const displays = await capture.displays();
  const [display] = displays;
  if (display === undefined) throw new Error('no display');
  const encoder = new FrameEncoder();
  const server = desktop.pids.server;
  const rows: Array<[number, number, number]> = [];
  for (let count = 1; count <= CAPTURES; count += 1) {
    signal.throwIfAborted();
    if (count % 100 === 50) await overlay.mapWindow(panel);
    if (count % 100 === 0) await overlay.unmapWindow(panel);
    await encoder.encode(await capture.grab(display.bounds, { signal }), {
      region: display.bounds,
      display,
      layoutId: layoutIdOf(displays),
      maxSidePx: 1280,
      mimeType: 'image/jpeg',
      capturedAt: new Date(),
    });
    if (MARKS.includes(count))
      rows.push([count, Math.round(residentMb(process.pid)), Math.round(residentMb(server))]);
  }
  return {
    title: '5,000 captures of 1280x800 in one process',
    note: 'The panel comes and goes every fifty.',
    columns: ['captures', 'MB resident', 'X server, MB resident'],
    rows,
  };
}

/** Of all its threads, to the nanosecond. */
function cpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ran = (thread: string) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
  return threads.reduce((sum, thread) => sum + ran(thread), 0) / 1e6;
}

/** The program and its libraries, which all of them map, once: as much as the one that maps most of them. */
function togetherMb(pids: readonly number[]): number {
  const parts = pids.map((pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]);
    const own = kb('Private_Clean') + kb('Private_Dirty');
    return { own, shared: kb('Rss') - own };
  });
  const own = parts.reduce((sum, part) => sum + part.own, 0);
  return (own + Math.max(...parts.map(({ shared }) => shared))) / 1024;
}

function residentMb(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb) / 1024;
}
