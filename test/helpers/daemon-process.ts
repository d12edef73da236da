import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RuntimePaths, runtimeHost, runtimePaths } from '@deskhand/base/runtime-paths';
import {
  connectToDaemon,
  connectToGuard,
  type DaemonConnection,
  type GuardConnection,
  readLocalToken,
} from '@deskhand/protocol/local-client';
import { eventually } from './eventually.ts';
import { descendants, isAlive } from './up-process.ts';

const MAIN = fileURLToPath(new URL('../../apps/daemon/src/main.ts', import.meta.url));

const CODE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/deskhand-code', import.meta.url));

export type DaemonReady = Readonly<{
  type: 'ready';
  machineId: string;
  display: string | null;
  stopHotkey: string;
  displays: ReadonlyArray<Record<string, unknown>>;
}>;

const CLEAN_UP_CEILING_MS = 20_000;

/** The daemon as `deskhand up` starts it: its own process with an IPC channel. */
export class DaemonProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly dataFolder: string;
  readonly runtime: RuntimePaths;
  readonly messages: Array<Record<string, unknown>> = [];
  readonly #ownsFolder: boolean;
  #stderr = '';

  private constructor(child: ChildProcess, dataFolder: string, env: NodeJS.ProcessEnv, ownsFolder: boolean) {
    this.child = child;
    this.dataFolder = dataFolder;
    this.runtime = runtimePaths(dataFolder, runtimeHost(env));
    this.#ownsFolder = ownsFolder;
    child.on('message', (message) => this.messages.push(message as Record<string, unknown>));
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString('utf8');
    });
  }

  /** Starts it and does not wait. */
  static launch(options: {
    server?: string;
    env: NodeJS.ProcessEnv;
    dataFolder?: string;
    args?: readonly string[];
  }): DaemonProcess {
    const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'deskhand-daemon-'));
    const args = [
      '--data',
      dataFolder,
      ...(options.server === undefined ? [] : ['--server', options.server]),
    ];
    const child = fork(MAIN, [...args, ...(options.args ?? [])], {
      // As `bin/deskhand` sets it.
      env: { NODE_COMPILE_CACHE: CODE_CACHE, ...options.env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // As `deskhand up` starts it.
      execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2'],
    });
    return new DaemonProcess(child, dataFolder, options.env, options.dataFolder === undefined);
  }

  /** Starts it, paired anew or with what its data folder holds, and waits until it is linked. */
  static async start(options: {
    server: string;
    env: NodeJS.ProcessEnv;
    dataFolder?: string;
    args?: readonly string[];
    paired?: boolean;
  }): Promise<DaemonProcess> {
    const pairing = options.paired === true ? [] : ['--pair-code', 'TEST-CODE'];
    const daemon = DaemonProcess.launch({ ...options, args: [...pairing, ...(options.args ?? [])] });
    await daemon.ready();
    return daemon;
  }

  get log(): string {
    return this.#stderr;
  }

  async ready(): Promise<DaemonReady> {
    return eventually(
      () => {
        if (this.ended) throw new Error(`the daemon ended: ${this.#stderr}`);
        return this.messages.find(({ type }) => type === 'ready') as DaemonReady | undefined;
      },
      { what: 'the daemon’s ready message', timeoutMs: 30_000 },
    );
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Every process that belongs to it now; the guard is its child too. */
  family(): Array<{ pid: number; command: string }> {
    return descendants(this.pid);
  }

  guardPid(): number {
    return this.#pidOf('guard/main.ts');
  }

  handsPid(): number {
    return this.#pidOf('hands/main.ts');
  }

  guard(role: 'cli' | 'panel' = 'cli'): Promise<GuardConnection> {
    return connectToGuard({
      path: this.runtime.guardSocket,
      token: readLocalToken(this.runtime.tokenFile),
      role,
    });
  }

  local(role: 'cli' | 'panel' = 'cli'): Promise<DaemonConnection> {
    return connectToDaemon({
      path: this.runtime.daemonSocket,
      token: readLocalToken(this.runtime.tokenFile),
      role,
    });
  }

  /** @returns exit code and milliseconds until the process was gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; ms: number }> {
    const startedMs = performance.now();
    if (!this.ended) {
      const gone = new Promise((resolve) => this.child.once('exit', resolve));
      this.child.kill(signal);
      await gone;
    }
    return { code: this.child.exitCode, ms: performance.now() - startedMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const family = this.ended ? [] : this.family();
    const overdue = setTimeout(() => {
      // Tidying up only: how long an end may take is what the tests of `end` ask.
      process.stderr.write(
        `the daemon ${this.pid} did not end in time; its log: ${this.#stderr.slice(-4000)}\n`,
      );
      this.child.kill('SIGKILL');
    }, CLEAN_UP_CEILING_MS);
    await this.end();
    clearTimeout(overdue);
    for (const { pid } of family.filter(({ pid }) => isAlive(pid))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone meanwhile.
      }
    }
    if (this.#ownsFolder) rmSync(this.dataFolder, { recursive: true, force: true });
  }

  #pidOf(file: string): number {
    const found = this.family().find(({ command }) => command.includes(file));
    if (found === undefined) throw new Error(`no process runs ${file}: ${this.#stderr}`);
    return found.pid;
  }
}
