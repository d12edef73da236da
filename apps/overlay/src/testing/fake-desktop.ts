import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type RuntimePaths, runtimeHost, runtimePaths } from '@deskhand/base/runtime-paths';
import {
  type DaemonState,
  type FromDaemon,
  type FromGuard,
  type GuardState,
  PanelStep,
  PanelThumbnail,
  ToDaemon,
  ToGuard,
} from '@deskhand/protocol';
import type { z } from 'zod';
import { FakeLocalServer } from './fake-local-server.ts';

const TOKEN = 'test-token-0123456789abcdef';

/** A guard state of a desktop where all is well; parts can be replaced. */
export function guardState(parts: Partial<GuardState> = {}): GuardState {
  return {
    type: 'guard_state',
    control: 'armed',
    latch: { tripped: false },
    hotkey: { chord: 'Ctrl+Alt+Shift+Esc', armed: true },
    handsAlive: true,
    daemonAlive: true,
    ...parts,
  };
}

/** A daemon state of a desktop that is ready and idle; parts can be replaced. */
export function daemonState(parts: Partial<DaemonState> = {}): DaemonState {
  return {
    type: 'state',
    seq: 1,
    machineId: '3f0c0b9e-7d55-4f2f-9d3e-000000000001',
    name: 'workshop',
    control: 'armed',
    controlReason: null,
    latch: { tripped: false },
    run: null,
    stopHotkey: { chord: 'Ctrl+Alt+Shift+Esc', armed: true },
    server: { url: 'http://127.0.0.1:7700', connected: true },
    overlay: { kind: 'browser', connected: true },
    display: ':99',
    displays: [],
    backends: { capture: 'x11-shm', input: 'xtest', accessibility: 'at-spi' },
    guardAlive: true,
    ...parts,
  };
}

export function panelRun(
  parts: Partial<NonNullable<DaemonState['run']>> = {},
): NonNullable<DaemonState['run']> {
  return {
    id: 'run_0123456789abcdef01234567',
    task: 'Triage the open orders and mark the late ones',
    status: 'running',
    step: 12,
    maxSteps: 60,
    costCents: 31,
    budgetCents: 200,
    deadlineAt: new Date(Date.now() + 558_000).toISOString(),
    startedAt: new Date(Date.now() - 42_000).toISOString(),
    engine: 'builtin',
    awaitingReason: null,
    ...parts,
  };
}

/**
 * A data folder with a guard and a daemon that really listen on its sockets and keep a record of what they
 * were told. They answer as the real ones do unless a test says otherwise.
 */
export class FakeDesktop implements AsyncDisposable {
  readonly dataDir: string;
  readonly paths: RuntimePaths;
  readonly guard: FakeLocalServer<ToGuard, FromGuard>;
  readonly daemon: FakeLocalServer<ToDaemon, FromDaemon>;
  guardState: GuardState = guardState();
  daemonState: DaemonState = daemonState();

  private constructor(dataDir: string) {
    this.dataDir = dataDir;
    this.paths = runtimePaths(dataDir, { ...runtimeHost({}), xdgRuntimeDir: dataDir });
    this.guard = new FakeLocalServer<ToGuard, FromGuard>(
      ToGuard as z.ZodType<ToGuard>,
      this.paths.guardSocket,
      TOKEN,
    );
    this.daemon = new FakeLocalServer<ToDaemon, FromDaemon>(
      ToDaemon as z.ZodType<ToDaemon>,
      this.paths.daemonSocket,
      TOKEN,
    );
  }

  /** Environment under which another process finds the same sockets. */
  get env(): Record<string, string> {
    return { XDG_RUNTIME_DIR: this.dataDir };
  }

  static async start(): Promise<FakeDesktop> {
    const desktop = new FakeDesktop(mkdtempSync(join(tmpdir(), 'dh-panel-')));
    desktop.writeToken();
    desktop.#answerLikeGuard();
    desktop.#answerLikeDaemon();
    await desktop.guard.listen();
    await desktop.daemon.listen();
    return desktop;
  }

  writeToken(): void {
    mkdirSync(dirname(this.paths.tokenFile), { recursive: true, mode: 0o700 });
    writeFileSync(this.paths.tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  }

  setGuard(parts: Partial<GuardState>): void {
    this.guardState = { ...this.guardState, ...parts };
    this.guard.send(this.guardState);
  }

  setDaemon(parts: Partial<DaemonState>): void {
    this.daemonState = { ...this.daemonState, ...parts, seq: this.daemonState.seq + 1 };
    this.daemon.send(this.daemonState);
  }

  /** Back to a desktop that is ready and idle, both processes there. */
  async reset(): Promise<void> {
    this.guardState = guardState();
    this.daemonState = { ...daemonState(), seq: this.daemonState.seq + 1 };
    this.#answerLikeGuard();
    this.#answerLikeDaemon();
    await this.guard.listen();
    await this.daemon.listen();
    this.guard.send(this.guardState);
    this.daemon.send(this.daemonState);
  }

  step(parts: Partial<PanelStep> & { step: number }): void {
    this.daemon.send(
      PanelStep.parse({
        type: 'step',
        runId: this.daemonState.run?.id ?? 'run_none',
        at: new Date().toISOString(),
        ...parts,
      }),
    );
  }

  thumbnail(parts: Pick<PanelThumbnail, 'jpegBase64' | 'width' | 'height' | 'target'>): void {
    this.daemon.send(PanelThumbnail.parse({ type: 'thumbnail', ...parts }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guard[Symbol.asyncDispose]();
    await this.daemon[Symbol.asyncDispose]();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  #answerLikeGuard(): void {
    this.guard.onAttach = () => [this.guardState];
    this.guard.onMessage = (message) => {
      switch (message.type) {
        case 'status':
          return [{ ...this.guardState, id: message.id }];
        case 'stop':
          this.guardState = {
            ...this.guardState,
            control: 'stopped',
            latch: { tripped: true, by: message.by, at: new Date().toISOString() },
          };
          return [{ type: 'ack', id: message.id }, this.guardState];
        case 'reset':
          this.guardState = { ...this.guardState, control: 'armed', latch: { tripped: false } };
          return [{ type: 'ack', id: message.id }, this.guardState];
        case 'pause':
        case 'resume':
          this.guardState = {
            ...this.guardState,
            control: message.type === 'pause' ? 'paused' : 'armed',
          };
          return [{ type: 'ack', id: message.id }, this.guardState];
        default:
          return [];
      }
    };
  }

  #answerLikeDaemon(): void {
    this.daemon.onMessage = (message) => {
      if (message.type === 'subscribe') return [this.daemonState];
      if (message.type !== 'command') return [];
      if (message.name === 'status') return [{ ...this.daemonState, id: message.id }];
      return [{ type: 'ack', id: message.id }];
    };
  }
}
