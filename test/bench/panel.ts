import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { sleep } from '@deskhand/base';
import { FakeDesktop, PanelProcess, panelRun } from '@deskhand/overlay/testing';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import type { Benchmark } from './benchmark.ts';
import { brief, summarize } from './statistics.ts';

const SIZE = { width: 376, height: 640 };
const OPENINGS = 9;
const EVENTS = 150;
/** Sixty minutes at five steps a second. */
const STEPS = 18_000;
const IDLE_MS = 15_000;
const SETTLE_MS = 3000;
/** Steps between two looks at the heap. */
const HEAP_EVERY = 3000;
const assets = fileURLToPath(new URL('../../apps/overlay/out/renderer/assets', import.meta.url));

/** The same page with nothing in it: what Chromium itself takes for showing anything. */
const EMPTY = 'data:text/html,<title>empty</title><p class="status">Ready</p>';

/** The panel in Chromium before a guard and a daemon that only speak: what a person's computer pays for watching. */
export const panelBenchmark: Benchmark = {
  name: 'panel',
  describe:
    'the panel beside an empty page: first paint, event to pixels, an hour of steps, memory, idle CPU, size',
  async run({ signal, progress }) {
    await using fake = await FakeDesktop.start();
    await using panel = await PanelProcess.start(fake.dataDir, { env: fake.env });
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    try {
      progress(`panel: ${OPENINGS} openings, each beside one of an empty page`);
      const paints = { ours: [] as number[], empty: [] as number[] };
      for (let opening = 0; opening < OPENINGS; opening += 1) {
        signal.throwIfAborted();
        paints.empty.push(await firstPaint(browser, EMPTY));
        paints.ours.push(await firstPaint(browser, await panel.issueLink()));
      }
      progress(`panel: an empty page, idle for ${IDLE_MS / 1000} s`);
      const emptyPage = await open(browser, EMPTY);
      const floor = await costOfWatching(emptyPage, null);
      const floorEvents = await messagesToPixels(emptyPage, signal);
      await emptyPage.context().close();

      const page = await open(browser, await panel.issueLink());
      progress(`panel: idle for ${IDLE_MS / 1000} s`);
      const idle = await costOfWatching(page, panel.child.pid as number);
      fake.setDaemon({ run: panelRun() });
      await page.waitForSelector('.mode-running');

      progress(`panel: ${EVENTS} events to pixels`);
      const events = await eventsToPixels(page, fake, signal);
      progress(`panel: ${STEPS} steps as fast as they go`);
      const hour = await anHourOfSteps(page, fake, signal);
      progress(`panel: a run without news for ${IDLE_MS / 1000} s`);
      const after = await costOfWatching(page, panel.child.pid as number);
      const [script, words] = scriptBytes();

      const ours = summarize(paints.ours);
      const empty = summarize(paints.empty);
      const row = (what: string, value: number, beside: number | null, unit: string, ceiling: number) => [
        what,
        brief(value),
        beside === null ? null : brief(beside),
        unit,
        ceiling,
        value <= ceiling ? 'yes' : 'NO',
      ];
      const told = (what: string, value: number, beside: number | null, unit: string) => [
        what,
        brief(value),
        beside === null ? null : brief(beside),
        unit,
        null,
        null,
      ];
      return {
        name: 'panel',
        tables: [
          {
            title: 'The panel in Chromium',
            columns: ['what', 'panel', 'empty page', 'unit', 'at most', 'kept'],
            rows: [
              row('first paint, median', ours.medianMs, empty.medianMs, 'ms', 200),
              row('event to pixels, p95', events.p95Ms, floorEvents.p95Ms, 'ms', 50),
              row('event to pixels, median', events.medianMs, floorEvents.medianMs, 'ms', 50),
              row(
                'heap after 18,000 steps, beyond that after the first 3,000',
                hour.growthKb,
                null,
                'kB',
                200,
              ),
              row('memory of the renderer, idle (PSS)', idle.rendererMb, floor.rendererMb, 'MB', 60),
              told('of which no other process shares', idle.privateMb, floor.privateMb, 'MB'),
              told('the same after the 18,000 steps', after.privateMb, null, 'MB'),
              row('CPU of the renderer, idle', idle.rendererPercent, floor.rendererPercent, '%', 1),
              row('CPU of its host, idle', idle.hostPercent, null, '%', 1),
              told('CPU of the renderer, a run on and nothing new', after.rendererPercent, null, '%'),
              row('script, gzipped', script, null, 'bytes', 10_000),
              row('words of one language, gzipped', words, null, 'bytes', 3000),
            ],
            note: `${hour.lost} of ${STEPS} steps were not the last one shown when they were the last one sent. Event to pixels of the empty page: one line set over the debugging socket. PSS counts a page of memory that n processes share as 1/n; most of a renderer's is Chromium's program, which is shared by fewer the fewer Chromiums run.`,
          },
        ],
      };
    } finally {
      await browser.close();
    }
  },
};

async function open(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: SIZE, locale: 'en-US' });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector('.status');
  return page;
}

async function firstPaint(browser: Browser, url: string): Promise<number> {
  const page = await open(browser, url);
  const ms = await page.evaluate<number>(
    "performance.getEntriesByName('first-contentful-paint')[0].startTime",
  );
  await page.context().close();
  return ms;
}

/** From the daemon's write into its socket to the frame after the one that holds it; both by the computer's clock. */
async function eventsToPixels(page: Page, fake: FakeDesktop, signal: AbortSignal) {
  const times: number[] = [];
  for (let index = 0; index < EVENTS; index += 1) {
    signal.throwIfAborted();
    const action = `Press key ${index}`;
    const shown = page.evaluate<number>(`new Promise((resolve) => {
      const look = () => document.querySelector('.action')?.textContent.includes(${JSON.stringify(action)})
        && requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
      new MutationObserver((_, observer) => { if (look()) observer.disconnect(); })
        .observe(document.body, { subtree: true, childList: true, characterData: true });
    })`);
    await sleep(40);
    const sentAt = performance.timeOrigin + performance.now();
    fake.step({ step: 100 + index, action });
    times.push((await shown) - sentAt);
  }
  return summarize(times);
}

/** The least a line from another process takes to the frame that shows it. */
async function messagesToPixels(page: Page, signal: AbortSignal) {
  const times: number[] = [];
  for (let index = 0; index < EVENTS; index += 1) {
    signal.throwIfAborted();
    await sleep(40);
    const sentAt = performance.timeOrigin + performance.now();
    const shownAt = await page.evaluate<number>(`new Promise((resolve) => {
      document.querySelector('.status').textContent = 'Press key ${index}';
      requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
    })`);
    times.push(shownAt - sentAt);
  }
  return summarize(times);
}

async function anHourOfSteps(page: Page, fake: FakeDesktop, signal: AbortSignal) {
  const cdp = await page.context().newCDPSession(page);
  const pixels = { create: { width: 320, height: 180, channels: 3 as const, background: '#3a5a78' } };
  const jpegBase64 = (await sharp(pixels).jpeg().toBuffer()).toString('base64');
  const heaps: number[] = [];
  let lost = 0;
  for (let step = 1; step <= STEPS; step += 1) {
    const at = new Date(Date.now()).toISOString();
    fake.step({ step: 1000 + step, action: `Click “Row ${step}”`, thought: `Because of row ${step}.`, at });
    fake.step({ step: 1000 + step, outcome: 'confirmed', settledMs: 40, at });
    if (step % 10 === 0)
      fake.thumbnail({ jpegBase64, width: 320, height: 180, target: { x: step % 320, y: 90 } });
    // Room for the sockets; real steps come a thousand times slower.
    if (step % 100 === 0) await sleep(5);
    if (step % HEAP_EVERY !== 0) continue;
    signal.throwIfAborted();
    const newest = page
      .locator('.log li')
      .first()
      .filter({ hasText: `Row ${step}”` });
    await newest.waitFor({ state: 'attached', timeout: 10_000 }).catch(() => {
      lost += 1;
    });
    heaps.push(await heapBytes(cdp));
  }
  return { growthKb: ((heaps.at(-1) ?? 0) - (heaps[0] ?? 0)) / 1024, lost };
}

async function heapBytes(cdp: CDPSession): Promise<number> {
  await cdp.send('HeapProfiler.collectGarbage');
  return (await cdp.send('Runtime.getHeapUsage')).usedSize;
}

/** What a page and its host take while nothing happens. */
async function costOfWatching(page: Page, hostPid: number | null) {
  const cdp = await (page.context().browser() as Browser).newBrowserCDPSession();
  const renderers = async () =>
    (await cdp.send('SystemInfo.getProcessInfo')).processInfo.filter(({ type }) => type === 'renderer');
  // A browser has renderers of its own, and one in reserve: the page's is the one that works when the page does.
  const rested = new Map((await renderers()).map(({ id, cpuTime }) => [id, cpuTime]));
  await page.evaluate('for (const begun = performance.now(); performance.now() - begun < 300; );');
  const worked = ({ id, cpuTime }: { id: number; cpuTime: number }) => cpuTime - (rested.get(id) ?? 0);
  const pid = (await renderers()).sort((a, b) => worked(b) - worked(a))[0]?.id ?? 0;
  const cpuTime = async () => (await renderers()).find(({ id }) => id === pid)?.cpuTime ?? 0;
  const host = () => (hostPid === null ? 0 : cpuSeconds(hostPid));
  // What opening and asking have stirred up comes to rest first.
  await sleep(SETTLE_MS);
  const before = { renderer: await cpuTime(), host: host() };
  await sleep(IDLE_MS);
  const after = { renderer: await cpuTime(), host: host() };
  const percent = (seconds: number) => (100 * seconds) / (IDLE_MS / 1000);
  return {
    ...memoryOf(pid),
    rendererPercent: percent(after.renderer - before.renderer),
    hostPercent: percent(after.host - before.host),
  };
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function memoryOf(pid: number): { rendererMb: number; privateMb: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024;
  return { rendererMb: mb('Pss'), privateMb: mb('Private_Clean') + mb('Private_Dirty') };
}

/** All script, and the words of one language; gzipped. */
function scriptBytes(): [number, number] {
  const sizes = (fits: RegExp) =>
    readdirSync(assets)
      .filter((name) => fits.test(name))
      .map((name) => gzipSync(readFileSync(`${assets}/${name}`), { level: 9 }).length);
  const sum = (all: number[]) => all.reduce((total, bytes) => total + bytes, 0);
  return [sum(sizes(/\.js$/)), Math.max(...sizes(/^words-.*\.json$/))];
}
