import { realpathSync } from 'node:fs';
import { type Logger, Scope } from '@deskhand/base';
import { AtspiElementSource } from './accessibility/atspi-element-source.ts';
import { NoElementSource } from './accessibility/no-element-source.ts';
import { DesktopApplicationLauncher } from './applications/desktop-application-launcher.ts';
import { NoApplicationLauncher } from './applications/no-application-launcher.ts';
import { ChromiumBrowser, profileFolder } from './browser/chromium-browser.ts';
import { NoBrowser } from './browser/no-browser.ts';
import { isInside, LocalFiles } from './files/local-files.ts';
import { chooseWordReader } from './ocr/index.ts';
import type { ApplicationLauncher, Browser, ElementSourcePort, WordReader } from './ports.ts';
import { CommandLine } from './terminal/command-line.ts';
import { NoWindowSystem } from './windows/no-window-system.ts';
import type { WindowControl } from './windows/window-control.ts';
import { X11Session } from './windows/x11-session.ts';
import { X11WindowSystem } from './windows/x11-window-system.ts';

export type { AtspiElementSource };

export type SensesOptions = Readonly<{
  /** X display name, e.g. `:99`; XAUTHORITY of this process must fit it. Null where there is no X server. */
  display: string | null;
  /** Windows of a desktop that is not an X server's; closed by whoever made them. */
  windows?: WindowControl;
  /** What applications of this desktop need in their environment, laid over this process's own. */
  env: Readonly<Record<string, string>>;
  /** Folder for what is kept between starts: the browser's profile. */
  dataDir: string;
  /** A private desktop: what is started there ends with us. */
  virtual: boolean;
  /** Folders whose files may be read and opened in the browser, as they are now; none when absent. */
  policyRoots?: () => readonly string[];
  log: Logger;
}>;

/** Everything the desktop is perceived and worked with, except capture and hands. */
export interface Senses extends AsyncDisposable {
  readonly windows: WindowControl;
  readonly accessibility: ElementSourcePort;
  readonly words: WordReader;
  readonly browser: Browser;
  readonly applications: ApplicationLauncher;
  readonly terminal: CommandLine;
  readonly files: LocalFiles;
}

/** Opens nothing yet that costs: connections, workers and the browser start when they are first needed. */
export async function openSenses(options: SensesOptions): Promise<Senses> {
  const { display, env, log, virtual, policyRoots = () => [] } = options;
  const scope = new Scope();
  const words = scope.use('words', chooseWordReader(process.env));
  const terminal = new CommandLine({ env, inheritedEnv: process.env });
  const files = new LocalFiles(policyRoots);
  const close = { [Symbol.asyncDispose]: () => scope.close() };
  const windows = options.windows ?? (display === null ? null : openX11Windows(scope, display, log));
  // Browser and launcher start processes the way Linux does.
  if (windows === null || process.platform !== 'linux') {
    return {
      windows: windows ?? scope.use('windows', new NoWindowSystem()),
      accessibility: scope.use('accessibility', new NoElementSource()),
      browser: scope.use('browser', new NoBrowser()),
      applications: new NoApplicationLauncher(),
      words,
      terminal,
      files,
      ...close,
    };
  }
  const bus = env.DBUS_SESSION_BUS_ADDRESS;
  const accessibility = scope.use<ElementSourcePort>(
    'accessibility',
    bus === undefined ? new NoElementSource() : new AtspiElementSource(bus, log),
  );
  const shared = { windows, env, inheritedEnv: process.env, log };
  const browser = scope.use(
    'browser',
    new ChromiumBrowser({
      ...shared,
      profile: profileFolder(options.dataDir),
      maximized: virtual,
      mayOpenFile: (path) => liesInside(path, policyRoots()),
    }),
  );
  const applications = scope.use(
    'applications',
    new DesktopApplicationLauncher({ ...shared, virtual, openBrowser: (stop) => browser.open(stop) }),
  );
  return { windows, accessibility, words, browser, applications, terminal, files, ...close };
}

function openX11Windows(scope: Scope, display: string, log: Logger): WindowControl {
  const session = scope.use('X session', new X11Session(display, log));
  return scope.use('windows', new X11WindowSystem(() => session.connection()));
}

/** By where the path really leads; what is not there lies nowhere. */
function liesInside(path: string, roots: readonly string[]): boolean {
  try {
    const real = realpathSync(path);
    return roots.some((root) => isInside(real, realpathSync(root)));
  } catch {
    return false;
  }
}
