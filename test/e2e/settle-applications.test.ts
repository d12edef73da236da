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
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

const SIZE = { width: 1000, height: 700 };
/** Patient enough for a machine several times slower than the page's own clock thinks. */
const WAIT = { floorMs: 150, answerMs: 1000, quietMs: 300, ceilingMs: 6000 };
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
    await chromium.page.setContent(page(`paint('#0a0'); done = true`));
    const { report, memory } = await clickAndSettle(activity());
    expect(await isFinal(memory)).toBe(true);
    expect(report.reason).toBe('quiet');
  });

  it('a page that answers after 120 ms', async () => {
    await chromium.page.setContent(page(`setTimeout(() => { paint('#0a0'); done = true }, 120)`));
    const { report, memory } = await clickAndSettle(activity());
    expect(await isFinal(memory)).toBe(true);
    expect(report.settledMs).toBeGreaterThan(120);
  });

  it('a page that paints again and again for half a second', async () => {
    await chromium.page.setContent(
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
    await chromium.page.setContent(page(`paint('#0a0'); done = true`, SPINNER));
    const { report, memory } = await clickAndSettle(activity());
    expect(await isFinal(memory)).toBe(true);
    expect(report.reason).not.toBe('ceiling');
  });

  it('two bursts, 300 and 900 ms after the click, where somebody knows that it still loads', async () => {
    await chromium.page.setContent(
      page(`setTimeout(() => paint('#00a'), 300); setTimeout(() => { paint('#0a0'); done = true }, 900)`),
    );
    const stillLoading = async () => (await chromium.page.evaluate('globalThis.done')) !== true;
    const { report, memory } = await clickAndSettle(activity(), { stillLoading });
    expect(report.reason).toBe('load_finished');
    expect(await isFinal(memory)).toBe(true);
  });

  it('a click that does nothing', async () => {
    await chromium.page.setContent(page('done = true', ''));
    await quiet();
    const watcher = activity();
    await watcher.settle({ floorMs: 0, quietMs: 0, ceilingMs: 100 }, { signal });
    watcher.mark();
    const report = await watcher.settle(WAIT, { signal });
    expect(report).toMatchObject({ reason: 'no_change', changedArea: 0 });
  });
});
