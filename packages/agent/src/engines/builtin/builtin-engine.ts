import type { Logger } from '@deskhand/base';
import type { Decision, Engine, EngineSession, HistoryEntry, TaskBrief, Turn } from '../../ports.ts';
import { short } from './explain.ts';
import { type Standing, standingOf } from './fast-forward.ts';
import { perform } from './perform.ts';
import { type PlanStep, planOf } from './plan.ts';
import { HandsWithheld, LOOK, type Move, Scene, TaskFailure } from './scene.ts';

/** How often one step may begin again because hands were withheld before it did anything. */
/** More than the loop waits for a lease: how long hands may be withheld is its business. */
const MAX_RESTARTS_PER_STEP = 25;
/** How often a person is asked where an interrupted run should go on. */
const MAX_QUESTIONS = 3;

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
  try {
    const already = yield* whereItStood(scene, plan.steps, earlier);
    log.info('plan made', { steps: plan.steps.length, alreadyDone: already });
    for (const [index, step] of plan.steps.entries()) {
      if (index < already) continue;
      const label = `[${index + 1}/${plan.steps.length}] ${step.words}`;
      yield* labelled(performStep(scene, step), label, String(index));
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

/** After a restart: the step that comes next, asked of a person where the history does not tell. */
function* whereItStood(
  scene: Scene,
  steps: readonly PlanStep[],
  earlier: readonly HistoryEntry[],
): Move<number> {
  const standing = standingOf(steps, earlier);
  if (standing.type === 'at') return standing.index;
  if (standing.type === 'broken') return yield* whereItBroke(scene, steps, standing);
  const from = standing.earliest;
  const choices = steps
    .slice(from, Math.min(standing.latest + 1, from + 12))
    .map(({ words }, index) => `${from + index + 1}. ${words}`);
  for (let asked = 0; asked < MAX_QUESTIONS; asked += 1) {
    const note = yield* scene.ask(
      'The server restarted in the middle of this run and what was done does not tell which step comes next.',
      `The run was interrupted and goes on now. Which step is next? ${choices.join('; ')}; or “done” when all of them are. Answer with the number.`,
    );
    if (note !== null && /^\s*(?:done|none|all|finished)\b/i.test(note)) return steps.length;
    const number = Number(/\d+/.exec(note ?? '')?.[0] ?? Number.NaN);
    if (Number.isInteger(number) && number >= 1 && number <= steps.length) return number - 1;
  }
  throw new TaskFailure('It stayed unclear where the interrupted run should go on.', 'INTERRUPTED');
}

/** The last action was cut off and part of it may have happened: it is not begun again unless a person says so. */
function* whereItBroke(
  scene: Scene,
  steps: readonly PlanStep[],
  { earliest, latest, operation }: Extract<Standing, { type: 'broken' }>,
): Move<number> {
  const choices = steps
    .slice(earliest, Math.min(latest + 1, earliest + 12))
    .map(({ words }, index) => `${earliest + index + 1}. ${words}`);
  for (let asked = 0; asked < MAX_QUESTIONS; asked += 1) {
    const note = yield* scene.ask(
      `The run was interrupted while ${operation} was under way; part of it may have happened, so it is not repeated unasked.`,
      `The run was interrupted in the middle of an action (${operation}): part of it may have happened, and it is not repeated by itself. Please look at the desktop and put it right. Which step is to be done next? ${choices.join('; ')}. Answer with the number of that step (its whole text or input is then done from its beginning), or “all done” when nothing is left to do.`,
    );
    if (
      note !== null &&
      /^\s*(?:all(?: is)? (?:done|finished)|nothing(?: is)? left|everything(?: is)? done)\b/i.test(note)
    )
      return steps.length;
    const number = Number(/\d+/.exec(note ?? '')?.[0] ?? Number.NaN);
    if (Number.isInteger(number) && number >= 1 && number <= steps.length) return number - 1;
  }
  throw new TaskFailure(
    `The run was interrupted in the middle of an action (${operation}) and nobody said how to go on.`,
    'INTERRUPTED',
  );
}

/** One step, begun again when a person or a missing lease withheld the hands before anything was done. */
function* performStep(scene: Scene, step: PlanStep): Move {
  for (let restarts = 0; ; restarts += 1) {
    try {
      yield* perform(scene, step.intent);
      return;
    } catch (error) {
      if (!(error instanceof HandsWithheld) || restarts >= MAX_RESTARTS_PER_STEP)
        throw asFailure(error, step, scene);
    }
  }
}

function asFailure(error: unknown, step: PlanStep, scene: Scene): unknown {
  if (error instanceof HandsWithheld)
    return new TaskFailure(`“${step.words}” could not be done: ${error.message}`);
  // The sentence belongs into the message: it is what the person wrote and can change.
  if (error instanceof TaskFailure)
    return new TaskFailure(
      `${error.message.replace(/\.+$/, '')} (while doing: ${step.words})${dialogWords(scene)}.`,
      error.code,
    );
  return error;
}

/** A dialog nobody spoke of is the likeliest reason, where one stands on the page. */
function dialogWords({ elements }: Scene): string {
  const dialog = elements.find(
    ({ role, source }) => source === 'dom' && /^(?:dialog|alert_dialog)$/.test(role),
  );
  if (dialog === undefined) return '';
  const name = dialog.name.trim() === '' ? '' : ` “${short(dialog.name)}”`;
  return `; a dialog${name} is open`;
}

/** Says in each reason which step of the plan it serves; the first also in the task's own words. */
function* labelled(move: Move, label: string, mark: string): Move {
  let first = true;
  let next = move.next(undefined as never);
  while (next.done !== true) {
    const place = label.slice(0, label.indexOf(']') + 1);
    const prefix = first ? `${label} — ` : `${place} `;
    first = false;
    const decision = { ...next.value, reasoning: `${prefix}${next.value.reasoning}` };
    const turn: Turn = yield decision.type === 'act' ? { ...decision, mark } : decision;
    next = move.next(turn);
  }
}

function notUnderstood(sentence: string): string {
  const quoted = sentence.length > 300 ? `${sentence.slice(0, 300)}…` : sentence;
  return `The built-in engine does not understand “${quoted}”. ${hintFor(quoted)}Reword it (docs/tasks.md lists what it knows), or use a model: set DESKHAND_MODEL, for example anthropic/claude-sonnet-4-5 with ANTHROPIC_API_KEY, or openai-compatible/<model> with DESKHAND_MODEL_URL.`;
}

/** What would have been understood, for the misses that are met most. */
const HINTS: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /\b(?:rename|move|copy|folders?|directory|how many files)\b.*(?:^|\s)[~/\\]/is,
    'Files and folders are handled with “… in the terminal”, or in the file manager step by step.',
  ],
  [
    /^(?:(?:write|compose|draft|type)\s+(?:an?|some|the)|(?:write|compose|create|make)\s+(?:me|us))\b/i,
    'It types what it is given and makes up nothing: put the words to type in quotes.',
  ],
  [
    /^(?:save|store|export|write)\b.*\.(?:png|jpe?g|webp|gif|bmp)\b/is,
    'A screenshot is kept with its step (deskhand replay shows it); no file of its own is made of it.',
  ],
  [/\bor\b/i, 'Say which one is meant; a name that reads so goes in quotes.'],
];

function hintFor(sentence: string): string {
  const hint = HINTS.find(([shape]) => shape.test(sentence))?.[1];
  return hint === undefined ? '' : `${hint} `;
}

function summaryOf(scene: Scene, steps: number): string {
  const parts = [`Did ${steps} ${steps === 1 ? 'step' : 'steps'}.`];
  if (scene.told.length > 0) parts.unshift(`${scene.told.join('; ')}.`);
  if (scene.proofs.length > 0) parts.push(`Seen: ${scene.proofs.slice(0, 12).join('; ')}.`);
  if (scene.doubts.length > 0) parts.push(`Not certain: ${scene.doubts.slice(0, 12).join('; ')}.`);
  return parts.join(' ');
}
