import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Scope, sleep } from '@deskhand/base';

const candidates: Readonly<Record<string, readonly string[]>> = {
  linux: [
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    'microsoft-edge',
    'brave-browser',
  ],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: [
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  ],
};

/** A Chromium-family browser of this computer, or null. */
export function findBrowser(env: Readonly<Record<string, string | undefined>>): string | null {
  for (const name of candidates[process.platform] ?? []) {
    const paths =
      name.includes('/') || name.includes('\\')
        ? [name]
        : (env.PATH ?? '').split(delimiter).map((dir) => join(dir, name));
    for (const path of paths) {
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Try the next.
      }
    }
  }
  return null;
}

/** Panel size in CSS pixels; the browser adds its own title bar. */
const WINDOW = { width: 376, height: 640 } as const;
const CLOSE_MS = 800;

/**
 * Opens the panel as an app window with its own profile, so that closing it closes only it.
 * @param doorway file with the link; the link itself holds a code, and everybody can read a command line.
 */
export async function openWindow(options: {
  browser: string;
  doorway: string;
  dataDir: string;
  env: Readonly<Record<string, string | undefined>>;
}): Promise<AsyncDisposable & { readonly pid: number | null }> {
  const scope = new Scope();
  const profile = join(options.dataDir, 'panel-browser');
  mkdirSync(profile, { recursive: true, mode: 0o700 });
  const child = spawn(
    options.browser,
    [
      `--app=${pathToFileURL(options.doorway).href}`,
      `--user-data-dir=${profile}`,
      `--window-size=${WINDOW.width},${WINDOW.height}`,
      '--no-first-run',
      '--no-default-browser-check',
      '--disable-sync',
      '--disable-background-networking',
      '--disable-component-update',
      // A renderer in reserve for pages that are never opened: 24 MB.
      '--disable-features=SpareRendererForSitePerProcess',
      '--password-store=basic',
      // Chromium refuses to start as root with its sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox', '--test-type'] : []),
    ],
    { stdio: 'ignore', env: { ...options.env }, detached: process.platform !== 'win32' },
  );
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  scope.add('browser', async () => {
    if (child.exitCode !== null || child.pid === undefined) return;
    signalGroup(child.pid, 'SIGTERM');
    await Promise.race([gone, sleep(CLOSE_MS)]);
    signalGroup(child.pid, 'SIGKILL');
  });
  return { pid: child.pid ?? null, [Symbol.asyncDispose]: () => scope.close() };
}

/** The browser leads its own process group: its helpers must not outlive it. */
function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // All of it is gone.
  }
}
