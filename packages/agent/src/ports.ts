import type {
  CommandId,
  CuaVersion,
  ErrorCode,
  FrameWithBytes,
  Observation,
  ObserveRequestInput,
  OnAwaitingHuman,
  Operation,
  Outcome,
  Verdict,
} from '@deskhand/protocol';

/**
 * The seams of the agent: a machine to drive, an engine that decides, a verifier that judges,
 * a journal that remembers, a clock. Everything else in this package is pure.
 */

/** What the machine reported, with the picture's bytes when a frame was asked for. */
export type Sight = Readonly<{ observation: Observation; image: Uint8Array | null }>;

export type ActResult = Readonly<{
  /** One per operation reached, in order; shorter than the request when one was not done. */
  outcomes: readonly Outcome[];
  sight: Sight | null;
}>;

/** One desktop, for as long as this run holds its lease. Every method rejects with the signal's reason on abort. */
export interface Machine {
  observe(request: ObserveRequestInput, options: { signal: AbortSignal }): Promise<Sight>;
  /**
   * Does operations in order, at most once each, stopping at the first that is refused or failed,
   * then settles and looks. `commandId` was journaled before; a repeat of it is answered, not redone.
   */
  act(
    command: {
      commandId: CommandId;
      frameId: string | null;
      operations: readonly Operation[];
      observe: ObserveRequestInput;
      stopAtNoEffect?: boolean;
    },
    options: { signal: AbortSignal },
  ): Promise<ActResult>;
}

/** The person's task as the engine receives it. */
export type TaskBrief = Readonly<{
  runId: string;
  task: string;
  instructions: string | null;
  systemPrompt: string | null;
  cuaVersion: CuaVersion;
  maxSteps: number;
}>;

/** What the engine is told before each decision. */
export type Turn = Readonly<{
  /** 1-based number of the step now being decided. */
  step: number;
  sight: Sight;
  /** What became of the last proposal; null on the first turn. */
  last: Readonly<{ operations: readonly Operation[]; outcomes: readonly Outcome[] }> | null;
  /** Things said to the engine since the last turn: a person's note, a takeover, a verifier's "no". */
  messages: readonly EngineMessage[];
}>;

export type EngineMessage =
  | Readonly<{ from: 'human'; note: string | null }>
  | Readonly<{ from: 'takeover' }>
  | Readonly<{ from: 'verifier'; reason: string }>;

/** The engine's answer. Points in `operations` are pixels of `frameId`'s picture. */
export type Decision = Readonly<
  | {
      type: 'act';
      /** Why, in the engine's words; shown to people, never executed. */
      reasoning: string;
      frameId: string | null;
      operations: readonly Operation[];
      /** Also stop at an operation that demonstrably changed nothing: the next ones were planned on its effect. */
      stopAtNoEffect?: boolean;
      /** Where the engine stands, in its own words; stored with the outcomes and handed back after a restart. */
      mark?: string;
    }
  | {
      type: 'look';
      reasoning: string;
      request: ObserveRequestInput;
      /** Milliseconds to wait before looking; a wait for something to appear, never a wait for input. */
      afterMs?: number;
    }
  | { type: 'done'; reasoning: string; summary: string }
  | { type: 'fail'; reasoning: string; code: ErrorCode; message: string }
  | { type: 'ask_human'; reasoning: string; question: string }
> & { usage?: ModelUsage };

/**
 * Where a step's time went, in milliseconds: `decide` (the engine), `act` (one round trip: input, settle and
 * the new picture), `journal` (storing), and, within `act`, what the machine measured: `settle`, `capture`, …
 */
export type StepTimings = Readonly<Record<string, number>>;

/** What asking models took. Tokens of all requests; cached ones are part of `inputTokens`. */
export type ModelUsage = Readonly<{
  requests?: number;
  inputTokens: number;
  outputTokens: number;
  cachedInputTokens?: number;
  cacheWriteTokens?: number;
  /** Bytes of pictures in the requests, as encoded; the same picture counts each time it is sent. */
  imageBytes?: number;
  /** US dollars; null where nobody wrote the price down. */
  costUsd?: number | null;
}>;

/** Words of an engine as they come, piece by piece; shown to people, never executed. */
export type Say = (words: string, kind: 'text' | 'reasoning') => void;

/** Decides; holds one conversation per session. Never touches the machine itself. */
export interface Engine {
  /** Shown to the person and stored with the run, e.g. `builtin` or `anthropic/claude-…`. */
  readonly name: string;
  /** What to look at before each decision. */
  readonly observeRequest: ObserveRequestInput;
  /** `earlier`: what this run already did before its server restarted; nothing of it may be done again. */
  open(brief: TaskBrief, earlier?: readonly HistoryEntry[]): EngineSession;
}

export interface EngineSession extends AsyncDisposable {
  /** What to look at from now on, where the session knows better than its engine. */
  readonly observeRequest?: ObserveRequestInput;
  /** @param options.say hears the engine's words before the decision is made; optional for both sides. */
  decide(turn: Turn, options: { signal: AbortSignal; say?: Say }): Promise<Decision>;
}

/** Judges from evidence alone; an engine's claim that it is done counts for nothing. */
export interface Verifier {
  readonly name: string;
  verify(
    evidence: {
      brief: TaskBrief;
      machine: Machine;
      history: readonly HistoryEntry[];
      /** What the run will tell the person, where that is what the task asked for: to be proven, never a proof. */
      answer?: string;
      /** Who may ask the machine for facts (files, windows) while judging. */
      newCommandId: () => CommandId;
    },
    options: { signal: AbortSignal },
  ): Promise<Verdict & { usage?: ModelUsage }>;
}

/** What was done, without the engine's reasons. */
export type HistoryEntry = Readonly<{ step: number; operation: Operation; outcome: Outcome }>;

/** The run's journal: stored first, then announced. Implemented by the server's fenced append. */
export interface RunJournal {
  /** Keeps a frame the engine saw. */
  frame(step: number, sight: FrameWithBytes): Promise<void>;
  /** @param usage what models took for this without a step to account it to. */
  narrate(step: number, text: string, kind: 'text' | 'reasoning', usage?: ModelUsage | null): Promise<void>;
  /** Stored before anything is sent; after a crash the same id is sent again. */
  actionStarted(
    step: number,
    commandId: CommandId,
    frameId: string | null,
    operations: readonly Operation[],
  ): Promise<void>;
  actionFinished(
    step: number,
    commandId: CommandId,
    operations: readonly Operation[],
    outcomes: readonly Outcome[],
  ): Promise<void>;
  /** Closes a step and bills it. @returns cents charged to the run so far. */
  stepCompleted(step: number, usage: ModelUsage | null, timings: StepTimings): Promise<{ costCents: number }>;
  /** Running → awaiting_human; settles when a person answers. Rejects with the signal's reason. */
  awaitHuman(question: string, options: { signal: AbortSignal }): Promise<{ note: string | null }>;
}

export type Clock = Readonly<{
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number, options: { signal: AbortSignal }): Promise<void>;
}>;

export type RunLimits = Readonly<{
  maxSteps: number;
  /** Milliseconds since the epoch, or null. The caller also aborts the signal then. */
  deadlineAt: number | null;
  budgetCents: number | null;
  stepCents: number;
  onAwaitingHuman: OnAwaitingHuman;
  /** Same action and same picture this often in a row = stalled. */
  maxRepeats: number;
}>;

/** How the loop ended by itself; a stop from outside rejects with its StopError instead. */
export type RunOutcome =
  | Readonly<{ type: 'finished'; passed: true; summary: string; verdict: Verdict | null }>
  | Readonly<{ type: 'finished'; passed: false; code: ErrorCode; summary: string; verdict: Verdict | null }>
  | Readonly<{
      type: 'stopped';
      reason: 'max_steps' | 'budget' | 'stalled' | 'policy' | 'human_needed' | 'cancelled';
      message: string;
      rule?: string;
    }>;
