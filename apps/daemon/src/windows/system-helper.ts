import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { raceSignal } from '@deskhand/base';
import { ProtocolError, parseJson } from '@deskhand/protocol';
import { z } from 'zod';

const ANSWER_CEILING_MS = 5000;
const Answer = z.union([z.object({ result: z.unknown() }), z.object({ problem: z.string() })]);

/** What is asked of a helper: one line of JSON, answered by one. */
export type HelperRequest = Readonly<Record<string, unknown> & { operation: string }>;

/**
 * A small program of the system's own scripting language that stays: asking it costs no start. Questions take turns;
 * one that is not answered ends it, and the next starts another.
 */
export class SystemHelper implements AsyncDisposable {
  readonly #start: () => ChildProcess;
  #child: ChildProcess | undefined;
  #answered: ((line: string) => void) | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(start: () => ChildProcess) {
    this.#start = start;
  }

  /** @param program and its arguments, the script among them. */
  static of(program: string, args: readonly string[]): SystemHelper {
    return new SystemHelper(() => spawn(program, [...args], { stdio: ['pipe', 'pipe', 'ignore'] }));
  }

  /** @throws ProtocolError FEATURE_NOT_AVAILABLE when it can't be asked, INVALID_STATE with what it objects to. */
  ask(request: HelperRequest): Promise<unknown> {
    const answer = this.#turn.then(() => this.#ask(request));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async #ask(request: HelperRequest): Promise<unknown> {
    if (this.#closed) throw unavailable(new Error('closed'));
    let line: string;
    try {
      const child = this.#child ?? this.#open();
      const ended = new Promise<never>((_, reject) => {
        child.once('exit', () => reject(new Error('it ended')));
        child.once('error', reject);
      });
      ended.catch(() => {});
      const answered = new Promise<string>((resolve) => {
        this.#answered = resolve;
      });
      child.stdin?.write(`${JSON.stringify(request)}\n`);
      line = await raceSignal(Promise.race([answered, ended]), AbortSignal.timeout(ANSWER_CEILING_MS));
    } catch (cause) {
      this.#end();
      throw unavailable(cause);
    }
    const answer = Answer.parse(parseJson(line));
    if ('problem' in answer)
      throw new ProtocolError('INVALID_STATE', `The system refused: ${answer.problem}`);
    return answer.result;
  }

  #open(): ChildProcess {
    const child = this.#start();
    this.#child = child;
    child.on('error', () => {});
    child.stdin?.on('error', () => {});
    if (child.stdout !== null)
      createInterface({ input: child.stdout }).on('line', (line) => this.#answered?.(line));
    return child;
  }

  #end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#end();
    await this.#turn;
  }
}

function unavailable(cause: unknown): ProtocolError {
  return new ProtocolError(
    'FEATURE_NOT_AVAILABLE',
    'The system does not tell about its windows; use the keyboard and the mouse.',
    {},
    { cause },
  );
}
