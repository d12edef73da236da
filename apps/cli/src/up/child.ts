import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { sleep } from '@deskhand/base';
import { PART_NODE_FLAGS } from '../desk/parts.ts';
import { CommandProblem } from '../output/problem.ts';

/** Messages a child of ours sends over its IPC channel. Others are ignored. */
export type ChildReady = Readonly<{ type: 'ready' } & Record<string, unknown>>;

export type ChildSpec = Readonly<{
  /** For messages: "server", "daemon", "panel". */
  name: string;
  entry: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Where its log lines go. */
  log: Writable;
  /** Longest start. */
  readyMs: number;
  /** It speaks to the person itself: on this descriptor of ours, and with `keys` it hears the keyboard. */
  terminal?: Readonly<{ output: 1 | 2; keys: boolean }>;
}>;

/**
 * A child process of `up` that says when it is ready, and is gone when we are: it shares an IPC channel
 * whose end it takes as "my parent died".
 */
export class Child implements AsyncDisposable {
  readonly name: string;
  readonly ready: ChildReady;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #process: ChildProcess;
  /** Settles after it exited, with what it said is wrong, if it did. */
  readonly lastProblem: Promise<CommandProblem | undefined>;

  private constructor(
    name: string,
    process: ChildProcess,
    ready: ChildReady,
    exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>,
    lastProblem: Promise<CommandProblem | undefined>,
  ) {
    this.name = name;
    this.#process = process;
    this.ready = ready;
    this.exited = exited;
    this.lastProblem = lastProblem;
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** @throws CommandProblem with the child's own code when it reports a problem or ends before it is ready. */
  static async start(spec: ChildSpec, options: { signal: AbortSignal }): Promise<Child> {
    const child = spawn(process.execPath, [...PART_NODE_FLAGS, spec.entry, ...spec.args], {
      env: spec.env,
      stdio:
        spec.terminal === undefined
          ? ['ignore', 'pipe', 'pipe', 'ipc']
          : [spec.terminal.keys ? 'inherit' : 'ignore', spec.terminal.output, 'pipe', 'ipc'],
    });
    const tail: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        spec.log.write(chunk);
        tail.push(
          ...chunk
            .toString('utf8')
            .split('\n')
            .filter((line) => line.trim() !== ''),
        );
        tail.splice(0, Math.max(0, tail.length - 8));
      });
    }
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: null, signal: null }));
    });
    let problem: CommandProblem | undefined;
    // Its last words may arrive after its exit is known.
    const heard = new Promise<void>((resolve) => child.once('disconnect', resolve));
    const lastProblem = Promise.all([exited, heard]).then(() => problem);
    const ready = new Promise<ChildReady>((resolve, reject) => {
      child.on('message', (message: { type?: unknown; code?: unknown; message?: unknown }) => {
        if (message?.type === 'ready') resolve(message as ChildReady);
        if (message?.type === 'problem') {
          problem = new CommandProblem(String(message.code), String(message.message));
          spec.log.write(`${problem.code}: ${problem.message}\n`);
          reject(problem);
        }
      });
      void exited.then(({ code, signal }) => {
        reject(
          problem ??
            new CommandProblem(
              'SERVICE_UNAVAILABLE',
              `The ${spec.name} ended before it was ready (${signal ?? `exit status ${code}`}).\n${tail.join('\n')}`,
              {
                todo: 'Run `deskhand doctor`; the lines above are the last of its log.',
              },
            ),
        );
      });
    });
    const starting = new AbortController();
    try {
      const first = await Promise.race([
        ready,
        sleep(spec.readyMs, { signal: AbortSignal.any([options.signal, starting.signal]) }).then(
          () => undefined,
        ),
      ]);
      if (first === undefined)
        throw new CommandProblem(
          'SERVICE_UNAVAILABLE',
          `The ${spec.name} was not ready after ${spec.readyMs / 1000} s.\n${tail.join('\n')}`,
          {
            todo: 'Run `deskhand doctor`; the lines above are the last of its log.',
          },
        );
      return new Child(spec.name, child, first, exited, lastProblem);
    } catch (error) {
      ready.catch(() => {});
      await end(child, exited, 1000);
      throw error;
    } finally {
      starting.abort(new Error('start decided'));
    }
  }

  /** Polite first, then by force; settles when the process is gone. */
  async stop(graceMs: number): Promise<void> {
    await end(this.#process, this.exited, graceMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(1200);
  }
}

async function end(child: ChildProcess, exited: Promise<unknown>, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  const timer = new AbortController();
  const polite = await Promise.race([
    exited.then(() => true),
    sleep(graceMs, { signal: timer.signal }).then(
      () => false,
      () => true,
    ),
  ]);
  timer.abort(new Error('ended'));
  if (!polite) {
    child.kill('SIGKILL');
    await exited;
  }
}
