import {
  type ErrorCode,
  hasSecretReference,
  type Observation,
  type ObserveRequestInput,
  Operation,
  type OperationInput,
  type Outcome,
  type ScreenElement,
  type WindowInfo,
  wasDone,
} from '@deskhand/protocol';
import type { Decision, Turn } from '../../ports.ts';
import { mayBeRedone } from './redoing.ts';

/** A skill in progress: yields decisions, receives the next turn. Everything below `decide` is one of these. */
export type Move<T = void> = Generator<Decision, T, Turn>;

/** What to look at before each decision: the picture for people, names for grounding. */
export const LOOK: ObserveRequestInput = { elements: true };
export const LOOK_WITH_OCR: ObserveRequestInput = { elements: true, ocr: true };

/** Ends the run: the engine could not do what the sentence asks. */
export class TaskFailure extends Error {
  readonly code: ErrorCode;
  constructor(message: string, code: ErrorCode = 'TASK_FAILED') {
    super(message);
    this.code = code;
  }
}

/** Hands were withheld (a person took over, no lease) before anything of this command was done. */
export class HandsWithheld extends Error {}

/** Hands were taken away in the middle of an input: part of it may have happened, so it is not begun again unasked. */
export class CutShort extends TaskFailure {
  /** What was cut short, and everything the command had after it. */
  readonly left: readonly Operation[];
  constructor(left: readonly Operation[], code: string | undefined) {
    const what = left[0]?.type ?? 'action';
    const why = code === 'PAUSED' ? 'A person took over' : 'The hands were withheld';
    super(`${why} in the middle of an action (${what}); part of it may have happened.`);
    this.left = left;
  }
}

const WITHHELD = new Set(['PAUSED', 'LATCHED', 'LEASE_REQUIRED', 'GUARD_UNAVAILABLE', 'STALE_EPOCH']);
/** The screen is no longer what was decided about: look again and aim again. */
const STALE = new Set(['FRAME_UNKNOWN', 'FRAME_STALE', 'RECEIVER_CHANGED']);

/** What the skills share: the latest sight, what was remembered, what could not be confirmed. */
export class Scene {
  #turn: Turn | null = null;
  /** Remembered values by lower-case name. */
  readonly memory = new Map<string, string>();
  /** Output of the last command, for checks. */
  commandOutput: string | null = null;
  /** Things that were done without visible effect; told in the summary. */
  readonly doubts: string[] = [];
  /** What has been proven on the way; told in the summary. */
  readonly proofs: string[] = [];
  /** What the task asked to be told, as “name: value”. */
  readonly told: string[] = [];
  /** Answers a person gave since the last question. */
  #notes: string[] = [];
  /** A person changed the screen since the last decision. */
  tookOver = false;
  /** Characters typed by the last command, which the application may still be busy with. */
  typedJustBefore = 0;
  /** What these were; null for a secret, or when nothing was typed. */
  textJustBefore: string | null = null;
  verifierReason: string | null = null;

  take(turn: Turn): void {
    if (turn === this.#turn) return;
    this.#turn = turn;
    for (const message of turn.messages) {
      if (message.from === 'human' && message.note !== null) this.#notes.push(message.note);
      if (message.from === 'takeover') this.tookOver = true;
      if (message.from === 'verifier') this.verifierReason = message.reason;
    }
  }

  get turn(): Turn {
    if (this.#turn === null) throw new Error('The scene was asked before the first turn.');
    return this.#turn;
  }

  get observation(): Observation {
    return this.turn.sight.observation;
  }

  get elements(): readonly ScreenElement[] {
    return this.observation.elements;
  }

  get frameId(): string | null {
    return this.observation.frame?.geometry.frameId ?? null;
  }

  /** Whether no window is open, as far as this desktop tells. */
  get isBare(): boolean {
    return this.observation.windows.length === 0 && this.observation.windowsUntold !== true;
  }

  get activeWindow(): WindowInfo | null {
    const { windows, activeWindowId } = this.observation;
    return windows.find(({ id }) => id === activeWindowId) ?? windows.find(({ active }) => active) ?? null;
  }

  get focused(): ScreenElement | null {
    const active = this.observation.activeWindowId;
    const focused = this.elements.filter(({ states }) => states.includes('focused'));
    // A window in the background may still say that its field has the focus; what is typed does not go there.
    return (
      focused.find(({ windowId }) => active === null || windowId === undefined || windowId === active) ?? null
    );
  }

  /** The last note a person gave, taken once. */
  takeNote(): string | null {
    const note = this.#notes.at(-1) ?? null;
    this.#notes = [];
    return note;
  }

  /**
   * Does operations as one step and reads what became of them.
   * @throws HandsWithheld when nothing was done because hands were not allowed; CutShort when they were taken away
   *   in the middle of an input; TaskFailure when the machine said no.
   */
  *act(reasoning: string, inputs: readonly OperationInput[]): Move<readonly Outcome[]> {
    const operations = inputs.map((input) => Operation.parse(input));
    this.take(yield { type: 'act', reasoning, frameId: this.frameId, operations });
    this.typedJustBefore = operations.reduce(
      (sum, operation) => sum + (operation.type === 'type_text' ? operation.text.length : 0),
      0,
    );
    const typed = operations.flatMap((operation) => (operation.type === 'type_text' ? [operation.text] : []));
    this.textJustBefore = typed.length === 0 || typed.some(hasSecretReference) ? null : typed.join('');
    const outcomes = this.turn.last?.outcomes ?? [];
    const index = outcomes.findIndex((outcome) => !wasDone(outcome));
    const outcome = outcomes[index];
    if (outcome === undefined) {
      if (outcomes.length < operations.length)
        throw new TaskFailure('The desktop did not say what became of the last action.');
      return outcomes;
    }
    if (outcome.status === 'refused' && (WITHHELD.has(outcome.code ?? '') || STALE.has(outcome.code ?? ''))) {
      if (index === 0) throw new HandsWithheld(outcome.message ?? outcome.code);
      return yield* this.#rest(operations.slice(index), outcomes.slice(0, index));
    }
    const operation = operations[index];
    if (operation !== undefined && wasCutShort(outcome)) {
      // How much of a wait is left, only its skill knows.
      if (operation.type === 'wait') return outcomes;
      if (!mayBeRedone(operation)) throw new CutShort(operations.slice(index), outcome.code);
      if (index === 0) throw new HandsWithheld(outcome.message ?? outcome.code);
      return yield* this.#rest(operations.slice(index), outcomes.slice(0, index));
    }
    return outcomes;
  }

  /** What was cut off by a takeover is done afterwards only where no place on the old screen is involved. */
  *#rest(operations: readonly Operation[], before: readonly Outcome[]): Move<readonly Outcome[]> {
    const pointed = operations.some((operation) => 'point' in operation || operation.type === 'drag');
    if (pointed)
      throw new TaskFailure(
        'The step was interrupted midway and the screen has changed since; it was not repeated.',
      );
    const outcomes = yield* this.act(
      'The interruption is over: doing what was left of this step.',
      operations,
    );
    return [...before, ...outcomes];
  }

  *look(reasoning: string, request: ObserveRequestInput = LOOK, afterMs = 0): Move {
    this.take(yield { type: 'look', reasoning, request, ...(afterMs > 0 ? { afterMs } : {}) });
  }

  /** @returns the person's note, or null when they resumed without one. */
  *ask(reasoning: string, question: string): Move<string | null> {
    this.takeNote();
    this.take(yield { type: 'ask_human', reasoning, question });
    return this.takeNote();
  }
}

/** Broken midway because hands were taken away, not because it could not be done. */
export function wasCutShort({ status, code }: Outcome): boolean {
  return status === 'failed' && WITHHELD.has(code ?? '');
}

/** The first operation that was not done, as words for an error. */
export function failureOf(outcomes: readonly Outcome[]): Outcome | null {
  return outcomes.find((outcome) => !wasDone(outcome)) ?? null;
}
