import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { TestServer } from '@deskhand/server/testing';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type Report = { violations: Array<{ id: string; nodes: Array<{ html: string }> }> };

describe('the page of the API', () => {
  let server: TestServer;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    server = await TestServer.start();
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(`${server.origin}/docs`);
    await page.locator('details').first().waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  it('lists every route of the description, under the policy that it sends', async () => {
    const api = (await (await fetch(`${server.origin}/openapi.json`)).json()) as {
      paths: Record<string, object>;
      'x-error-codes': object;
    };
    const routes = Object.values(api.paths).flatMap((methods) => Object.keys(methods)).length;
    expect(await page.locator('details').count()).toBe(routes);
    expect(await page.locator('#section-errors tbody tr').count()).toBe(
      Object.keys(api['x-error-codes']).length,
    );
    expect(faults).toEqual([]);
  });

  it('is found through and opened with the keyboard alone', async () => {
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).toBe('skip');
    await page.keyboard.press('Tab');
    await page.keyboard.type('cancel');
    expect(await page.locator('details:visible').count()).toBe(1);
    expect(await page.getByRole('status').textContent()).toBe('1 route');
    while ((await page.evaluate('document.activeElement.tagName')) !== 'SUMMARY')
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.locator('details[open] pre').isVisible()).toBe(true);
    await page.getByRole('searchbox').fill('');
  });

  it('says limits and defaults of a body, and where `docs_url` of an error points', async () => {
    await page.goto(`${server.origin}/docs#postV1Runs`);
    await page.reload();
    const row = page.locator('#postV1Runs tr', { has: page.getByText('max_steps', { exact: true }) });
    expect(await row.first().textContent()).toContain('1 to 1000, 50 when left out');
    const refused = await server.call<{ error: { docs_url: string } }>('GET', '/runs/run_none');
    await page.goto(refused.body.error.docs_url);
    await page.reload();
    await page.locator('tr.pointed').waitFor();
    expect(await page.locator('tr.pointed code').textContent()).toBe('RUN_NOT_FOUND');
    expect(await page.locator('tr.pointed').isVisible()).toBe(true);
  });

  it.each([
    ['dark', 1280],
    ['light', 390],
  ] as const)('axe has no objection in %s at %d, nothing runs off the side', async (colorScheme, width) => {
    const context = await browser.newContext({
      bypassCSP: true,
      colorScheme,
      viewport: { width, height: 900 },
    });
    await context.addInitScript(axe);
    const bare = await context.newPage();
    await bare.goto(`${server.origin}/docs#postV1Runs`);
    await bare.locator('details[open]').waitFor();
    const report = (await bare.evaluate('axe.run()')) as Report;
    expect(report.violations.map(({ id, nodes }) => [id, nodes[0]?.html.slice(0, 200)])).toEqual([]);
    expect(await bare.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await context.close();
  });
});
