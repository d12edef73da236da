import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { errorAttributes, type Logger } from '@deskhand/base';
import type { DisplayServer } from '../display-server.ts';

/** Programs that let go of everything on a display server; its name is their argument. */
const RELEASE_HELD = {
  x11: fileURLToPath(new URL('../x11/release-held.ts', import.meta.url)),
  wlroots: fileURLToPath(new URL('../wayland/release-held.ts', import.meta.url)),
} as const;
/** Waits for guard's pipe to end. A word on it first means that guard has let go itself. */
const WAIT_FOR_THE_END = 'read -r word; [ "$word" = done ] || exec "$0" "$@"';

/**
 * Outlives guard by one act: a shell that waits on a pipe (under a megabyte, no time of the processor) and, when
 * guard is gone without a word, becomes the program that lets go of every key and button. For the moment in which
 * guard, hands and daemon are all killed at once.
 */
export class ReleaseKeeper implements Disposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @returns undefined where the system itself releases what a dead process held. */
  static start(server: DisplayServer, log: Logger): ReleaseKeeper | undefined {
    if (server.kind !== 'x11' && server.kind !== 'wlroots') return undefined;
    const where = server.kind === 'x11' ? server.display : server.socket;
    const program = [process.execPath, RELEASE_HELD[server.kind], where];
    const child = spawn('/bin/sh', ['-c', WAIT_FOR_THE_END, ...program], {
      stdio: ['pipe', 'ignore', 'ignore'],
      // Its own session: what kills our group does not reach it.
      detached: true,
    });
    child.on('error', (error) => log.error('nobody would let go after guard', errorAttributes(error)));
    child.stdin?.on('error', () => {});
    child.unref();
    return new ReleaseKeeper(child);
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Guard has let go and ends. */
  [Symbol.dispose](): void {
    this.#child.stdin?.end('done\n');
  }
}
