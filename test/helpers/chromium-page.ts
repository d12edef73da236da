import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { eventually, type XDesktop } from './x-desktop.ts';

/** A Chromium window on a test's desktop, with a second pair of eyes inside it: what the page itself says. */
export type ChromiumPage = AsyncDisposable & Readonly<{ browser: Browser; page: Page; windowId: string }>;

export async function openChromiumPage(desktop: XDesktop, url = 'about:blank'): Promise<ChromiumPage> {
  const program = await desktop.chromium(url, '--remote-debugging-port=0');
  const portFile = join(desktop.folder, 'chromium-profile', 'DevToolsActivePort');
  const port = await eventually(async () => {
    const [line] = (await readFile(portFile, 'utf8')).split('\n');
    if (!line) throw new Error('Chromium has not written its port yet');
    return line;
  }, 20_000);
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
  const page = browser.contexts()[0]?.pages()[0];
  if (page === undefined) throw new Error('Chromium shows no page');
  await page.bringToFront();
  // Keys sent before the window manager has given it the focus go elsewhere.
  await eventually(async () => {
    const active = Number(await desktop.ask('xdotool', 'getactivewindow'));
    if (active !== Number(program.windowId)) throw new Error('Chromium has no focus yet');
    if (!(await page.evaluate('document.hasFocus()'))) throw new Error('the page has no focus yet');
  }, 20_000);
  return {
    browser,
    page,
    windowId: program.windowId ?? '',
    async [Symbol.asyncDispose]() {
      await browser.close().catch(() => {});
      await program.close();
    },
  };
}

/** Clicks into a text field and waits until keys really reach it: a browser that has just started loses some. */
export async function keysReach(desktop: XDesktop, page: Page, selector: string): Promise<void> {
  await page.click(selector);
  await eventually(async () => {
    await desktop.ask('xdotool', 'key', 'x');
    await page.evaluate('new Promise((done) => setTimeout(done, 50))');
    if ((await page.inputValue(selector)) === '') throw new Error('no key has reached the page yet');
  }, 20_000);
  await page.fill(selector, '');
}
