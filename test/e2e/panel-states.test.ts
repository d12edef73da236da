import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { FakeDesktop, PanelProcess, panelRun } from '@deskhand/overlay/testing';
import { PROBE_CELL_PX, PROBE_CELLS, probeCells } from '@deskhand/protocol';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';

/** Where the pictures of docs/overlay.md lie. `DESKHAND_UPDATE_IMAGES=1` makes them anew; look at them afterwards. */
const images = fileURLToPath(new URL('../../docs/images', import.meta.url));
const update = process.env.DESKHAND_UPDATE_IMAGES === '1';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const SIZE = { width: 376, height: 640 };
const AT = '2026-03-14T14:03:00.000Z';

/** A screen as the agent might see it, in 320×180. */
const screen = sharp(
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="320" height="180" font-family="DejaVu Sans" font-size="9">
    <rect width="320" height="180" fill="#3a5a78"/><rect x="20" y="14" width="280" height="150" fill="#fdfdfd"/>
    <rect x="20" y="14" width="280" height="16" fill="#d8dde3"/><text x="28" y="25" fill="#222">Orders - Firefox</text>
    ${[0, 1, 2, 3, 4].map((i) => `<rect x="32" y="${44 + i * 18}" width="150" height="10" fill="#e3e8ee"/><rect x="196" y="${44 + i * 18}" width="34" height="10" fill="${i % 2 ? '#f0b4a8' : '#b9dfc0'}"/>`).join('')}
    <rect x="212" y="138" width="72" height="18" rx="3" fill="#2b6cb0"/><text x="232" y="150" fill="#fff">Submit</text></svg>`),
).jpeg({ quality: 80 });

type Axe = {
  run(): Promise<{
    violations: Array<{ id: string; nodes: Array<{ html: string; failureSummary: string }> }>;
  }>;
};

type Scene = (fake: FakeDesktop) => void | Promise<void>;

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
  const jpegBase64 = (await screen.clone().toBuffer()).toString('base64');
  fake.thumbnail({ jpegBase64, width: 320, height: 180, target: { x: 248, y: 147 } });
};

const scenes: Record<string, Scene> = {
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
const MODES = Object.keys(scenes);

describe('the panel in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let fake: FakeDesktop;
  let panel: PanelProcess;
  const open: AsyncDisposable[] = [];
  /** One desktop and one host for all tests that leave them as they were. */
  let house: { fake: FakeDesktop; panel: PanelProcess } | null = null;
  const leaveHouse = async () => {
    await house?.panel[Symbol.asyncDispose]();
    await house?.fake[Symbol.asyncDispose]();
    house = null;
  };

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
  });
  afterEach(async () => {
    for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await browser.close();
    await leaveHouse();
  });

  async function show(
    mode: string,
    options: BrowserContextOptions = {},
    prepare?: (context: BrowserContext) => Promise<unknown>,
  ): Promise<Page> {
    if (house === null) {
      fake = await FakeDesktop.start();
      panel = await PanelProcess.start(fake.dataDir, { env: fake.env });
      house = { fake, panel };
    } else {
      ({ fake, panel } = house);
      await fake.reset();
      rmSync(fake.paths.latchFile, { force: true });
    }
    for (const server of [fake.guard, fake.daemon]) server.forget();
    const context = await browser.newContext({
      viewport: SIZE,
      locale: 'en-US',
      timezoneId: 'UTC',
      colorScheme: 'dark',
      ...options,
    });
    open.push({ [Symbol.asyncDispose]: () => context.close() });
    await prepare?.(context);
    page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    faults.length = 0;
    await page.goto(await panel.issueLink());
    await page.waitForSelector('.mode-idle');
    await enter(mode);
    return page;
  }

  async function enter(mode: string): Promise<void> {
    await scenes[mode]?.(fake);
    await page.waitForSelector(`.mode-${mode}`);
    if (!['idle', 'pairing'].includes(mode)) await page.waitForSelector('.meter', { state: 'attached' });
    if (!['idle', 'pairing'].includes(mode)) {
      if (mode === 'awaiting_human') await says('.request', 'Click “Submit”');
      else await says('.action', 'Click “Submit” in Firefox');
      await says('.log li', 'Scroll down 3 notches');
    }
    if (await page.$('img')) await page.waitForSelector('.target', { state: 'attached' });
  }
  /** Errors of the page: there may be none, ever. */
  const faults: string[] = [];

  /** Waits out the one transition and the arming of buttons. */
  async function settled(): Promise<void> {
    await page.evaluate(() =>
      Promise.all(
        (
          globalThis as unknown as { document: { getAnimations(): Array<{ finished: Promise<unknown> }> } }
        ).document
          .getAnimations()
          .map((animation) => animation.finished),
      ),
    );
    if (await page.$('.approve')) await page.waitForSelector('.approve[aria-disabled="false"]');
  }

  /** The page's policy forbids evaluated text, also a test's: looked for from outside. */
  const says = (selector: string, text: string) =>
    page.locator(selector).filter({ hasText: text }).first().waitFor({ state: 'attached' });

  const box = async (selector: string) => {
    const found = await page.locator(selector).boundingBox();
    if (found === null) throw new Error(`${selector} is not on the page`);
    return found;
  };

  describe.each(['dark', 'light'] as const)('%s', (colorScheme) => {
    const kept: AsyncDisposable[] = [];
    beforeAll(async () => {
      await show('idle', { colorScheme }, (context) => context.addInitScript(axe));
      kept.push(...open.splice(0));
    });
    afterAll(async () => {
      for (const resource of kept.splice(0).reverse()) await resource[Symbol.asyncDispose]();
    });

    it.each(MODES)('%s looks as in the documentation, and axe has no objection', async (mode) => {
      await fake.reset();
      await page.waitForSelector('.mode-idle');
      await enter(mode);
      await settled();
      const file = `${images}/panel-${mode.replaceAll('_', '-')}-${colorScheme}.png`;
      const picture = await sharp(await page.screenshot())
        .png({ palette: true, colours: 64, effort: 10 })
        .toBuffer();
      if (update || !existsSync(file)) {
        mkdirSync(images, { recursive: true });
        writeFileSync(file, picture);
      }
      expect(await difference(picture, readFileSync(file))).toBeLessThan(0.03);
      const report = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
      expect(
        report.violations.map(({ id, nodes }) => [id, nodes[0]?.html, nodes[0]?.failureSummary]),
      ).toEqual([]);
      expect(faults).toEqual([]);
    });
  });

  it('has STOP at the same place, 56 pixels high and first in tab order, in every state', async () => {
    const places = new Set<string>();
    await show('idle');
    for (const mode of MODES) {
      await fake.reset();
      await page.waitForSelector('.mode-idle');
      await enter(mode);
      await settled();
      places.add(JSON.stringify(await box('.stop-button')));
      await startTabbing();
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.className')).toBe('stop-button');
    }
    expect([...places]).toHaveLength(1);
    expect(JSON.parse([...places][0] as string).height).toBe(56);
  });

  it('does not move STOP while text of any length comes and goes', async () => {
    await show('running');
    const before = await box('.stop-button');
    fake.setDaemon({ run: panelRun({ task: 'word '.repeat(3000) }) });
    fake.step({ step: 13, action: 'Type '.repeat(100), thought: 'thought '.repeat(400) });
    await says('.thought q', 'thought');
    expect(await box('.stop-button')).toEqual(before);
    await page.locator('.thought summary').click();
    expect(await box('.stop-button')).toEqual(before);
  });

  it('says that a stop is not confirmed, and which key to press, without moving the button', async () => {
    await show('running');
    const before = await box('.stop-button');
    fake.guard.onMessage = () => [];
    fake.daemon.onMessage = () => [];
    await page.locator('.stop-button').dispatchEvent('pointerdown');
    await says('.stop-note', 'NOT CONFIRMED');
    expect(await page.locator('.stop-note').textContent()).toContain('Ctrl+Alt+Shift+Esc');
    expect(await box('.stop-button')).toEqual(before);
    expect(fake.guard.messages('stop').length).toBeGreaterThan(0);
  });

  it('stops from the keyboard alone', async () => {
    await show('running');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await eventually(() => fake.guard.messages('stop').length > 0);
    await page.waitForSelector('.mode-stopped');
  });

  it('still tries every path from a panel that looks dead', async () => {
    await show('controls_lost');
    expect(await page.locator('.stop.inactive').count()).toBe(1);
    await page.locator('.stop-button').dispatchEvent('pointerdown');
    await eventually(() =>
      fake.daemon
        .messages('command')
        .some((message) => message.type === 'command' && message.name === 'stop'),
    );
    await eventually(() => existsSync(fake.paths.latchFile));
  });

  it('says so when its own process is gone, and comes back with it', async () => {
    await show('running');
    const port = new URL(panel.url).port;
    await panel.end('SIGKILL');
    await page.waitForSelector('.mode-controls_lost');
    await page.locator('.stop-button').dispatchEvent('pointerdown');
    await says('.stop-note', 'NOT CONFIRMED');
    const again = await PanelProcess.start(fake.dataDir, { env: fake.env, args: ['--port', port] });
    open.push(again);
    // Its sessions went with the old process: the window says where a fresh link is.
    await says('main', 'panel-link.html');
    await page.goto(again.url);
    await page.waitForSelector('.mode-running');
    await leaveHouse();
  });

  it('notices a host that hangs with its socket open', async () => {
    await show('running');
    panel.child.kill('SIGSTOP');
    try {
      await page.waitForSelector('.mode-controls_lost');
    } finally {
      panel.child.kill('SIGCONT');
    }
    await page.waitForSelector('.mode-running');
  });

  describe('awaiting a human', () => {
    it('does not take an answer in the first moment, nor Enter for a yes', async () => {
      await show('idle');
      await scenes.awaiting_human?.(fake);
      await page.waitForSelector('.approve');
      await page.locator('.approve').click({ force: true });
      await page.waitForSelector('.approve[aria-disabled="false"]');
      await page.locator('.approve').focus();
      await page.keyboard.press('Enter');
      await page.locator('textarea').focus();
      await page.keyboard.press('Enter');
      await page.keyboard.press('Control+Enter');
      await page.locator('textarea').fill('only the newer one');
      expect(commands()).not.toContain('approve');
      await page.locator('.approve').click();
      await eventually(() => commands().includes('approve'));
      expect(fake.daemon.messages('command').at(-1)).toMatchObject({
        name: 'approve',
        requestId: 'req_1',
        digest: 'd1',
        note: 'only the newer one',
        runId: panelRun().id,
      });
    });

    it('puts the focus on Deny, which says no', async () => {
      await show('awaiting_human');
      await settled();
      expect(await page.evaluate('document.activeElement.className')).toBe('deny');
      await page.keyboard.press('Enter');
      await eventually(() => commands().includes('deny'));
    });

    it('is unarmed again, and its note empty, when the request changes under the hand', async () => {
      await show('awaiting_human');
      await settled();
      await page.locator('textarea').fill('yes');
      fake.setDaemon({
        run: panelRun({
          status: 'awaiting_human',
          awaitingReason: 'Another?',
          ask: { requestId: 'req_1', digest: 'd2', application: 'Terminal', action: 'Run “rm”' },
        }),
      });
      await page.waitForSelector('.approve[aria-disabled="true"]');
      expect(await page.locator('textarea').inputValue()).toBe('');
      await page.locator('.approve').click({ force: true });
      await settled();
      expect(commands()).not.toContain('approve');
    });
  });

  describe('reset', () => {
    it('needs a hold of a second', async () => {
      await show('stopped');
      const reset = await box('.reset');
      await page.mouse.move(reset.x + 20, reset.y + 10);
      await page.mouse.down();
      await page.waitForSelector('.holding');
      await page.mouse.up();
      await page.waitForSelector('.reset:not(.holding)');
      expect(fake.guard.messages('reset')).toHaveLength(0);
      await page.mouse.down();
      await eventually(() => fake.guard.messages('reset').length === 1);
      await page.mouse.up();
    });

    it('can be held on the keyboard', async () => {
      await show('stopped');
      await page.locator('.reset').focus();
      await page.keyboard.down('Space');
      await eventually(() => fake.guard.messages('reset').length === 1);
      await page.keyboard.up('Space');
    });

    it('[KILL9] asks for a code where no hand is felt, and sends what the person typed', async () => {
      await show('stopped');
      const likeGuard = fake.guard.onMessage;
      fake.guard.onMessage = (message) => {
        if (message.type === 'challenge')
          return [{ type: 'code', id: message.id, code: '0042', ttlMs: 60_000 }];
        if (message.type === 'reset' && message.code !== '0042')
          return [{ type: 'refused', id: message.id, code: 'INSUFFICIENT_SCOPE', message: 'No hand.' }];
        return likeGuard(message);
      };
      await page.locator('.reset').dispatchEvent('click');
      await page.locator('.reset').dispatchEvent('click');
      await says('.code-entry', '0042');
      await page.locator('.code-entry input').pressSequentially('0042');
      await eventually(() => fake.guard.messages('reset').length === 2);
      expect(fake.guard.messages('reset')[1]).toMatchObject({ by: 'panel', code: '0042' });
      await page.waitForSelector('.code-entry', { state: 'detached' });
    });

    it('asks twice where nothing can be held', async () => {
      await show('stopped');
      await page.locator('.reset').dispatchEvent('click');
      expect(fake.guard.messages('reset')).toHaveLength(0);
      await page.locator('.reset').dispatchEvent('click');
      await eventually(() => fake.guard.messages('reset').length === 1);
    });
  });

  it.each([
    ['running', 'Pause', 'pause'],
    ['running', 'Take over', 'takeover'],
    ['paused', 'Resume', 'resume'],
    ['paused', 'Take over', 'takeover'],
    ['takeover', 'Hand back', 'hand_back'],
    ['awaiting_human', 'Take over', 'takeover'],
  ])('%s: the button “%s” gives the command %s', async (mode, label, command) => {
    await show(mode);
    if (mode === 'awaiting_human') await page.getByText('More choices').click();
    await page.getByRole('button', { name: label }).click();
    await eventually(() => commands().includes(command));
  });

  it('shows no picture of the screen while the person is in control', async () => {
    await show('takeover');
    expect(await page.locator('img').count()).toBe(0);
  });

  it('marks where the agent acts next in its picture', async () => {
    await show('running');
    const [picture, target] = [await box('.screen'), await box('.target')];
    expect(target.x + target.width / 2 - picture.x).toBeCloseTo((248 / 320) * picture.width, -0.5);
    expect(target.y + target.height / 2 - picture.y).toBeCloseTo((147 / 180) * picture.height, -0.5);
  });

  it('shows hostile text as the text it is, and runs none of it', async () => {
    await show('running');
    const evil =
      '<img src=x onerror="document.title=`pwned`"><script>document.title="pwned"</script>[a](javascript:alert(1)) \u202eKO\u202c https://evil.example ';
    fake.setDaemon({ name: evil, run: panelRun({ task: evil, engine: evil, id: panelRun().id }) });
    fake.step({ step: 14, action: evil, thought: evil.repeat(20) });
    await says('.thought q', 'onerror');
    expect(await page.title()).toBe('Agent is in control – Deskhand');
    expect(await page.locator('main script, main a, main iframe, .thought img, .task img').count()).toBe(0);
    expect(await page.evaluate("document.body.textContent.includes('\\u202e')")).toBe(false);
    expect(await page.locator('.thought q').textContent()).toContain('<script>');
    expect(faults).toEqual([]);
  });

  it('survives thumbnails that are none', async () => {
    await show('running');
    fake.thumbnail({
      jpegBase64: 'bm90IGEganBlZw==',
      width: 0,
      height: -3,
      target: { x: Number.MAX_VALUE, y: 0 },
    });
    fake.thumbnail({ jpegBase64: '%%%', width: 10, height: 10, target: null });
    fake.step({ step: 20, action: 'still alive' });
    await says('main', 'still alive');
    expect(faults).toEqual([]);
  });

  it('speaks: state politely, decisions and stops at once, the log not at all', async () => {
    await show('running');
    expect(await page.locator('[role=status]').textContent()).toContain('Agent is in control');
    expect(await page.locator('[role=log]').getAttribute('aria-live')).toBe('off');
    expect(await page.locator('.spoken[role=alert]').textContent()).toBe('');
    fake.setGuard({ control: 'stopped', latch: { tripped: true, by: 'panel', at: AT } });
    await says('.spoken[role=alert]', 'Stopped');
  });

  it('speaks of steps at most every five seconds', async () => {
    await show('running');
    const line = await page.locator('[role=status]').textContent();
    for (let step = 30; step < 50; step += 1) fake.step({ step, action: `action ${step}` });
    await says('.action', 'action 49');
    expect(await page.locator('[role=status]').textContent()).toBe(line);
  });

  it('mirrors itself for languages written from the right', async () => {
    await show('running', { locale: 'ar' });
    const [number, took] = [await box('.log li:first-child .number'), await box('.log li:first-child .took')];
    expect(number.x).toBeGreaterThan(took.x);
    expect(await overflow()).toBe(0);
  });

  it.each([
    [
      'words that are 40 % longer',
      "for (const b of document.querySelectorAll('button, h1 span, .label, .sentence, .stop-note')) b.textContent += ' ' + 'ä'.repeat(b.textContent.length * 0.4)",
    ],
    ['text at twice its size', "document.documentElement.style.fontSize = '28px'"],
  ])('has room for %s', async (_what, change) => {
    for (const mode of ['running', 'awaiting_human', 'stopped']) {
      await show(mode);
      const before = await box('.stop-button');
      await page.evaluate(change);
      expect(await overflow()).toBe(0);
      const after = await box('.stop-button');
      expect(after.height).toBeGreaterThanOrEqual(56);
      expect(after.y + after.height).toBe(before.y + before.height);
      await pageClosed();
    }
  });

  it('keeps a visible edge around STOP with forced colours, dashed when it is inactive', async () => {
    await show('running', { forcedColors: 'active' });
    const edge = () =>
      page.locator('.stop-button').evaluate((button) => {
        const style = (
          globalThis as unknown as { getComputedStyle(of: unknown): Record<string, string> }
        ).getComputedStyle(button);
        return `${style.borderTopStyle} ${style.borderTopWidth}`;
      });
    expect(await edge()).toBe('solid 4px');
    await fake.guard[Symbol.asyncDispose]();
    await page.waitForSelector('.mode-controls_lost');
    expect(await edge()).toBe('dashed 4px');
  });

  it('moves nothing where motion is unwelcome', async () => {
    await show('running', { reducedMotion: 'reduce' });
    fake.setGuard({ control: 'stopped', latch: { tripped: true, by: 'panel', at: AT } });
    await page.waitForSelector('.mode-stopped');
    expect(await page.evaluate('document.getAnimations().length')).toBe(0);
  });

  it('has no animation that repeats', async () => {
    await show('idle');
    for (const mode of MODES) {
      await fake.reset();
      await page.waitForSelector('.mode-idle');
      await enter(mode);
      const endless = await page.evaluate(
        'document.getAnimations().filter((a) => a.effect.getTiming().iterations !== 1).length',
      );
      expect(endless).toBe(0);
    }
  });

  it('reaches every control of a state with Tab alone', async () => {
    await show('awaiting_human');
    await settled();
    await startTabbing();
    const reached: string[] = [];
    for (let press = 0; press < 9; press += 1) {
      await page.keyboard.press('Tab');
      reached.push(
        await page.evaluate(
          'document.activeElement.className || document.activeElement.tagName.toLowerCase()',
        ),
      );
    }
    expect(reached[0]).toBe('stop-button');
    expect(reached.indexOf('deny')).toBe(reached.indexOf('textarea') + 1);
    expect(reached.indexOf('approve')).toBe(reached.indexOf('deny') + 1);
    expect(reached).toContain('summary');
  });

  it('lets a yes reach as far as the person says', async () => {
    await show('awaiting_human');
    await settled();
    await page.getByText('More choices').click();
    await page.getByRole('button', { name: 'Allow for this run' }).click();
    await eventually(() => commands().includes('approve'));
    expect(fake.daemon.messages('command').at(-1)).toMatchObject({ scope: 'run', digest: 'd1' });
  });

  it('answers an open question with a note, and asks for no scope', async () => {
    await show('running');
    fake.setDaemon({
      run: panelRun({ status: 'awaiting_human', awaitingReason: 'Which colour?', ask: null }),
    });
    await page.waitForSelector('.approve[aria-disabled="false"]');
    expect(await page.getByRole('button', { name: 'Allow for this run' }).count()).toBe(0);
    await page.locator('textarea').fill('green');
    await page.getByRole('button', { name: 'Answer' }).click();
    await eventually(() => commands().includes('approve'));
    expect(fake.daemon.messages('command').at(-1)).toMatchObject({ note: 'green' });
    expect(fake.daemon.messages('command').at(-1)).not.toHaveProperty('scope');
  });

  it.each([1, 1.5, 2])(
    '[LOCAL10] paints the patch of a probe to the pixel at scale %d, for a moment',
    async (scale) => {
      await show('running', { deviceScaleFactor: scale });
      const nonce = 'c0ffee0123456789';
      fake.daemon.send({ type: 'probe', id: 'p1', nonce, showMs: 2000 });
      await eventually(() => fake.daemon.messages('probe_shown').length === 1);
      const { data, info } = await sharp(await page.screenshot({ scale: 'device' }))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const at = 12 * scale;
      const seen = probeCells(nonce).map((_set, cell) => {
        const x = at + (cell % PROBE_CELLS) * PROBE_CELL_PX + 1;
        const y = at + Math.floor(cell / PROBE_CELLS) * PROBE_CELL_PX + 1;
        const [red = 0, green = 0] = data.subarray((y * info.width + x) * 3);
        return green > 200 && red < 60;
      });
      expect(seen).toEqual(probeCells(nonce));
      await eventually(async () => (await page.locator('.patch').count()) === 0);
    },
  );

  it('stays whole and usable at a zoom of 200 %', async () => {
    for (const mode of ['running', 'awaiting_human', 'stopped']) {
      await show(mode, { viewport: { width: 188, height: 320 }, deviceScaleFactor: 2 });
      await settled();
      expect(await overflow()).toBe(0);
      const stop = await box('.stop-button');
      expect(stop.height).toBe(56);
      expect(stop.y + stop.height).toBeLessThanOrEqual(320 - 40);
      const control = page.locator('.controls button').first();
      await control.scrollIntoViewIfNeeded();
      expect(await control.isVisible()).toBe(true);
      expect(await box('.stop-button')).toEqual(stop);
      await pageClosed();
    }
  });

  it('made small, says who is in control and keeps STOP', async () => {
    await show('running', { viewport: { width: 376, height: 160 } });
    expect(await page.locator('.status h1').isVisible()).toBe(true);
    expect(await page.locator('.meter').isVisible()).toBe(false);
    const stop = await box('.stop-button');
    expect([stop.height, stop.y + stop.height]).toEqual([56, 160 - 46]);
    await page.locator('.stop-button').dispatchEvent('pointerdown');
    await eventually(() => fake.guard.messages('stop').length > 0);
  });

  it.each([1, 1.5, 2])('puts the cross-hair on the same place of the picture at scale %d', async (scale) => {
    await show('running', { deviceScaleFactor: scale });
    const [picture, target] = [await box('.screen'), await box('.target')];
    expect(Math.abs(target.x + target.width / 2 - picture.x - (248 / 320) * picture.width)).toBeLessThan(1);
    expect(Math.abs(target.y + target.height / 2 - picture.y - (147 / 180) * picture.height)).toBeLessThan(1);
  });

  it('draws every line darker for those who ask for contrast', async () => {
    await show('running', { contrast: 'more' });
    const color = (name: string) =>
      page.evaluate<string>(`getComputedStyle(document.documentElement).getPropertyValue('--${name}')`);
    expect(await color('muted')).toBe(await color('text'));
  });

  it.each(['dark', 'light'] as const)('has the contrast it promises in %s', async (colorScheme) => {
    await show('idle', { colorScheme });
    const hex = async (name: string) =>
      (
        await page.evaluate<string>(
          `getComputedStyle(document.documentElement).getPropertyValue('--${name}')`,
        )
      ).trim();
    const [text, muted, surround, stop, stopText, pageColor] = await Promise.all(
      ['text', 'muted', 'stop-surround', 'stop', 'stop-text', 'page'].map(hex),
    );
    const ratio = (one = '', other = '') => contrast(one, other);
    expect(ratio(text, pageColor)).toBeGreaterThan(12);
    expect(ratio(muted, pageColor)).toBeGreaterThan(6);
    expect(ratio(stopText, stop)).toBeGreaterThan(5);
    expect(ratio(stop, surround)).toBeGreaterThan(3);
    for (const tone of ['run', 'await', 'paused', 'stopped', 'lost', 'ready', 'good'])
      expect([tone, ratio(await hex(tone), pageColor) > 4.5]).toEqual([tone, true]);
    const raised = await hex('raised');
    expect(ratio(await hex('edge-of-field'), raised)).toBeGreaterThan(3);
  });

  describe('languages', () => {
    it.each([
      ['de-DE', 'de', 'ltr', 'Der Agent steuert'],
      ['es-MX', 'es', 'ltr', 'El agente tiene el control'],
      ['fr-FR', 'fr', 'ltr', 'L’agent a la main'],
      ['ar-EG', 'ar', 'rtl', 'الوكيل هو المتحكم'],
      ['ja-JP', 'ja', 'ltr', 'エージェントが操作中'],
      ['pt-BR', 'en', 'ltr', 'Agent is in control'],
    ])(
      '%s: the panel speaks %s, written %s, and nothing leaves its place',
      async (locale, lang, dir, words) => {
        const asked: string[] = [];
        await show('running', { locale }, async (context) => {
          context.on('request', (request) => asked.push(request.url()));
        });
        await says('.status h1', words);
        expect(await page.evaluate('[document.documentElement.lang, document.documentElement.dir]')).toEqual([
          lang,
          dir,
        ]);
        expect(asked.filter((url) => url.includes('/words-'))).toHaveLength(1);
        const stop = await box('.stop-button');
        expect([stop.height, stop.y + stop.height]).toEqual([56, SIZE.height - 46]);
        expect(await overflow()).toBe(0);
        await scenes.awaiting_human?.(fake);
        await page.waitForSelector('.mode-awaiting_human');
        expect(await overflow()).toBe(0);
        expect(await box('.stop-button')).toEqual(stop);
      },
    );

    it('a language that needs 40 % more room and marks every word shows none that was forgotten', async () => {
      // What the build makes of a catalog, with each text replaced by a longer one in brackets.
      await show('idle', { locale: 'en-US' }, (context) =>
        context.route('**/words-en.js', async (route) => {
          const source = await (await route.fetch()).text();
          const body = source.replace(
            /export\s*\{\s*(\w+) as default\s*\};?/,
            `const long = (text) => '⟦' + text + 'ẍ'.repeat(Math.ceil(text.length * 0.4)) + '⟧';
             const all = Object.fromEntries(Object.entries($1).map(([key, message]) =>
               [key, typeof message === 'function' ? (v, f) => long(message(v, f)) : long(message)]));
             export { all as default };`,
          );
          await route.fulfill({ contentType: 'text/javascript', body });
        }),
      );
      for (const mode of [
        'running',
        'awaiting_human',
        'paused',
        'takeover',
        'stopped',
        'disconnected',
        'controls_lost',
      ]) {
        await fake.reset();
        await page.waitForSelector('.mode-idle');
        await scenes[mode]?.(fake);
        await page.waitForSelector(`.mode-${mode}`);
        expect(await overflow()).toBe(0);
        const stop = await box('.stop-button');
        expect([stop.height, stop.y + stop.height]).toEqual([56, SIZE.height - 46]);
        const untranslated = await page.evaluate<string[]>(
          `[...document.querySelectorAll('.status h1 span:not(.chip), .controls button, .label, .figures dt, .stop-button span')]
            .map((element) => element.textContent.trim()).filter((text) => text && !text.startsWith('⟦'))`,
        );
        expect(untranslated).toEqual([]);
      }
    });
  });

  it('shows what is true again after half messages, nonsense and 100 kB of reasons', async () => {
    await show('running');
    const nonsense = [
      '{"type":"state","seq":',
      `${JSON.stringify({ type: 'step', runId: panelRun().id, step: 13, thought: 'x'.repeat(100_000), at: AT })}\n`,
      '{"type":"thumbnail","jpegBase64":7}\n',
    ];
    for (const [index, bytes] of nonsense.entries()) {
      fake.daemon.sendRaw(bytes);
      await page.locator('.stop-button').dispatchEvent('pointerdown');
      // By the websocket and by a request of its own.
      await eventually(() => fake.guard.messages('stop').length > 1);
      fake.setGuard({ control: 'armed', latch: { tripped: false } });
      fake.guard.forget();
      await eventually(
        async () => {
          fake.setDaemon({ run: panelRun() });
          return (await page.locator('.mode-running').count()) === 1;
        },
        { what: `the running panel after nonsense ${index}` },
      );
    }
    expect(faults).toEqual([]);
  });

  it('is not led astray by a clock that jumps', async () => {
    await show('running', {}, async (context) => {
      await context.clock.install();
      await context.clock.resume();
    });
    for (const hours of [-24, 24 * 400]) {
      await page.clock.setSystemTime(new Date(Date.now() + hours * 3_600_000));
      fake.setDaemon({ run: panelRun({ step: 12 + Math.abs(hours) }) });
      await eventually(async () => (await page.locator('.figures').textContent())?.includes('of'));
      expect(await page.locator('.mode-running').count()).toBe(1);
      expect(await page.locator('.figures').textContent()).not.toMatch(/NaN|-\d|Infinity/);
    }
    await page.locator('.stop-button').dispatchEvent('pointerdown');
    await eventually(() => fake.guard.messages('stop').length > 0);
  });

  it('takes what a newer desktop tells beyond its knowledge for no news', async () => {
    await show('running');
    fake.daemon.sendRaw('{"type":"hologram","id":"1","density":7}\n');
    fake.guard.sendRaw('{"type":"weather","id":"1"}\n');
    fake.daemon.send({ ...fake.daemonState, mood: 'cheerful', seq: fake.daemonState.seq + 1 } as never);
    fake.step({ step: 21, action: 'after the unknown' });
    await says('main', 'after the unknown');
    expect(await page.locator('.mode-running').count()).toBe(1);
  });

  it('asks the network for nothing but itself', async () => {
    const asked: string[] = [];
    await show('running', {}, async (context) => {
      context.on('request', (request) => asked.push(new URL(request.url()).host));
    });
    expect(new Set(asked.filter((host) => host !== ''))).toEqual(new Set([new URL(panel.url).host]));
  });

  it('takes the code out of the address', async () => {
    await show('idle');
    expect(page.url()).not.toContain('code');
  });

  const overflow = () =>
    page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  /** Tab begins at the page's beginning again, whatever had the focus. */
  const startTabbing = () =>
    page.evaluate(
      'document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex")',
    );
  const pageClosed = async () => {
    for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
  };
  const commands = (): string[] =>
    fake.daemon.messages('command').map((message) => (message.type === 'command' ? message.name : ''));
});

/** Contrast of two colours, 1 … 21; WCAG 2. */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const hex = color.length === 4 ? color.replace(/[^#]/g, '$&$&') : color;
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** Mean difference of two pictures, 0…1, after shrinking both: fonts may differ a little, layout and colour may not. */
async function difference(one: Buffer, other: Buffer): Promise<number> {
  const small = (picture: Buffer) =>
    sharp(picture).removeAlpha().resize(94, 140, { fit: 'fill' }).raw().toBuffer();
  const [a, b] = await Promise.all([small(one), small(other)]);
  let sum = 0;
  for (const [index, value] of a.entries()) sum += Math.abs(value - (b[index] ?? 0));
  return sum / a.length / 255;
}
