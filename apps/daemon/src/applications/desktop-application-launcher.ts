import { readFile } from 'node:fs/promises';
import { type Logger, sleep } from '@deskhand/base';
import { ProtocolError, type WindowInfo } from '@deskhand/protocol';
import type { ApplicationLauncher, WindowSystem } from '../ports.ts';
import { applicationEnvironment } from './application-environment.ts';
import {
  dataFolders,
  findProgram,
  type InstalledApplication,
  readInstalledApplications,
} from './desktop-entries.ts';
import { matchApplication, meansOurBrowser, nearestNames, plainName, programsFor } from './everyday-names.ts';
import { ProcessGroup } from './process-group.ts';

const WINDOW_CEILING_MS = 15_000;
const ACTIVE_CEILING_MS = 500;
const POLL_MS = 25;
const CLOSE_GRACE_MS = 300;

export type Opened = Readonly<{ application: string; windowId: string | null; started: boolean }>;

export type DesktopApplicationLauncherOptions = Readonly<{
  windows: WindowSystem;
  /** What applications of this desktop need in their environment. */
  env: Readonly<Record<string, string>>;
  /** This process's environment; its secrets are not passed on. */
  inheritedEnv: Readonly<Record<string, string | undefined>>;
  /** A private desktop: what we start there ends with us. A person's own applications are theirs to keep. */
  virtual: boolean;
  openBrowser: (options: { signal: AbortSignal }) => Promise<Opened>;
  log: Logger;
}>;

/** Starts what is installed on a freedesktop system; never an arbitrary command line. */
export class DesktopApplicationLauncher implements ApplicationLauncher, AsyncDisposable {
  readonly #options: DesktopApplicationLauncherOptions;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #started = new Set<ProcessGroup>();

  constructor(options: DesktopApplicationLauncherOptions) {
    this.#options = options;
    this.#environment = applicationEnvironment(options.inheritedEnv, options.env);
  }

  async open(name: string, options: { signal: AbortSignal }): Promise<Opened> {
    options.signal.throwIfAborted();
    if (meansOurBrowser(name)) return this.#options.openBrowser(options);
    const installed = await readInstalledApplications(
      dataFolders(this.#environment),
      this.#environment.PATH ?? '',
    );
    const application = matchApplication(name, installed) ?? this.#plainProgram(name);
    if (application === null) {
      const nearest = nearestNames(name, installed);
      const hint = nearest.length === 0 ? '' : ` Installed are, among others: ${nearest.join(', ')}.`;
      throw new ProtocolError(
        'APPLICATION_NOT_FOUND',
        `No application is called "${name.slice(0, 100)}".${hint}`,
        {
          nearest,
        },
      );
    }
    const running = await this.#windowOf(application);
    if (running !== null) {
      await this.#options.windows.focus(running.id);
      return { application: application.name, windowId: running.id, started: false };
    }
    return this.#start(application, installed, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#options.virtual) return;
    await Promise.all([...this.#started].map((group) => group.close()));
    this.#started.clear();
  }

  /** An everyday name whose program is on the PATH but came without a desktop entry. */
  #plainProgram(name: string): InstalledApplication | null {
    const path = this.#environment.PATH ?? '';
    for (const program of programsFor(name)) {
      const found = findProgram(program, path);
      if (found === null) continue;
      return {
        id: program,
        name: program,
        genericName: name,
        keywords: [],
        command: [found],
        program,
        windowClass: '',
        terminal: false,
        hidden: false,
      };
    }
    return null;
  }

  async #windowOf(application: InstalledApplication): Promise<WindowInfo | null> {
    const windows = await this.#options.windows.windows();
    return windows.find((window) => belongsTo(window, application)) ?? null;
  }

  async #start(
    application: InstalledApplication,
    installed: readonly InstalledApplication[],
    options: { signal: AbortSignal },
  ): Promise<Opened> {
    const command = application.terminal
      ? [...this.#terminal(installed), ...application.command]
      : application.command;
    const [program = '', ...args] = command;
    const before = new Set((await this.#options.windows.windows()).map((window) => window.id));
    options.signal.throwIfAborted();
    const group = await ProcessGroup.start(
      {
        command: program,
        args,
        env: this.#environment,
        ...(this.#environment.HOME === undefined ? {} : { cwd: this.#environment.HOME }),
        onParentDeath: this.#options.virtual ? 'SIGKILL' : null,
      },
      CLOSE_GRACE_MS,
    ).catch((cause: unknown) => {
      throw new ProtocolError('INVALID_STATE', `${application.name} could not be started.`, {}, { cause });
    });
    group.unref();
    this.#started.add(group);
    void group.ended.then(() => this.#started.delete(group));
    this.#options.log.info('application started', { application: application.name, pid: group.pid });

    const window = await this.#newWindow(application, group, before, options);
    if (window === null) return { application: application.name, windowId: null, started: true };
    await this.#bringForward(window.id, options);
    return { application: application.name, windowId: window.id, started: true };
  }

  #terminal(installed: readonly InstalledApplication[]): readonly string[] {
    const terminal = matchApplication('terminal', installed) ?? this.#plainProgram('terminal');
    if (terminal === null) {
      throw new ProtocolError(
        'APPLICATION_NOT_FOUND',
        'This application needs a terminal and none is installed.',
      );
    }
    return [...terminal.command, terminal.program === 'gnome-terminal' ? '--' : '-e'];
  }

  /** The window that came with the start; null when none did within the ceiling. */
  async #newWindow(
    application: InstalledApplication,
    group: ProcessGroup,
    before: ReadonlySet<string>,
    options: { signal: AbortSignal },
  ): Promise<WindowInfo | null> {
    const deadline = performance.now() + WINDOW_CEILING_MS;
    while (performance.now() < deadline) {
      const fresh = (await this.#options.windows.windows()).filter((window) => !before.has(window.id));
      for (const window of fresh) {
        if (belongsTo(window, application) || (await isInGroup(window.pid, group.pid))) return window;
      }
      if (!group.running) {
        const end = await group.ended;
        // Code 0 without a window is the usual way to hand over to an instance that runs already.
        if (end.code !== 0) {
          throw new ProtocolError(
            'INVALID_STATE',
            `${application.name} ended at once (${end.signal ?? `exit code ${end.code}`}) without showing a window.`,
          );
        }
      }
      await sleep(POLL_MS, options);
    }
    return null;
  }

  /** New windows usually get the focus by themselves; if not, they are given it. */
  async #bringForward(windowId: string, options: { signal: AbortSignal }): Promise<void> {
    const deadline = performance.now() + ACTIVE_CEILING_MS;
    while (performance.now() < deadline) {
      if ((await this.#options.windows.activeWindow())?.id === windowId) return;
      await sleep(POLL_MS, options);
    }
    await this.#options.windows.focus(windowId);
  }
}

function belongsTo(window: WindowInfo, application: InstalledApplication): boolean {
  const own = plainName(window.application);
  const lastOfId = application.id.split('.').at(-1) ?? '';
  return [application.windowClass, application.program, application.name, application.id, lastOfId].some(
    (known) => known !== '' && plainName(known) === own,
  );
}

async function isInGroup(pid: number | undefined, group: number): Promise<boolean> {
  if (pid === undefined) return false;
  if (pid === group) return true;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may hold spaces; the fields after it are state, parent, process group.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[2]) === group;
}
