import { readFileSync } from 'node:fs';
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
/** USER_HZ of every Linux there is. */
const TICK_MS = 10;

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
  // What start-up has left to do is not idling.
  await sleep(5000, { signal });
  const before = parts.map(([, pid]) => cpuMs(pid));
  await sleep(WATCHED_MS, { signal });
  const idle = parts.map(([, pid], index) => ({
    share: ((cpuMs(pid) - (before[index] as number)) / WATCHED_MS) * 100,
    residentMb: residentMb(pid),
  }));
  server.lease();
  const most = parts.map(() => 0);
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
  }
  return {
    title: 'The daemon at rest, and during a run',
    note: `Linked, a still 1920x1080 desktop; CPU over ${WATCHED_MS / 1000} s; then ${STEPS} steps with pictures, elements and words.`,
    columns: ['process', 'idle, % of one core', 'idle, MB resident', 'run, most MB resident'],
    rows: parts.map(([name], index) => [
      name,
      brief(idle[index]?.share ?? Number.NaN),
      Math.round(idle[index]?.residentMb ?? Number.NaN),
      Math.round(most[index] as number),
    ]),
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

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime and stime, fields 14 and 15 of the whole line.
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function residentMb(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb) / 1024;
}
