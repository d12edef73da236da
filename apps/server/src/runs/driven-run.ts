import { describeOperation } from '@deskhand/agent/describe-operation';
import { nameTargets } from '@deskhand/agent/name-targets';
import { errorAttributes, type Logger, reasonFrom, StopError } from '@deskhand/base';
import { isTerminal, type Operation, ProtocolError, RunId, type RunStatus } from '@deskhand/protocol';
import type { Lease } from '../machines/lease-book.ts';
import type { MachineHub } from '../machines/machine-hub.ts';
import type { RemoteMachine } from '../machines/remote-machine.ts';
import type { Narration, RunDesk } from './run-journal.ts';
import type { RunRow } from './run-record.ts';
import { FencedError, type RunService } from './run-service.ts';

type Parts = Readonly<{ runs: RunService; hub: MachineHub; log: Logger }>;

/**
 * A run that is driven here now: the state it shares between the loop that drives it, the person at its desktop and
 * everybody who may end it. Its one signal ends it; the first reason wins.
 */
export class DrivenRun implements RunDesk {
  readonly runId: string;
  readonly machineId: string;
  /** Of the claim that drives it. */
  epoch: number;
  /** As last committed. */
  row: RunRow;
  lease: Lease | null = null;
  remote: RemoteMachine | null = null;
  readonly #parts: Parts;
  readonly #controller = new AbortController();
  /** Woken by every change of the run's state. */
  readonly #wake = new Set<() => void>();
  /** The run awaits because a person has the desktop, not because it asked something. */
  #takenOver = false;
  #costCents: number;
  /** Texts of this run, so that no name on the screen repeats one; null when an earlier claim typed some. */
  readonly #typed: Set<string> | null;

  constructor(row: RunRow, parts: Parts) {
    this.runId = row.id;
    this.machineId = row.machine_id;
    this.epoch = row.epoch;
    this.row = row;
    this.#parts = parts;
    this.#costCents = row.cost_cents;
    this.#typed = row.epoch > 1 ? null : new Set();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** For the desktop: why its lease ends. */
  get leaseEnd(): string {
    if (!this.signal.aborted) return 'finished';
    const reason = reasonFrom(this.signal.reason) ?? 'stopped';
    return reason === 'ended' ? this.row.status : reason;
  }

  /** A committed change of this run, wherever it came from. */
  changed(row: RunRow): void {
    const before = this.row.status;
    this.row = row;
    if (isTerminal(row.status)) this.abort(new StopError('ended', `The run is ${row.status}.`));
    else if (before === 'awaiting_human' && row.status === 'running') {
      this.#takenOver = false;
      this.remote?.resume();
    }
    if (before !== row.status && this.lease !== null) this.narrateStatus();
    for (const wake of [...this.#wake]) wake();
  }

  // ---- the person at the desktop -------------------------------------------------------------------

  /** A person took the desktop: the run waits for them, or ends where it may not wait. */
  async personActs(reason: string): Promise<void> {
    this.remote?.pause();
    const { on_awaiting_human: how } = this.row;
    try {
      if (how === 'fail') this.abort(new StopError('human_needed', reason));
      else if (how === 'cancel') this.abort(new StopError('human_unwanted', reason));
      else if (this.row.status === 'running') {
        this.#takenOver = true;
        await this.#awaitHuman(reason);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof FencedError)) throw error;
      this.#parts.log.debug('takeover of a run that is not running', {
        runId: this.runId,
        ...errorAttributes(error),
      });
    }
  }

  async personHandsBack(note: string | null): Promise<void> {
    try {
      await this.#parts.runs.change(this.runId, { type: 'resumed', note }, { only: 'awaiting_human' });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  /** The desktop takes input again. A question asked before the takeover still wants its answer. */
  async desktopResumed(): Promise<void> {
    this.remote?.resume();
    if (this.#takenOver) await this.personHandsBack(null);
  }

  /** Resolves when the run is `running`, with the note it was resumed with. */
  async whenRunning({ signal }: { signal: AbortSignal }): Promise<{ note: string | null }> {
    while (this.row.status !== 'running') {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const done = () => {
          this.#wake.delete(done);
          signal.removeEventListener('abort', onAbort);
          resolve();
        };
        const onAbort = () => {
          this.#wake.delete(done);
          reject(signal.reason as Error);
        };
        this.#wake.add(done);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    }
    return { note: await this.#parts.runs.actions.lastNote(this.runId) };
  }

  // ---- RunDesk -------------------------------------------------------------------------------------

  bootId(): string | null {
    return this.#parts.hub.connection(this.machineId)?.bootId ?? null;
  }

  status(): RunStatus {
    return this.row.status;
  }

  async needHuman(reason: string): Promise<void> {
    if (this.row.status === 'awaiting_human') return;
    // The takeover it would wait for is over already.
    if (this.remote?.takeRefusalForTakeover()) return;
    await this.#awaitHuman(reason.slice(0, 2000));
  }

  narrate({ step, thought, action, outcome, costCents }: Narration): void {
    if (costCents !== undefined) this.#costCents = costCents;
    const { runs, hub, log } = this.#parts;
    const { awaiting_human_reason: awaitingReason } = this.row;
    try {
      hub.connection(this.machineId)?.send({
        type: 'narrate',
        runId: RunId.parse(this.runId),
        status: this.row.status,
        step,
        maxSteps: this.row.max_steps,
        costCents: this.#costCents,
        ...(thought === undefined
          ? {}
          : { thought: runs.modelKeys.blotOut(this.runId, thought).slice(0, 4000) }),
        ...(action === undefined ? {} : { action: action.slice(0, 500) }),
        ...(outcome === undefined ? {} : { outcome: outcome.status }),
        ...(awaitingReason === null ? {} : { awaitingReason: awaitingReason.slice(0, 2000) }),
      });
    } catch (error) {
      log.debug('the panel could not be told', { runId: this.runId, ...errorAttributes(error) });
    }
  }

  narrateStatus(): void {
    this.narrate({ step: this.row.steps_completed });
  }

  describe(operations: readonly Operation[], frameId: string | null): readonly string[] {
    const seen = this.remote?.seen ?? null;
    for (const operation of operations) if (operation.type === 'type_text') this.#typed?.add(operation.text);
    const isCurrent = frameId === null || seen?.frame?.geometry.frameId === frameId;
    const targets = nameTargets(operations, isCurrent ? seen : null, this.#typed ?? undefined);
    return operations.map((operation, index) => {
      const { name = null, application = null } = targets[index] ?? {};
      return describeOperation(operation, { name: this.#typed === null ? null : name, application });
    });
  }

  async #awaitHuman(reason: string): Promise<void> {
    this.row = await this.#parts.runs.change(
      this.runId,
      { type: 'needs_human', reason },
      { epoch: this.epoch, only: 'running' },
    );
  }
}
