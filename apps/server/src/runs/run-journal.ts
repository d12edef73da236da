import type { ModelUsage, RunJournal, StepTimings } from '@deskhand/agent';
import { describeOperation } from '@deskhand/agent/describe-operation';
import { raceSignal, StopError } from '@deskhand/base';
import type { CommandId, FrameWithBytes, Operation, Outcome, RunStatus } from '@deskhand/protocol';
import type { FrameStore } from './frame-store.ts';
import type { RunService } from './run-service.ts';
import { usageReport } from './usage-report.ts';

const MAX_TEXT = 16_000;

/** Where the run stands, as the worker that drives it sees it. */
export interface RunDesk {
  /** Machine's boot id at this moment; null while it is away. */
  bootId(): string | null;
  status(): RunStatus;
  /** Resolves once the run is `running`: at once, or when a person resumed it. */
  whenRunning(options: { signal: AbortSignal }): Promise<{ note: string | null }>;
  /** Running → awaiting_human unless it already is. */
  needHuman(reason: string): Promise<void>;
  /** For the panel on the desktop. */
  narrate(news: Narration): void;
  /** Operations in words, with the names of what they point at in the picture with this id. */
  describe(operations: readonly Operation[], frameId: string | null): readonly string[];
  /** Ends the run from inside, e.g. when the wallet is empty. */
  abort(reason: StopError): void;
}

export type Narration = Readonly<{
  step: number;
  thought?: string;
  /** In words. */
  action?: string;
  outcome?: Outcome;
  costCents?: number;
}>;

/** The agent's journal for one claim: every line goes through the one door, under the claim's fence. */
export class FencedJournal implements RunJournal {
  readonly #runs: RunService;
  readonly #frames: FrameStore;
  readonly #desk: RunDesk;
  readonly #runId: string;
  readonly #epoch: number;
  readonly #signal: AbortSignal;
  /** Of the command that was begun last. */
  #words: { commandId: CommandId; descriptions: readonly string[] } | null = null;
  #thought: { step: number; kind: string; text: string } = { step: 0, kind: '', text: '' };

  constructor(parts: {
    runs: RunService;
    frames: FrameStore;
    desk: RunDesk;
    runId: string;
    epoch: number;
    signal: AbortSignal;
  }) {
    this.#runs = parts.runs;
    this.#frames = parts.frames;
    this.#desk = parts.desk;
    this.#runId = parts.runId;
    this.#epoch = parts.epoch;
    this.#signal = parts.signal;
  }

  async frame(step: number, { frame, bytes }: FrameWithBytes): Promise<void> {
    const sha256 = await this.#frames.keep(bytes);
    await this.#runs.screenshot(this.#runId, this.#epoch, 1, {
      step,
      takenAt: frame.capturedAt,
      width: frame.geometry.image.width,
      height: frame.geometry.image.height,
      mimeType: frame.mimeType,
      sizeBytes: bytes.length,
      sha256,
      degraded: frame.degraded,
      exclusion: frame.exclusion,
    });
  }

  async narrate(
    step: number,
    text: string,
    kind: 'text' | 'reasoning',
    usage: ModelUsage | null = null,
  ): Promise<void> {
    await this.#whileAwaiting();
    const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
    await this.#runs.append(this.#runId, this.#epoch, [
      { type: kind, text: short.toWellFormed(), ...usageReport(usage) },
    ]);
    // A model's words come in sentences; the panel shows the step's thought as a whole.
    const isSame = this.#thought.step === step && this.#thought.kind === kind;
    this.#thought = { step, kind, text: isSame ? `${this.#thought.text} ${short}` : short };
    this.#desk.narrate({ step, thought: this.#thought.text });
  }

  async actionStarted(
    step: number,
    commandId: CommandId,
    frameId: string | null,
    operations: readonly Operation[],
  ): Promise<void> {
    await this.#whileAwaiting();
    // Now, while the desktop still looks as it did when this was decided.
    const descriptions = this.#desk.describe(operations, frameId);
    await this.#runs.actionStarted(this.#runId, this.#epoch, {
      commandId,
      step,
      bootId: this.#desk.bootId(),
      frameId,
      operations,
      descriptions,
    });
    this.#words = { commandId, descriptions };
    const [action] = descriptions;
    if (action !== undefined) this.#desk.narrate({ step, action });
  }

  async actionFinished(
    step: number,
    commandId: CommandId,
    operations: readonly Operation[],
    outcomes: readonly Outcome[],
  ): Promise<void> {
    const descriptions =
      this.#words?.commandId === commandId
        ? this.#words.descriptions
        : operations.map((operation) => describeOperation(operation));
    await this.#runs.actionFinished(this.#runId, this.#epoch, {
      commandId,
      step,
      operations,
      outcomes,
      descriptions,
    });
    const outcome = outcomes.at(-1);
    const action = descriptions[outcomes.length - 1];
    if (outcome === undefined || action === undefined) return;
    this.#desk.narrate({ step, action, outcome });
  }

  async stepCompleted(
    step: number,
    usage: ModelUsage | null,
    timings: StepTimings,
  ): Promise<{ costCents: number }> {
    const { costCents, walletEmpty } = await this.#runs.stepCompleted(this.#runId, this.#epoch, {
      step,
      usage,
      timings,
    });
    this.#desk.narrate({ step, costCents });
    if (walletEmpty) {
      const reason = new StopError('wallet', 'The wallet cannot pay for another step.');
      this.#desk.abort(reason);
      throw reason;
    }
    return { costCents };
  }

  async awaitHuman(question: string, options: { signal: AbortSignal }): Promise<{ note: string | null }> {
    await this.#desk.needHuman(question);
    return await raceSignal(this.#desk.whenRunning(options), options.signal);
  }

  /** A person has the desktop: nothing is told and nothing begun until it is handed back. */
  async #whileAwaiting(): Promise<void> {
    if (this.#desk.status() === 'awaiting_human') await this.#desk.whenRunning({ signal: this.#signal });
  }
}
