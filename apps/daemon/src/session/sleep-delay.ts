import { type ChildProcess, spawn } from 'node:child_process';
import { errorAttributes, type Logger } from '@deskhand/base';

/** What holds the login manager's lock for us: the lock is a file descriptor, which Node cannot take from a bus. */
const INHIBITORS = ['systemd-inhibit', 'elogind-inhibit'] as const;

/**
 * The login manager's delay lock on sleep: while it is held, "the computer goes to sleep" is said some seconds
 * before it does (5 by the manager's default, never longer). A child holds it that waits for the end of its input,
 * so that it is free again whenever this process is gone, however it died.
 */
export class SleepDelay implements Disposable {
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: Logger;
  #child: ChildProcess | undefined;

  constructor(options: { env: NodeJS.ProcessEnv; log: Logger }) {
    this.#env = options.env;
    this.#log = options.log;
  }

  /** Quiet where there is none: then what is held is let go of as soon as possible, maybe only at waking. */
  take(): void {
    if (this.#child === undefined) this.#try(0);
  }

  /** The computer may sleep now. */
  release(): void {
    this.#child?.stdin?.end();
    this.#child = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #try(index: number): void {
    const command = INHIBITORS[index];
    if (command === undefined) {
      this.#log.info('sleep cannot be held up; what is held is let go of when it is announced');
      return;
    }
    const child = spawn(
      command,
      ['--what=sleep', '--mode=delay', '--who=Deskhand', '--why=Lets go of keys and buttons first', 'cat'],
      { env: this.#env, stdio: ['pipe', 'ignore', 'ignore'] },
    );
    this.#child = child;
    child.stdin.on('error', () => {});
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      if (error.code === 'ENOENT') this.#try(index + 1);
      else this.#log.info('sleep cannot be held up', errorAttributes(error));
    });
    child.once('exit', (code) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#log.info('sleep is not held up any more', { code });
    });
  }
}
