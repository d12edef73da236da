import type { Logger } from '@deskhand/base';
import { Scope } from '@deskhand/base';
import { AtspiElementSource } from './accessibility/atspi-element-source.ts';
import { DesktopApplicationLauncher } from './applications/desktop-application-launcher.ts';
import { ChromiumBrowser, profileFolder } from './browser/chromium-browser.ts';
import { X11Session } from './windows/x11-session.ts';
import { X11WindowSystem } from './windows/x11-window-system.ts';

export type SensesOptions = Readonly<{
  /** X display name, e.g. `:99`. XAUTHORITY of this process must fit it. */
  display: string;
  /** What applications of this desktop need in their environment, laid over this process's own. */
  env: Readonly<Record<string, string>>;
  /** Folder for what is kept between starts: the browser's profile. */
  dataDir: string;
  /** A private desktop: what is started there ends with us. */
  virtual: boolean;
  log: Logger;
}>;

export interface Senses extends AsyncDisposable {
  readonly windows: X11WindowSystem;
  readonly accessibility: AtspiElementSource;
  readonly browser: ChromiumBrowser;
  readonly applications: DesktopApplicationLauncher;
}

export async function openSenses(options: SensesOptions): Promise<Senses> {
  const scope = new Scope();
  const session = scope.use('X session', new X11Session(options.display, options.log));
  const windows = scope.use('windows', new X11WindowSystem(() => session.connection()));
  const accessibility = scope.use(
    'accessibility',
    new AtspiElementSource(options.env.DBUS_SESSION_BUS_ADDRESS ?? '', options.log),
  );
  const shared = { windows, env: options.env, inheritedEnv: process.env, log: options.log };
  const browser = scope.use(
    'browser',
    new ChromiumBrowser({
      ...shared,
      profile: profileFolder(options.dataDir),
      maximized: options.virtual,
      mayOpenFile: () => false,
    }),
  );
  const applications = scope.use(
    'applications',
    new DesktopApplicationLauncher({
      ...shared,
      virtual: options.virtual,
      openBrowser: (stop) => browser.open(stop),
    }),
  );
  return { windows, accessibility, browser, applications, [Symbol.asyncDispose]: () => scope.close() };
}
