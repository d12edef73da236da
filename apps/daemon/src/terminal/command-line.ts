import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Readable } from 'node:stream';
import { raceSignal, sleep } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import { applicationEnvironment } from '../applications/application-environment.ts';
import { ProcessGroup } from '../applications/process-group.ts';
import { plainText } from './plain-text.ts';

const SHELL = '/bin/bash';
/** Per stream; what is beyond it is counted but not kept. */
const MAX_OUTPUT_BYTES = 65_536;
/** A background child may hold the output open after the shell has ended. */
const DRAIN_MS = 150;
const CLOSE_GRACE_MS = 300;

export type CommandResult = Readonly<{
  /** Null when a signal or the time limit ended it. */
  exit_code: number | null;
  output: string;
  stderr: string;
  truncated: boolean;
  timed_out: boolean;
  duration_ms: number;
}>;

export type CommandLineOptions = Readonly<{
  env: Readonly<Record<string, string>>;
  inheritedEnv: Readonly<Record<string, string | undefined>>;
}>;

/**
 * Runs one command line in the desktop's shell, without a terminal: nothing can be typed into it.
 * Whatever it started is ended when its time is up, when it is aborted, and when the shell has ended.
 */
export class CommandLine {
  readonly #environment: Readonly<Record<string, string>>;

  constructor(options: CommandLineOptions) {
    this.#environment = {
      ...applicationEnvironment(options.inheritedEnv, options.env),
      TERM: 'dumb',
      NO_COLOR: '1',
      PAGER: 'cat',
      GIT_PAGER: 'cat',
    };
  }

  /** @throws ProtocolError INVALID_PATH for a folder that is none; the signal's reason. */
  async run(
    request: Readonly<{ command: string; cwd: string | null; timeoutMs: number }>,
    options: { signal: AbortSignal },
  ): Promise<CommandResult> {
    options.signal.throwIfAborted();
    const cwd = request.cwd ?? this.#environment.HOME ?? '/';
    if (!isAbsolute(cwd) || !(await isFolder(cwd))) {
      throw new ProtocolError(
        'INVALID_PATH',
        'The folder to run the command in must be an existing absolute path.',
      );
    }
    const startedAt = performance.now();
    await using group = await ProcessGroup.start(
      {
        command: SHELL,
        args: ['-c', request.command],
        cwd,
        env: this.#environment,
        onParentDeath: 'SIGKILL',
        pipes: [1, 2],
      },
      CLOSE_GRACE_MS,
    );
    const output = new Tail(group.output(1));
    const errors = new Tail(group.output(2));
    const timeout = AbortSignal.timeout(request.timeoutMs);
    let timedOut = false;
    try {
      await raceSignal(group.ended, AbortSignal.any([options.signal, timeout]));
      await Promise.race([Promise.all([output.done, errors.done]), sleep(DRAIN_MS, options)]);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!timeout.aborted) throw error;
      timedOut = true;
    }
    const end = timedOut ? null : await group.ended;
    return {
      exit_code: end?.code ?? null,
      output: plainText(output.text),
      stderr: plainText(errors.text),
      truncated: output.truncated || errors.truncated,
      timed_out: timedOut,
      duration_ms: Math.round(performance.now() - startedAt),
    };
  }
}

/** The beginning of a stream, up to the limit; the rest is read and dropped so that the writer goes on. */
class Tail {
  readonly done: Promise<void>;
  readonly #parts: Buffer[] = [];
  #length = 0;
  truncated = false;

  constructor(stream: Readable) {
    this.done = new Promise((resolve) => {
      stream.once('end', resolve);
      stream.once('close', resolve);
    });
    // Data listeners set an encoding nowhere: bytes are cut, then decoded once.
    stream.on('data', (chunk: Buffer | string) => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      const room = MAX_OUTPUT_BYTES - this.#length;
      if (bytes.length > room) this.truncated = true;
      if (room <= 0) return;
      this.#parts.push(bytes.subarray(0, room));
      this.#length += Math.min(room, bytes.length);
    });
  }

  get text(): string {
    return new TextDecoder('utf-8').decode(Buffer.concat(this.#parts), { stream: true });
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
