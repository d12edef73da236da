import { accessSync, constants } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** Chromium-family browsers by the names they are installed under, the plainest first. */
const LINUX = [
  ...['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'google-chrome-beta'],
  ...['microsoft-edge-stable', 'microsoft-edge', 'brave-browser', 'vivaldi-stable'],
];
const LINUX_PLACES = ['/opt/google/chrome/chrome', '/usr/lib/chromium/chromium', '/snap/bin/chromium'];
const MACOS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
];
const WINDOWS = ['Google\\Chrome\\Application\\chrome.exe', 'Microsoft\\Edge\\Application\\msedge.exe'];

export type BrowserSearch = Readonly<{
  platform: NodeJS.Platform;
  environment: Readonly<Record<string, string | undefined>>;
}>;

/** @returns absolute path of an installed Chromium-family browser, or null. */
export function findBrowser({ platform, environment }: BrowserSearch): string | null {
  return candidates(platform, environment).find(isExecutable) ?? null;
}

function candidates(platform: NodeJS.Platform, environment: BrowserSearch['environment']): string[] {
  if (platform === 'darwin') return MACOS;
  if (platform === 'win32') {
    const roots = [environment.PROGRAMFILES, environment['PROGRAMFILES(X86)'], environment.LOCALAPPDATA];
    return roots.flatMap((root) => (root ? WINDOWS.map((place) => `${root}\\${place}`) : []));
  }
  const folders = (environment.PATH ?? '').split(':').filter(isAbsolute);
  return [...LINUX.flatMap((name) => folders.map((folder) => join(folder, name))), ...LINUX_PLACES];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
