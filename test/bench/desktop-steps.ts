import { silentLogger } from '@deskhand/base';
import {
  FrameEncoder,
  layoutIdOf,
  openX11ScreenActivity,
  openX11ScreenCapture,
} from '@deskhand/daemon/capture';
import { openX11InputBackend } from '@deskhand/daemon/input';
import { openSenses } from '@deskhand/daemon/senses';
import { Settling } from '@deskhand/daemon/settling';
import { openX11 } from '@deskhand/daemon/x11';
import type { BenchTable } from './benchmark.ts';
import type { BusyDesktop } from './desktop-screen.ts';
import { brief, race, summarize } from './statistics.ts';

type Options = { signal: AbortSignal; progress: (line: string) => void };

/** One key and one click through our hands beside the bare protocol request. */
export async function primitivesTable(
  { desktop }: BusyDesktop,
  { signal, progress }: Options,
): Promise<BenchTable> {
  progress('  keys and clicks');
  await using connection = await openX11({ display: desktop.display, log: silentLogger });
  await using input = await openX11InputBackend({ connection, log: silentLogger });
  const xtest = await connection.require('xtest');
  // No modifier, and nothing happens where it is pressed.
  const pause = 127;
  // A window of our own takes the clicks: the desktop would open a menu.
  const place = { x: 5, y: 5 };
  const active = `0x${Number(await desktop.ask('xdotool', 'getactivewindow')).toString(16)}`;
  const window = await connection.createWindow(
    { x: 0, y: 0, width: 20, height: 20 },
    { overrideRedirect: 1 },
  );
  await connection.mapWindow(window);
  const results = await race(
    [
      {
        name: 'bare XTEST: key down, up',
        every: 1,
        work: async () => {
          await xtest.key(pause, true);
          await xtest.key(pause, false);
          return 0;
        },
      },
      {
        name: 'deskhand: key down, up',
        every: 1,
        work: async () => {
          await input.key('pause', true);
          await input.key('pause', false);
          return 0;
        },
      },
      {
        name: 'deskhand: the same, and only if that window still gets it',
        every: 1,
        work: async () => {
          input.aim({ keys: active, points: [] });
          await input.stroke(['pause']);
          input.aim(null);
          return 0;
        },
      },
      {
        name: 'deskhand: a modifier so, or a chord: what it woke is asked before it is let go',
        every: 1,
        work: async () => {
          input.aim({ keys: active, points: [] });
          await input.stroke(['shift']);
          input.aim(null);
          return 0;
        },
      },
      {
        name: 'bare XTEST: move, button down, up',
        every: 1,
        work: async () => {
          await xtest.motion(place.x, place.y);
          await xtest.button(2, true);
          await xtest.button(2, false);
          return 0;
        },
      },
      {
        name: 'deskhand: move, button down, up',
        every: 1,
        work: async () => {
          await input.moveTo(place);
          await input.button('middle', true);
          await input.button('middle', false);
          return 0;
        },
      },
      {
        name: 'deskhand: the same, and only if that window still lies there',
        every: 1,
        work: async () => {
          input.aim({ points: [{ point: place, windowId: `0x${window.toString(16)}` }] });
          await input.moveTo(place);
          await input.button('middle', true);
          await input.button('middle', false);
          input.aim(null);
          return 0;
        },
      },
    ],
    { rounds: 200, signal },
  );
  await connection.destroyWindow(window);
  return {
    title: 'One key, one click',
    columns: ['way', 'median ms', 'p95 ms', 'n'],
    rows: results.map(({ name, medianMs, p95Ms, count }) => [name, brief(medianMs), brief(p95Ms), count]),
  };
}

/** A page that changes 120 ms after the click: how soon the frame that shows it is in hand. */
const FINISHES_AFTER_MS = 120;
const FINAL_COLOR = [10, 120, 60] as const;

export async function settleTable(
  { desktop, chromium }: BusyDesktop,
  { trials, signal, progress }: Options & { trials: number },
): Promise<BenchTable> {
  progress('  click to settled frame');
  const { page } = chromium;
  await using connection = await openX11({ display: desktop.display, log: silentLogger });
  await using eyes = await openX11({ display: desktop.display, log: silentLogger });
  await using input = await openX11InputBackend({ connection, log: silentLogger });
  await using capture = await openX11ScreenCapture({ connection: eyes, log: silentLogger });
  await using activity = await openX11ScreenActivity({ connection: eyes, log: silentLogger });
  await using senses = await openSenses({
    display: desktop.display,
    env: desktop.env,
    dataDir: desktop.folder,
    virtual: true,
    log: silentLogger,
  });
  const { browser, windows, accessibility: elements } = senses;
  // As a run waits: learnt from the clicks before, and asking the window whether it is busy.
  const settling = new Settling({ activity, browser, elements, windows });
  const displays = await capture.displays();
  const [display] = displays;
  if (display === undefined) throw new Error('no display');
  const encoder = new FrameEncoder();
  const layoutId = layoutIdOf(displays);
  await page.setContent(SLOW_BUTTON);
  const place = await page.evaluate(BUTTON_PLACE);
  const { x, y } = place as { x: number; y: number };
  const times: number[] = [];
  const settles: number[] = [];
  let early = 0;
  for (let trial = 0; trial < trials; trial += 1) {
    // Before the page is reset: what changed until now belongs to the trial before.
    settling.next();
    await page.evaluate('reset()');
    activity.mark();
    await activity.settle({ floorMs: 200, quietMs: 200, ceilingMs: 3000 }, { signal });
    await input.moveTo({ x, y });
    await settling.afterApproach(signal);
    const place = await windows.activeWindow();
    settling.begin();
    await input.button('left', true);
    const startedAt = performance.now();
    await input.button('left', false);
    const where = { place, target: { x, y }, ceilingMs: 3000 };
    const settledMs = (await settling.after('click', where, signal))?.settledMs ?? 0;
    const image = await capture.grab(display.bounds, { signal });
    // Read now: the buffer belongs to the next grab.
    const at = (Math.round(y - 120) * image.width + Math.round(x)) * 4;
    const seen = [...image.pixels.subarray(at, at + 3)].reverse();
    await encoder.encode(image, {
      region: display.bounds,
      display,
      layoutId,
      maxSidePx: 1280,
      mimeType: 'image/jpeg',
      capturedAt: new Date(),
    });
    times.push(performance.now() - startedAt);
    settles.push(settledMs);
    if (seen.join() !== FINAL_COLOR.join()) early += 1;
  }
  const total = summarize(times);
  const settle = summarize(settles);
  return {
    title: `A page that finishes ${FINISHES_AFTER_MS} ms after the click: click → encoded frame in hand`,
    columns: ['way', 'median ms', 'p95 ms', 'frames that show too little', 'n'],
    rows: [
      ['deskhand', brief(total.medianMs), brief(total.p95Ms), early, trials],
      ['· of which settling', brief(settle.medianMs), brief(settle.p95Ms), null, trials],
      ['fixed sleep of 750 ms, without its capture', 750, 750, null, null],
      ['fixed sleep of 2,000 ms, without its capture', 2000, 2000, null, null],
    ],
  };
}

const SLOW_BUTTON = `<!doctype html><style>body { margin: 0; background: #fff } #box { height: 300px; background: #ddd }</style>
<div id="box"></div><button id="go" style="margin: 20px; padding: 20px">Go</button>
<script>{
  const box = document.getElementById('box');
  globalThis.reset = () => { box.style.background = '#ddd'; };
  document.getElementById('go').onclick = () => setTimeout(() => {
    box.style.background = 'rgb(${FINAL_COLOR.join(',')})';
  }, ${FINISHES_AFTER_MS});
}</script>`;

/** Page → screen: Chromium's own window position and the height of its bars. */
const BUTTON_PLACE = `(() => {
  const { left, top, width, height } = document.getElementById('go').getBoundingClientRect();
  const bars = outerHeight - innerHeight;
  return { x: screenX + left + width / 2, y: screenY + bars + top + height / 2 };
})()`;
