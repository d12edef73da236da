import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorAttributes, type Logger } from '@deskhand/base';
import { isProviderKey } from '../config.ts';
import type { MachineHub } from './machine-hub.ts';
import type { MachineService } from './machine-service.ts';

/** The desktop's own program, a process and never an import: the wire between us is the link, as for any desktop. */
const DAEMON = fileURLToPath(new URL('../../../daemon/src/main.ts', import.meta.url));

const CHECK_MS = 15_000;
/** A virtual desktop nobody used for this long is taken down; it comes back when it is needed. */
const IDLE_MS = 10 * 60_000;
const STOP_GRACE_MS = 1000;
/** Starts that failed in a row before the next need has to ask again. */
const MAX_FAILURES = 3;

type Desktop = {
  machineId: string;
  child: ChildProcess | undefined;
  starting: Promise<void> | undefined;
  usedAtMs: number;
  failures: number;
  stopped: boolean;
};

type Parts = {
  hub: MachineHub;
  machines: MachineService;
  log: Logger;
  now: () => number;
  dataFolder: string;
  size: string;
  max: number;
  /** Origin to dial, known once the server listens. */
  origin: () => string;
  /** Machines that have open runs: those are in use. */
  busy: () => Promise<ReadonlySet<string>>;
  env: NodeJS.ProcessEnv;
};

/**
 * The desktops of test keys: a private X display with the same daemon as a person's desktop, really driven. Started at
 * first use, one process each, gone with the server.
 */
export class VirtualDesktops implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #desktops = new Map<string, Desktop>();
  #timer: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#takeDownIdle().catch((error) =>
        this.#parts.log.warn('idle desktops could not be checked', errorAttributes(error)),
      );
    }, CHECK_MS);
    this.#timer.unref();
  }

  /** Makes sure that a test machine's desktop is there or coming. Quiet for others. */
  wake(machineId: string): void {
    if (!machineId.startsWith('mch_test_') || this.#closing) return;
    const desktop = this.#desktops.get(machineId) ?? {
      machineId,
      child: undefined,
      starting: undefined,
      usedAtMs: 0,
      failures: 0,
      stopped: false,
    };
    this.#desktops.set(machineId, desktop);
    desktop.usedAtMs = this.#parts.now();
    desktop.failures = 0;
    this.#ensure(desktop);
  }

  /** For good: the machine was unregistered. */
  async remove(machineId: string): Promise<void> {
    const desktop = this.#desktops.get(machineId);
    if (desktop !== undefined) await this.#takeDown(desktop);
    if (machineId.startsWith('mch_test_'))
      await rm(this.#folder(machineId), { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#desktops.values()].map((desktop) => this.#takeDown(desktop)));
  }

  #folder(machineId: string): string {
    return path.join(this.#parts.dataFolder, 'virtual', machineId);
  }

  #ensure(desktop: Desktop): void {
    if (desktop.child !== undefined || desktop.starting !== undefined || this.#closing) return;
    desktop.starting = this.#launch(desktop)
      .catch((error) =>
        this.#parts.log.error('a virtual desktop could not be started', {
          machineId: desktop.machineId,
          ...errorAttributes(error),
        }),
      )
      .finally(() => {
        desktop.starting = undefined;
      });
  }

  async #launch(desktop: Desktop): Promise<void> {
    const { machines, log, size, origin, env } = this.#parts;
    const { machineId } = desktop;
    await this.#makeRoom(machineId);
    const folder = this.#folder(machineId);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const args = [
      '--server',
      origin(),
      '--data',
      folder,
      '--name',
      `virtual ${machineId.slice(-8)}`,
      `--virtual=${size}`,
    ];
    // Paired once; later starts find the token it was given.
    if (!existsSync(path.join(folder, 'machine.json')))
      args.push('--pair-code', (await machines.enrollAgain(machineId)).token);
    const output = await open(path.join(folder, 'daemon.log'), 'a', 0o600);
    try {
      if (this.#closing) return;
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', DAEMON, ...args], {
        env: { ...withoutKeys(env), DESKHAND_DATA: folder },
        stdio: ['ignore', output.fd, output.fd, 'ipc'],
      });
      desktop.child = child;
      desktop.stopped = false;
      child.on('error', () => {});
      child.once('exit', (code, signal) => this.#ended(desktop, child, code ?? signal));
      log.info('virtual desktop starting', { machineId, pid: child.pid });
    } finally {
      await output.close();
    }
  }

  #ended(desktop: Desktop, child: ChildProcess, how: unknown): void {
    if (desktop.child !== child) return;
    desktop.child = undefined;
    if (desktop.stopped || this.#closing) return;
    desktop.failures += 1;
    this.#parts.log.warn('a virtual desktop ended by itself', {
      machineId: desktop.machineId,
      how,
      failures: desktop.failures,
    });
    if (desktop.failures >= MAX_FAILURES) return;
    setTimeout(() => this.#ensure(desktop), 1000 * desktop.failures).unref();
  }

  /** At most `max` at once: the one that is longest unused and has no run gives way. */
  async #makeRoom(machineId: string): Promise<void> {
    const up = () =>
      [...this.#desktops.values()].filter(
        (desktop) => desktop.child !== undefined && desktop.machineId !== machineId,
      );
    if (up().length < this.#parts.max) return;
    const busy = await this.#parts.busy();
    const [oldest] = up()
      .filter((desktop) => !busy.has(desktop.machineId))
      .sort((a, b) => a.usedAtMs - b.usedAtMs);
    if (oldest === undefined)
      throw new Error(
        `${up().length} virtual desktops are up and busy, which is the most allowed (max_virtual_desktops).`,
      );
    await this.#takeDown(oldest);
  }

  async #takeDownIdle(): Promise<void> {
    if (this.#desktops.size === 0) return;
    const busy = await this.#parts.busy();
    for (const desktop of [...this.#desktops.values()]) {
      if (busy.has(desktop.machineId)) {
        desktop.usedAtMs = this.#parts.now();
        this.#ensure(desktop);
      } else if (this.#parts.now() - desktop.usedAtMs > IDLE_MS) await this.#takeDown(desktop);
    }
  }

  async #takeDown(desktop: Desktop): Promise<void> {
    await desktop.starting;
    desktop.stopped = true;
    this.#desktops.delete(desktop.machineId);
    const { child } = desktop;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await gone;
    clearTimeout(timer);
  }
}

/** Set for this server's own process, see `deskhand serve`; the applications of a desktop are none of its business. */
const OWN_VARIABLES = new Set(['DESKHAND_API_KEY', 'NODE_COMPILE_CACHE', 'MALLOC_ARENA_MAX']);

/** A desktop drives nothing but itself: it gets no key of ours and none of a model provider's. */
function withoutKeys(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !isProviderKey(name) && !OWN_VARIABLES.has(name)),
  );
}
