import { errorAttributes, isAbort, type Logger, raceSignal, StopError, sleep } from '@deskhand/base';
import {
  type ActCommand,
  type Action,
  canonicalKey,
  type FrameGeometry,
  hasSecretReference,
  isErrorCode,
  isInputAction,
  MODIFIER_KEYS,
  type Operation,
  type Outcome,
  type Point,
  ProtocolError,
  pointsOf,
  secretNamesIn,
  type WindowInfo,
  wasDone,
} from '@deskhand/protocol';
import type { SecretVault } from '@deskhand/protocol/secret-vault';
import type { AuditLog } from '../audit/audit-log.ts';
import { displayAt, FrameMemory, layoutIdOf, primaryDisplay } from '../capture/index.ts';
import type { SavedPaths } from '../files/saved-paths.ts';
import { type ConsentQuestion, sameWindow } from '../policy/consent.ts';
import type { PolicyDecision, PolicyQuestion } from '../policy/policy.ts';
import type { Aim, Hands } from '../ports.ts';
import type { LeaseKeeper } from '../safety/lease-keeper.ts';
import { isBound, resolveSecrets } from '../secrets/resolve-secrets.ts';
import type { SecretScreen } from '../secrets/secret-screen.ts';
import type { DesktopSenses } from './desktop-senses.ts';
import { Before, judge, takesFocus } from './evidence.ts';
import { abortedError, outcomeOf, Refused } from './failed-outcome.ts';
import { FrameBook } from './frame-book.ts';
import type { Observer, Sight } from './observe.ts';
import type { ReceiverFacts } from './receiver-facts.ts';
import { useTool } from './use-tool.ts';

export type ActorOptions = Readonly<{
  senses: DesktopSenses;
  hands: Hands;
  frames: FrameBook;
  observer: Observer;
  lease: LeaseKeeper;
  /** Why nothing may be done now (latched, paused, no guard), or undefined. */
  refusal: () => ProtocolError | undefined;
  policy: (question: PolicyQuestion) => PolicyDecision;
  facts: ReceiverFacts;
  /** Whether this run may act here: asked like any other rule. */
  origin: () => { question: ConsentQuestion; decision: PolicyDecision };
  /** Asks the person. Settles true for a yes. @throws when a stop takes the question away. */
  consent: (
    question: ConsentQuestion,
    decision: PolicyDecision,
    options: { ceilingMs: number; signal: AbortSignal },
  ) => Promise<boolean>;
  /** Makes our own panel step aside. @throws ProtocolError POLICY_DENIED when it does not. */
  clearTarget: (point: Point) => Promise<void>;
  onTarget: (point: Point | null) => void;
  /** Shows the person where the pointer goes next, for as long as that is set. Off the screen when it settles. */
  pointOut: (point: Point, signal: AbortSignal) => Promise<void>;
  /** Files the run has named while saving: policy lets it look at them. */
  savedPaths: SavedPaths;
  vault: Pick<SecretVault, 'open'>;
  secretScreen: SecretScreen;
  audit: AuditLog;
  log: Logger;
}>;

/** Adds what `work` takes to the timings of a command. */
type Timed = <T>(part: string, work: Promise<T>) => Promise<T>;

export type ActReply = Readonly<{ outcomes: readonly Outcome[]; sight: Sight | null }>;

/** A person gets this long to answer, and the action this much of its deadline. */
const ASK_CEILING_MS = 60_000;
const ACT_RESERVE_MS = 5000;
const LOOK_CEILING_MS = 15_000;

const KEYBOARD_ACTIONS: ReadonlySet<Action['type']> = new Set(['type_text', 'key_press', 'key_combo']);
/** How often the focus is looked at while keys are pressed. */
const FOCUS_LOOK_MS = 30;

const FOCUS_SETTLES_MS = 300;
const EXPLAIN_CEILING_MS = 1000;

/** Does the operations of one command, each at most once, and looks. One command at a time. */
export class Actor {
  readonly #options: ActorOptions;
  readonly #memory = new FrameMemory();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: ActorOptions) {
    this.#options = options;
  }

  /**
   * @param signal aborts when the lease ends, a person stops or pauses, or the daemon ends.
   * @throws ProtocolError STALE_EPOCH, LEASE_REQUIRED: nothing was done and the sender owns nothing here.
   */
  act(command: ActCommand, signal: AbortSignal): Promise<ActReply> {
    const turn = this.#tail.then(() => this.#act(command, signal));
    this.#tail = turn.catch(() => {});
    return turn;
  }

  async #act(command: ActCommand, stop: AbortSignal): Promise<ActReply> {
    this.#demandLease(command);
    const signal = AbortSignal.any([stop, AbortSignal.timeout(command.deadlineMs)]);
    const outcomes: Outcome[] = [];
    const parts: Record<string, number> = {};
    const timed: Timed = async (part, work) => {
      const startedMs = performance.now();
      try {
        return await work;
      } finally {
        parts[part] = Math.round(((parts[part] ?? 0) + performance.now() - startedMs) * 10) / 10;
      }
    };
    // The deadline was for acting; a look at its result is always worth having.
    const looking = AbortSignal.any([stop, AbortSignal.timeout(command.deadlineMs + LOOK_CEILING_MS)]);
    let seeing: Promise<Sight> | null = null;
    for (const [index, operation] of command.operations.entries()) {
      const next = command.operations[index + 1] ?? null;
      const done = await this.#one(command, operation, next, timed, { signal, looking });
      outcomes.push(done.outcome);
      seeing = done.seeing;
      if (!wasDone(done.outcome)) break;
      if (command.stopAtNoEffect === true && done.outcome.status === 'no_effect') break;
    }
    if (command.observe === null || stop.aborted) return { outcomes, sight: null };
    try {
      seeing ??= this.#options.observer.observe(command.observe, { signal: looking });
      const sight = await seeing;
      const { observation } = sight;
      const timings = { ...parts, ...observation.timings };
      return { outcomes, sight: { ...sight, observation: { ...observation, timings } } };
    } catch (error) {
      // What was done is known and must be told, even if it cannot be seen.
      this.#options.log.warn('no picture after an action', errorAttributes(error));
      return { outcomes, sight: null };
    }
  }

  async #one(
    command: ActCommand,
    operation: Operation,
    next: Operation | null,
    timed: Timed,
    { signal, looking }: { signal: AbortSignal; looking: AbortSignal },
  ): Promise<{ outcome: Outcome; seeing: Promise<Sight> | null }> {
    const { senses, observer, audit, log } = this.#options;
    const startedMs = performance.now();
    const run = this.#options.lease.current?.run?.runId ?? null;
    let receivers: ReadonlyArray<WindowInfo | null> = [];
    let outcome: Outcome;
    let seeing: Promise<Sight> | null = null;
    // Until the input is over. What it may do to the displays then (a press on "Apply") is its effect.
    const { arrangement } = this.#options.frames;
    const aiming = pointsOf(operation).length === 0 ? signal : AbortSignal.any([signal, arrangement]);
    let phase: 'before' | 'input' | 'after' = 'before';
    try {
      const refusal = this.#options.refusal();
      if (refusal !== undefined) throw new Refused(refusal);
      if (signal.aborted) throw new Refused(abortedError(signal));
      const displays = await senses.capture.displays();
      const geometry =
        pointsOf(operation).length === 0 ? null : this.#geometry(command, layoutIdOf(displays));
      const points = pointsOf(operation).map((point) =>
        // pointsOf and geometry agree: points exist, so does their frame.
        FrameBook.toDesktop(geometry as FrameGeometry, point),
      );
      const target = points.at(-1) ?? null;
      const region = ((target === null ? undefined : displayAt(displays, target)) ?? primaryDisplay(displays))
        ?.bounds;
      if (region === undefined) throw new ProtocolError('DISPLAY_UNAVAILABLE', 'No display is connected.');
      this.#options.onTarget(target);
      for (const point of points) await this.#options.clearTarget(point);
      if (target !== null) await timed('point_out', this.#options.pointOut(target, aiming));

      observer.settling.next();
      receivers = await timed('permit', this.#permit(command, operation, points, run, aiming));
      const place = receivers.at(-1) ?? null;
      const parts = { senses, region, memory: this.#memory, receiver: place };
      const facts = Before.ask(parts, target, aiming);
      // For keys that follow, a field's focus is the whole answer to a click into it.
      const typesNext = next !== null && KEYBOARD_ACTIONS.has(next.type as Action['type']);
      const willTell = typesNext ? facts.then(takesFocus, () => false) : Promise.resolve(false);
      const cameFrom = await timed(
        'approach',
        this.#approach(command, operation, points, receivers, willTell, aiming),
      );
      // After the permit and the way there: neither is an effect of the action.
      const before = await timed('evidence', Before.look({ ...parts, cameFrom }, facts, aiming));
      aiming.throwIfAborted();
      observer.settling.begin();
      // Before: a line end in the text may save already.
      if (operation.type === 'type_text' && !hasSecretReference(operation.text))
        this.#options.savedPaths.note(operation.text);
      phase = 'input';
      const done = await timed(
        'input',
        isInputAction(operation)
          ? this.#performInput(command, withPoints(operation, points), receivers, aiming)
          : raceSignal(useTool(operation, senses, signal), signal),
      );
      phase = 'after';
      outcome = { ...done, durationMs: performance.now() - startedMs };
      // Hands only know that they were told to stop; the reason is here.
      if (aiming.aborted && outcome.code === 'ACTION_ABORTED') {
        const { code, message } = abortedError(aiming);
        outcome = { ...outcome, code, message };
      }
      if (wasDone(outcome) && !signal.aborted) {
        const wish = next === null ? command.observe : null;
        const early = wish === null ? null : observer.early(wish, looking);
        const ceilingMs = next === null ? (wish?.settleCeilingMs ?? 3000) : null;
        const settled = await timed(
          next === null ? 'settle' : 'between',
          observer.settling.after(operation.type, { place, target, ceilingMs }, signal, {
            ...(early === null ? {} : { early }),
            ...(operation.type === 'click' && target !== null
              ? { told: () => before.clickedTells(target, signal) }
              : {}),
            ...(typesNext ? { arrived: () => before.focusArrived(signal) } : {}),
          }),
        );
        if (settled !== null) {
          if (wish !== null) {
            seeing = observer.observe(wish, {
              signal: looking,
              settled,
              ...(early === null ? {} : { early }),
            });
            seeing.catch(() => {});
          }
          outcome = judge(
            operation,
            outcome,
            await timed('evidence', before.compare(target, settled, signal)),
          );
        } else early?.stirred();
      }
    } catch (failure) {
      // Nothing was pressed yet, so the displays' change is a refusal.
      const stale = phase === 'before' && aiming.aborted && !signal.aborted;
      const error = stale ? new Refused(abortedError(aiming)) : failure;
      outcome = outcomeOf(error, phase === 'after' ? signal : aiming, performance.now() - startedMs);
      if (!(error instanceof ProtocolError) && !(error instanceof Refused) && !isAbort(error))
        log.error('an operation failed', { operation: operation.type, ...errorAttributes(error) });
    }
    const window = receivers[0] ?? null;
    audit.append({
      kind: 'action',
      run,
      action: operation.type,
      application: window?.application ?? null,
      window: window?.id ?? null,
      outcome: outcome.status,
      code: outcome.code,
    });
    return { outcome, seeing };
  }

  /**
   * Takes the pointer where the action begins and lets what lights up or goes dark under it do so: none of that is
   * what a click did.
   * @param willTell whether a field will say itself that it got the focus, and nothing else is wanted of the click:
   *   then nothing is waited for.
   * @returns where the pointer came from if it was not waited for; null else.
   */
  async #approach(
    command: ActCommand,
    operation: Operation,
    points: readonly Point[],
    receivers: ReadonlyArray<WindowInfo | null>,
    willTell: Promise<boolean>,
    signal: AbortSignal,
  ): Promise<Point | null> {
    const { observer, senses } = this.#options;
    const [point] = points;
    if (point === undefined || operation.type === 'move') return null;
    const from = await senses.capture.pointer();
    if (from !== null && Math.abs(from.x - point.x) < 1 && Math.abs(from.y - point.y) < 1) return null;
    observer.settling.begin();
    const moved = await this.#perform(
      command,
      { type: 'move', point, durationMs: 0 },
      receivers.slice(0, 1),
      signal,
    );
    if (!wasDone(moved)) {
      const { code = 'INPUT_FAILED', message = 'The pointer could not be moved there.', result = {} } = moved;
      throw new Refused(new ProtocolError(isErrorCode(code) ? code : 'INPUT_FAILED', message, result));
    }
    if (operation.type !== 'click' || from === null) {
      await observer.settling.afterApproach(signal);
      return null;
    }
    const enough = new AbortController();
    const rested = observer.settling
      .afterApproach(AbortSignal.any([signal, enough.signal]))
      .then(() => false);
    rested.catch(() => {});
    const told = await Promise.race([rested, willTell.then((will) => (will ? true : rested))]);
    enough.abort(new StopError('told'));
    signal.throwIfAborted();
    return told ? from : null;
  }

  /** Values take the place of placeholders here and nowhere earlier; they go to hands and no further. */
  async #performInput(
    command: ActCommand,
    action: Action,
    receivers: ReadonlyArray<WindowInfo | null>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    if (action.type !== 'type_text' || !hasSecretReference(action.text))
      return this.#perform(command, action, receivers, signal);
    const { facts, vault, secretScreen, audit } = this.#options;
    const names = secretNamesIn(action.text).join(', ');
    const run = this.#options.lease.current?.run?.runId ?? null;
    const window = receivers[0] ?? null;
    const place = window === null ? null : await facts.secretPlace(window, signal);
    const where = place === null ? null : place.ours ? (place.field?.origin ?? null) : place.identity.program;
    try {
      const { text, values } = await resolveSecrets(action.text, place, vault);
      if (place !== null) secretScreen.note(values, place.window, place.field?.bounds ?? null);
      audit.append({ kind: 'secret', run, names, where, verdict: 'typed' });
      return await this.#perform(command, { ...action, text }, receivers, signal, async (now, until) => {
        const current = await facts.secretPlace(now, until);
        for (const name of values.keys()) {
          const { bindings } = await vault.open(name);
          if (current.field?.editable !== true || !isBound(bindings, current))
            throw new StopError(
              'SECRET_NOT_BOUND',
              'The field that the secret was meant for lost the focus.',
            );
        }
      });
    } catch (error) {
      if (error instanceof ProtocolError && error.code.startsWith('SECRET_')) {
        audit.append({ kind: 'secret', run, names, where, verdict: error.code });
        throw new Refused(error);
      }
      throw error;
    }
  }

  /**
   * Hands send nothing that would reach another application's window than the ones decided about. Within that
   * application the focus may go on; while keys are pressed, a window of it that policy denies ends it.
   */
  async #perform(
    command: ActCommand,
    action: Action,
    receivers: ReadonlyArray<WindowInfo | null>,
    signal: AbortSignal,
    stillRight?: (window: WindowInfo, signal: AbortSignal) => Promise<void>,
  ): Promise<Outcome> {
    const { hands, senses, policy, facts, log } = this.#options;
    const fence = { epoch: command.epoch, leaseId: command.leaseId };
    const aim = await this.#aim(action, receivers);
    if (!KEYBOARD_ACTIONS.has(action.type))
      return this.#explained(action, await hands.perform(action, fence, { signal, aim }));
    const denied = new AbortController();
    const finished = new AbortController();
    const watch = async () => {
      let last = receivers[0]?.id ?? null;
      while (!finished.signal.aborted) {
        await sleep(FOCUS_LOOK_MS, { signal: finished.signal });
        const window = await senses.windows.activeWindow();
        if (stillRight !== undefined && window !== null) {
          await stillRight(window, finished.signal).catch((error: unknown) => {
            if (error instanceof StopError) denied.abort(error);
            else throw error;
          });
        }
        if ((window?.id ?? null) === last) continue;
        last = window?.id ?? null;
        const { verdict, rule } = policy(await facts.question(action, window, finished.signal));
        if (verdict !== 'allow')
          denied.abort(new StopError('POLICY_DENIED', `${rule}: the focus went to a window that is denied.`));
      }
    };
    watch().catch((error) => {
      if (finished.signal.aborted) return;
      log.warn('the focus cannot be watched', errorAttributes(error));
      denied.abort(new StopError('POLICY_DENIED', 'focus_unknown: the window with the focus is not known.'));
    });
    try {
      const outcome = await hands.perform(action, fence, {
        signal: AbortSignal.any([signal, denied.signal]),
        aim,
        // No detour by the clipboard: its history would keep the value.
        keysOnly: stillRight !== undefined,
      });
      if (!denied.signal.aborted || wasDone(outcome) || signal.aborted)
        return this.#explained(action, outcome);
      const { code, message } = abortedError(denied.signal);
      return { ...outcome, code, message };
    } finally {
      finished.abort(new StopError('done'));
    }
  }

  /** What hands must hit, by the windows that were decided about. */
  async #aim(action: Action, receivers: ReadonlyArray<WindowInfo | null>): Promise<Aim | null> {
    const idOf = (index: number) => receivers[index]?.id ?? null;
    switch (action.type) {
      case 'wait':
        return null;
      case 'type_text':
      case 'key_press':
      case 'key_combo':
        return { keys: idOf(0), points: [] };
      case 'scroll': {
        const point = action.point ?? (await this.#options.senses.capture.pointer());
        return { points: point === null ? [] : [{ point, windowId: idOf(0) }] };
      }
      default:
        return { points: pointsOf(action).map((point, index) => ({ point, windowId: idOf(index) })) };
    }
  }

  /** A stranger that policy denies is named; one that is gone again, or allowed, is for the engine to look at. */
  async #explained(action: Action, outcome: Outcome): Promise<Outcome> {
    if (outcome.code !== 'RECEIVER_CHANGED') return outcome;
    const { senses, policy, facts } = this.#options;
    const signal = AbortSignal.timeout(EXPLAIN_CEILING_MS);
    for (const window of await this.#receivers(action, pointsOf(action), senses).catch(() => [])) {
      const { verdict, rule, reason } = policy(await facts.question(action, window, signal));
      if (verdict === 'deny')
        return { ...outcome, code: 'POLICY_DENIED', message: `${rule}: ${reason}`, result: { rule } };
    }
    return outcome;
  }

  #demandLease(command: ActCommand): void {
    const { lease } = this.#options;
    if (command.epoch < lease.highestEpoch)
      throw new ProtocolError('STALE_EPOCH', 'A newer owner drives this machine.');
    const held = lease.current;
    if (held === undefined || held.leaseId !== command.leaseId || held.epoch !== command.epoch)
      throw new ProtocolError('LEASE_REQUIRED', 'This command has no live lease on this machine.');
  }

  #geometry(command: ActCommand, layoutId: string): FrameGeometry {
    return this.#options.frames.find(command.frameId, layoutId);
  }

  /** Asked last, right before the input, about the window that will really receive it. */
  async #permit(
    command: ActCommand,
    operation: Operation,
    points: readonly Point[],
    run: string | null,
    signal: AbortSignal,
  ): Promise<ReadonlyArray<WindowInfo | null>> {
    const { senses, policy, facts, origin } = this.#options;
    const ask = { command, run, signal };
    const { question: whose, decision } = origin();
    await this.#decideOne(whose, decision, ask);
    const windows = await this.#receivers(operation, points, senses);
    for (const window of windows) {
      const question = await facts.question(operation, window, signal);
      const asked = await this.#decideOne(question, policy(question), ask);
      if (asked) await this.#demandUnchanged(operation, points, windows);
    }
    return windows;
  }

  /** @returns whether the person was asked. @throws Refused */
  async #decideOne(
    question: ConsentQuestion,
    decision: PolicyDecision,
    { command, run, signal }: { command: ActCommand; run: string | null; signal: AbortSignal },
  ): Promise<boolean> {
    const { audit, consent } = this.#options;
    const { verdict, rule, reason } = decision;
    if (verdict === 'allow') return false;
    audit.append({ kind: 'policy', run, action: question.operation.type, verdict, rule });
    const ceilingMs = Math.min(ASK_CEILING_MS, Math.max(1000, command.deadlineMs - ACT_RESERVE_MS));
    if (verdict === 'ask' && (await consent(question, decision, { ceilingMs, signal }))) return true;
    const said = verdict === 'ask' ? `${rule}: the person did not allow it.` : `${rule}: ${reason}`;
    throw new Refused(new ProtocolError('POLICY_DENIED', said, { rule }));
  }

  /** Whoever answered in the panel may have left the focus there, and the desktop went on meanwhile. */
  async #demandUnchanged(
    operation: Operation,
    points: readonly Point[],
    asked: ReadonlyArray<WindowInfo | null>,
  ): Promise<void> {
    const { senses } = this.#options;
    const [first] = asked;
    if (KEYBOARD_ACTIONS.has(operation.type as Action['type']) && first != null)
      await senses.windows.focus(first.id).catch(() => {});
    for (const point of points) await this.#options.clearTarget(point);
    const now = await this.#receivers(operation, points, senses);
    if (now.length === asked.length && now.every((window, index) => sameWindow(window, asked[index] ?? null)))
      return;
    throw new Refused(
      new ProtocolError(
        'POLICY_DENIED',
        'changed: another window is there than the one that was asked about.',
        {
          rule: 'changed',
        },
      ),
    );
  }

  async #receivers(
    operation: Operation,
    points: readonly Point[],
    senses: DesktopSenses,
  ): Promise<Array<WindowInfo | null>> {
    switch (operation.type) {
      case 'click':
      case 'move':
      case 'drag':
      case 'scroll': {
        const pointer = points.length > 0 ? null : await senses.capture.pointer();
        const places = pointer === null ? points : [pointer];
        const below = await Promise.all(places.map((place) => senses.windows.windowAt(place)));
        if (places.length === 0) below.push(null);
        // Keys that are held meanwhile go where the focus is; only Ctrl, Shift and their like say nothing there.
        const keys = 'modifiers' in operation ? operation.modifiers : [];
        const types = keys.some((key) => !MODIFIER_KEYS.has(canonicalKey(key) ?? key));
        return types ? [...below, await senses.windows.activeWindow()] : below;
      }
      case 'close_window':
      case 'focus_window':
      case 'type_text':
      case 'key_press':
      case 'key_combo':
        return [await focusedSoon(senses)];
      default:
        return [null];
    }
  }
}

/** A window manager that hands the focus on holds it itself for a moment: that is nobody's decision to type nowhere. */
async function focusedSoon({ windows }: DesktopSenses): Promise<WindowInfo | null> {
  const giveUpMs = performance.now() + FOCUS_SETTLES_MS;
  for (;;) {
    const active = await windows.activeWindow();
    if (active !== null || performance.now() > giveUpMs) return active;
    await sleep(FOCUS_LOOK_MS);
  }
}

/** The same action in desktop space. */
function withPoints(action: Action, points: readonly Point[]): Action {
  const [first, second] = points;
  switch (action.type) {
    case 'click':
    case 'move':
    case 'scroll':
      return first === undefined ? action : { ...action, point: first };
    case 'drag':
      return first === undefined || second === undefined ? action : { ...action, from: first, to: second };
    default:
      return action;
  }
}
