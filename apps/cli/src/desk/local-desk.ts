import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { runtimeHost, runtimePaths } from '@deskhand/base/runtime-paths';
import {
  type DaemonCommand,
  type DaemonState,
  type GuardState,
  type LatchState,
  ProtocolError,
  type SenseCheck,
} from '@deskhand/protocol';
import { clearLatchFile, readLatchFile, writeLatchFile } from '@deskhand/protocol/latch-file';
import { connectToDaemon, connectToGuard, readLocalToken } from '@deskhand/protocol/local-client';

/** Each trial has a ceiling of its own. */
const EXAMINE_MS = 60_000;

/** How a stop reached the desktop, strongest first. */
export type StopPath = 'guard' | 'daemon' | 'latch_file';

/**
 * This desktop, over its two local sockets. Stopping never depends on one of them: guard and daemon are
 * told at once, and when neither confirms, the latch file is written, which guard watches.
 */
export class LocalDesk {
  readonly #paths;

  constructor(dataFolder: string, env: NodeJS.ProcessEnv) {
    this.#paths = runtimePaths(dataFolder, runtimeHost(env));
  }

  latch(): LatchState {
    return readLatchFile(this.#paths.latchFile);
  }

  /** True when guard or daemon answers, whatever became of the data folder. */
  async isAlive(): Promise<boolean> {
    const [guard, daemon] = await Promise.allSettled([this.guardStatus(), this.status()]);
    return (guard.status === 'fulfilled' && guard.value !== undefined) || daemon.status === 'fulfilled';
  }

  /** @returns which paths confirmed; never throws for a dead or frozen process. */
  async stop(reason: string | undefined): Promise<StopPath[]> {
    const message = { by: 'cli' as const, ...(reason === undefined ? {} : { reason }) };
    const [guard, daemon] = await Promise.allSettled([
      this.#withGuard((link) => link.request({ type: 'stop', ...message }, 1000)),
      this.#command('stop', reason === undefined ? {} : { note: reason }, 1000),
    ]);
    const confirmed: StopPath[] = [];
    if (guard.status === 'fulfilled') confirmed.push('guard');
    if (daemon.status === 'fulfilled') confirmed.push('daemon');
    if (guard.status === 'rejected' && !this.latch().tripped) {
      // Nobody who can latch answered: the file itself stops a guard that comes back, and every new run.
      mkdirSync(path.dirname(this.#paths.latchFile), { recursive: true, mode: 0o700 });
      writeLatchFile(this.#paths.latchFile, {
        by: 'cli',
        at: new Date().toISOString(),
        ...(reason === undefined ? {} : { reason }),
      });
      confirmed.push('latch_file');
    }
    return confirmed;
  }

  /**
   * Permits new runs; starts none. With nobody alive the latch file is removed.
   * @throws ProtocolError GUARD_UNAVAILABLE when guard hangs or is being started: its memory, or the daemon's, would
   *         only write the file again.
   */
  async reset(): Promise<void> {
    try {
      await this.#withGuard((link) => link.request({ type: 'reset', by: 'cli' }));
    } catch (error) {
      if (!isNotRunning(error)) throw error;
      const guardHangs = (error as ProtocolError).code === 'UPSTREAM_TIMEOUT';
      if (guardHangs || (await this.isAlive()))
        throw new ProtocolError(
          'GUARD_UNAVAILABLE',
          'Nothing was reset: guard does not answer. Try again in a moment; if it stays so, end Deskhand and reset then.',
          {},
          { cause: error },
        );
      clearLatchFile(this.#paths.latchFile);
    }
  }

  /** @throws ProtocolError NOT_RUNNING */
  async status(): Promise<DaemonState> {
    const reply = await this.#command('status', {});
    if (reply.type !== 'state')
      throw new ProtocolError(
        'MALFORMED_MESSAGE',
        `The daemon answered "${reply.type}" to a status request.`,
      );
    return reply;
  }

  /** Has the daemon try its senses. @throws ProtocolError NOT_RUNNING, UPSTREAM_TIMEOUT */
  async examine(): Promise<readonly SenseCheck[]> {
    const reply = await this.#command('examine', {}, EXAMINE_MS);
    if (reply.type !== 'examined')
      throw new ProtocolError('MALFORMED_MESSAGE', `The daemon answered "${reply.type}" to an examination.`);
    return reply.checks;
  }

  /** What guard says when the daemon does not answer. */
  async guardStatus(): Promise<GuardState | undefined> {
    try {
      const reply = await this.#withGuard((link) => link.request({ type: 'status' }, 1000));
      return reply.type === 'guard_state' ? reply : undefined;
    } catch {
      return undefined;
    }
  }

  async command(name: DaemonCommand['name'], extras: { note?: string; runId?: string } = {}): Promise<void> {
    await this.#command(name, extras);
  }

  async #command(name: DaemonCommand['name'], extras: { note?: string; runId?: string }, timeoutMs = 3000) {
    await using link = await connectToDaemon({
      path: this.#paths.daemonSocket,
      token: readLocalToken(this.#paths.tokenFile),
      role: 'cli',
      timeoutMs,
    });
    return await link.request({ type: 'command', name, ...extras }, timeoutMs);
  }

  async #withGuard<T>(work: (link: Awaited<ReturnType<typeof connectToGuard>>) => Promise<T>): Promise<T> {
    await using link = await connectToGuard({
      path: this.#paths.guardSocket,
      token: readLocalToken(this.#paths.tokenFile),
      role: 'cli',
      timeoutMs: 1000,
    });
    return await work(link);
  }
}

export function isNotRunning(error: unknown): boolean {
  return (
    error instanceof ProtocolError && (error.code === 'NOT_RUNNING' || error.code === 'UPSTREAM_TIMEOUT')
  );
}
