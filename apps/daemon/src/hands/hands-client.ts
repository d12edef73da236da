import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { errorAttributes, type Logger, type Secret, sleep } from '@deskhand/base';
import { type Action, decodeValue, type Outcome, ProtocolError } from '@deskhand/protocol';
import type { DisplayServer } from '../display-server.ts';
import type { Aim, Hands } from '../ports.ts';
import { FromHands, type ToHands } from './hands-messages.ts';

export type HandsClientOptions = Readonly<{
  guardSocket: string;
  guardToken: Secret;
  server: DisplayServer;
  chord: string;
  env: NodeJS.ProcessEnv;
  /** Each new process, so that guard may kill it. */
  onStarted: (pid: number) => void;
  /** The person did not share control, or ended it: no hands are started again, which would ask them again. */
  onDeclined: (error: ProtocolError) => void;
  /** The longest an action may take after it was told to stop, before the process is killed. */
  abortGraceMs?: number;
  log: Logger;
}>;

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const START_CEILING_MS = 10_000;
const RESPAWN_FIRST_MS = 100;
const RESPAWN_MAX_MS = 3000;
const HEALTHY_AFTER_MS = 10_000;
const END_CEILING_MS = 700;

type Pending = { resolve: (outcome: Outcome) => void; startedMs: number };

/**
 * The daemon's end of the hands process. A dead process is started again, an action never: whatever was under
 * way when it died is reported as failed, since part of it may have happened.
 */
export class HandsClient implements Hands {
  readonly #options: HandsClientOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #releases = new Map<number, () => void>();
  readonly #waiters = new Set<() => void>();
  #child: ChildProcess | undefined;
  #ready = false;
  #backend = 'none';
  #problem: string | undefined;
  #nextId = 1;
  #respawnMs = RESPAWN_FIRST_MS;
  #ending = false;
  #lease: Extract<ToHands, { type: 'lease' }> | undefined;
  #leaseUntilMs = 0;

  constructor(options: HandsClientOptions) {
    this.#options = options;
  }

  get backend(): string {
    return this.#backend;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts the process and waits for its first "ready", or says why there is none. Never throws. */
  async start(): Promise<void> {
    this.#spawn();
    await this.#untilReady(START_CEILING_MS);
    if (!this.#ready)
      this.#options.log.error('hands are not ready', { reason: this.#problem ?? 'no answer' });
  }

  lease(grant: { leaseId: string; epoch: number; ttlMs: number }): void {
    this.#lease = { type: 'lease', ...grant };
    this.#leaseUntilMs = performance.now() + grant.ttlMs;
    this.#send(this.#lease);
  }

  leaseEnded(): void {
    this.#lease = undefined;
    this.#send({ type: 'lease_ended' });
  }

  async perform(
    action: Action,
    fence: { epoch: number; leaseId: string },
    { signal, aim = null, keysOnly = false }: { signal: AbortSignal; aim?: Aim | null; keysOnly?: boolean },
  ): Promise<Outcome> {
    const startedMs = performance.now();
    await this.#untilReady(2000);
    if (!this.#ready || this.#child === undefined)
      return {
        status: 'refused',
        code: 'INPUT_FAILED',
        message: `The hands process is not ready: ${this.#problem ?? 'it is being started'}.`,
        durationMs: performance.now() - startedMs,
      };
    if (signal.aborted)
      return {
        status: 'refused',
        code: 'ACTION_ABORTED',
        message: 'Stopped before it began.',
        durationMs: 0,
      };
    const id = this.#nextId++;
    const child = this.#child;
    const done = new Promise<Outcome>((resolve) => this.#pending.set(id, { resolve, startedMs }));
    let killTimer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      this.#send({ type: 'abort', id });
      killTimer = setTimeout(() => {
        this.#options.log.error('hands did not stop in time and are killed', { pid: child.pid });
        child.kill('SIGKILL');
      }, this.#options.abortGraceMs ?? 500);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#send({
      type: 'perform',
      id,
      action,
      epoch: fence.epoch,
      leaseId: fence.leaseId,
      aim: aim === null ? null : { ...aim, points: [...aim.points] },
      keysOnly,
    });
    try {
      return await done;
    } finally {
      clearTimeout(killTimer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Settles when hands say so, or are gone, or after a short ceiling: guard releases in any case. */
  async releaseAll(): Promise<void> {
    if (!this.#ready) return;
    const id = this.#nextId++;
    const released = new Promise<void>((resolve) => this.#releases.set(id, resolve));
    this.#send({ type: 'release', id });
    await Promise.race([released, sleep(END_CEILING_MS)]);
    this.#releases.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await Promise.race([gone, sleep(END_CEILING_MS)]);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await Promise.race([gone, sleep(200)]);
    }
  }

  #spawn(): void {
    const { guardSocket, guardToken, server, chord, env, log } = this.#options;
    const child = fork(MAIN, [], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
    const startedMs = performance.now();
    this.#child = child;
    this.#ready = false;
    child.on('error', (error) => log.error('hands cannot be started', errorAttributes(error)));
    child.on('message', (raw) => this.#receive(raw));
    child.once('exit', (code, killedBy) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#ready = false;
      for (const id of [...this.#pending.keys()])
        this.#finish(id, {
          status: 'failed',
          code: 'INPUT_FAILED',
          message: 'The hands process ended during this action; part of it may have happened.',
        });
      for (const resolve of this.#releases.values()) resolve();
      this.#releases.clear();
      if (this.#ending) return;
      log.warn('hands ended', { code, killedBy });
      // Killed from outside (by guard, for one) is no fault of theirs: no reason to wait longer each time.
      if (killedBy === 'SIGKILL' || performance.now() - startedMs > HEALTHY_AFTER_MS)
        this.#respawnMs = RESPAWN_FIRST_MS;
      const waitMs = this.#respawnMs;
      this.#respawnMs = Math.min(RESPAWN_MAX_MS, waitMs * 2);
      void sleep(waitMs).then(() => {
        if (!this.#ending) this.#spawn();
      });
    });
    if (child.pid !== undefined) this.#options.onStarted(child.pid);
    this.#send({ type: 'boot', guardSocket, guardToken: guardToken.reveal(), server, chord });
    const leftMs = Math.floor(this.#leaseUntilMs - performance.now());
    if (this.#lease !== undefined && leftMs > 0) this.#send({ ...this.#lease, ttlMs: leftMs });
  }

  #receive(raw: unknown): void {
    let message: FromHands;
    try {
      message = decodeValue(FromHands, raw);
    } catch (error) {
      this.#options.log.error('hands said something unknown', errorAttributes(error));
      return;
    }
    switch (message.type) {
      case 'ready':
        this.#ready = true;
        this.#problem = undefined;
        this.#backend = message.backend;
        this.#wake();
        return;
      case 'problem':
        this.#problem = message.message;
        this.#wake();
        if (message.code !== 'SHARING_DECLINED') return;
        this.#ending = true;
        this.#options.onDeclined(new ProtocolError('SHARING_DECLINED', message.message));
        return;
      case 'outcome':
        this.#finish(message.id, message.outcome);
        return;
      case 'released':
        this.#releases.get(message.id)?.();
        this.#releases.delete(message.id);
        return;
    }
  }

  #finish(id: number, outcome: Omit<Outcome, 'durationMs'>): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.resolve({ ...outcome, durationMs: performance.now() - pending.startedMs } as Outcome);
  }

  async #untilReady(ceilingMs: number): Promise<void> {
    if (this.#ready) return;
    let wake: () => void = () => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiters.add(resolve);
    });
    await Promise.race([woken, sleep(ceilingMs)]);
    this.#waiters.delete(wake);
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }

  #send(message: ToHands): void {
    const child = this.#child;
    if (child?.connected) child.send(message, () => {});
  }
}
