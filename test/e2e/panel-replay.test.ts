import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Run, type RunEvent } from '@deskhand/protocol';
import { type ReplayFrame, renderReplay } from '@deskhand/replay';
import { type Browser, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const AT = '2026-03-14T14:03:00.000Z';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const STEPS = 5;

async function record() {
  const events: RunEvent[] = [];
  const frames: ReplayFrame[] = [];
  const add = (payload: object) =>
    events.push({ seq: events.length + 1, run_id: 'run_1', created_at: AT, ...payload } as RunEvent);
  for (let step = 1; step <= STEPS; step += 1) {
    add({
      type: 'reasoning',
      text: step === 3 ? '<script>document.title="pwned"</script>' : `Thought ${step}`,
    });
    add({
      type: 'tool_call',
      step,
      tool: 'click',
      action_type: 'click',
      params: { x: 100 * step, y: 50, clicks: 1 },
    });
    add({ type: 'tool_result', step, tool: 'click', success: true, outcome: 'confirmed', duration_ms: 10 });
    const image = await sharp({
      create: { width: 640, height: 400, channels: 3, background: { r: 40 * step, g: 90, b: 120 } },
    })
      .jpeg()
      .toBuffer();
    frames.push({
      index: step,
      step,
      mimeType: 'image/jpeg',
      base64: image.toString('base64'),
      width: 640,
      height: 400,
    });
  }
  const run = Run.parse({
    ...{ id: 'run_1', run_id: 'run_1', object: 'agent.run', status: 'succeeded', state: 'succeeded' },
    ...{
      machine_id: 'm',
      machine: null,
      task: 'Mark the late orders',
      cua_version: 'v3',
      instructions: null,
    },
    ...{ max_steps: 50, deadline_seconds: null, on_awaiting_human: 'pause', steps_completed: STEPS },
    ...{ credits_charged: 1, cost_cents: 10, result: null, error: null, awaiting_human_reason: null },
    ...{ awaiting_human_since: null, metadata: null, llm: null, webhook_url: null, webhook_secret: null },
    ...{ created_at: AT, started_at: AT, finished_at: AT, request_id: null },
  });
  return { run, events, frames };
}

describe('the replay page, opened as a file without a network', () => {
  let browser: Browser;
  let page: Page;
  let folder: string;
  const asked: string[] = [];
  const faults: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'deskhand-replay-'));
    const file = join(folder, 'run.html');
    writeFileSync(file, renderReplay(await record()));
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    const context = await browser.newContext({ offline: true, viewport: { width: 1000, height: 900 } });
    await context.addInitScript(axe);
    page = await context.newPage();
    page.on('request', (request) => asked.push(request.url().slice(0, 5)));
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(pathToFileURL(file).href);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const shown = () => page.locator('section.step:visible h2').allTextContents();

  it('shows one step and goes through them by buttons, keys and slider', async () => {
    expect(await shown()).toEqual(['Step 1']);
    await page.getByRole('button', { name: 'Next' }).click();
    expect(await shown()).toEqual(['Step 2']);
    await page.locator('h1').click();
    await page.keyboard.press('ArrowRight');
    expect(await shown()).toEqual(['Step 3']);
    await page.getByRole('slider').fill('4');
    expect(await shown()).toEqual(['Step 5']);
    await page.getByRole('button', { name: 'Next' }).click();
    expect(await shown()).toEqual(['Step 5']);
    await page.getByRole('button', { name: 'All steps' }).click();
    expect(await shown()).toHaveLength(STEPS);
  });

  it('shows the frame and a ring where the action went', async () => {
    const picture = page.locator('#step-2 img');
    expect(
      await picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
    ).toBe(640);
    const [frame, ring] = [
      await picture.boundingBox(),
      await page.locator('#step-2 .ring circle').first().boundingBox(),
    ];
    if (frame === null || ring === null) throw new Error('nothing drawn');
    expect((ring.x + ring.width / 2 - frame.x) / frame.width).toBeCloseTo(200 / 640, 1);
  });

  it('runs nothing that was written in the run', async () => {
    expect(await page.title()).toBe('succeeded: Mark the late orders');
    expect(await page.locator('#step-3 blockquote').textContent()).toContain('<script>');
    expect(faults).toEqual([]);
  });

  it('asks for nothing but itself', () => {
    expect(new Set(asked)).toEqual(new Set(['file:']));
  });

  it('prints every step', async () => {
    await page.getByRole('button', { name: 'All steps' }).click();
    expect(await shown()).toHaveLength(1);
    await page.emulateMedia({ media: 'print' });
    expect(await shown()).toHaveLength(STEPS);
    expect(await page.locator('.bar').isVisible()).toBe(false);
    await page.emulateMedia({ media: 'screen' });
  });

  it.each(['dark', 'light'] as const)('has nothing that axe objects to in %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const report = await page.evaluate(() =>
      (
        globalThis as unknown as {
          axe: { run(): Promise<{ violations: Array<{ id: string; nodes: Array<{ html: string }> }> }> };
        }
      ).axe.run(),
    );
    expect(report.violations.map(({ id, nodes }) => [id, nodes[0]?.html.slice(0, 200)])).toEqual([]);
  });
});
