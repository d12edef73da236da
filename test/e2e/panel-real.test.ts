import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { descendants, deskhand, UpProcess } from '../helpers/up-process.ts';

/** The panel before the real guard, daemon and server, with a run going on. */
describe('the panel of a real desktop', () => {
  let up: UpProcess;
  let browser: Browser;
  let page: Page;
  const latch = () => join(up.dataFolder, 'latch.json');

  beforeAll(async () => {
    up = await UpProcess.start({ args: ['--overlay', 'browser'] });
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    page = await (await browser.newContext({ viewport: { width: 376, height: 640 } })).newPage();
    await page.goto(up.ready.overlay_url as string);
    await page.waitForSelector('.mode-idle');
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await up?.[Symbol.asyncDispose]();
  });

  async function api(path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${up.ready.base_url}${path}`, {
      headers: { 'X-API-Key': up.ready.api_key, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, unknown>;
  }
  const startRun = () =>
    api('/runs', { machine_id: up.ready.machine_id, task: 'Wait 20 seconds, then wait 20 seconds.' });

  it('shows the hotkey that guard really holds', async () => {
    expect(await page.locator('.stop-note').textContent()).toBe(
      `${up.ready.stop_hotkey} stops from anywhere`,
    );
    expect(await page.locator('.stop.inactive').count()).toBe(0);
    const { stdout } = await deskhand(['status', '--json', '--data', up.dataFolder]);
    expect(JSON.parse(stdout).overlay).toEqual({ kind: 'browser', connected: true });
  });

  it('[KILL12] guard hangs: STOP looks inactive in time, says which ways remain, and one of them works', async () => {
    const guardPid = descendants(up.child.pid as number).find(({ command }) =>
      command.includes('guard/main.ts'),
    )?.pid as number;
    process.kill(guardPid, 'SIGSTOP');
    try {
      const sinceMs = performance.now();
      await page.waitForSelector('.stop.inactive');
      // Two seconds here; a busy machine may be late with everything.
      expect(performance.now() - sinceMs).toBeLessThan(6000);
      const note = await page.locator('.stop-note').textContent();
      for (const way of ['Press here', 'deskhand stop', up.ready.stop_hotkey]) expect(note).toContain(way);
      await page.locator('.stop-button').click();
      await eventually(() => existsSync(latch()), { what: 'the latch' });
    } finally {
      process.kill(guardPid, 'SIGCONT');
    }
    await page.waitForSelector('.mode-stopped');
    expect(await page.locator('.stop.inactive').count()).toBe(0);
    expect((await deskhand(['reset', '--yes', '--data', up.dataFolder])).code).toBe(0);
    await page.waitForSelector('.mode-idle');
  });

  it('pauses and hands back a run', async () => {
    const run = await startRun();
    await page.waitForSelector('.mode-running');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.waitForSelector('.mode-paused');
    await page.getByRole('button', { name: 'Take over' }).click();
    await page.waitForSelector('.mode-takeover');
    // This panel is not on the desktop that is lent, and its clicks come from no device of it.
    await page.getByRole('button', { name: 'Hand back' }).click();
    await eventually(async () => (await page.locator('body').textContent())?.includes('deskhand resume'), {
      what: 'the way that is left',
    });
    expect(await page.locator('.mode-takeover').count()).toBe(1);
    expect((await deskhand(['resume', '--data', up.dataFolder])).code).toBe(0);
    await page.waitForSelector('.mode-running');
    expect(['running', 'awaiting_human']).toContain((await api(`/runs/${run.id}`)).status);
  });

  it('stops the run by its red button, with a latch that outlives everything', async () => {
    const task = await page.locator('.task').textContent();
    expect(task).toContain('Wait 20 seconds');
    const runs = (await api('/runs?status=running')).data as Array<{ id: string }>;
    await page.locator('.stop-button').click();
    await page.waitForSelector('.mode-stopped');
    await eventually(async () => {
      const { status, error } = (await api(`/runs/${runs[0]?.id}`)) as {
        status: string;
        error: { code: string } | null;
      };
      return status === 'cancelled' && error?.code === 'STOPPED_BY_USER';
    });
    // Hands are let go and the world is told before the file is written.
    await eventually(() => existsSync(latch()), { what: 'the latch' });
    expect(JSON.parse(readFileSync(latch(), 'utf8'))).toMatchObject({ by: 'panel' });
    expect(await page.locator('.sentence').first().textContent()).toContain('from this panel');
  });

  it('is not reset by clicks of no hand, but on a terminal, which permits runs and starts none', async () => {
    const before = ((await api('/runs')).data as unknown[]).length;
    await page.locator('.reset').hover();
    await page.mouse.down();
    await eventually(async () => (await page.locator('body').textContent())?.includes('deskhand reset'), {
      what: 'the way that is left',
    });
    await page.mouse.up();
    expect(existsSync(latch())).toBe(true);
    expect((await deskhand(['reset', '--yes', '--data', up.dataFolder])).code).toBe(0);
    await page.waitForSelector('.mode-idle');
    expect(existsSync(latch())).toBe(false);
    const runs = (await api('/runs')).data as Array<{ status: string }>;
    expect(runs).toHaveLength(before);
    expect(runs.every(({ status }) => status === 'cancelled')).toBe(true);
  });

  it('lists today’s runs as the server keeps them, and shows the replay of one in a page without rights', async () => {
    const runs = (await api('/runs')).data as Array<{ id: string; task: string }>;
    // Where nothing runs the list is open already.
    if ((await page.locator('.runs[open]').count()) === 0) await page.locator('.runs summary').click();
    await eventually(async () => (await page.locator('.runs li').count()) === runs.length, {
      what: 'all runs',
    });
    expect(await page.locator('.runs summary').textContent()).toContain('today');
    const [replay] = await Promise.all([
      page.context().waitForEvent('page'),
      page.locator('.runs button').first().click(),
    ]);
    await replay.waitForSelector('.state');
    expect(await replay.locator('h1').textContent()).toBe(runs[0]?.task);
    // Opaque: words of a run can't reach the panel it came from, and the link works once.
    expect(await replay.evaluate('self.origin')).toBe('null');
    expect((await page.context().request.get(replay.url())).status()).toBe(401);
    expect(
      (await page.context().request.get(`${new URL(page.url()).origin}/replay/${runs[0]?.id}`)).status(),
    ).toBe(401);
    await replay.close();
  });
});
