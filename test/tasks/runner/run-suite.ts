import { sleep } from '@deskhand/base';
import type { Run } from '@deskhand/protocol';
import { type Attempt, type AttemptPlan, attempt } from './attempt.ts';
import { EvalDesktop } from './eval-desktop.ts';

const MAX_TRIES = 4;
const RETRY_PAUSE_MS = 5_000;

export type SuiteOptions = Readonly<{
  plans: readonly AttemptPlan[];
  /** Virtual desktops side by side, 1 … 2. */
  desktops: number;
  /** Attempts on one desktop before a fresh one is brought up. */
  freshEvery: number;
  signal: AbortSignal;
  progress: (attempt: Attempt, done: number, total: number) => void;
  /** Called while the desktop that ran it is still up. */
  keep?: (attempt: Attempt, run: Run, desktop: EvalDesktop) => Promise<void>;
}>;

/** Runs every plan once, in order, each on a desktop without windows; a desktop that misbehaved is replaced. */
export async function runSuite(options: SuiteOptions): Promise<Attempt[]> {
  const { plans, signal } = options;
  const results: Array<Attempt | undefined> = new Array(plans.length);
  let next = 0;
  let done = 0;

  const lane = async () => {
    let desktop: EvalDesktop | null = null;
    let used = 0;
    try {
      while (next < plans.length && !signal.aborted) {
        const index = next;
        next += 1;
        const plan = plans[index] as AttemptPlan;
        if (desktop !== null && (used >= options.freshEvery || !(await desktop.clear()))) {
          await desktop[Symbol.asyncDispose]();
          desktop = null;
        }
        if (desktop === null) {
          desktop = await bringUp(signal);
          used = 0;
        }
        used += 1;
        const current: EvalDesktop = desktop;
        let result: Attempt;
        try {
          result = await attempt(plan, current, {
            signal,
            ...(options.keep === undefined
              ? {}
              : { keep: (finished, run) => options.keep?.(finished, run, current) ?? Promise.resolve() }),
          });
        } catch (error) {
          // Every attempt would say the same.
          if (signal.aborted || isNoModel(error)) throw error;
          result = notRun(plan, error);
        }
        // What a failure leaves behind must not fail the next one.
        if (result.outcome === 'wrong' || result.status === 'not_run') used = options.freshEvery;
        results[index] = result;
        done += 1;
        options.progress(result, done, plans.length);
      }
    } finally {
      await desktop?.[Symbol.asyncDispose]();
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: options.desktops }, lane));
  const broken = lanes.find((lane) => lane.status === 'rejected');
  if (broken !== undefined && !signal.aborted) throw broken.reason;
  return results.filter((result) => result !== undefined);
}

/** The engine that was asked for does not exist here. */
export function isNoModel(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === 'LLM_MODEL_INVALID';
}

/** A busy machine may be too slow for one try. */
async function bringUp(signal: AbortSignal): Promise<EvalDesktop> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await EvalDesktop.start();
    } catch (error) {
      if (tries >= MAX_TRIES || signal.aborted) throw error;
      await sleep(RETRY_PAUSE_MS, { signal });
    }
  }
}

function notRun({ task, repeat, twin, version, engine }: AttemptPlan, error: unknown): Attempt {
  const said = error instanceof Error ? error.message : String(error);
  return {
    id: task.id,
    family: task.family,
    repeat,
    twin,
    version,
    engine,
    instruction: '',
    status: 'not_run',
    outcome: twin ? 'void' : 'wrong',
    problems: [`the attempt broke off: ${said.slice(0, 1000)}`],
    said,
    verdict: null,
    asked: null,
    steps: 0,
    seconds: 0,
    costCents: 0,
    frames: 0,
    frameBytes: 0,
    runId: null,
  };
}
