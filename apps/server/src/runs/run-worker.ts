import type { Clock, TaskBrief } from '@deskhand/agent';
import { runTask } from '@deskhand/agent/run-loop';
import { errorAttributes, type Logger, raceSignal, reasonFrom, StopError } from '@deskhand/base';
import {
  type CommandId,
  type DesktopEvent,
  isTerminal,
  isVerified,
  mintCommandId,
  type PersonCommand,
  ProtocolError,
  type RunChange,
  RunId,
} from '@deskhand/protocol';
import type { LeaseBook } from '../machines/lease-book.ts';
import type { LinkConnection } from '../machines/link-connection.ts';
import type { HubListener, MachineHub } from '../machines/machine-hub.ts';
import type { MachineService } from '../machines/machine-service.ts';
import { arrivalWithin, RemoteMachine } from '../machines/remote-machine.ts';
import type { Job, Queue, Stop } from '../seams/queue.ts';
import type { Database } from '../storage/database.ts';
import { DrivenRun } from './driven-run.ts';
import type { FrameStore } from './frame-store.ts';
import type { Minds, RunModel } from './minds.ts';
import { decideRecovery } from './recover-runs.ts';
import { rehearsalFor } from './rehearsal.ts';
import { changeFor, changeOf, stoppedByUser } from './run-end.ts';
import { FencedJournal } from './run-journal.ts';
import { actionPolicyOf, type RunRow } from './run-record.ts';
import { FencedError, RUNS_QUEUE, type RunClaim, type RunService } from './run-service.ts';

/** Runs driven here at once; a run that waits for its machine counts. */
const AT_ONCE = 2000;

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

/**
 * Takes runs from the queue, one per machine at a time, and drives each with the agent's loop. Everything that
 * must stop a run (cancel, deadline, kill switch, lost link, shutdown) aborts its one signal; the first reason wins.
 */
export class RunWorker implements HubListener, AsyncDisposable {
  readonly #parts: Parts;
  readonly #driven = new Map<string, DrivenRun>();
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
    this.#stopListening = [runs.onChange((row) => this.#driven.get(row.id)?.changed(row)), hub.listen(this)];
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
        this.#driven.get(runId)?.abort(new StopError('cancelled', 'Cancelled over the API.'));
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
    this.#onMachine(machineId)?.abort(
      new StopError('stopped_by_user', 'Remote control of this machine was suspended over the API.'),
    );
  }

  /** A machine is gone for good: all its open runs are cancelled with MACHINE_REMOVED. */
  async abandonMachine(machineId: string): Promise<void> {
    this.#onMachine(machineId)?.abort(
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
    for (const driven of this.#driven.values()) driven.abort(new StopError('shutdown', 'The server stops.'));
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
    const driven = new DrivenRun(row, this.#parts);
    if (this.#closing) driven.abort(new StopError('shutdown', 'The server stops.'));
    const onStop = () => driven.abort(new StopError('shutdown', 'The server stops.'));
    job.signal.addEventListener('abort', onStop, { once: true });
    this.#driven.set(runId, driven);
    // Between the first look and now somebody may have ended it.
    const fresh = await this.#row(runId);
    if (fresh !== undefined) driven.changed(fresh);
    try {
      await this.#drive(driven, recovery.type === 'continue', log);
    } finally {
      job.signal.removeEventListener('abort', onStop);
      this.#driven.delete(runId);
    }
  }

  async #drive(driven: DrivenRun, recovered: boolean, log: Logger): Promise<void> {
    const { signal } = driven;
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
  async #awaitMachine(driven: DrivenRun): Promise<void> {
    const { hub, machines } = this.#parts;
    const { machineId } = driven;
    const { signal } = driven;
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
  async #awaitReturn(driven: DrivenRun): Promise<void> {
    const { hub, limits } = this.#parts;
    this.#parts.wakeMachine(driven.machineId);
    let connection: LinkConnection;
    try {
      connection = await arrivalWithin(hub, driven.machineId, limits.recoveryGraceMs, driven.signal);
    } catch (error) {
      if (reasonFrom(error) !== 'link_lost') throw error;
      throw new StopError('interrupted', 'The server restarted and the machine did not come back to it.', {
        cause: error,
      });
    }
    if (connection.latch.tripped) throw stoppedByUser(connection.latch);
  }

  async #perform(driven: DrivenRun, claim: RunClaim, log: Logger): Promise<RunChange> {
    const { hub, leases, runs, frames, clock, limits } = this.#parts;
    const { row } = claim;
    const minds = (row.mode === 'test' ? rehearsalFor(row.task) : null) ?? this.#parts.minds;
    const { signal } = driven;
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
    const onAbort = () => void leases.release(lease, driven.leaseEnd);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const journal = new FencedJournal({
        runs,
        frames,
        desk: driven,
        runId: row.id,
        epoch: claim.epoch,
        signal,
      });
      const connection = hub.connection(row.machine_id);
      if (connection?.control === 'paused') await driven.personActs('A person has control of the desktop.');
      driven.narrateStatus();
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
      await leases.release(lease, driven.leaseEnd);
    }
  }

  /**
   * Brings a run that a dead server drove back to a clean edge: an unanswered command is sent again under its id
   * (its daemon answers a repeat from its cache), its step is closed; a question is waited for.
   * @returns the note of a person who answered meanwhile.
   */
  async #resumeWhereItStood(
    driven: DrivenRun,
    claim: RunClaim,
    remote: RemoteMachine,
    journal: FencedJournal,
  ): Promise<string | null> {
    const { runs } = this.#parts;
    const { signal } = driven;
    const pending = await runs.actions.pending(claim.row.id);
    if (pending !== null) {
      const commandId = pending.commandId as CommandId;
      const { outcomes } = await raceSignal(
        remote.send(
          { ...pending, commandId, observe: { frame: null, settle: false } },
          { signal, bootId: pending.bootId },
        ),
        signal,
      );
      await journal.actionFinished(pending.step, commandId, pending.operations, outcomes);
      await journal.stepCompleted(pending.step, null, {});
    }
    // Answered, but the server died before its step was closed: its number must not be given to the next one.
    const open = pending === null ? await runs.actions.unclosedStep(claim.row) : null;
    if (open !== null) await journal.stepCompleted(open, null, {});
    if (claim.row.status !== 'awaiting_human') return null;
    const { note } = await driven.whenRunning({ signal });
    return note;
  }

  /** Stores how it ended; when a person has the desktop at that moment, after they hand it back. */
  async #finish(driven: DrivenRun, change: RunChange): Promise<void> {
    const { signal } = driven;
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
          await driven.whenRunning({ signal });
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

  #onMachine(machineId: string): DrivenRun | undefined {
    for (const driven of this.#driven.values())
      if (driven.machineId === machineId && driven.lease !== null) return driven;
    return undefined;
  }

  async connecting(): Promise<void> {}

  connected(connection: LinkConnection): void {
    const driven = this.#onMachine(connection.machineId);
    if (driven === undefined) return;
    if (connection.latch.tripped) driven.abort(stoppedByUser(connection.latch));
    else if (connection.control === 'paused') void driven.personActs('A person has control of the desktop.');
  }

  disconnected(connection: LinkConnection): void {
    const driven = this.#onMachine(connection.machineId);
    if (driven === undefined) return;
    // Also while the engine thinks or a person is asked: a desktop that stays away ends its run.
    const { hub, limits } = this.#parts;
    arrivalWithin(hub, connection.machineId, limits.linkGraceMs, driven.signal).catch((error) => {
      driven.abort(error);
    });
  }

  desktopEvent(connection: LinkConnection, event: DesktopEvent): void {
    const driven = this.#onMachine(connection.machineId);
    if (driven === undefined) return;
    switch (event.event) {
      case 'stopped':
        driven.abort(stoppedByUser(event.latch));
        return;
      case 'paused':
      case 'person_took_over':
        void driven.personActs(event.reason ?? 'A person has control of the desktop.');
        return;
      case 'resumed':
        if (event.control !== 'armed') return;
        void driven.desktopResumed();
        return;
      default:
        if (event.latch.tripped) driven.abort(stoppedByUser(event.latch));
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
          driven.abort(new StopError('cancelled')),
        );
        return;
      case 'resume':
      case 'approve':
        void driven.personHandsBack(command.note ?? null);
        return;
    }
  }

  async #row(runId: string): Promise<RunRow | undefined> {
    return this.#parts.database.read
      .selectFrom('runs')
      .selectAll()
      .where('id', '=', runId)
      .executeTakeFirst();
  }
}

/** A person's answer to a question asked before the restart reaches the new conversation as an instruction. */
function noteAsInstruction(instructions: string | null, note: string | null): string | null {
  if (note === null || note === '') return instructions;
  return [instructions, `A person answered: ${note}`].filter((part) => part !== null).join('\n');
}
