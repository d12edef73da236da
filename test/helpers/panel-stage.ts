import { existsSync, rmSync } from 'node:fs';
import { FakeDesktop, PanelProcess, panelRun } from '@deskhand/overlay/testing';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { eventually } from './eventually.ts';

/** The panel's own size. */
export const PANEL_SIZE = { width: 376, height: 640 };
export const AT = '2026-03-14T14:03:00.000Z';

type Scene = (fake: FakeDesktop) => void | Promise<void>;

/** A screen as the agent might see it, in 320×180. */
const screen = sharp(
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="320" height="180" font-family="DejaVu Sans" font-size="9">
    <rect width="320" height="180" fill="#3a5a78"/><rect x="20" y="14" width="280" height="150" fill="#fdfdfd"/>
    <rect x="20" y="14" width="280" height="16" fill="#d8dde3"/><text x="28" y="25" fill="#222">Orders - Firefox</text>
    ${[0, 1, 2, 3, 4].map((i) => `<rect x="32" y="${44 + i * 18}" width="150" height="10" fill="#e3e8ee"/><rect x="196" y="${44 + i * 18}" width="34" height="10" fill="${i % 2 ? '#f0b4a8' : '#b9dfc0'}"/>`).join('')}
    <rect x="212" y="138" width="72" height="18" rx="3" fill="#2b6cb0"/><text x="232" y="150" fill="#fff">Submit</text></svg>`),
)
  .jpeg({ quality: 80 })
  .toBuffer()
  .then((bytes) => bytes.toString('base64'));

const story: Scene = async (fake) => {
  const now = Date.now();
  const at = (ms: number) => new Date(now - ms).toISOString();
  const lines = [
    'Open Firefox',
    'Click “Orders”',
    'Type 24 characters into “Search”',
    'Press Enter',
    'Scroll down 3 notches',
  ];
  for (const [index, action] of lines.entries()) {
    fake.step({ step: 7 + index, action, at: at(9000 - index * 1500) });
    fake.step({
      step: 7 + index,
      outcome: index === 3 ? 'unverified' : 'confirmed',
      at: at(9000 - index * 1500 - 800),
    });
  }
  fake.step({
    step: 12,
    action: 'Click “Submit” in Firefox',
    thought:
      'Every late order is marked now. Submitting the form saves the list; afterwards the banner should say that five orders were changed, which is how I can tell that it worked.',
  });
  fake.thumbnail({ jpegBase64: await screen, width: 320, height: 180, target: { x: 248, y: 147 } });
};

/** What the desktop does in each of the nine states. */
export const SCENES: Readonly<Record<string, Scene>> = {
  idle: () => {},
  pairing: (fake) =>
    fake.setDaemon({
      pairing: { host: 'desks.example.org', code: 'K7QM-2XPD', expiresAt: AT },
      server: { url: 'https://desks.example.org', connected: false },
    }),
  running: async (fake) => {
    fake.setDaemon({ run: panelRun() });
    await story(fake);
  },
  awaiting_human: async (fake) => {
    fake.setDaemon({ run: panelRun() });
    await story(fake);
    fake.setDaemon({
      run: panelRun({
        status: 'awaiting_human',
        awaitingReason:
          'Two orders have the number 1047. Shall I submit the form for both, or only for the newer one?',
        ask: { requestId: 'req_1', digest: 'd1', application: 'Firefox', action: 'Click “Submit”' },
      }),
    });
  },
  paused: async (fake) => {
    fake.setGuard({ control: 'paused' });
    fake.setDaemon({ run: panelRun(), control: 'paused', pauseKind: 'person_input' });
    await story(fake);
  },
  takeover: async (fake) => {
    fake.setGuard({ control: 'paused' });
    fake.setDaemon({ run: panelRun(), control: 'paused', pauseKind: 'takeover' });
    await story(fake);
  },
  stopped: async (fake) => {
    fake.setDaemon({ run: panelRun({ status: 'cancelled' }) });
    await story(fake);
    fake.setGuard({ control: 'stopped', latch: { tripped: true, by: 'hotkey', at: AT } });
  },
  disconnected: async (fake) => {
    fake.setDaemon({ run: panelRun(), server: { url: 'https://desks.example.org', connected: false } });
    await story(fake);
  },
  controls_lost: async (fake) => {
    fake.setDaemon({ run: panelRun() });
    await story(fake);
    await fake.guard[Symbol.asyncDispose]();
  },
};
export const MODES = Object.keys(SCENES);

/** What can be changed on a page that is there already. */
type Media = Pick<
  BrowserContextOptions,
  'colorScheme' | 'forcedColors' | 'reducedMotion' | 'contrast' | 'viewport'
>;
type Own = Pick<BrowserContextOptions, 'locale' | 'deviceScaleFactor'> & {
  prepare?: (context: BrowserContext) => unknown;
  /** A page nobody used before, closed afterwards. */
  fresh?: boolean;
};

/**
 * The real panel in Chromium before a guard and a daemon that only speak. One host, and one page for all tests that
 * leave it as it was: opening a page takes longer than most tests. Registers its own hooks.
 */
export function stagePanel(): PanelStage {
  const stage = new PanelStage();
  beforeAll(() => stage.open());
  afterEach(() => stage.leave());
  afterAll(() => stage.close());
  return stage;
}

export class PanelStage {
  fake!: FakeDesktop;
  panel!: PanelProcess;
  page!: Page;
  /** Errors of the page since it was shown: there may be none, ever. */
  readonly faults: string[] = [];
  #browser!: Browser;
  #shared: Page | null = null;
  readonly #own: AsyncDisposable[] = [];

  async open(): Promise<void> {
    this.#browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    this.fake = await FakeDesktop.start();
    this.panel = await PanelProcess.start(this.fake.dataDir, { env: this.fake.env });
  }

  /** After each test: what it opened is closed, what it changed on the shared page is not there any more. */
  async leave(): Promise<void> {
    for (const resource of this.#own.splice(0).reverse()) await resource[Symbol.asyncDispose]();
  }

  /** Closed after this test. */
  own(resource: AsyncDisposable): void {
    this.#own.push(resource);
  }

  async close(): Promise<void> {
    await this.leave();
    await this.#browser?.close();
    await this.panel?.[Symbol.asyncDispose]();
    await this.fake?.[Symbol.asyncDispose]();
  }

  /** The panel in a state, beginning from a desktop that is ready and idle. */
  async show(mode: string, options: Media & Own = {}): Promise<Page> {
    const { locale, deviceScaleFactor, prepare, fresh, ...media } = options;
    await this.#settleDesktop();
    const ownPage =
      locale !== undefined || deviceScaleFactor !== undefined || prepare !== undefined || fresh === true;
    const { viewport = PANEL_SIZE, ...look } = media;
    if (ownPage) {
      this.page = await this.#newPage({ ...options, viewport });
      const context = this.page.context();
      this.#own.push({ [Symbol.asyncDispose]: () => context.close() });
    } else {
      this.#shared ??= await this.#newPage({ viewport: PANEL_SIZE });
      this.page = this.#shared;
      await this.page.emulateMedia({
        ...{ colorScheme: 'dark', forcedColors: 'none', reducedMotion: 'no-preference' },
        contrast: 'no-preference',
        ...look,
      });
      const now = this.page.viewportSize();
      if (now?.width !== viewport?.width || now?.height !== viewport?.height)
        await this.page.setViewportSize(viewport ?? PANEL_SIZE);
    }
    await this.#becomesIdle();
    for (const server of [this.fake.guard, this.fake.daemon]) server.forget();
    this.faults.length = 0;
    await this.enter(mode);
    return this.page;
  }

  async #newPage(options: BrowserContextOptions & Own): Promise<Page> {
    const { prepare, fresh: _fresh, ...rest } = options;
    const context = await this.#browser.newContext({
      ...{ locale: 'en-US', timezoneId: 'UTC', colorScheme: 'dark' },
      ...rest,
    });
    await prepare?.(context);
    const page = await context.newPage();
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.faults.push(message.text());
    });
    await page.goto(await this.panel.issueLink());
    return page;
  }

  async #settleDesktop(): Promise<void> {
    await this.fake.reset();
    rmSync(this.fake.paths.latchFile, { force: true });
  }

  /** A stop of the test before goes two ways, and the slower one may arrive after the desktop was reset. */
  async #becomesIdle(): Promise<void> {
    await eventually(
      async () => {
        try {
          await this.page.waitForSelector('.mode-idle', { timeout: 3000 });
          return true;
        } catch (error) {
          await this.#settleDesktop();
          throw error;
        }
      },
      { timeoutMs: 40_000, what: 'an idle panel' },
    );
  }

  /** Presses STOP; resolves when it has arrived on both of its ways. */
  async pressStop(): Promise<void> {
    const before = this.fake.guard.messages('stop').length;
    await this.page.locator('.stop-button').dispatchEvent('pointerdown');
    await eventually(() => this.fake.guard.messages('stop').length > before + 1, { what: 'both stops' });
  }

  /** From idle to a state, and everything of it on the page. */
  async enter(mode: string): Promise<void> {
    await SCENES[mode]?.(this.fake);
    const parts: string[] = [];
    if (!['idle', 'pairing'].includes(mode)) {
      parts.push(':has(.meter)', ':has(.log li:has-text("Scroll down 3 notches"))');
      parts.push(
        mode === 'awaiting_human'
          ? ':has(.request:has-text("Click “Submit”"))'
          : ':has(.action:has-text("Click “Submit” in Firefox"))',
      );
      if (mode !== 'takeover') parts.push(':has(.target)');
    }
    await this.page.locator(`main.mode-${mode}${parts.join('')}`).waitFor({ state: 'attached' });
  }

  /** Idle, and from there to a state, on the page that is shown. */
  async reenter(mode: string): Promise<void> {
    await this.fake.reset();
    await this.page.waitForSelector('.mode-idle');
    await this.enter(mode);
  }

  /** Waits out the one transition and the arming of buttons. */
  async settled(): Promise<void> {
    await this.page.evaluate(
      'Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})))',
    );
    if (await this.page.$('.approve')) await this.page.waitForSelector('.approve[aria-disabled="false"]');
  }

  /** The page's policy forbids evaluated text, also a test's: looked for from outside. */
  async says(selector: string, text: string): Promise<void> {
    await this.page.locator(selector).filter({ hasText: text }).first().waitFor({ state: 'attached' });
  }

  async box(selector: string) {
    const found = await this.page.locator(selector).boundingBox();
    if (found === null) throw new Error(`${selector} is not on the page`);
    return found;
  }

  /** Pixels by which the page is wider than its window. */
  overflow(): Promise<number> {
    return this.page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  }

  /** Tab begins at the page's beginning again, whatever had the focus. */
  async startTabbing(): Promise<void> {
    await this.page.evaluate(
      'document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex")',
    );
  }

  focused(): Promise<string> {
    return this.page.evaluate(
      'document.activeElement.className || document.activeElement.tagName.toLowerCase()',
    );
  }

  /** Names of the commands the daemon was given. */
  commands(): string[] {
    return this.fake.daemon
      .messages('command')
      .map((message) => (message.type === 'command' ? message.name : ''));
  }

  /** Whether the panel wrote the latch file itself. */
  get latched(): boolean {
    return existsSync(this.fake.paths.latchFile);
  }
}
