import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FakeDesktop, panelRun } from '@deskhand/overlay/testing';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

const overlay = fileURLToPath(new URL('../../apps/overlay', import.meta.url));
const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(overlay, 'node_modules', 'electron', 'dist');
const binary = join(
  dist,
  process.platform === 'win32'
    ? 'electron.exe'
    : process.platform === 'darwin'
      ? 'Electron.app/Contents/MacOS/Electron'
      : 'electron',
);
const here = existsSync(binary);
// Electron's program is downloaded at its first use, not by the install: many machines, this project's CI among them, lack it.
if (!here) console.warn(`electron e2e: NOT RUN (no binary at ${binary})`);

describe.skipIf(!here)('the panel in real Electron', () => {
  let desktop: XDesktop;
  let fake: FakeDesktop;
  let app: ElectronApplication;
  let page: Page;

  beforeAll(async () => {
    desktop = await startXDesktop();
    fake = await FakeDesktop.start();
    const env: Record<string, string> = { ...desktop.environment, ...fake.env, DESKHAND_DATA: fake.dataDir };
    // With this set the binary is a plain Node and refuses the driver's flags.
    delete env.ELECTRON_RUN_AS_NODE;
    app = await _electron.launch({ executablePath: binary, args: [overlay], env });
    page = await app.firstWindow();
    await page.waitForSelector('.mode-idle');
  });
  afterAll(async () => {
    await app?.close();
    await fake?.[Symbol.asyncDispose]();
    await desktop?.[Symbol.asyncDispose]();
  });

  it('shows one window, on top, without taking the focus', async () => {
    const windows = await app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => [window.isAlwaysOnTop(), window.isFocused()]),
    );
    expect(windows).toEqual([[true, false]]);
  });

  it('gives its page six functions and no Node', async () => {
    expect(await page.evaluate('[Object.keys(deskhand).length, typeof require, typeof process]')).toEqual([
      6,
      'undefined',
      'undefined',
    ]);
  });

  it('stops', async () => {
    fake.setDaemon({ run: panelRun() });
    await page.waitForSelector('.mode-running');
    await page.locator('.stop-button').click();
    await eventually(() => fake.guard.messages('stop').length > 0);
    await page.waitForSelector('.mode-stopped');
  });

  it('opens no second overlay', async () => {
    const second = await _electron
      .launch({ executablePath: binary, args: [overlay], env: desktop.environment })
      .catch(() => null);
    await second?.close();
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
  });
});
