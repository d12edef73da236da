import path from 'node:path';
import { newIdempotencyKey } from '@deskhand/client';
import type { Run, RunEvent } from '@deskhand/protocol';
import type { Task } from '../task.ts';
import { World } from '../world.ts';
import type { EvalDesktop } from './eval-desktop.ts';

/** What is asked of one attempt. */
export type AttemptPlan = Readonly<{
  task: Task;
  /** 1-based. */
  repeat: number;
  /** The sabotaged twin, which nothing may call a success. */
  twin: boolean;
  /** `v4` has the result judged by the verifier. */
  version: 'v3' | 'v4';
  /** As `model` of a run: `builtin`, `anthropic/…` */
  engine: string;
}>;

/** How one attempt went. Money in cents, time in seconds. */
export type Attempt = Readonly<{
  id: string;
  family: string;
  repeat: number;
  twin: boolean;
  version: 'v3' | 'v4';
  engine: string;
  instruction: string;
  status: Run['status'] | 'not_run';
  /**
   * right: ended as it should with the true state as it should be · wrong: it did not · for a twin: caught (not
   * called a success), fooled (called a success), void (the sabotage changed nothing).
   */
  outcome: 'right' | 'wrong' | 'caught' | 'fooled' | 'void';
  /** What the checker found wrong with the true state. */
  problems: readonly string[];
  /** What the run said about itself. */
  said: string;
  verdict: string | null;
  asked: string | null;
  steps: number;
  seconds: number;
  costCents: number;
  frames: number;
  frameBytes: number;
  runId: string | null;
}>;

const DEADLINE_SECONDS = 150;

/** What is kept of a run for its page, besides the figures. */
export type AttemptEvidence = Readonly<{ run: Run; events: readonly RunEvent[] }>;

export async function attempt(
  plan: AttemptPlan,
  desktop: EvalDesktop,
  options: { signal: AbortSignal; keep?: (attempt: Attempt, run: Run) => Promise<void> },
): Promise<Attempt> {
  const { task, twin, version, engine } = plan;
  const { signal } = options;
  const started = performance.now();
  const name = `${task.id.replaceAll('/', '-')}-${plan.repeat}${twin ? 't' : ''}`;
  await using world = new World({ folder: path.join(desktop.workFolder, name), sabotaged: twin });
  const staged = await task.stage(world);

  const { client } = desktop;
  const created = await client.runs.create(
    {
      machine_id: desktop.machineId,
      task: staged.instruction,
      cua_version: version,
      max_steps: task.maxSteps,
      deadline_seconds: DEADLINE_SECONDS,
      on_awaiting_human: task.answer === null ? 'fail' : 'pause',
      model: engine,
    },
    { idempotencyKey: newIdempotencyKey(), signal },
  );
  let asked: string | null = null;
  const giveUp = () => void client.runs.cancel(created.id).catch(() => {});
  signal.addEventListener('abort', giveUp, { once: true });
  for await (const event of client.runs.events(created.id, { signal })) {
    if (event.type !== 'awaiting_human') continue;
    if (task.answer === null || asked !== null) {
      await client.runs.cancel(created.id, { signal });
      continue;
    }
    asked = event.reason;
    await client.runs.resume(created.id, { note: task.answer, signal });
  }
  signal.removeEventListener('abort', giveUp);
  const run = await client.runs.get(created.id, { signal });
  const seconds = (performance.now() - started) / 1000;
  const problems = [...(await staged.check())];
  if (task.answer !== null && asked === null) problems.push('the run asked nobody');
  if (!twin && run.status !== task.ends) problems.push(`the run ended as ${run.status}`);
  const { frames, frameBytes } = await framesOf(desktop, run.id, signal);
  const verdict = run.result?.verdict;
  const result: Attempt = {
    id: task.id,
    family: task.family,
    repeat: plan.repeat,
    twin,
    version,
    engine,
    instruction: staged.instruction,
    status: run.status,
    outcome: outcomeOf(twin, run.status, problems),
    problems,
    said: run.error?.message ?? run.result?.summary ?? '',
    verdict: verdict === undefined ? null : `${verdict.passed ? 'passed' : 'not passed'}: ${verdict.reason}`,
    asked,
    steps: run.steps_completed,
    seconds: Math.round(seconds * 10) / 10,
    costCents: run.cost_cents,
    frames,
    frameBytes,
    runId: run.id,
  };
  await options.keep?.(result, run);
  return result;
}

function outcomeOf(twin: boolean, status: Run['status'], problems: readonly string[]): Attempt['outcome'] {
  if (twin) {
    if (problems.length === 0) return 'void';
    return status === 'succeeded' ? 'fooled' : 'caught';
  }
  return problems.length === 0 ? 'right' : 'wrong';
}

async function framesOf(desktop: EvalDesktop, runId: string, signal: AbortSignal) {
  let frames = 0;
  let frameBytes = 0;
  const seen = new Set<string>();
  let afterIndex: number | undefined;
  for (;;) {
    const list = await desktop.client.runs.screenshots(runId, {
      limit: 200,
      signal,
      ...(afterIndex === undefined ? {} : { afterIndex }),
    });
    for (const frame of list.data) {
      afterIndex = frame.index;
      frames += 1;
      // The same picture is stored once.
      if (!seen.has(frame.sha256)) frameBytes += frame.size_bytes;
      seen.add(frame.sha256);
    }
    if (!list.has_more || list.data.length === 0) return { frames, frameBytes };
  }
}
