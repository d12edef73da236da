import { silentLogger } from '@deskhand/base';
import {
  FrameMemory,
  openX11ScreenActivity,
  openX11ScreenCapture,
  PollScreenActivity,
  type X11ScreenActivity,
  type X11ScreenCapture,
} from '@deskhand/daemon/capture';
import { openX11InputBackend, type X11InputBackend } from '@deskhand/daemon/input';
import type { ScreenActivity } from '@deskhand/daemon/ports';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChromiumPage, openChromiumPage } from '../helpers/chromium-page.ts';
import { eventually } from '../helpers/eventually.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

const SIZE = { width: 1000, height: 700 };
/** Patient enough for a machine several times slower than the page's own clock thinks. */
const WAIT = { floorMs: 150, answerMs: 2500, quietMs: 600, ceilingMs: 15_000 };
const { signal } = new AbortController();

let desktop: XDesktop;
let eyes: X11Connection;
let hands: X11Connection;
let capture: X11ScreenCapture;
let damage: X11ScreenActivity;
let input: X11InputBackend;
let chromium: ChromiumPage;

beforeAll(async () => {
  desktop = await startXDesktop(SIZE);
  eyes = await openX11({ display: desktop.display, log: silentLogger });
  hands = await openX11({ display: desktop.display, log: silentLogger });
  capture = await openX11ScreenCapture({ connection: eyes, log: silentLogger });
  damage = await openX11ScreenActivity({ connection: eyes, log: silentLogger });
  input = await openX11InputBackend({ connection: hands, log: silentLogger });
  chromium = await openChromiumPage(desktop);
});
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]();
  await input?.[Symbol.asyncDispose]();
  await damage?.[Symbol.asyncDispose]();
  await capture?.[Symbol.asyncDispose]();
  await eyes?.[Symbol.asyncDispose]();
  await hands?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

/** Clicks the button of the page, settles, and says whether the picture taken then was the final one. */
async function clickAndSettle(
  activity: ScreenActivity,
  options: Partial<typeof WAIT> & { stillLoading?: () => Promise<boolean> } = {},
) {
  const place = (await chromium.page.evaluate(BUTTON_PLACE)) as { x: number; y: number };
  await input.moveTo(place);
  await quiet();
  await input.button('left', true);
  activity.mark();
  await input.button('left', false);
  const report = await activity.settle({ ...WAIT, target: place, ...options }, { signal });
  const memory = new FrameMemory();
  memory.remember(await capture.grab({ x: 0, y: 0, ...SIZE }, { signal }));
  return { report, memory };
}

/** The page says when it is done; the picture settled on must be the one that stays. */
async function isFinal(memory: FrameMemory): Promise<boolean> {
  await chromium.page.waitForFunction('globalThis.done === true', undefined, { timeout: 20_000 });
  await quiet();
  const difference = memory.compare(await capture.grab({ x: 0, y: 0, ...SIZE }, { signal }));
  // The spinner and the caret go on; the large box is what counts.
  return (difference?.changedPixels ?? Number.POSITIVE_INFINITY) < 5000;
}

let shown = 0;

/** Loads a page and waits until its box is on the screen: a slow browser paints it long after it has loaded it. */
async function show(html: string): Promise<void> {
  shown += 1;
  // Each in a colour of its own, so that none is taken for the one before it.
  const green = 0xdd - shown;
  await chromium.page.setContent(html.replace('background:#ddd', `background:rgb(221,${green},221)`));
  const { x, y } = (await chromium.page.evaluate(BOX_PLACE)) as { x: number; y: number };
  const isShown = async () => {
    const { pixels } = await capture.grab({ x, y, width: 1, height: 1 }, { signal });
    return pixels[0] === 221 && pixels[1] === green && pixels[2] === 221;
  };
  await eventually(isShown, { what: 'the page on the screen' });
  await quiet();
}

async function quiet(): Promise<void> {
  damage.mark();
  await damage.settle({ floorMs: 200, quietMs: 200, ceilingMs: 2000 }, { signal });
}

const page = (onClick: string, extra = '') => `<!doctype html><body style="margin:0">
<div id="box" style="height:250px;background:#ddd"></div>
<button id="go" style="margin:20px;padding:20px">Go</button>${extra}
<script>{
  const box = document.getElementById('box');
  const paint = (color) => { box.style.background = color; };
  globalThis.done = false;
  document.getElementById('go').onclick = () => { ${onClick} };
}</script>`;

const SPINNER = `<div style="position:absolute;right:30px;top:300px;width:32px;height:32px;border:4px solid #ccc;
  border-top-color:#06c;border-radius:50%;animation:turn 1s linear infinite"></div>
  <style>@keyframes turn { to { transform: rotate(360deg) } }</style>`;

/** Page → screen: a point of the box, away from what is written or turns. */
const BOX_PLACE = `(() => {
  const bars = outerHeight - innerHeight;
  return { x: screenX + 40, y: screenY + bars + 100 };
})()`;

/** Page → screen. */
const BUTTON_PLACE = `(() => {
  const { left, top, width, height } = document.getElementById('go').getBoundingClientRect();
  const bars = outerHeight - innerHeight;
  return { x: Math.round(screenX + left + width / 2), y: Math.round(screenY + bars + top + height / 2) };
})()`;

describe.each(['damage events', 'polling'])('settling after a click, by %s', (way) => {
  const activity = (): ScreenActivity =>
    way === 'polling'
      ? new PollScreenActivity({ capture, region: async () => ({ x: 0, y: 0, ...SIZE }) })
      : damage;

  it('a page that answers at once', async () => {
    await show(page(`paint('#0a0'); done = true`));
    const { report, memory } = await clickAndSettle(activity());
    expect(await isFinal(memory)).toBe(true);
    expect(report.reason).toBe('quiet');
  });

  it('a page that answers after 120 ms', async () => {
    await show(page(`setTimeout(() => { paint('#0a0'); done = true }, 120)`));
    const { report, memory } = await clickAndSettle(activity());
    expect(await isFinal(memory)).toBe(true);
    expect(report.settledMs).toBeGreaterThan(120);
  });

  it('a page that paints again and again for half a second', async () => {
    await show(
      page(`let n = 0; const timer = setInterval(() => {
        paint('hsl(' + n * 30 + ',60%,50%)');
        n += 1;
        if (n === 10) { clearInterval(timer); done = true }
      }, 50)`),
    );
    const { report, memory } = await clickAndSettle(activity());
    expect(await isFinal(memory)).toBe(true);
    expect(report.settledMs).toBeGreaterThan(500);
  });

  it('a spinner that never ends does not keep it waiting to the ceiling', async () => {
    await show(page(`paint('#0a0'); done = true`, SPINNER));
    const { report, memory } = await clickAndSettle(activity());
    expect(await isFinal(memory)).toBe(true);
    expect(report.reason).not.toBe('ceiling');
  });

  it('two bursts, 300 and 1,500 ms after the click, where somebody knows that it still loads', async () => {
    await show(
      page(`setTimeout(() => paint('#00a'), 300); setTimeout(() => { paint('#0a0'); done = true }, 1500)`),
    );
    const stillLoading = async () => (await chromium.page.evaluate('globalThis.done')) !== true;
    const { report, memory } = await clickAndSettle(activity(), { stillLoading });
    expect(report.reason).toBe('load_finished');
    expect(await isFinal(memory)).toBe(true);
  });

  it('a click that does nothing', async () => {
    await show(page('done = true', ''));
    const watcher = activity();
    await watcher.settle({ floorMs: 0, quietMs: 0, ceilingMs: 100 }, { signal });
    watcher.mark();
    const report = await watcher.settle(WAIT, { signal });
    expect(report).toMatchObject({ reason: 'no_change', changedArea: 0 });
  });
});
