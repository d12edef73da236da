import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes the profile folder, with quiet first settings where it is new; later ones are the person's. */
export async function prepareProfile(folder: string): Promise<void> {
  const inside = join(folder, 'Default');
  await mkdir(inside, { recursive: true, mode: 0o700 });
  await writeFile(join(inside, 'Preferences'), JSON.stringify(FIRST_PREFERENCES), {
    flag: 'wx',
    mode: 0o600,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** No questions nobody asked for: default browser, saved passwords, translations, sign-in. */
const FIRST_PREFERENCES = {
  browser: { check_default_browser: false, custom_chrome_frame: false, has_seen_welcome_page: true },
  credentials_enable_service: false,
  credentials_enable_autosignin: false,
  autofill: { profile_enabled: false, credit_card_enabled: false },
  profile: { password_manager_enabled: false, default_content_setting_values: { notifications: 2 } },
  search: { suggest_enabled: false },
  signin: { allowed: false },
  translate: { enabled: false },
  session: { restore_on_startup: 5 },
};

/** @param sandbox false only where the browser refuses to run with it: as root. */
export function browserFlags(
  options: Readonly<{
    profile: string;
    sandbox: boolean;
    maximized: boolean;
    /** Where Chromium can't tell itself: `x11`, `wayland`; null elsewhere. */
    ozonePlatform: 'x11' | 'wayland' | null;
  }>,
): string[] {
  return [
    '--remote-debugging-pipe',
    `--user-data-dir=${options.profile}`,
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-domain-reliability',
    '--disable-sync',
    '--disable-quic',
    '--disable-breakpad',
    '--no-pings',
    '--metrics-recording-only',
    '--password-store=basic',
    '--hide-crash-restore-bubble',
    // A window that another one covers must go on loading and drawing: we look at it next.
    '--disable-backgrounding-occluded-windows',
    '--force-renderer-accessibility',
    '--disable-features=Translate,MediaRouter,OptimizationHints,GlobalMediaControls,ReadLater,SidePanelPinning',
    ...(options.ozonePlatform === null ? [] : [`--ozone-platform=${options.ozonePlatform}`]),
    ...(options.maximized ? ['--start-maximized'] : []),
    // --test-type hides the bar that warns of --no-sandbox and would cover the page's top.
    ...(options.sandbox ? [] : ['--no-sandbox', '--test-type']),
    'about:blank',
  ];
}
