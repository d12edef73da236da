import { assertNever, isAbort, type Logger, raceSignal, StopError } from '@deskhand/base';
import {
  type ActionPolicy,
  type CommandId,
  type ErrorCode,
  isErrorCode,
  isVerified,
  type ObserveRequestInput,
  type Outcome,
  ProtocolError,
  type Verdict,
} from '@deskhand/protocol';
import { violationOf } from './action-policy.ts';
import { limitReached } from './budget.ts';
import { firstNotDone, RunHistory } from './history.ts';
import { addUsage } from './model-prices.ts';
import { Narration } from './narration.ts';
import type {
  Clock,
  Decision,
  Engine,
  EngineMessage,
  EngineSession,
  HistoryEntry,
  Machine,
  ModelUsage,
  RunJournal,
  RunLimits,
  RunOutcome,
  Sight,
  TaskBrief,
  Turn,
  Verifier,
} from './ports.ts';
import { whatToDoAbout } from './refusals.ts';
import { StallDetector } from './stall.ts';
import { type Departure, DomainGuard, taskDomain } from './task-domain.ts';

/** Looks without an action in between; more than this is an engine that only stares. */
const MAX_LOOKS_IN_A_ROW = 240;
/** Refusals for want of a lease in a row before the link counts as lost. */
const MAX_LEASE_REFUSALS = 20;
const LEASE_RETRY_MS = 250;
/** How often a verifier's "no" may go back to the engine. */
const MAX_RECOVERIES = 3;
/** An engine that comes back to what a person refused this often has lost its task. */
const MAX_DEPARTURES = 3;
/** A note that says no; any other, and none at all, says yes. */
const SAYS_NO = /^\s*(?:no|nope|n|deny|denied|don['’]?t|do not|never|stop|refuse|not allowed)\b/i;

export type RunTaskOptions = Readonly<{
  brief: TaskBrief;
  machine: Machine;
  engine: Engine;
  /** Null for v1 and v3, whose own word is the result. */
  verifier: Verifier | null;
  journal: RunJournal;
  clock: Clock;
  limits: RunLimits;
  policy: ActionPolicy | null;
  signal: AbortSignal;
  newCommandId: () => CommandId;
  log: Logger;
  /** Where an earlier server left this run. */
  resume?: Readonly<{ stepsCompleted: number; costCents: number; history: readonly HistoryEntry[] }>;
}>;

/**
 * One run: observe → decide → policy → journal → act, settle, look (one round trip) → journal → again,
 * until the engine says done, fail or needs a human, or a limit is reached.
 * @throws the signal's reason as soon as it aborts; ProtocolError when machine or model are beyond use.
 */
export async function runTask(options: RunTaskOptions): Promise<RunOutcome> {
  await using session = options.engine.open(options.brief, options.resume?.history ?? []);
  return await new RunLoop(options, session).drive();
}

type ActDecision = Extract<Decision, { type: 'act' }>;

class RunLoop {
  readonly #options: RunTaskOptions;
  readonly #session: EngineSession;
  readonly #history: RunHistory;
  readonly #stall: StallDetector;
  readonly #domain: DomainGuard;
  #sight: Sight | null = null;
  #stepsCompleted: number;
  #costCents: number;
  #messages: EngineMessage[] = [];
  #last: Turn['last'] = null;
  #usage: ModelUsage | null = null;
  #timings: Record<string, number> = {};
  #looks = 0;
  #leaseRefusals = 0;
  #recoveries = 0;
  #framesKept = new Set<string>();

  constructor(options: RunTaskOptions, session: EngineSession) {
    this.#options = options;
    this.#session = session;
    this.#history = new RunHistory(options.resume?.history);
    this.#domain = new DomainGuard(taskDomain(options.brief.task, options.brief.instructions));
    this.#stall = new StallDetector(options.limits.maxRepeats);
    this.#stepsCompleted = options.resume?.stepsCompleted ?? 0;
    this.#costCents = options.resume?.costCents ?? 0;
  }

  get #step(): number {
    return this.#stepsCompleted + 1;
  }

  get #observeRequest(): ObserveRequestInput {
    return this.#session.observeRequest ?? this.#options.engine.observeRequest;
  }

  async drive(): Promise<RunOutcome> {
    let sight = await this.#look(this.#observeRequest);
    for (;;) {
      this.#checkDeadline();
      this.#sight = sight;
      this.#domain.saw(sight.observation);
      const turn: Turn = { step: this.#step, sight, last: this.#last, messages: this.#messages };
      this.#messages = [];
      const next = await this.#follow(await this.#decide(turn));
      if ('type' in next) return next;
      sight = next;
    }
  }

  /** The engine's words are told while it decides; what it did not say by then, afterwards. */
  async #decide(turn: Turn): Promise<Decision> {
    const { signal, journal } = this.#options;
    const narration = new Narration((text) => journal.narrate(turn.step, text, 'reasoning'));
    const decision = await this.#timed(
      'decide',
      this.#race(this.#session.decide(turn, { signal, say: narration.say })),
    );
    await this.#race(narration.finished());
    this.#usage = addUsage(this.#usage, decision.usage ?? null);
    const { reasoning } = decision;
    if (decision.type === 'fail') await this.#conclude(reasoning, 'reasoning');
    else if (reasoning !== '' && !narration.covers(reasoning))
      await journal.narrate(turn.step, reasoning, 'reasoning');
    return decision;
  }

  /** Last words of a run or a verdict, with what the model took since the last step was closed. */
  async #conclude(text: string, kind: 'text' | 'reasoning'): Promise<void> {
    await this.#options.journal.narrate(this.#step, text, kind, this.#usage);
    this.#usage = null;
  }

  /** @returns what is on the screen now, or how the run ended. */
  async #follow(decision: Decision): Promise<Sight | RunOutcome> {
    if (decision.type !== 'look') this.#looks = 0;
    switch (decision.type) {
      case 'act':
        return this.#act(decision);
      case 'look': {
        this.#looks += 1;
        if (this.#looks > MAX_LOOKS_IN_A_ROW)
          return stopped('stalled', `The engine only looked, ${MAX_LOOKS_IN_A_ROW} times in a row.`);
        if (decision.afterMs !== undefined && decision.afterMs > 0)
          await this.#options.clock.sleep(decision.afterMs, { signal: this.#options.signal });
        return this.#look(decision.request);
      }
      case 'ask_human': {
        const how = this.#options.limits.onAwaitingHuman;
        if (how === 'fail') return stopped('human_needed', decision.question);
        if (how === 'cancel') return stopped('cancelled', decision.question);
        return this.#awaitHuman(decision.question, null);
      }
      case 'fail':
        return failed(decision.code, decision.message, await this.#verdictOnFailure(decision.code));
      case 'done':
        return this.#judge(decision.summary);
      default:
        return assertNever(decision, 'decision');
    }
  }

  async #act(decision: ActDecision): Promise<Sight | RunOutcome> {
    const { machine, journal, policy, limits, signal } = this.#options;
    const { operations, frameId } = decision;
    const limit = limitReached(limits, { stepsCompleted: this.#stepsCompleted, costCents: this.#costCents });
    if (limit !== null) return stopped(limit.reason, limit.message);
    if (policy !== null) {
      const violation = violationOf(policy, operations, this.#history.entries.length);
      if (violation !== null) return stopped('policy', violation.message, violation.rule);
    }

    const departure =
      this.#sight === null ? null : this.#domain.departure(operations, this.#sight.observation);
    if (departure !== null) return this.#leave(decision, departure);

    const commandId = this.#options.newCommandId();
    await this.#timed('journal', journal.actionStarted(this.#step, commandId, frameId, operations));
    let outcomes: readonly Outcome[];
    let sight: Sight | null = null;
    try {
      const { stopAtNoEffect = false } = decision;
      const command = { commandId, frameId, operations, observe: this.#observeRequest, stopAtNoEffect };
      ({ outcomes, sight } = await this.#timed('act', this.#race(machine.act(command, { signal }))));
    } catch (error) {
      const answer = isAbort(error) ? null : asOutcome(error);
      if (answer === null) throw error;
      outcomes = [answer];
    }
    const { mark } = decision;
    if (mark !== undefined) outcomes = outcomes.map((outcome) => ({ ...outcome, mark }));
    await this.#timed('journal', journal.actionFinished(this.#step, commandId, operations, outcomes));
    this.#history.add(this.#step, operations, outcomes);
    this.#last = { operations, outcomes };
    return this.#afterAct(outcomes, sight);
  }

  /**
   * What leaves the task is not done unless a person says so, whatever made the engine want it. Nothing of the
   * proposal was sent; the engine is told and decides again.
   */
  async #leave({ operations }: ActDecision, departure: Departure): Promise<Sight | RunOutcome> {
    const { limits, journal, signal } = this.#options;
    const { rule, what } = departure;
    const question = `${what}? The task does not speak of it, and what a page says is no instruction. Resume to allow it for this run, or answer “no”.`;
    const refuse = (code: ErrorCode, message: string) => {
      const refused: Outcome = { status: 'refused', code, message, result: { rule }, durationMs: 0 };
      this.#last = { operations, outcomes: [refused] };
    };
    if (!this.#domain.wasRefused(departure)) {
      if (limits.onAwaitingHuman === 'fail')
        return stopped('policy', `${what}: the task does not speak of it.`, rule);
      if (limits.onAwaitingHuman === 'cancel') return stopped('cancelled', question);
      const { note } = await this.#race(journal.awaitHuman(question, { signal }));
      this.#stall.forget();
      if (note === null || !SAYS_NO.test(note)) {
        this.#domain.grant(departure);
        refuse('PAUSED', 'A person was asked first and allows it.');
        this.#messages.push({ from: 'human', note: note ?? `Yes: ${what} is allowed.` });
        return this.#look(this.#options.engine.observeRequest);
      }
      this.#messages.push({ from: 'human', note });
    }
    const message = `${what}: the task does not speak of it and a person did not allow it.`;
    if (this.#domain.refuse(departure) >= MAX_DEPARTURES) return stopped('policy', message, rule);
    refuse('POLICY_DENIED', message);
    return this.#look(this.#options.engine.observeRequest);
  }

  /** Bills and closes the step, unless hands were withheld; then waits for whoever withheld them. */
  async #afterAct(outcomes: readonly Outcome[], seen: Sight | null): Promise<Sight | RunOutcome> {
    const last = this.#last;
    const notDone = firstNotDone(outcomes);
    const refused = notDone === null ? undefined : last?.operations[notDone.index];
    const todo = whatToDoAbout(refused ?? null, notDone?.outcome ?? null);
    if (todo.type === 'policy') return stopped('policy', todo.message, todo.rule);
    if (todo.type === 'wait_for_person')
      return this.#awaitHuman('A person has control of this desktop. Resume to hand it back.', 'takeover');
    if (todo.type === 'wait_for_stop') {
      // The stop itself arrives through the signal; the refusal only came first.
      await this.#options.clock.sleep(10_000, { signal: this.#options.signal });
      throw new StopError('stopped_by_user', 'The kill switch of this desktop is tripped.');
    }
    if (todo.type === 'wait_for_lease') {
      this.#leaseRefusals += 1;
      if (this.#leaseRefusals > MAX_LEASE_REFUSALS)
        throw new StopError('link_lost', 'The right to drive this desktop did not come back.');
      await this.#options.clock.sleep(LEASE_RETRY_MS, { signal: this.#options.signal });
      return this.#look(this.#observeRequest);
    }
    this.#leaseRefusals = 0;

    const sight = seen ?? (await this.#look(this.#options.engine.observeRequest));
    if (seen !== null) await this.#keepFrame(sight);
    const { costCents } = await this.#options.journal.stepCompleted(this.#step, this.#usage, {
      ...this.#timings,
      ...sight.observation.timings,
      settle: sight.observation.settle.settledMs,
    });
    this.#usage = null;
    this.#timings = {};
    this.#stepsCompleted += 1;
    this.#costCents = costCents;

    const cycle = this.#stall.add({
      operations: last?.operations ?? [],
      picture: sight.observation.frame?.sha256 ?? null,
    });
    if (cycle === null) return sight;
    const what = cycle === 1 ? 'The same action' : `The same ${cycle} actions in turn`;
    return stopped('stalled', `${what} led to the same picture ${this.#options.limits.maxRepeats} times.`);
  }

  async #judge(summary: string): Promise<Sight | RunOutcome> {
    const { brief, verifier } = this.#options;
    if (verifier === null) {
      if (isVerified(brief.cuaVersion))
        throw new ProtocolError('INTERNAL_ERROR', `A ${brief.cuaVersion} run needs a verifier and has none.`);
      await this.#conclude(summary, 'text');
      return { type: 'finished', passed: true, summary, verdict: null };
    }
    const verdict = await this.#verify(verifier, summary);
    if (verdict.judgement === 'satisfied') return { type: 'finished', passed: true, summary, verdict };
    const limit = limitReached(this.#options.limits, {
      stepsCompleted: this.#stepsCompleted,
      costCents: this.#costCents,
    });
    // What could not be judged will not become clearer by acting on; what was judged "no" may be repaired.
    if (verdict.judgement === 'unknown' || limit !== null || this.#recoveries >= MAX_RECOVERIES)
      return failed('VERIFICATION_FAILED', verdict.reason, verdict);
    this.#recoveries += 1;
    this.#messages.push({ from: 'verifier', reason: verdict.reason });
    return this.#look(this.#observeRequest);
  }

  async #verify(verifier: Verifier, answer = ''): Promise<Verdict> {
    const { brief, machine, signal, newCommandId } = this.#options;
    const evidence = { brief, machine, history: this.#history.entries, answer, newCommandId };
    const { usage, ...verdict } = await this.#timed(
      'verify',
      this.#race(verifier.verify(evidence, { signal })),
    );
    this.#usage = addUsage(this.#usage, usage ?? null);
    await this.#conclude(`Verifier: ${verdict.judgement}. ${verdict.reason}`, 'text');
    return verdict;
  }

  /**
   * Where results are verified, so is the state an engine leaves behind that gave the task up: it fails either way.
   * @returns null where nobody verifies, or when what failed was not the task.
   */
  async #verdictOnFailure(code: string): Promise<Verdict | null> {
    const { verifier, signal } = this.#options;
    if (verifier === null || code !== 'TASK_FAILED') return null;
    try {
      return await this.#verify(verifier);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ProtocolError)) throw error;
      // The engine's own reason is the one to tell.
      const reason = `The verifier could not judge: ${error.message}`;
      return { judgement: 'unknown', reason, confidence: 0, evidence: [] };
    }
  }

  async #awaitHuman(question: string, cause: 'takeover' | null): Promise<Sight> {
    const { journal, signal } = this.#options;
    const { note } = await this.#race(journal.awaitHuman(question, { signal }));
    if (cause === 'takeover') this.#messages.push({ from: 'takeover' });
    if (cause === null || note !== null) this.#messages.push({ from: 'human', note });
    this.#stall.forget();
    return this.#look(this.#observeRequest);
  }

  async #look(request: Parameters<Machine['observe']>[0]): Promise<Sight> {
    const { machine, signal } = this.#options;
    const sight = await this.#race(machine.observe(request, { signal }));
    await this.#keepFrame(sight);
    return sight;
  }

  async #keepFrame({ observation: { frame }, image }: Sight): Promise<void> {
    if (frame === null || image === null) return;
    const key = `${this.#step} ${frame.sha256}`;
    if (this.#framesKept.has(key)) return;
    this.#framesKept = new Set([...this.#framesKept].filter((kept) => kept.startsWith(`${this.#step} `)));
    this.#framesKept.add(key);
    await this.#options.journal.frame(this.#step, { frame, bytes: image });
  }

  #checkDeadline(): void {
    const { deadlineAt } = this.#options.limits;
    if (deadlineAt !== null && this.#options.clock.now() >= deadlineAt)
      throw new StopError('deadline', 'The run’s deadline passed.');
  }

  /** Adds what `work` takes to the step's timings; looks in between belong to the step that follows. */
  async #timed<T>(part: string, work: Promise<T>): Promise<T> {
    const startedMs = performance.now();
    try {
      return await work;
    } finally {
      const tookMs = performance.now() - startedMs;
      this.#timings[part] = Math.round(((this.#timings[part] ?? 0) + tookMs) * 10) / 10;
    }
  }

  #race<T>(work: Promise<T>): Promise<T> {
    return raceSignal(work, this.#options.signal);
  }
}

/** Answers of the link that mean "not done" or "nobody knows", as outcomes the engine can react to. */
function asOutcome(error: unknown): Outcome | null {
  if (!(error instanceof ProtocolError)) return null;
  const refusals: readonly ErrorCode[] = [
    'FRAME_UNKNOWN',
    'FRAME_STALE',
    'POINT_OUTSIDE_FRAME',
    'UNKNOWN_KEY',
  ];
  const status = refusals.includes(error.code)
    ? 'refused'
    : error.code === 'UPSTREAM_TIMEOUT'
      ? 'failed'
      : null;
  return status === null ? null : { status, code: error.code, message: error.message, durationMs: 0 };
}

function stopped(
  reason: Extract<RunOutcome, { type: 'stopped' }>['reason'],
  message: string,
  rule?: string,
): RunOutcome {
  return { type: 'stopped', reason, message, ...(rule === undefined ? {} : { rule }) };
}

function failed(code: string, summary: string, verdict: Verdict | null): RunOutcome {
  return {
    type: 'finished',
    passed: false,
    code: isErrorCode(code) ? code : 'TASK_FAILED',
    summary,
    verdict,
  };
}
