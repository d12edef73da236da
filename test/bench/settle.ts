import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import {
  FrameEncoder,
  FrameMemory,
  keptImage,
  layoutIdOf,
  openX11ScreenActivity,
  openX11ScreenCapture,
} from '@deskhand/daemon/capture';
import { Before } from '@deskhand/daemon/evidence';
import { openX11InputBackend } from '@deskhand/daemon/input';
import type { RawImage } from '@deskhand/daemon/ports';
import { openSenses } from '@deskhand/daemon/senses';
import { Settling } from '@deskhand/daemon/settling';
import { openX11 } from '@deskhand/daemon/x11';
import { centerOf, type Display, type OperationType, type Point, type Rect } from '@deskhand/protocol';
import { type SettlePages, startSettlePages } from '../helpers/settle-pages.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
import type { Benchmark } from './benchmark.ts';
import { brief, summarize } from './statistics.ts';

const SIZE = { width: 1280, height: 800 };
/** All of them in one run, so that each trial sees another place than the one before. */
const TRIALS = Number(process.env.BENCH_TRIALS ?? 17);
/** Where pairs of pictures are kept that should have been alike, to be looked at. */
const KEPT = process.env.BENCH_KEEP;
/** Every scenario has ended by then. */
const FINAL_AFTER_MS = 2300;
const FIXED_MS = [750, 2000] as const;
/** Fewer different pixels are a caret. */
const SAME_PX = 60;
const { width, height } = SIZE;
const SCREEN: Rect = { x: 0, y: 0, width, height };

/** Everything the daemon would use, without the processes around it. */
export type SettleRig = AsyncDisposable &
  Readonly<{
    desktop: XDesktop;
    pages: SettlePages;
    /** One trial of one scenario. */
    trial(scenario: Scenario, signal: AbortSignal): Promise<TrialResult>;
  }>;

/** For each way to wait: how long it was, and whether the picture taken then was not yet the final one. */
export type TrialResult = Readonly<{
  reason: string;
  settledMs: number;
  /** From the end of the input to an encoded picture in hand. */
  inHandMs: number;
  wrong: boolean;
  fixedWrong: readonly boolean[];
}>;

type Hands = Awaited<ReturnType<typeof openX11InputBackend>>;

export type Scenario = Readonly<{
  name: string;
  type: OperationType;
  /** Brings the screen into its first state. @returns where the action goes, and what never rests. */
  prepare(
    rig: SettleRig & { input: Hands; open(url: string): Promise<void>; title(): Promise<string> },
  ): Promise<{
    target: Point | null;
    restless: readonly Rect[];
  }>;
  act(input: Hands, target: Point | null): Promise<void>;
  clean?(input: Hands): Promise<void>;
}>;

const click = async (input: Hands) => {
  await input.button('left', true);
  await input.button('left', false);
};
const press = async (input: Hands, ...keys: string[]) => {
  for (const key of keys) await input.key(key, true);
  for (const key of keys.reverse()) await input.key(key, false);
};

const onPage = (name: string, page: string, more: Partial<Scenario> = {}): Scenario => ({
  name,
  type: 'click',
  async prepare({ pages, open }) {
    pages.forget();
    await open(pages.url(page));
    const { go, aside } = await pages.places();
    return { target: centerOf(go), restless: [aside] };
  },
  act: click,
  ...more,
});

/** In the editor, whose menus and dialogs are windows of their own. */
const inEditor = (name: string, keys: readonly string[], more: Partial<Scenario> = {}): Scenario => ({
  name,
  type: 'key_combo',
  async prepare({ desktop }) {
    await desktop.ask(
      'xdotool',
      'search',
      '--onlyvisible',
      '--class',
      'mousepad',
      'windowactivate',
      '--sync',
    );
    return { target: null, restless: [] };
  },
  act: (input) => press(input, ...keys),
  clean: (input) => press(input, 'escape'),
  ...more,
});

export const SETTLE_SCENARIOS: readonly Scenario[] = [
  onPage('a page that finishes 120 ms after the click', 'answers'),
  onPage('a box is ticked, and more fields come 120 ms later', 'more'),
  onPage('a box is ticked, and nothing else happens', 'box'),
  inEditor('a menu opens', ['alt', 'f']),
  inEditor('a file dialog opens', ['ctrl', 'o']),
  onPage('a dialog of a page opens', 'dialog'),
  onPage('a page loads in three pieces, 700 ms', 'page_load'),
  onPage('a long page scrolls', 'scroll', {
    type: 'scroll',
    act: async (input) => {
      for (let notch = 0; notch < 5; notch += 1) await input.wheel('down');
    },
  }),
  onPage('a spinner turns beside the answer', 'spinner'),
  onPage('a film runs beside the answer', 'film'),
  onPage('two bursts, 300 and 900 ms: the network is busy', 'bursts_network'),
  onPage('two bursts, 300 and 900 ms: the page says so', 'bursts_busy'),
  onPage('a bar grows for 600 ms', 'builds'),
  onPage('typing, with a caret and a clock', 'clock', {
    type: 'type_text',
    async prepare({ pages, open, input }) {
      pages.forget();
      await open(pages.url('clock'));
      const { field, aside } = await pages.places();
      await input.moveTo(centerOf(field));
      await click(input);
      return { target: null, restless: [aside] };
    },
    act: (input) => input.typeText('Hello', () => {}, { signal: AbortSignal.timeout(5000) }),
  }),
];

export const settleBenchmark: Benchmark = {
  name: 'settle',
  describe:
    'when a screen is quiet: wrong frames and time over fourteen scenarios, beside fixed sleeps of 750 and 2,000 ms',
  async run({ signal, progress }) {
    await using rig = await openSettleRig(signal);
    const results = SETTLE_SCENARIOS.map(() => [] as TrialResult[]);
    try {
      for (let trial = 0; trial < TRIALS; trial += 1) {
        progress(`  trial ${trial + 1} of ${TRIALS}`);
        for (const [index, scenario] of SETTLE_SCENARIOS.entries()) {
          const result = await rig.trial(scenario, signal);
          if (result.wrong)
            progress(`    wrong after ${result.settledMs} ms (${result.reason}): ${scenario.name}`);
          results[index]?.push(result);
        }
      }
    } catch (error) {
      // It takes a quarter of an hour: what was measured before somebody stopped it is told.
      if (!signal.aborted) throw error;
    }
    const row = (name: string, trials: readonly TrialResult[]) => {
      const settled = summarize(trials.map(({ settledMs }) => settledMs));
      const inHand = summarize(trials.map(({ inHandMs }) => inHandMs));
      const wrong = (is: (trial: TrialResult) => boolean | undefined) =>
        trials.filter((trial) => is(trial)).length;
      return [
        name,
        trials.length,
        brief(settled.medianMs),
        brief(inHand.medianMs),
        brief(inHand.p95Ms),
        wrong((trial) => trial.wrong),
        ...FIXED_MS.map((_, index) => wrong((trial) => trial.fixedWrong[index])),
        [...new Set(trials.map(({ reason }) => reason))].join(', '),
      ];
    };
    return {
      name: 'settle',
      tables: [
        {
          title: 'From the end of the input to a settled frame in hand',
          note: `Wrong: the picture taken then differs from the one ${FINAL_AFTER_MS} ms after the input, in more than ${SAME_PX} pixels outside of what never rests. The sleeps were judged in the same trials.`,
          columns: [
            ...['scenario', 'n', 'settled, median ms', 'frame in hand, median ms', 'p95 ms', 'wrong'],
            ...FIXED_MS.map((ms) => `wrong after a sleep of ${ms} ms`),
            'ended because',
          ],
          rows: [
            ...SETTLE_SCENARIOS.map(({ name }, index) => row(name, results[index] ?? [])),
            row('all', results.flat()),
          ],
        },
      ],
    };
  },
};

export async function openSettleRig(signal: AbortSignal): Promise<SettleRig> {
  const stack = new AsyncDisposableStack();
  try {
    const desktop = stack.use(await startXDesktop(SIZE));
    const pages = stack.use(await startSettlePages());
    const handsX = stack.use(await openX11({ display: desktop.display, log: silentLogger }));
    const eyesX = stack.use(await openX11({ display: desktop.display, log: silentLogger }));
    const input = stack.use(await openX11InputBackend({ connection: handsX, log: silentLogger }));
    const capture = stack.use(await openX11ScreenCapture({ connection: eyesX, log: silentLogger }));
    // The sleeps look with eyes of their own, at the same time.
    const sleeper = stack.use(await openX11ScreenCapture({ connection: handsX, log: silentLogger }));
    const activity = stack.use(await openX11ScreenActivity({ connection: eyesX, log: silentLogger }));
    const senses = stack.use(
      await openSenses({
        display: desktop.display,
        env: desktop.env,
        dataDir: desktop.folder,
        virtual: true,
        log: silentLogger,
      }),
    );
    const { browser, windows } = senses;
    const settling = new Settling({ activity, browser, elements: senses.accessibility, windows });
    const [display] = await capture.displays();
    if (display === undefined) throw new Error('no display');
    await desktop.mousepad();
    const encoder = new FrameEncoder();
    const memory = new FrameMemory();
    const layoutId = layoutIdOf([display]);
    const quiet = async () => {
      settling.begin();
      await activity.settle({ floorMs: 250, quietMs: 250, ceilingMs: 1500 }, { signal });
    };
    const open = async (url: string) => {
      await browser.navigate(url, { signal });
      const window = (await windows.windows()).find((one) => browser.isOurs(one));
      if (window !== undefined) await windows.focus(window.id);
    };
    const rig: SettleRig = {
      desktop,
      pages,
      trial: async (scenario) => {
        // Before the next page comes: what changed until now belongs to the trial before.
        settling.next();
        settling.begin();
        const { target, restless } = await scenario.prepare({
          ...rig,
          input,
          open,
          title: async () => (await windows.activeWindow())?.title ?? '',
        });
        if (target !== null) await input.moveTo(target);
        await quiet();
        await settling.afterApproach(signal);
        const place = await windows.activeWindow();
        const eyes = { capture, windows, elements: senses.accessibility };
        const parts = { senses: eyes, region: SCREEN, memory, receiver: place };
        const before = await Before.look(parts, Before.ask(parts, target, signal), signal);
        settling.begin();
        await scenario.act(input, target);
        const startedAt = performance.now();
        const after = async (sleepMs: number) => {
          await new Promise((resolve) => setTimeout(resolve, startedAt + sleepMs - performance.now()));
          return keptImage(await sleeper.grab(SCREEN, { signal }));
        };
        const [ours, final, ...fixed] = await Promise.all([
          (async () => {
            const told =
              scenario.type === 'click' && target !== null
                ? { told: () => before.clickedTells(target, signal) }
                : {};
            const where = { place, target, ceilingMs: 3000 };
            const settled = await settling.after(scenario.type, where, signal, told);
            const image = await capture.grab(SCREEN, { signal });
            const picture = keptImage(image);
            await encode(encoder, image, display, layoutId);
            return { settled, picture, inHandMs: performance.now() - startedAt };
          })(),
          after(FINAL_AFTER_MS),
          ...FIXED_MS.map(after),
        ]);
        const { settled, picture, inHandMs } = ours;
        const wrong = differs(picture, final, restless);
        const fixedWrong = fixed.map((other) => differs(other, final, restless));
        if (wrong && KEPT !== undefined) {
          const toPng = async (image: RawImage) =>
            (await encode(encoder, image, display, layoutId, 'image/png')).bytes;
          await keep(KEPT, scenario.name, { picture, final }, toPng);
        }
        await scenario.clean?.(input);
        return {
          reason: settled?.reason ?? 'none',
          settledMs: settled?.settledMs ?? 0,
          inHandMs,
          wrong,
          fixedWrong,
        };
      },
      async [Symbol.asyncDispose]() {
        await stack.disposeAsync();
      },
    };
    return rig;
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function keep(
  folder: string,
  name: string,
  pictures: Readonly<Record<string, RawImage>>,
  toPng: (image: RawImage) => Promise<Uint8Array>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const moment = Date.now();
  for (const [which, image] of Object.entries(pictures))
    await writeFile(
      join(folder, `${name.replaceAll(/\W+/g, '-')}-${moment}-${which}.png`),
      await toPng(image),
    );
}

function encode(
  encoder: FrameEncoder,
  image: RawImage,
  display: Display,
  layoutId: string,
  mimeType: 'image/jpeg' | 'image/png' = 'image/jpeg',
) {
  return encoder.encode(image, {
    region: display.bounds,
    display,
    layoutId,
    maxSidePx: 1280,
    mimeType,
    capturedAt: new Date(),
  });
}

function differs(picture: RawImage, final: RawImage, restless: readonly Rect[]): boolean {
  const blind = (image: RawImage): RawImage => {
    const pixels = new Uint8Array(image.pixels);
    const bytes = image.format === 'bgrx' ? 4 : 3;
    for (const area of restless) {
      const left = Math.max(0, Math.floor(area.x));
      const right = Math.min(image.width, Math.ceil(area.x + area.width));
      for (let y = Math.max(0, Math.floor(area.y)); y < Math.min(image.height, area.y + area.height); y += 1)
        pixels.fill(0, (y * image.width + left) * bytes, (y * image.width + right) * bytes);
    }
    return { ...image, pixels };
  };
  const memory = new FrameMemory();
  memory.remember(blind(picture));
  return (memory.compare(blind(final))?.changedPixels ?? Number.POSITIVE_INFINITY) > SAME_PX;
}
