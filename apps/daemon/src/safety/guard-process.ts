import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import {
  type BorderMode,
  encodeLine,
  type FromGuard,
  type GuardState,
  type Rect,
  type StopSource,
} from '@deskhand/protocol';
import { connectToGuard, type GuardConnection } from '@deskhand/protocol/local-client';
import { GUARD_READY_LINE, type GuardBoot } from '../guard/guard-boot.ts';

export type GuardProcessOptions = Readonly<{
  boot: Omit<GuardBoot, 'stopped'>;
  /** What each new guard is to know before it gives anybody a lease: a stop that may be on no disk. */
  stopped: () => GuardBoot['stopped'];
  env: NodeJS.ProcessEnv;
  onState: (state: GuardState) => void;
  onPersonInput: (input: Extract<FromGuard, { type: 'person_input' }>) => void;
  /** No guard: hands lose their lease by themselves within half a second. */
  onLost: () => void;
  log: Logger;
}>;

const MAIN = fileURLToPath(new URL('../guard/main.ts', import.meta.url));
/**
 * Guard allocates little and lives long: a small young generation costs it nothing and saves megabytes. It lives on
 * half of that heap; a leak would end it (and so all input) instead of growing for weeks.
 */
const SMALL = ['--max-semi-space-size=1', '--max-old-space-size=32', '--optimize-for-size'];
/** A quarter of the silence guard tolerates. */
const HEARTBEAT_MS = 500;
const START_CEILING_MS = 15_000;
const RESTART_MS = 200;
const RESTART_MAX_MS = 5000;
const END_CEILING_MS = 1000;
/** A guard that has not answered by then is not waited for: whoever asked does its work. */
const STOP_CEILING_MS = 1000;
/** A ring that is not gone by then is not waited for. */
const RING_GRACE_MS = 300;

/** Starts guard, starts it again when it dies, and speaks with it as the daemon. */
export class GuardProcess implements AsyncDisposable {
  readonly #options: GuardProcessOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #child: ChildProcess | undefined;
  #connection: GuardConnection | undefined;
  #ending = false;
  #driving = false;
  #mode: BorderMode = 'idle';
  #handsPid: number | undefined;
  #restartMs = RESTART_MS;
  #holdsUnwrittenStop = false;

  private constructor(options: GuardProcessOptions) {
    this.#options = options;
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  /** Resolves when guard listens and knows us. @throws Error when it cannot be started at all. */
  static async start(options: GuardProcessOptions): Promise<GuardProcess> {
    const guard = new GuardProcess(options);
    try {
      await guard.#spawn();
    } catch (error) {
      await guard[Symbol.asyncDispose]();
      throw error;
    }
    return guard;
  }

  get alive(): boolean {
    return this.#connection !== undefined && !this.#connection.closed;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /**
   * @param driving whether a run holds the lease: only then does a person's input mean "pause".
   * @param mode    what the border around the screen tells.
   */
  setDriving(driving: boolean, mode: BorderMode): void {
    if (this.#driving === driving && this.#mode === mode) return;
    this.#driving = driving;
    this.#mode = mode;
    this.#beat();
  }

  /** Asks for the state now; the answer goes to `onState`. Quiet when guard is not there. */
  async refresh(): Promise<void> {
    const state = await this.#connection?.request({ type: 'status' }).catch(() => undefined);
    if (state?.type === 'guard_state') this.#hear(state);
  }

  watchHands(pid: number): void {
    this.#handsPid = pid;
    this.#connection?.send({ type: 'watch_hands', pid });
  }

  /** Rings the middle of `rect` for `showMs`. Settles when it is off the screen again; quiet when guard is not there. */
  async ring(rect: Rect, showMs: number): Promise<void> {
    await this.#connection
      ?.request({ type: 'target', rect, showMs }, showMs + RING_GRACE_MS)
      .catch(() => undefined);
  }

  /** @throws ProtocolError NOT_RUNNING when guard is not there. */
  async stop(by: StopSource, reason: string | undefined, at?: string): Promise<void> {
    const why = reason === undefined ? {} : { reason };
    const when = at === undefined ? {} : { at };
    await this.#ask((connection) =>
      connection.request({ type: 'stop', by, ...why, ...when }, STOP_CEILING_MS),
    );
  }

  async pause(reason: string): Promise<void> {
    await this.#ask((connection) => connection.request({ type: 'pause', reason }));
  }

  /** @throws ProtocolError INSUFFICIENT_SCOPE: a panel's word without a hand on this desktop's own devices. */
  async resume(by: 'panel' | 'cli', code: string | undefined): Promise<void> {
    const proof = code === undefined ? {} : { code };
    await this.#ask((connection) => connection.request({ type: 'resume', by, ...proof }));
  }

  /** @throws ProtocolError INSUFFICIENT_SCOPE: no hand on a real device just now, and no code that fits. */
  async demandPerson(code: string | undefined): Promise<void> {
    const proof = code === undefined ? {} : { code };
    await this.#ask((connection) => connection.request({ type: 'presence', ...proof }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    clearInterval(this.#heartbeat);
    await this.#connection?.[Symbol.asyncDispose]();
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.stdin?.end();
    await Promise.race([gone, sleep(END_CEILING_MS)]);
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (this.#holdsUnwrittenStop)
      this.#options.log.warn('guard outlives this daemon until the stop it remembers is on the disk', {
        pid: child.pid,
      });
    else child.kill('SIGKILL');
  }

  async #ask(request: (connection: GuardConnection) => Promise<unknown>): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('guard is not connected');
    await request(connection);
  }

  async #spawn(): Promise<void> {
    const { boot, env, log } = this.#options;
    // Its own session: neither the terminal's Ctrl-C nor a kill of our group reaches it before it has let go.
    const child = spawn(process.execPath, [...SMALL, MAIN], {
      // From its second start on, guard need not load the compiler that strips types: half its memory.
      env: { NODE_COMPILE_CACHE: join(dirname(boot.latchFile), 'cache', 'guard'), ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    this.#child = child;
    const startedMs = performance.now();
    child.stdin.on('error', () => {});
    let timer: NodeJS.Timeout | undefined;
    const ready = new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('guard did not become ready')), START_CEILING_MS);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`guard ended with code ${code}`)));
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes(GUARD_READY_LINE)) resolve();
      });
    });
    child.stdin.write(encodeLine({ ...boot, stopped: this.#options.stopped() } satisfies GuardBoot));
    try {
      await ready;
      await this.#connect();
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timer);
    }
    child.once('exit', (code, killedBy) => {
      if (this.#ending) return;
      log.error('guard ended, so no input is possible until it is back', { code, killedBy });
      if (performance.now() - startedMs > 30_000) this.#restartMs = RESTART_MS;
      void this.#restart();
    });
  }

  async #restart(): Promise<void> {
    this.#options.onLost();
    while (!this.#ending) {
      await sleep(this.#restartMs);
      this.#restartMs = Math.min(RESTART_MAX_MS, this.#restartMs * 2);
      if (this.#ending) return;
      try {
        await this.#spawn();
        return;
      } catch (error) {
        this.#options.log.error('guard cannot be started', errorAttributes(error));
      }
    }
  }

  async #connect(): Promise<void> {
    const { boot, onPersonInput } = this.#options;
    const connection = await connectToGuard({
      path: boot.socket,
      token: boot.tokens.daemon,
      role: 'daemon',
    });
    this.#connection = connection;
    connection.onMessage((message) => {
      if (message.type === 'guard_state') this.#hear(message);
      else if (message.type === 'person_input') onPersonInput(message);
    });
    connection.onClose(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#beat();
    if (this.#handsPid !== undefined) connection.send({ type: 'watch_hands', pid: this.#handsPid });
    await this.refresh();
  }

  #hear(state: GuardState): void {
    this.#holdsUnwrittenStop = state.latch.memoryOnly === true;
    this.#options.onState(state);
  }

  #beat(): void {
    this.#connection?.send({ type: 'heartbeat', driving: this.#driving, mode: this.#mode });
  }
}
