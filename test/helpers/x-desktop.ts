import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Scope, silentLogger } from '@deskhand/base';
import { startVirtualDesktop, type VirtualDesktop } from '@deskhand/daemon/virtual-desktop';

const run = promisify(execFile);
const POLL_MS = 25;
const WINDOW_CEILING_MS = 45_000;

/** A program started on a test's desktop; the desktop closes it at the end. */
export type RunningProgram = Readonly<{
  pid: number;
  /** X window id, decimal, as xdotool prints it; null when it was not waited for. */
  windowId: string | null;
  /** Ends the program and everything it started. */
  close(): Promise<void>;
}>;

/** The real virtual desktop with a test's tools; one per test file. */
export interface XDesktop extends VirtualDesktop {
  /** A whole environment for a child process on this desktop. */
  readonly environment: Readonly<Record<string, string>>;
  /** A folder that goes away with the desktop. */
  readonly folder: string;
  /** Runs a judge (xdotool, xprop, …) to its end and returns what it printed. */
  ask(command: string, ...args: string[]): Promise<string>;
  /** Starts a program and leaves it running. */
  start(command: string, args?: readonly string[], env?: Readonly<Record<string, string>>): RunningProgram;
  /** The same, and waits until a visible window matches what `xdotool search` is given. */
  startWindow(
    command: string,
    args: readonly string[],
    search: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<RunningProgram>;
  mousepad(file?: string): Promise<RunningProgram>;
  xterm(...command: string[]): Promise<RunningProgram>;
  /** Chromium with a fresh profile, no network chatter, its accessibility tree on. */
  chromium(url: string, ...flags: string[]): Promise<RunningProgram>;
}

export async function startXDesktop(
  options: { width?: number; height?: number; dpi?: number } = {},
): Promise<XDesktop> {
  const scope = new Scope();
  const desktop = scope.use('virtual desktop', await startVirtualDesktop({ ...options, log: silentLogger }));
  const folder = await mkdtemp(join(tmpdir(), 'deskhand-test-'));
  scope.add('test folder', () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  const environment = { ...(process.env as Record<string, string>), ...desktop.env };
  // X clients inside this process find their cookie through it, as they do in a daemon.
  const previousAuthority = process.env.XAUTHORITY;
  process.env.XAUTHORITY = desktop.env.XAUTHORITY;
  scope.add('XAUTHORITY', () => {
    if (previousAuthority === undefined) delete process.env.XAUTHORITY;
    else process.env.XAUTHORITY = previousAuthority;
  });

  const ask = async (command: string, ...args: string[]) => {
    const { stdout } = await run(command, args, { env: environment, timeout: 45_000 });
    return stdout;
  };
  const start: XDesktop['start'] = (command, args = [], env = {}) => {
    const child = spawn(command, [...args], {
      env: { ...environment, ...env },
      stdio: 'ignore',
      detached: true,
      cwd: folder,
    });
    const pid = child.pid;
    if (pid === undefined) throw new Error(`${command} could not be started`);
    const close = () => endGroup(child, pid);
    scope.add(command, close);
    return { pid, windowId: null, close };
  };
  const startWindow: XDesktop['startWindow'] = async (command, args, search, env = {}) => {
    const before = new Set(await visibleWindows(ask, search));
    const program = start(command, args, env);
    const windowId = await eventually(async () => {
      const fresh = (await visibleWindows(ask, search)).find((id) => !before.has(id));
      if (fresh === undefined) throw new Error(`${command} shows no window for: ${search.join(' ')}`);
      return fresh;
    }, WINDOW_CEILING_MS);
    return { ...program, windowId };
  };

  return {
    ...desktop,
    environment,
    folder,
    ask,
    start,
    startWindow,
    mousepad: (file) =>
      startWindow(
        'mousepad',
        ['--disable-server', ...(file === undefined ? [] : [file])],
        ['--class', 'mousepad'],
      ),
    xterm: (...command) =>
      startWindow('xterm', command.length === 0 ? [] : ['-e', ...command], ['--class', 'xterm']),
    chromium: (url, ...flags) =>
      startWindow(
        'chromium',
        [
          `--user-data-dir=${join(folder, 'chromium-profile')}`,
          ...['--no-first-run', '--no-default-browser-check', '--disable-background-networking'],
          ...['--disable-component-update', '--disable-sync', '--password-store=basic'],
          ...['--force-renderer-accessibility', '--ozone-platform=x11'],
          ...(process.getuid?.() === 0 ? ['--no-sandbox', '--test-type'] : []),
          ...flags,
          url,
        ],
        ['--class', 'chromium'],
      ),
    [Symbol.asyncDispose]: () => scope.close(),
  };
}

/** Tries until it does not throw. Polls, because what a test waits for here is another program. */
export async function eventually<T>(attempt: () => T | Promise<T>, ceilingMs = 30_000): Promise<T> {
  const deadline = performance.now() + ceilingMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function visibleWindows(ask: XDesktop['ask'], search: readonly string[]): Promise<readonly string[]> {
  try {
    const found = await ask('xdotool', 'search', '--onlyvisible', ...search);
    return found.split('\n').filter((line) => line !== '');
  } catch {
    // xdotool ends with 1 when nothing matches.
    return [];
  }
}

async function endGroup(child: ChildProcess, pid: number): Promise<void> {
  const gone = child.exitCode !== null || child.signalCode !== null;
  const ended = gone ? Promise.resolve() : new Promise((resolve) => child.once('exit', resolve));
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
  await ended;
}
