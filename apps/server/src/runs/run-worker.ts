import type { Clock, Engine, OwnKey, TaskBrief, Verifier } from '@deskhand/agent';
import { describeOperation } from '@deskhand/agent/describe-operation';
import { nameTargets } from '@deskhand/agent/name-targets';
import { runTask } from '@deskhand/agent/run-loop';
import { errorAttributes, type Logger, raceSignal, reasonFrom, StopError } from '@deskhand/base';
import {
  type DesktopEvent,
  isTerminal,
  isVerified,
  mintCommandId,
  type PersonCommand,
  ProtocolError,
  type RunChange,
  RunId,
} from '@deskhand/protocol';
import type { Lease, LeaseBook } from '../machines/lease-book.ts';
import type { LinkConnection } from '../machines/link-connection.ts';
import type { HubListener, MachineHub } from '../machines/machine-hub.ts';
import type { MachineService } from '../machines/machine-service.ts';
import { arrivalWithin, RemoteMachine } from '../machines/remote-machine.ts';
import type { Job, Queue, Stop } from '../seams/queue.ts';
import type { Database } from '../storage/database.ts';
import type { FrameStore } from './frame-store.ts';
import { decideRecovery } from './recover-runs.ts';
import { rehearsalFor } from './rehearsal.ts';
import { changeFor, changeOf, stoppedByUser } from './run-end.ts';
import { FencedJournal, type RunDesk } from './run-journal.ts';
import { actionPolicyOf, type RunRow } from './run-record.ts';
import { FencedError, RUNS_QUEUE, type RunClaim, type RunService } from './run-service.ts';

/** Runs driven here at once; a run that waits for its machine counts. */
const AT_ONCE = 2000;

/** The minds a run can be given; one engine per run, since it holds the run's conversation. */
export interface Minds {
  engineFor(run: RunModel): Promise<Engine>;
  verifierFor(run: RunModel): Promise<Verifier>;
}

/** What a run says about its model: its name, or an endpoint and key of the caller's own. */
export type RunModel = Readonly<{ model: string | null; ownKey: OwnKey | null }>;

type Parts = {
  database: Database;
  queue: Queue;
  runs: RunService;
  frames: FrameStore;
  hub: MachineHub;
  leases: LeaseBook;
  machines: MachineService;
  minds: Minds;
  clock: Clock;
  log: Logger;
  limits: { linkGraceMs: number; recoveryGraceMs: number; maxClaims: number; maxRepeats: number };
  /** Starts the virtual desktop of a test machine when it is needed; nothing for others. */
  wakeMachine: (machineId: string) => void;
};

/** A run that is driven here now. */
type Driven = {
  runId: string;
  machineId: string;
  epoch: number;
  controller: AbortController;
  row: RunRow;
  lease: Lease | null;
  remote: RemoteMachine | null;
  /** Woken by every change of the run's state. */
  wake: Set<() => void>;
  /** The run awaits because a person has the desktop, not because it asked something. */
  takenOver: boolean;
  costCents: number;
  /** Texts of this run, so that no name on the screen repeats one; null when an earlier claim typed some. */
  typed: Set<string> | null;
};

/**
 * Takes runs from the queue, one per machine at a time, and drives each with the agent's loop. Everything that
 * must stop a run (cancel, deadline, kill switch, lost link, shutdown) aborts its one signal; the first reason wins.
 */
export class RunWorker implements HubListener, AsyncDisposable {
  readonly #parts: Parts;
  readonly #driven = new Map<string, Driven>();
  /** Ends that could not be stored (full disk): stored before the run is touched again. */
  readonly #owed = new Map<string, RunChange>();
  #stop: Stop | undefined;
  #stopListening: Array<() => void> = [];
  #closing = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    const { queue, runs, hub } = this.#parts;
    this.#stopListening = [runs.onChange((row) => this.#onChange(row)), hub.listen(this)];
    this.#stop = queue.consume(RUNS_QUEUE, AT_ONCE, (job) => this.#handle(job));
  }

  /**
   * Cancels a run. Nothing is sent to its machine after this settles, whether or not the end could be stored:
   * a full disk must not keep hands moving.
   * @throws ProtocolError RUN_NOT_FOUND, INVALID_STATE, DB_UNAVAILABLE
   */
  async cancel(runId: string): Promise<RunRow> {
    try {
      return await this.#parts.runs.change(runId, { type: 'stopped', reason: 'cancelled' });
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'DB_UNAVAILABLE')
        this.#driven.get(runId)?.controller.abort(new StopError('cancelled', 'Cancelled over the API.'));
      throw error;
    }
  }

  /**
   * Answers a run that awaits a human.
   * @throws ProtocolError NOT_AWAITING_HUMAN, RESUME_CONFLICT, INVALID_STATE while a person has the desktop
   */
  async resume(row: RunRow, note: string | null): Promise<RunRow> {
    const control = this.#parts.hub.connection(row.machine_id)?.control;
    if (row.status === 'awaiting_human' && control === 'paused')
      throw new ProtocolError(
        'INVALID_STATE',
        'A person has control of this desktop and hands it back there: with Resume in the panel, or deskhand resume.',
        { current_state: row.status, allowed_from: ['awaiting_human'], control },
      );
    return this.#parts.runs.change(row.id, { type: 'resumed', note });
  }

  /** Remote control of a machine was suspended: its current run ends, the queued ones wait. */
  stopMachine(machineId: string): void {
    this.#onMachine(machineId)?.controller.abort(
      new StopError('stopped_by_user', 'Remote control of this machine was suspended over the API.'),
    );
  }

  /** A machine is gone for good: all its open runs are cancelled with MACHINE_REMOVED. */
  async abandonMachine(machineId: string): Promise<void> {
    this.#onMachine(machineId)?.controller.abort(
      new StopError('machine_removed', 'The machine was unregistered, over the API or when its time was up.'),
    );
    const open = await this.#parts.database.read
      .selectFrom('runs')
      .select('id')
      .where('machine_id', '=', machineId)
      .where('finished_at', 'is', null)
      .execute();
    for (const { id } of open) await this.#end(id, { type: 'stopped', reason: 'machine_removed' });
  }

  /** Settles when the run is no longer driven here and its lease is given back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    for (const driven of this.#driven.values())
      driven.controller.abort(new StopError('shutdown', 'The server stops.'));
    await this.#stop?.();
    for (const stop of this.#stopListening) stop();
  }

  // ---- one job -------------------------------------------------------------------------------------

  async #handle(job: Job): Promise<void> {
    const runId = String(job.data.runId);
    const log = this.#parts.log.child({ runId });
    const row = await this.#row(runId);
    const owed = this.#owed.get(runId);
    if (owed !== undefined) {
      await this.#end(runId, owed);
      this.#owed.delete(runId);
      return;
    }
    if (row === undefined || isTerminal(row.status)) return;
    const recovery = decideRecovery(row, this.#parts.clock.now(), this.#parts.limits.maxClaims);
    if (recovery.type === 'end') {
      const { reason, message } = recovery;
      await this.#end(runId, { type: 'stopped', reason, ...(message === undefined ? {} : { message }) });
      return;
    }
    const driven: Driven = {
      runId,
      machineId: row.machine_id,
      epoch: row.epoch,
      controller: new AbortController(),
      row,
      lease: null,
      remote: null,
      wake: new Set(),
      takenOver: false,
      costCents: row.cost_cents,
      typed: row.epoch > 1 ? null : new Set(),
    };
    if (this.#closing) driven.controller.abort(new StopError('shutdown', 'The server stops.'));
    const onStop = () => driven.controller.abort(new StopError('shutdown', 'The server stops.'));
    job.signal.addEventListener('abort', onStop, { once: true });
    this.#driven.set(runId, driven);
    // Between the first look and now somebody may have ended it.
    const fresh = await this.#row(runId);
    if (fresh !== undefined) this.#onChange(fresh);
    try {
      await this.#drive(driven, recovery.type === 'continue', log);
    } finally {
      job.signal.removeEventListener('abort', onStop);
      this.#driven.delete(runId);
    }
  }

  async #drive(driven: Driven, recovered: boolean, log: Logger): Promise<void> {
    const { signal } = driven.controller;
    let claimed = false;
    try {
      if (recovered) await this.#awaitReturn(driven);
      else await this.#awaitMachine(driven);
      const claim = await this.#parts.runs.claim(driven.runId);
      if (claim === null) return;
      claimed = true;
      driven.epoch = claim.epoch;
      driven.row = claim.row;
      const change = await this.#perform(driven, claim, log);
      await this.#finish(driven, change);
    } catch (error) {
      if (error instanceof FencedError && !signal.aborted) {
        log.info('run taken over or ended elsewhere');
        return;
      }
      const change = changeFor(error, signal);
      if (change === null) {
        if (claimed && reasonFrom(signal.reason) === 'shutdown')
          await this.#parts.runs.release(driven.runId, driven.epoch);
        return;
      }
      if (change.type === 'finished' && change.code === 'INTERNAL_ERROR')
        log.error('a run ended by a fault of this server', errorAttributes(error));
      await this.#finish(driven, change);
    }
  }

  /** A queued run starts when its desktop is connected, armed and in nobody's hands. */
  async #awaitMachine(driven: Driven): Promise<void> {
    const { hub, machines } = this.#parts;
    const { machineId } = driven;
    const { signal } = driven.controller;
    this.#parts.wakeMachine(machineId);
    for (;;) {
      signal.throwIfAborted();
      const connection = hub.connection(machineId);
      const ready =
        connection?.isOpen === true && connection.control === 'armed' && connection.hotkeyProblem === null;
      if (ready && !connection.latch.tripped) {
        const row = await machines.row(machineId);
        if (row !== undefined && row.suspended === 0 && row.latched === 0 && row.removed_at === null) return;
      }
      await new Promise<void>((resolve, reject) => {
        const stop = machines.onAvailability((id) => {
          if (id === machineId) done();
        });
        const onAbort = () => {
          stop();
          reject(signal.reason as Error);
        };
        const done = () => {
          stop();
          signal.removeEventListener('abort', onAbort);
          resolve();
        };
        signal.addEventListener('abort', onAbort, { once: true });
      });
    }
  }

  /** After a restart: its desktop has a while to come back, and must still be allowed to act. */
  async #awaitReturn(driven: Driven): Promise<void> {
    const { hub, limits } = this.#parts;
    this.#parts.wakeMachine(driven.machineId);
    let connection: LinkConnection;
    try {
      connection = await arrivalWithin(
        hub,
        driven.machineId,
        limits.recoveryGraceMs,
        driven.controller.signal,
      );
    } catch (error) {
      if (reasonFrom(error) !== 'link_lost') throw error;
      throw new StopError('interrupted', 'The server restarted and the machine did not come back to it.', {
        cause: error,
      });
    }
    if (connection.latch.tripped) throw stoppedByUser(connection.latch);
  }

  async #perform(driven: Driven, claim: RunClaim, log: Logger): Promise<RunChange> {
    const { hub, leases, runs, frames, clock, limits } = this.#parts;
    const { row } = claim;
    const minds = (row.mode === 'test' ? rehearsalFor(row.task) : null) ?? this.#parts.minds;
    const { signal } = driven.controller;
    const model: RunModel = { model: row.model, ownKey: runs.modelKeys.open(row) };
    const engine = await minds.engineFor(model);
    await runs.setEngine(row.id, claim.epoch, engine.name);
    const runId = RunId.parse(row.id);
    const lease = leases.grant(row.machine_id, claim.epoch, {
      runId,
      task: row.task,
      requestedBy: row.requested_by,
      maxSteps: row.max_steps,
      deadlineAt: row.deadline_at,
      engine: engine.name,
    });
    const remote = new RemoteMachine({
      hub,
      leases,
      machineId: row.machine_id,
      lease,
      graceMs: limits.linkGraceMs,
    });
    driven.lease = lease;
    driven.remote = remote;
    // The desktop hears of a stop at once, not when engine and loop have wound down.
    const onAbort = () => void leases.release(lease, stopWord(driven));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const desk = this.#desk(driven, log);
      const journal = new FencedJournal({ runs, frames, desk, runId: row.id, epoch: claim.epoch, signal });
      const connection = hub.connection(row.machine_id);
      if (connection?.control === 'paused')
        await this.#personActs(driven, 'A person has control of the desktop.');
      desk.narrate({ step: row.steps_completed });
      const startNote = claim.first ? null : await this.#resumeWhereItStood(driven, claim, remote, journal);
      const after = claim.first ? row : ((await this.#row(row.id)) ?? row);
      const brief: TaskBrief = {
        runId: row.id,
        task: row.task,
        instructions: noteAsInstruction(row.instructions, startNote),
        systemPrompt: row.system_prompt,
        cuaVersion: row.cua_version,
        maxSteps: row.max_steps,
      };
      const outcome = await runTask({
        brief,
        machine: remote,
        engine,
        verifier: isVerified(row.cua_version) ? await minds.verifierFor(model) : null,
        journal,
        clock,
        limits: {
          maxSteps: row.max_steps,
          deadlineAt: row.deadline_at === null ? null : Date.parse(row.deadline_at),
          budgetCents: row.budget_cents,
          stepCents: row.step_cents,
          onAwaitingHuman: row.on_awaiting_human,
          maxRepeats: limits.maxRepeats,
        },
        policy: actionPolicyOf(row),
        signal,
        newCommandId: mintCommandId,
        log,
        ...(claim.first
          ? {}
          : {
              resume: {
                stepsCompleted: after.steps_completed,
                costCents: after.cost_cents,
                history: await runs.actions.history(row.id),
              },
            }),
      });
      return changeOf(outcome);
    } finally {
      signal.removeEventListener('abort', onAbort);
      driven.remote = null;
      await leases.release(lease, stopWord(driven));
    }
  }

  /**
   * Brings a run that a dead server drove back to a clean edge: an unanswered command is sent again under its id
   * (its daemon answers a repeat from its cache), its step is closed; a question is waited for.
   * @returns the note of a person who answered meanwhile.
   */
  async #resumeWhereItStood(
    driven: Driven,
    claim: RunClaim,
    remote: RemoteMachine,
    journal: FencedJournal,
  ): Promise<string | null> {
    const { runs } = this.#parts;
    const { signal } = driven.controller;
    const pending = await runs.actions.pending(claim.row.id);
    if (pending !== null) {
      const { outcomes } = await raceSignal(
        remote.send(
          { ...pending, commandId: mintOrSame(pending.commandId), observe: { frame: null, settle: false } },
          { signal, bootId: pending.bootId },
        ),
        signal,
      );
      await journal.actionFinished(pending.step, mintOrSame(pending.commandId), pending.operations, outcomes);
      await journal.stepCompleted(pending.step, null, {});
    }
    // Answered, but the server died before its step was closed: its number must not be given to the next one.
    const open = pending === null ? await runs.actions.unclosedStep(claim.row) : null;
    if (open !== null) await journal.stepCompleted(open, null, {});
    if (claim.row.status !== 'awaiting_human') return null;
    const { note } = await this.#whenRunning(driven, { signal });
    return note;
  }

  /** Stores how it ended; when a person has the desktop at that moment, after they hand it back. */
  async #finish(driven: Driven, change: RunChange): Promise<void> {
    const { signal } = driven.controller;
    for (;;) {
      try {
        await this.#parts.runs.change(driven.runId, change, { epoch: driven.epoch });
        return;
      } catch (error) {
        // Ended from outside, or claimed by somebody newer: theirs is the truth.
        if (error instanceof FencedError) return;
        if (error instanceof ProtocolError && error.code === 'DB_UNAVAILABLE')
          this.#owed.set(driven.runId, change);
        if (!(error instanceof ProtocolError) || error.code !== 'INVALID_STATE') throw error;
        if (change.type !== 'finished' || this.#driven.get(driven.runId)?.row.status !== 'awaiting_human')
          return;
        try {
          await this.#whenRunning(driven, { signal });
        } catch {
          const reason = changeFor(signal.reason, signal);
          if (reason === null) return;
          change = reason;
        }
      }
    }
  }

  async #end(runId: string, change: RunChange): Promise<void> {
    try {
      await this.#parts.runs.change(runId, change);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code === 'DB_UNAVAILABLE') throw error;
    }
  }

  // ---- what happens around it ------------------------------------------------------------------------

  #desk(driven: Driven, log: Logger): RunDesk {
    const { hub } = this.#parts;
    return {
      bootId: () => hub.connection(driven.machineId)?.bootId ?? null,
      status: () => driven.row.status,
      running: (options) => this.#whenRunning(driven, options),
      needHuman: async (reason) => {
        if (driven.row.status === 'awaiting_human') return;
        // The takeover it would wait for is over already.
        if (driven.remote?.takeRefusalForTakeover()) return;
        driven.row = await this.#parts.runs.change(
          driven.runId,
          { type: 'needs_human', reason: reason.slice(0, 2000) },
          { epoch: driven.epoch, only: 'running' },
        );
      },
      narrate: ({ step, thought, action, outcome, costCents }) => {
        if (costCents !== undefined) driven.costCents = costCents;
        try {
          hub.connection(driven.machineId)?.send({
            type: 'narrate',
            runId: RunId.parse(driven.runId),
            status: driven.row.status,
            step,
            maxSteps: driven.row.max_steps,
            costCents: driven.costCents,
            ...(thought === undefined
              ? {}
              : { thought: this.#parts.runs.modelKeys.blotOut(driven.runId, thought).slice(0, 4000) }),
            ...(action === undefined ? {} : { action: action.slice(0, 500) }),
            ...(outcome === undefined ? {} : { outcome: outcome.status }),
            ...(driven.row.awaiting_human_reason === null
              ? {}
              : { awaitingReason: driven.row.awaiting_human_reason.slice(0, 2000) }),
          });
        } catch (error) {
          log.debug('the panel could not be told', errorAttributes(error));
        }
      },
      describe: (operations, frameId) => {
        const seen = driven.remote?.seen ?? null;
        for (const operation of operations)
          if (operation.type === 'type_text') driven.typed?.add(operation.text);
        const isCurrent = frameId === null || seen?.frame?.geometry.frameId === frameId;
        const targets = nameTargets(operations, isCurrent ? seen : null, driven.typed ?? undefined);
        return operations.map((operation, index) => {
          const { name = null, application = null } = targets[index] ?? {};
          return describeOperation(operation, { name: driven.typed === null ? null : name, application });
        });
      },
      stop: (reason) => driven.controller.abort(reason),
    };
  }

  #narrateStatus(driven: Driven): void {
    this.#desk(driven, this.#parts.log).narrate({ step: driven.row.steps_completed });
  }

  /** Resolves when the run is `running`, with the note it was resumed with. */
  async #whenRunning(driven: Driven, { signal }: { signal: AbortSignal }): Promise<{ note: string | null }> {
    while (driven.row.status !== 'running') {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const done = () => {
          driven.wake.delete(done);
          signal.removeEventListener('abort', onAbort);
          resolve();
        };
        const onAbort = () => {
          driven.wake.delete(done);
          reject(signal.reason as Error);
        };
        driven.wake.add(done);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    }
    return { note: await this.#lastNote(driven.runId) };
  }

  /** Every committed change of a run, wherever it came from. */
  #onChange(row: RunRow): void {
    const driven = this.#driven.get(row.id);
    if (driven === undefined) return;
    const before = driven.row.status;
    driven.row = row;
    if (isTerminal(row.status)) driven.controller.abort(new StopError('ended', `The run is ${row.status}.`));
    else if (before === 'awaiting_human' && row.status === 'running') {
      driven.takenOver = false;
      driven.remote?.resume();
    }
    if (before !== row.status && driven.lease !== null) this.#narrateStatus(driven);
    for (const wake of [...driven.wake]) wake();
  }

  #onMachine(machineId: string): Driven | undefined {
    for (const driven of this.#driven.values())
      if (driven.machineId === machineId && driven.lease !== null) return driven;
    return undefined;
  }

  async connecting(): Promise<void> {}

  connected(connection: LinkConnection): void {
    const driven = this.#onMachine(connection.machineId);
    if (driven === undefined) return;
    if (connection.latch.tripped) driven.controller.abort(stoppedByUser(connection.latch));
    else if (connection.control === 'paused')
      void this.#personActs(driven, 'A person has control of the desktop.');
  }

  disconnected(connection: LinkConnection): void {
    const driven = this.#onMachine(connection.machineId);
    if (driven === undefined) return;
    // Also while the engine thinks or a person is asked: a desktop that stays away ends its run.
    const { hub, limits } = this.#parts;
    arrivalWithin(hub, connection.machineId, limits.linkGraceMs, driven.controller.signal).catch((error) => {
      driven.controller.abort(error);
    });
  }

  desktopEvent(connection: LinkConnection, event: DesktopEvent): void {
    const driven = this.#onMachine(connection.machineId);
    if (driven === undefined) return;
    switch (event.event) {
      case 'stopped':
        driven.controller.abort(stoppedByUser(event.latch));
        return;
      case 'paused':
      case 'person_took_over':
        void this.#personActs(driven, event.reason ?? 'A person has control of the desktop.');
        return;
      case 'resumed':
        if (event.control !== 'armed') return;
        driven.remote?.resume();
        // A question asked before the takeover still wants its answer.
        if (driven.takenOver) void this.#personHandsBack(driven, null);
        return;
      default:
        if (event.latch.tripped) driven.controller.abort(stoppedByUser(event.latch));
    }
  }

  personCommand(connection: LinkConnection, command: PersonCommand): void {
    const driven = this.#onMachine(connection.machineId);
    // A desktop speaks only about the run that drives it now.
    if (driven === undefined || driven.runId !== command.runId) return;
    switch (command.command) {
      case 'cancel':
      case 'deny':
        void this.#end(driven.runId, { type: 'stopped', reason: 'cancelled' }).catch(() =>
          driven.controller.abort(new StopError('cancelled')),
        );
        return;
      case 'resume':
      case 'approve':
        void this.#personHandsBack(driven, command.note ?? null);
        return;
    }
  }

  /** A person took the desktop: the run waits for them, or ends where it may not wait. */
  async #personActs(driven: Driven, reason: string): Promise<void> {
    driven.remote?.pause();
    const { on_awaiting_human: how } = driven.row;
    try {
      if (how === 'fail') driven.controller.abort(new StopError('human_needed', reason));
      else if (how === 'cancel') driven.controller.abort(new StopError('human_unwanted', reason));
      else if (driven.row.status === 'running') {
        driven.takenOver = true;
        driven.row = await this.#parts.runs.change(
          driven.runId,
          { type: 'needs_human', reason },
          { epoch: driven.epoch, only: 'running' },
        );
      }
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof FencedError)) throw error;
      this.#parts.log.debug('takeover of a run that is not running', {
        runId: driven.runId,
        ...errorAttributes(error),
      });
    }
  }

  async #personHandsBack(driven: Driven, note: string | null): Promise<void> {
    try {
      await this.#parts.runs.change(driven.runId, { type: 'resumed', note }, { only: 'awaiting_human' });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  async #lastNote(runId: string): Promise<string | null> {
    const row = await this.#parts.database.read
      .selectFrom('run_events')
      .select('event')
      .where('run_id', '=', runId)
      .where('type', '=', 'resumed')
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? null : ((JSON.parse(row.event) as { note: string | null }).note ?? null);
  }

  async #row(runId: string): Promise<RunRow | undefined> {
    return this.#parts.database.read
      .selectFrom('runs')
      .selectAll()
      .where('id', '=', runId)
      .executeTakeFirst();
  }
}

/** For the desktop: why its lease ends. */
function stopWord({ controller: { signal }, row }: Driven): string {
  if (!signal.aborted) return 'finished';
  const reason = reasonFrom(signal.reason) ?? 'stopped';
  return reason === 'ended' ? row.status : reason;
}

/** A person's answer to a question asked before the restart reaches the new conversation as an instruction. */
function noteAsInstruction(instructions: string | null, note: string | null): string | null {
  if (note === null || note === '') return instructions;
  return [instructions, `A person answered: ${note}`].filter((part) => part !== null).join('\n');
}

function mintOrSame(commandId: string): ReturnType<typeof mintCommandId> {
  return commandId as ReturnType<typeof mintCommandId>;
}
