import { silentLogger, sleep } from '@deskhand/base';
import { type ActionPolicy, CommandId, type CuaVersion } from '@deskhand/protocol';
import type {
  Clock,
  Engine,
  HistoryEntry,
  Machine,
  RunJournal,
  RunLimits,
  RunOutcome,
  Verifier,
} from '../ports.ts';
import { runTask } from '../run-loop.ts';

/** A clock that never waits: time passes only when somebody sleeps. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  now = (): number => this.#now;
  advance(ms: number): void {
    this.#now += ms;
  }
  sleep = async (ms: number, { signal }: { signal: AbortSignal }): Promise<void> => {
    await sleep(0, { signal });
    this.#now += ms;
  };
}

/** Keeps what a run says, in order. */
export class RecordingJournal implements RunJournal {
  readonly lines: string[] = [];
  readonly reasons: string[] = [];
  readonly questions: string[] = [];
  readonly frames: Array<{ step: number; sha256: string }> = [];
  steps = 0;
  /** What a person answers, one per question; when empty nobody does. */
  readonly answers: Array<string | null> = [];
  stepCents = 5;

  frame: RunJournal['frame'] = (step, { frame }) => {
    this.frames.push({ step, sha256: frame.sha256 });
    return Promise.resolve();
  };
  narrate: RunJournal['narrate'] = (_step, text, kind) => {
    this.lines.push(`${kind}: ${text}`);
    this.reasons.push(text);
    return Promise.resolve();
  };
  actionStarted: RunJournal['actionStarted'] = (step, commandId, _frameId, operations) => {
    this.lines.push(`started ${step} ${commandId} ${operations.map(({ type }) => type).join('+')}`);
    return Promise.resolve();
  };
  actionFinished: RunJournal['actionFinished'] = (step, commandId, _operations, outcomes) => {
    this.lines.push(`finished ${step} ${commandId} ${outcomes.map(({ status }) => status).join('+')}`);
    return Promise.resolve();
  };
  stepCompleted: RunJournal['stepCompleted'] = (step) => {
    this.steps += 1;
    this.lines.push(`step ${step}`);
    return Promise.resolve({ costCents: this.steps * this.stepCents });
  };
  awaitHuman: RunJournal['awaitHuman'] = (question, { signal }) => {
    this.questions.push(question);
    const answer = this.answers.shift();
    if (answer !== undefined) return Promise.resolve({ note: answer });
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  };
}

export const DEFAULT_LIMITS: RunLimits = {
  maxSteps: 50,
  deadlineAt: null,
  budgetCents: null,
  stepCents: 5,
  onAwaitingHuman: 'pause',
  maxRepeats: 4,
};

export type HarnessOptions = Readonly<{
  task: string;
  machine: Machine;
  engine: Engine;
  verifier?: Verifier | null;
  journal?: RecordingJournal;
  clock?: Clock;
  limits?: Partial<RunLimits>;
  policy?: ActionPolicy | null;
  signal?: AbortSignal;
  cuaVersion?: CuaVersion;
  resume?: Readonly<{ stepsCompleted: number; costCents: number; history: readonly HistoryEntry[] }>;
}>;

/** Runs one task with everything filled in that a test does not care about. */
export async function runWith(
  options: HarnessOptions,
): Promise<{ outcome: RunOutcome; journal: RecordingJournal }> {
  const journal = options.journal ?? new RecordingJournal();
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  let commands = 0;
  const outcome = await runTask({
    brief: {
      runId: 'run_test',
      task: options.task,
      instructions: null,
      systemPrompt: null,
      cuaVersion: options.cuaVersion ?? 'v3',
      maxSteps: limits.maxSteps,
    },
    machine: options.machine,
    engine: options.engine,
    verifier: options.verifier ?? null,
    journal,
    clock: options.clock ?? new ManualClock(),
    limits,
    policy: options.policy ?? null,
    signal: options.signal ?? new AbortController().signal,
    newCommandId: () => {
      commands += 1;
      return CommandId.parse(`cmd_${commands}`);
    },
    log: silentLogger,
    ...(options.resume === undefined ? {} : { resume: options.resume }),
  });
  return { outcome, journal };
}
