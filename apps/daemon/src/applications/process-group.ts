import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { sleep } from '@deskhand/base';

/** How a process ended; one of the two is null. */
export type ProcessEnd = Readonly<{ code: number | null; signal: NodeJS.Signals | null }>;

export type ProcessGroupOptions = Readonly<{
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /**
   * Sent by the kernel to the process when this one dies, SIGKILL included; null lets it live on.
   * Only the leader gets it: what it starts must notice the loss by itself.
   */
  onParentDeath: 'SIGTERM' | 'SIGKILL' | null;
  /** File descriptors to read from; 2 keeps the last words for error messages. Others are closed. */
  pipes?: readonly number[];
}>;

const SETPRIV_PATHS = ['/usr/bin/setpriv', '/bin/setpriv'];
const LAST_WORDS_CHARACTERS = 2000;
const POLL_MS = 5;

/**
 * A child process in a process group (and session) of its own, so that everything it starts can be
 * ended with it, and signals meant for our terminal never reach it.
 */
export class ProcessGroup implements AsyncDisposable {
  readonly pid: number;
  /** Settles once, when the leader has ended; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #graceMs: number;
  #end: ProcessEnd | null = null;
  #lastWords = '';
  #closing: Promise<void> | undefined;

  private constructor(child: ChildProcess, pid: number, graceMs: number) {
    this.pid = pid;
    this.#child = child;
    this.#graceMs = graceMs;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
    // A kill that fails is an `error` too; the `exit` event above is the only truth about the end.
    child.on('error', () => {});
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS_CHARACTERS);
    });
  }

  /**
   * @param graceMs milliseconds between SIGTERM and SIGKILL when it is closed.
   * @throws the system's error (`ENOENT`, `EACCES`, …) when the program cannot be started.
   */
  static async start(options: ProcessGroupOptions, graceMs = 300): Promise<ProcessGroup> {
    const setpriv =
      options.onParentDeath === null ? undefined : SETPRIV_PATHS.find((path) => existsSync(path));
    const deathSignal = options.onParentDeath?.slice('SIG'.length) ?? '';
    const [command, args] =
      setpriv === undefined
        ? [options.command, options.args]
        : [setpriv, ['--pdeathsig', deathSignal, '--', options.command, ...options.args]];
    const pipes = options.pipes ?? [];
    const highest = Math.max(2, ...pipes);
    const stdio = Array.from({ length: highest + 1 }, (_, fd) => (pipes.includes(fd) ? 'pipe' : 'ignore'));
    const child = spawn(command, [...args], {
      env: options.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: stdio as Array<'pipe' | 'ignore'>,
      detached: true,
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid as number));
    });
    return new ProcessGroup(child, pid, graceMs);
  }

  get running(): boolean {
    return this.#end === null;
  }

  /** The end of what it wrote to stderr (when fd 2 is piped), for error messages. */
  get lastWords(): string {
    return this.#lastWords.trim();
  }

  /** The reading end of a piped descriptor. */
  output(fd: number): Readable {
    const stream = this.#child.stdio[fd];
    if (stream === null || stream === undefined) throw new Error(`descriptor ${fd} is not piped`);
    return stream as Readable;
  }

  /** Lets this process end although the child runs on; the owner still closes it. */
  unref(): void {
    this.#child.unref();
    for (const stream of this.#child.stdio) (stream as { unref?: () => void } | null)?.unref?.();
  }

  /** @returns false when nobody is left to receive it. */
  signal(signal: NodeJS.Signals): boolean {
    try {
      return process.kill(-this.pid, signal);
    } catch {
      return false;
    }
  }

  /** Ends the whole group: politely, then by force. Never throws. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.running) {
      this.signal('SIGTERM');
      await this.#leaderGone(this.#graceMs);
    }
    // Members may outlive their leader; a second signal to an empty group does nothing.
    this.signal('SIGKILL');
    await this.#leaderGone(1000);
    for (const stream of this.#child.stdio) stream?.destroy();
  }

  async #leaderGone(ceilingMs: number): Promise<void> {
    const deadline = performance.now() + ceilingMs;
    while (this.running && performance.now() < deadline) await sleep(POLL_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
