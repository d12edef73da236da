import { createWriteStream, mkdirSync, rmSync, type WriteStream } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { Scope, sleep } from '@deskhand/base';
import { LockHeldError, ProcessLock } from '@deskhand/base/process-lock';
import { Client } from '@deskhand/client';
import { type Credentials, ownMachineId, readCredentials } from '../desk/credentials.ts';
import { enroll } from '../desk/enroll.ts';
import { electronBinary, PARTS, serverEnv } from '../desk/parts.ts';
import { DISPLAY_RETRY_MS, isWithoutDisplay } from '../desk/without-display.ts';
import { CommandProblem } from '../output/problem.ts';
import { Child, type ChildSpec } from './child.ts';

export type OverlayKind = 'auto' | 'electron' | 'browser' | 'none';

export type HouseholdOptions = Readonly<{
  dataFolder: string;
  /** Undefined: as the environment or `config.json` says. */
  host: string | undefined;
  /** 0 picks a free one; undefined as above. */
  port: number | undefined;
  /** `WIDTHxHEIGHT` of a private desktop, or null for the person's own. */
  virtual: string | null;
  overlay: OverlayKind;
  env: NodeJS.ProcessEnv;
  /** Where `--overlay none` tells the state, and whether a person's keys are heard there. */
  terminal: Readonly<{ output: 1 | 2; keys: boolean }>;
  /** Told what is being started, for the impatient. */
  progress: (text: string) => void;
}>;

/** Where an address comes from that no flag names; the server's configuration decides. */
export const ADDRESS_DEFAULTS = {
  host: 'default: DESKHAND_HOST, config.json, 127.0.0.1',
  port: 'default: DESKHAND_PORT, config.json, 8787',
} as const;

/** What a program needs to know to use this household; the ready line of surface.md 2. */
export type ReadyLine = Readonly<{
  event: 'ready';
  base_url: string;
  api_key: string;
  test_api_key: string;
  machine_id: string;
  display: string | null;
  stop_hotkey: string;
  overlay_url: string | null;
  pid: number;
}>;

/** What the server has to say about its settings, a sentence each. */
export const warningsOf = ({ warnings }: Readonly<Record<string, unknown>>): string[] =>
  Array.isArray(warnings) ? warnings.map(String) : [];

/** Whether this desktop's stop hotkey works, as its daemon says at the start. */
export type HotkeyReport = Readonly<{ armed: boolean; reason: string | null; pressedAt: string | null }>;

/** On a Wayland desktop the person is asked what they share: the daemon gives them two minutes. */
const READY_MS = { server: 30_000, daemon: 150_000, panel: 30_000 } as const;
/** Restarts of one part within a minute before `up` gives up. */
const MAX_RESTARTS_PER_MINUTE = 5;

/**
 * Server, this desktop and the panel on one computer, paired with each other. Starts them in order,
 * brings a part that died back, and takes everything down within two seconds.
 */
export class Household implements AsyncDisposable {
  readonly #options: HouseholdOptions;
  readonly #scope = new Scope();
  readonly #stopping = new AbortController();
  readonly #logs = new Map<string, WriteStream>();
  readonly #children = new Map<string, Child>();
  #failure: ((error: unknown) => void) | undefined;
  /** Rejects when a part keeps dying. */
  readonly failed: Promise<never>;

  private constructor(options: HouseholdOptions) {
    this.#options = options;
    this.failed = new Promise<never>((_, reject) => {
      this.#failure = reject;
    });
    this.failed.catch(() => {});
  }

  /** @throws CommandProblem with the code of whatever did not start; everything started before is down again. */
  static async start(
    options: HouseholdOptions,
    stop: { signal: AbortSignal },
  ): Promise<{
    household: Household;
    ready: ReadyLine;
    credentials: Credentials;
    hotkey: HotkeyReport;
    warnings: readonly string[];
  }> {
    const household = new Household(options);
    try {
      return await household.#start(stop.signal);
    } catch (error) {
      await household[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(outer: AbortSignal) {
    const { dataFolder, progress } = this.#options;
    const signal = AbortSignal.any([outer, this.#stopping.signal]);
    this.#scope.use('lock', lockDataFolder(dataFolder));

    progress('starting the server');
    const server = await this.#startChild(this.#serverSpec(this.#options.port), signal);
    const warnings = warningsOf(server.ready);
    const port = Number(server.ready.port);
    const host = hostForUrl(String(server.ready.host ?? ''));
    const credentials = readCredentials(dataFolder);
    if (credentials === undefined)
      throw new CommandProblem('SERVICE_UNAVAILABLE', `The server left no credentials in ${dataFolder}.`, {
        todo: 'Look into logs/server.log there.',
      });
    const baseUrl = `http://${host}:${port}/v1`;
    const linkUrl = `ws://${host}:${port}`;

    progress(
      this.#options.virtual === null
        ? 'connecting this desktop'
        : `making a virtual desktop (${this.#options.virtual})`,
    );
    const daemon = await this.#startDaemon(baseUrl, linkUrl, credentials.api_key, signal);
    const machineId = String(daemon.ready.machineId ?? ownMachineId(dataFolder) ?? '');

    const overlayUrl = await this.#startPanel(signal);
    // A part that dies later is started again on the same port and identity.
    this.#keepAlive('server', () => this.#startChild(this.#serverSpec(port), this.#stopping.signal));
    this.#keepAlive('daemon', () => this.#startChild(this.#daemonSpec(linkUrl), this.#stopping.signal));
    const ready: ReadyLine = {
      event: 'ready',
      base_url: baseUrl,
      api_key: credentials.api_key,
      test_api_key: credentials.test_api_key,
      machine_id: machineId,
      display: typeof daemon.ready.display === 'string' ? daemon.ready.display : null,
      stop_hotkey: String(daemon.ready.stopHotkey ?? ''),
      overlay_url: overlayUrl,
      pid: process.pid,
    };
    const hotkey = (daemon.ready.hotkey ?? { armed: true, reason: null, pressedAt: null }) as HotkeyReport;
    return { household: this, ready, credentials, hotkey, warnings };
  }

  async #startDaemon(baseUrl: string, linkUrl: string, apiKey: string, signal: AbortSignal): Promise<Child> {
    const { dataFolder } = this.#options;
    const client = new Client({ baseUrl, apiKey });
    const known = ownMachineId(dataFolder);
    if (known !== undefined) {
      const stillThere = await client.machines.get(known).then(
        () => true,
        (error: { status?: number }) => {
          if (error.status === 404) return false;
          throw error;
        },
      );
      if (stillThere) return this.#startChild(this.#daemonSpec(linkUrl), signal);
      // The server does not know this desktop (its database was replaced): pair again.
      rmSync(path.join(dataFolder, 'machine.json'), { force: true });
    }
    const { token } = await enroll(client, {
      display_name: machineName(),
      os_type: osType(),
      desktop_enabled: true,
    });
    return this.#startChild(this.#daemonSpec(linkUrl, token), signal);
  }

  async #startPanel(signal: AbortSignal): Promise<string | null> {
    const { overlay, env, dataFolder, progress, virtual } = this.#options;
    if (overlay === 'none') return null;
    const electron = electronBinary(env);
    const hasDisplay = process.platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
    if (overlay === 'electron' && electron === undefined)
      throw new CommandProblem(
        'MISSING_SYSTEM_PACKAGE',
        'Electron’s program is not here: its download has not happened.',
        {
          todo: 'Run `npx electron --version` in apps/overlay once (needs the network), or use --overlay browser.',
        },
      );
    if (
      overlay === 'electron' ||
      (overlay === 'auto' && electron !== undefined && hasDisplay && virtual === null)
    ) {
      progress('opening the panel');
      await this.#startElectron(electron as string);
    }
    progress('starting the panel');
    const args = ['--data', dataFolder];
    // On the person's own screen the page opens by itself; a virtual desktop has nobody in front of it.
    if (overlay !== 'electron' && electron === undefined && hasDisplay && virtual === null)
      args.push('--open');
    const spec: ChildSpec = {
      name: 'panel',
      entry: PARTS.browserPanel,
      args,
      env: { ...env, DESKHAND_DATA: dataFolder },
      log: this.#log('panel'),
      readyMs: READY_MS.panel,
    };
    const panel = await this.#startChild(spec, signal);
    this.#keepAlive('panel', () => this.#startChild(spec, this.#stopping.signal));
    return typeof panel.ready.url === 'string' ? panel.ready.url : null;
  }

  /**
   * `--overlay none`: state as lines, and `s` stops. Started by the owner when its own lines are out, so that the two
   * don't mix.
   */
  async showOnTerminal(): Promise<void> {
    if (this.#options.overlay !== 'none') return;
    const { dataFolder, env, terminal } = this.#options;
    const spec: ChildSpec = {
      name: 'terminal panel',
      entry: PARTS.terminalPanel,
      args: ['--data', dataFolder, ...(terminal.keys ? ['--keys'] : [])],
      env: { ...env, DESKHAND_DATA: dataFolder },
      log: this.#log('panel'),
      readyMs: READY_MS.panel,
      terminal,
    };
    await this.#startChild(spec, this.#stopping.signal);
    this.#keepAlive(spec.name, () => this.#startChild(spec, this.#stopping.signal));
  }

  async #startElectron(binary: string): Promise<void> {
    const { spawn } = await import('node:child_process');
    const { env } = this.#options;
    // On Wayland through XWayland, where a window can be placed and pinned: it would start itself anew otherwise.
    const throughX = env.XDG_SESSION_TYPE === 'wayland' && env.DISPLAY ? ['--ozone-platform=x11'] : [];
    const child = spawn(binary, [...throughX, PARTS.overlayApp], {
      env: { ...env, DESKHAND_DATA: this.#options.dataFolder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.pipe(this.#log('overlay'), { end: false });
    child.stderr?.pipe(this.#log('overlay'), { end: false });
    child.on('error', () => {});
    this.#scope.add('overlay', async () => {
      if (child.exitCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await Promise.race([gone, sleep(800)]);
      child.kill('SIGKILL');
    });
  }

  async #startChild(spec: ChildSpec, signal: AbortSignal): Promise<Child> {
    const child = await Child.start(spec, { signal });
    this.#children.set(spec.name, child);
    return child;
  }

  /** Starts a part again when it ends by itself. */
  #keepAlive(name: string, restart: () => Promise<Child>): void {
    const deaths: number[] = [];
    const watch = async () => {
      for (;;) {
        const child = this.#children.get(name);
        if (child === undefined) return;
        const problem = await child.lastProblem;
        if (this.#stopping.signal.aborted) return;
        // Their word: whoever starts it again asks them again, and that is for them to do.
        if (problem?.code === 'SHARING_DECLINED') throw problem;
        const now = Date.now();
        deaths.push(now);
        while (deaths[0] !== undefined && now - deaths[0] > 60_000) deaths.shift();
        if (deaths.length > MAX_RESTARTS_PER_MINUTE)
          throw new CommandProblem(
            'SERVICE_UNAVAILABLE',
            `The ${name} keeps ending; see logs/${name}.log in the data folder.`,
          );
        await sleep(200 * 2 ** Math.min(deaths.length - 1, 4), { signal: this.#stopping.signal });
        await this.#whenThereIsADisplay(restart);
      }
    };
    watch().catch((error) => {
      if (!this.#stopping.signal.aborted) this.#failure?.(error);
    });
  }

  /** A display server that is gone may come back (a session that was ended and begun again): the house waits for it. */
  async #whenThereIsADisplay(start: () => Promise<Child>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await start();
        return;
      } catch (error) {
        if (!isWithoutDisplay(error)) throw error;
        if (attempt === 1) this.#options.progress('the display is gone; waiting for it to come back');
        await sleep(DISPLAY_RETRY_MS, { signal: this.#stopping.signal });
      }
    }
  }

  #serverSpec(port: number | undefined): ChildSpec {
    const { env, dataFolder, host } = this.#options;
    return {
      name: 'server',
      entry: PARTS.server,
      args: [],
      env: {
        ...env,
        ...serverEnv(dataFolder, env),
        DESKHAND_DATA: dataFolder,
        ...(host === undefined ? {} : { DESKHAND_HOST: host }),
        ...(port === undefined ? {} : { DESKHAND_PORT: String(port) }),
      },
      log: this.#log('server'),
      readyMs: READY_MS.server,
    };
  }

  #daemonSpec(linkUrl: string, pairCode?: string): ChildSpec {
    const { env, dataFolder, virtual } = this.#options;
    const args = ['--server', linkUrl, '--data', dataFolder, '--name', machineName()];
    if (virtual !== null) args.push(`--virtual=${virtual}`);
    if (pairCode !== undefined) args.push('--pair-code', pairCode);
    return {
      name: 'daemon',
      entry: PARTS.daemon,
      args,
      env: { ...env, DESKHAND_DATA: dataFolder },
      log: this.#log('daemon'),
      readyMs: READY_MS.daemon,
    };
  }

  #log(name: string): WriteStream {
    const existing = this.#logs.get(name);
    if (existing !== undefined) return existing;
    const folder = path.join(this.#options.dataFolder, 'logs');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stream = createWriteStream(path.join(folder, `${name}.log`), { flags: 'a', mode: 0o600 });
    stream.on('error', () => {});
    this.#logs.set(name, stream);
    return stream;
  }

  /** Desktop first, so that everything is released while its server still listens. Under two seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('household stops'));
    const stop = (name: string, graceMs: number) =>
      this.#children.get(name)?.stop(graceMs) ?? Promise.resolve();
    const desktop = stop('daemon', 1300);
    // The server hears of the desktop's end if that is quick; it never waits long for it: two seconds are all there is.
    const server = Promise.race([desktop, sleep(500)]).then(() => stop('server', 900));
    await Promise.all([stop('panel', 600), stop('terminal panel', 600), desktop, server]);
    await this.#scope.close();
    for (const log of this.#logs.values()) log.end();
  }
}

export function machineName(): string {
  return hostname().slice(0, 64) || 'this desktop';
}

function osType(): 'linux' | 'windows' | 'macos' {
  return process.platform === 'darwin' ? 'macos' : process.platform === 'win32' ? 'windows' : 'linux';
}

/** Where to connect for a bound address: a wildcard is reached over loopback. */
export function hostForUrl(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** One `up` per data folder. @throws CommandProblem DATA_FOLDER_IN_USE */
function lockDataFolder(folder: string): ProcessLock {
  try {
    return ProcessLock.take(path.join(folder, 'up.lock'));
  } catch (cause) {
    if (!(cause instanceof LockHeldError)) throw cause;
    throw new CommandProblem(
      'DATA_FOLDER_IN_USE',
      cause.pid === null
        ? `Another Deskhand is starting on ${folder}.`
        : `Deskhand already runs on ${folder} (process ${cause.pid}).`,
      { todo: 'Use that one (deskhand status), end it, or start this one with another --data DIR.', cause },
    );
  }
}
