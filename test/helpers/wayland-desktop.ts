import { type ChildProcess, spawn } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Scope } from '@deskhand/base';
import { eventually } from './eventually.ts';

/** sway refuses to run as root, and tests often are: it then runs as the user that owns nothing. */
const NOBODY = 65_534;
const START_CEILING_MS = 30_000;

/** A real compositor without a screen: sway on its headless backend. */
export interface WaylandDesktop extends AsyncDisposable {
  /** Path of the compositor's socket. */
  readonly socket: string;
  /** Path of sway's own socket. */
  readonly swaySocket: string;
  /** A whole environment for applications on it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Tells sway something, as its owner would with swaymsg. */
  command(text: string): Promise<void>;
  start(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
}

export async function startWaylandDesktop(size: { width: number; height: number }): Promise<WaylandDesktop> {
  const scope = new Scope();
  try {
    const folder = await mkdtemp(join(tmpdir(), 'deskhand-sway-'));
    scope.add('folder', () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
    const runtime = join(folder, 'run');
    await mkdir(runtime, { mode: 0o700 });
    const config = join(folder, 'config');
    await writeFile(
      config,
      [
        `output HEADLESS-1 resolution ${size.width}x${size.height} position 0 0 bg #336699 solid_color`,
        'xwayland disable',
        'default_border none',
        'default_floating_border none',
        'focus_follows_mouse no',
        'seat * hide_cursor 0',
        '',
      ].join('\n'),
    );
    const asRoot = process.getuid?.() === 0;
    if (asRoot) for (const path of [folder, runtime, config]) await chown(path, NOBODY, NOBODY);
    const environment: Record<string, string> = {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      LANG: 'C.UTF-8',
      XDG_RUNTIME_DIR: runtime,
    };
    const sway = spawn('sway', ['-c', config], {
      env: {
        ...environment,
        WLR_BACKENDS: 'headless',
        WLR_LIBINPUT_NO_DEVICES: '1',
        WLR_RENDERER: 'pixman',
      },
      cwd: folder,
      stdio: 'ignore',
      detached: true,
      ...(asRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    scope.add('sway', () => end(sway));
    const named = async (pattern: RegExp) => {
      const found = (await readdir(runtime)).find((name) => pattern.test(name));
      return found === undefined ? undefined : join(runtime, found);
    };
    const socket = await eventually(() => named(/^wayland-\d+$/), {
      timeoutMs: START_CEILING_MS,
      what: 'sway',
    });
    const swaySocket = await eventually(() => named(/^sway-ipc\..*\.sock$/), { what: "sway's own socket" });
    const everywhere = { ...environment, WAYLAND_DISPLAY: socket, SWAYSOCK: swaySocket };
    const start: WaylandDesktop['start'] = (command, args, env = {}) => {
      const child = spawn(command, [...args], {
        env: { ...everywhere, ...env },
        cwd: folder,
        stdio: ['pipe', 'pipe', 'inherit'],
        detached: true,
      });
      scope.add(command, () => end(child));
      return child;
    };
    return {
      socket,
      swaySocket,
      environment: everywhere,
      folder,
      start,
      async command(text) {
        const child = spawn('swaymsg', ['-s', swaySocket, text], { stdio: 'ignore' });
        const code = await new Promise((resolve) => child.once('exit', resolve));
        if (code !== 0) throw new Error(`swaymsg ${text}: ${code}`);
      },
      [Symbol.asyncDispose]: () => scope.close(),
    };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

/** What the window of `target-app/wayland-window.py` says about itself, all of it seen by then. */
export type WaylandWitness = Readonly<{
  /** Events since the last question, in order. */
  events: readonly string[];
  /** Where it saw the pointer last, logical pixels and parts of them. */
  pointer: { x: number; y: number } | null;
  /** Keys and buttons that are down, as far as it was told. */
  held: readonly string[];
  /** What its text area holds, where it has one. */
  text: string;
}>;

/** A GTK window over the whole screen that writes down what reaches it. @returns how to ask it. */
export async function startWaylandWitness(
  desktop: WaylandDesktop,
  options: { width: number; height: number; patches?: readonly unknown[]; text?: boolean },
): Promise<{ ask: () => Promise<WaylandWitness>; child: ChildProcess }> {
  const script = join(import.meta.dirname, '../target-app/wayland-window.py');
  const child = desktop.start('/usr/bin/python3', [script, JSON.stringify(options)], {
    GDK_BACKEND: 'wayland',
    NO_AT_BRIDGE: '1',
    GSETTINGS_BACKEND: 'memory',
  });
  if (child.stdout === null) throw new Error('the witness has no output');
  const lines = createInterface({ input: child.stdout });
  const waiting: Array<(line: string) => void> = [];
  lines.on('line', (line) => waiting.shift()?.(line));
  const next = () => new Promise<string>((resolve) => waiting.push(resolve));
  const ready = next();
  await ready;
  return {
    child,
    ask: async () => {
      const answer = next();
      child.stdin?.write('?\n');
      return JSON.parse(await answer) as WaylandWitness;
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
  await gone;
}
