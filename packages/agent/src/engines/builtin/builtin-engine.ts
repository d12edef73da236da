import type { Logger } from '@deskhand/base';
import type { Decision, Engine, EngineSession, HistoryEntry, TaskBrief, Turn } from '../../ports.ts';
import { stepsAlreadyDone } from './fast-forward.ts';
import { perform } from './perform.ts';
import { type PlanStep, planOf } from './plan.ts';
import { HandsWithheld, LOOK, type Move, Scene, TaskFailure } from './scene.ts';

/** How often one step may begin again because hands were withheld before it did anything. */
const MAX_RESTARTS_PER_STEP = 5;

/**
 * The engine without a model: plain English in, deterministic steps out. Every decision says where its
 * target was found, with which score, and what change it expects.
 */
export class BuiltinEngine implements Engine {
  readonly name = 'builtin';
  readonly observeRequest = LOOK;
  readonly #log: Logger;

  constructor(options: { log: Logger }) {
    this.#log = options.log;
  }

  open(brief: TaskBrief, earlier: readonly HistoryEntry[] = []): EngineSession {
    return new BuiltinSession(brief, earlier, this.#log);
  }
}

class BuiltinSession implements EngineSession {
  readonly #scene = new Scene();
  readonly #program: Generator<Decision, never, Turn>;

  constructor(brief: TaskBrief, earlier: readonly HistoryEntry[], log: Logger) {
    this.#program = program(this.#scene, brief, earlier, log);
  }

  decide(turn: Turn, options: { signal: AbortSignal }): Promise<Decision> {
    options.signal.throwIfAborted();
    // The first `next` starts the program and carries nothing into it, so the turn goes in beforehand.
    this.#scene.take(turn);
    try {
      return Promise.resolve(this.#program.next(turn).value);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#program.return(undefined as never);
    return Promise.resolve();
  }
}

function* program(
  scene: Scene,
  brief: TaskBrief,
  earlier: readonly HistoryEntry[],
  log: Logger,
): Generator<Decision, never, Turn> {
  const plan = planOf(brief.task);
  if (!plan.understood) {
    const message = notUnderstood(plan.sentence);
    for (;;) yield { type: 'fail', reasoning: message, code: 'TASK_FAILED', message };
  }
  const already = stepsAlreadyDone(plan.steps, earlier);
  log.info('plan made', { steps: plan.steps.length, alreadyDone: already });
  try {
    for (const [index, step] of plan.steps.entries()) {
      if (index < already) continue;
      yield* labelled(performStep(scene, step), `[${index + 1}/${plan.steps.length}] ${step.words}`);
    }
  } catch (error) {
    if (!(error instanceof TaskFailure)) throw error;
    const { code, message } = error;
    for (;;) yield { type: 'fail', reasoning: message, code, message };
  }
  const summary = summaryOf(scene, plan.steps.length);
  scene.take(yield { type: 'done', reasoning: '', summary });
  // Everything the task says was done; what a verifier still misses is for a person or a model to find.
  const reason = scene.verifierReason ?? 'The result was not accepted.';
  for (;;) yield { type: 'fail', reasoning: reason, code: 'VERIFICATION_FAILED', message: reason };
}

/** One step, begun again when a person or a missing lease withheld the hands before anything was done. */
function* performStep(scene: Scene, step: PlanStep): Move {
  for (let restarts = 0; ; restarts += 1) {
    try {
      yield* perform(scene, step.intent);
      return;
    } catch (error) {
      if (!(error instanceof HandsWithheld) || restarts >= MAX_RESTARTS_PER_STEP)
        throw asFailure(error, step);
    }
  }
}

function asFailure(error: unknown, step: PlanStep): unknown {
  if (error instanceof HandsWithheld)
    return new TaskFailure(`“${step.words}” could not be done: ${error.message}`);
  // The sentence belongs into the message: it is what the person wrote and can change.
  if (error instanceof TaskFailure)
    return new TaskFailure(`${error.message} (while doing: ${step.words})`, error.code);
  return error;
}

/** Says in each reason which step of the plan it serves; the first also in the task's own words. */
function* labelled(move: Move, label: string): Move {
  let first = true;
  let next = move.next(undefined as never);
  while (next.done !== true) {
    const place = label.slice(0, label.indexOf(']') + 1);
    const prefix = first ? `${label} — ` : `${place} `;
    first = false;
    const turn: Turn = yield { ...next.value, reasoning: `${prefix}${next.value.reasoning}` };
    next = move.next(turn);
  }
}

function notUnderstood(sentence: string): string {
  const quoted = sentence.length > 300 ? `${sentence.slice(0, 300)}…` : sentence;
  return `The built-in engine does not understand “${quoted}”. Reword it (docs/tasks.md lists what it knows), or use a model: set DESKHAND_MODEL, for example anthropic/claude-sonnet-4-5 with ANTHROPIC_API_KEY, or openai-compatible/<model> with DESKHAND_MODEL_URL.`;
}

function summaryOf(scene: Scene, steps: number): string {
  const parts = [`Did ${steps} ${steps === 1 ? 'step' : 'steps'}.`];
  if (scene.proofs.length > 0) parts.push(`Seen: ${scene.proofs.slice(0, 12).join('; ')}.`);
  if (scene.doubts.length > 0) parts.push(`Not certain: ${scene.doubts.slice(0, 12).join('; ')}.`);
  return parts.join(' ');
}
