import { errorAttributes, type Logger, type Secret } from '@deskhand/base';
import type { RuntimePaths } from '@deskhand/base/runtime-paths';
import {
  type ControlState,
  type DaemonMessage,
  type FromGuard,
  type GuardState,
  type HotkeyState,
  type LatchState,
  type PauseKind,
  ProtocolError,
  RememberedStop,
  type StopRecord,
  StopSource,
} from '@deskhand/protocol';
import { readLatchFile, writeLatchFile } from '@deskhand/protocol/latch-file';
import { connectToGuard } from '@deskhand/protocol/local-client';
import type { AuditLog } from '../audit/audit-log.ts';
import type { HandsClient } from '../hands/hands-client.ts';
import { Absence } from '../session/absence.ts';
import type { SessionChange } from '../session/session-change.ts';
import type { GuardProcess } from './guard-process.ts';
import { HotkeyWatch } from './hotkey-watch.ts';

export type MachineEventName = Extract<DaemonMessage, { type: 'event' }>['event'];

export type DesktopControlOptions = Readonly<{
  runtime: Pick<RuntimePaths, 'latchFile' | 'guardSocket'>;
  personToken: Secret;
  /** The person lets runs start although the stop hotkey does not work. */
  allowUnarmed: boolean;
  audit: Pick<AuditLog, 'append'>;
  log: Logger;
  /** An agent holds the lease on this desktop. */
  driven: () => boolean;
  /** Whatever is being done must end now. */
  endInput: (code: string, message: string) => void;
  tellServer: (event: MachineEventName, reason?: string) => void;
  /** A person gave control back. */
  onResumed: () => void;
  /** Something that panels show has changed. */
  announce: () => void;
}>;

export type ControlPeers = Readonly<{
  guard: Pick<GuardProcess, 'alive' | 'stop' | 'pause' | 'resume' | 'demandPerson' | 'refresh'>;
  hands: Pick<HandsClient, 'pid' | 'releaseAll'>;
}>;

/**
 * Who has control of this desktop, the agent or a person, and why: guard's word, the session's (locked, asleep),
 * the person's. Guard decides; this follows it, remembers what a guard that dies would forget, and refuses in between.
 */
export class DesktopControl {
  readonly #options: DesktopControlOptions;
  #peers: ControlPeers | undefined;
  #guardState: GuardState | undefined;
  #pauseKind: PauseKind | undefined;
  /** Why guard is about to say "paused", known before it says so. */
  #comingPause: PauseKind | undefined;
  #control: ControlState = 'paused';
  #latch: LatchState;
  readonly #knownStop = new RememberedStop();
  readonly #absence = new Absence();
  /** What a pause for the session's sake found. */
  #awayPause: 'interrupted' | 'idle' | undefined;
  readonly #hotkey: HotkeyWatch;
  /** A person had control when guard died. */
  #pauseToRestore: PauseKind | undefined;

  constructor(options: DesktopControlOptions) {
    this.#options = options;
    this.#latch = readLatchFile(options.runtime.latchFile);
    if (this.#latch.tripped) this.#knownStop.remember(this.#latch);
    const { allowUnarmed, log } = options;
    this.#hotkey = new HotkeyWatch({ allowUnarmed, onChanged: () => this.#onHotkeyChanged(), log });
  }

  attach(peers: ControlPeers): void {
    this.#peers = peers;
  }

  get state(): ControlState {
    return this.#control;
  }

  get latch(): LatchState {
    return this.#latch;
  }

  /** Of a pause; null while nothing is paused. */
  get pauseKind(): PauseKind | null {
    return this.#control === 'paused' ? (this.#pauseKind ?? 'asked') : null;
  }

  /** A whole sentence for the person; null while the agent may drive. */
  get reason(): string | null {
    if (this.#control === 'armed') return null;
    return (this.#control === 'stopped' ? this.#latch.reason : this.#pauseReason()) ?? null;
  }

  get guardState(): GuardState | undefined {
    return this.#guardState;
  }

  /** For a guard that is just starting: it must not let anybody act before it knows. */
  get knownStop(): StopRecord | null {
    return this.#knownStop.stop ?? null;
  }

  get hotkey(): HotkeyState {
    return this.#hotkey.state;
  }

  /** Why nothing may be injected at this moment, as far as guard, session and person go. */
  refusal(): ProtocolError | undefined {
    if (this.#latch.tripped)
      return new ProtocolError('LATCHED', 'The emergency stop is tripped; a person must reset it here.');
    if (this.#guardState === undefined || this.#peers?.guard.alive !== true)
      return new ProtocolError('GUARD_UNAVAILABLE', 'Guard is not alive, so nothing may be injected.');
    // A busy machine, or a guard that has just come: no person, and nobody is to be waited for.
    const unheard = this.#guardState.unheard === true && this.#pauseToRestore === undefined;
    if (this.#control === 'paused' && unheard && !this.#absence.any)
      return new ProtocolError('GUARD_UNAVAILABLE', 'Guard has not heard this daemon for a while.');
    if (this.#control === 'paused' || this.#absence.any)
      return new ProtocolError('PAUSED', 'A person has control of this desktop.');
    const { unarmed } = this.#hotkey;
    if (unarmed !== undefined)
      return new ProtocolError('NOT_ARMED', `The stop hotkey is not armed: ${unarmed}`);
    return undefined;
  }

  // ---- guard's side ----------------------------------------------------------------------------

  onGuardState(state: GuardState): void {
    const { audit, log, tellServer, announce } = this.#options;
    const wasLost = this.#guardState === undefined;
    this.#guardState = state;
    const before = { control: this.#control, tripped: this.#latch.tripped };
    this.#hotkey.hear(state.hotkey);
    const unknown = this.#knownStop.hear(state);
    if (unknown !== undefined) {
      this.#handOver(unknown);
      return;
    }
    this.#latch = state.latch;
    if (state.latch.tripped) this.#knownStop.remember(state.latch);
    const missing = state.control === 'armed' ? this.#missingPause(before.control) : undefined;
    if (missing !== undefined) {
      // Guard does not know why nobody may drive: nothing is allowed until it does.
      this.#control = 'paused';
      this.#comingPause = missing.kind;
      const { guard } = this.#demandPeers();
      void guard.pause(missing.reason).catch((error) => {
        log.error('the pause could not be restored', errorAttributes(error));
      });
    } else {
      this.#control = state.control;
      // A new guard that has not heard us yet says "paused", too: that is not the person's pause.
      if (state.control !== 'paused' || state.daemonAlive) this.#pauseToRestore = undefined;
    }
    if (wasLost && this.#pauseKind === 'guard_lost') {
      this.#pauseKind = undefined;
      tellServer('guard_back');
    }
    if (state.latch.tripped && !before.tripped) {
      const { by = 'unknown', reason = '' } = state.latch;
      this.#endInput('LATCHED', 'The person stopped this desktop.');
      audit.append({ kind: 'stopped', by, reason });
      tellServer('stopped', state.latch.reason ?? state.latch.by);
    } else if (!state.latch.tripped && before.tripped) {
      this.#pauseKind = undefined;
      audit.append({ kind: 'reset' });
      tellServer('latch_cleared');
    }
    this.#followPause(state, before);
    announce();
  }

  onPersonInput(input: Extract<FromGuard, { type: 'person_input' }>): void {
    this.#comingPause = 'person_input';
    this.#options.audit.append({ kind: 'person', what: `acted: ${input.kind}` });
  }

  /** Guard died: hands lose their lease by themselves; nothing is asked of them until it is back. */
  onGuardLost(): void {
    this.#guardState = undefined;
    this.#hotkey.lose();
    if (this.#control === 'paused' && this.#pauseKind !== 'guard_lost')
      this.#pauseToRestore = this.#pauseKind;
    this.#control = this.#latch.tripped ? 'stopped' : 'paused';
    this.#pauseKind = 'guard_lost';
    this.#endInput('GUARD_UNAVAILABLE', 'Guard is not alive.');
    this.#options.tellServer('guard_lost');
    this.#options.announce();
  }

  // ---- the session's side ----------------------------------------------------------------------

  /**
   * The session is out of the person's sight or hands: nobody may drive it. Coming back (a password was given)
   * clears that by itself, unless a run was interrupted: that one waits to be handed back to.
   * Settles when input has ended and is let go of; never rejects.
   */
  async onSession(change: SessionChange): Promise<void> {
    const { away, reason } = change;
    const { audit, driven, log } = this.#options;
    if (!this.#absence.note(change)) return;
    audit.append({ kind: 'session', what: reason, away });
    if (away && this.#control === 'armed') {
      this.#awayPause = driven() ? 'interrupted' : 'idle';
      await this.pauseForSession(reason);
      await this.#peers?.hands.releaseAll();
    } else if (!this.#absence.any && this.#awayPause === 'idle' && this.#pauseKind === 'session') {
      this.#awayPause = undefined;
      await this.#demandPeers()
        .guard.resume('cli', undefined)
        .catch((error) => log.warn('the pause stays', errorAttributes(error)));
    }
  }

  /** @param reason a whole sentence for the person. */
  async pauseForSession(reason: string): Promise<void> {
    if (this.#control === 'stopped') return;
    if (this.#control === 'paused') this.#pauseKind ??= 'session';
    else this.#comingPause = 'session';
    try {
      await this.#demandPeers().guard.pause(reason);
    } catch (error) {
      this.#options.log.error('this desktop could not be paused', errorAttributes(error));
      this.#endInput('PAUSED', reason);
    } finally {
      this.#comingPause = undefined;
    }
  }

  // ---- the person's side -----------------------------------------------------------------------

  /** @throws the file system's error when neither guard nor the disk takes the stop; it holds in memory all the same. */
  async stop(by: 'panel' | 'cli', reason: string | undefined): Promise<void> {
    const { runtime, tellServer, announce } = this.#options;
    const peers = this.#demandPeers();
    this.#endInput('LATCHED', 'The person stopped this desktop.');
    try {
      await peers.guard.stop(by, reason);
    } catch {
      // No guard: this process does what it can of guard's work, and the file stops the next guard.
      const why = reason === undefined ? {} : { reason: reason.slice(0, 500) };
      const latch = { by, at: new Date().toISOString(), ...why };
      this.#latch = { tripped: true, ...latch };
      this.#knownStop.remember(latch);
      this.#control = 'stopped';
      this.#endInput('LATCHED', 'The person stopped this desktop.');
      const { pid } = peers.hands;
      try {
        if (pid !== null) process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already: what matters is what comes next.
      }
      try {
        writeLatchFile(runtime.latchFile, latch);
      } catch (error) {
        this.#latch = { ...this.#latch, memoryOnly: true };
        throw error;
      } finally {
        // A disk that refuses keeps nobody from hearing of it; whoever asked hears that, too.
        tellServer('stopped', reason ?? by);
        announce();
      }
    }
  }

  /** @throws ProtocolError GUARD_UNAVAILABLE */
  async pause(kind: PauseKind, why: string): Promise<void> {
    const { guard } = this.#demandPeers();
    if (this.#control === 'paused') this.#pauseKind = kind;
    else this.#comingPause = kind;
    try {
      await this.#askGuard(() => guard.pause(why));
    } finally {
      // Guard's state came before its answer and has taken the kind with it; a refused pause must leave none.
      this.#comingPause = undefined;
    }
  }

  /** @throws ProtocolError PAUSED, NOT_ARMED: control cannot be given back now. */
  demandMayResume(): void {
    if (this.#absence.any)
      throw new ProtocolError(
        'PAUSED',
        `Not while this session is locked, asleep or not in front (${this.#absence.sources}).`,
      );
    const { unarmed } = this.#hotkey;
    if (unarmed !== undefined)
      throw new ProtocolError(
        'NOT_ARMED',
        `The stop hotkey is not armed: ${unarmed} Mend that, or start this desktop with --allow-unarmed.`,
      );
  }

  /** @throws ProtocolError INSUFFICIENT_SCOPE, GUARD_UNAVAILABLE */
  resume(by: 'panel' | 'cli', code: string | undefined): Promise<void> {
    const { guard } = this.#demandPeers();
    return this.#askGuard(() => guard.resume(by, code));
  }

  /** A click in a panel can be made by a program. @throws ProtocolError INSUFFICIENT_SCOPE, GUARD_UNAVAILABLE */
  demandPerson(code: string | undefined): Promise<void> {
    const { guard } = this.#demandPeers();
    return this.#askGuard(() => guard.demandPerson(code));
  }

  /** Guard lets only a person's tools reset: this connection is that person's, not the daemon's. */
  async reset(by: 'panel' | 'cli', code: string | undefined): Promise<void> {
    const { runtime, personToken } = this.#options;
    const token = personToken.reveal();
    await using guard = await connectToGuard({ path: runtime.guardSocket, token, role: by });
    await guard.request({ type: 'reset', by, ...(code === undefined ? {} : { code }) });
  }

  // ---- inside ----------------------------------------------------------------------------------

  /** A guard that was restarted does not know that a person had control, one that was reset not of a lock meanwhile. */
  #missingPause(before: ControlState): { kind: PauseKind; reason: string } | undefined {
    if (this.#pauseToRestore !== undefined) return { kind: this.#pauseToRestore, reason: 'restored' };
    const { reason } = this.#absence;
    if (before === 'armed' || reason === undefined) return undefined;
    // A stop has ended the run that the lock interrupted, if any did: nothing waits to be handed back to.
    this.#awayPause = before === 'stopped' ? 'idle' : (this.#awayPause ?? 'idle');
    return { kind: 'session', reason };
  }

  #followPause(state: GuardState, before: { control: ControlState; tripped: boolean }): void {
    const { tellServer, onResumed } = this.#options;
    const unheard = state.unheard === true && this.#control === 'paused';
    const wasUnheard = this.#pauseKind === 'guard_lost';
    if (unheard && before.control === 'armed') {
      // A busy machine, no person: input waits until guard hears this daemon again, and nobody is asked.
      this.#endInput('GUARD_UNAVAILABLE', 'Guard has not heard this daemon for a while.');
      this.#pauseKind = 'guard_lost';
      tellServer('guard_lost');
    } else if (this.#control === 'paused' && !unheard && (before.control === 'armed' || wasUnheard)) {
      this.#endInput('PAUSED', 'A person has control of this desktop.');
      this.#pauseKind = this.#comingPause ?? 'asked';
      this.#comingPause = undefined;
      const event = this.#pauseKind === 'asked' ? 'paused' : 'person_took_over';
      tellServer(event, this.#pauseReason());
    } else if (this.#control === 'paused') {
      this.#pauseKind = this.#comingPause ?? this.#pauseKind;
      if (this.#pauseToRestore === undefined) this.#comingPause = undefined;
    } else if (this.#control === 'armed') {
      this.#pauseKind = undefined;
      if (wasUnheard) tellServer('guard_back');
      else if (before.control === 'paused' && !before.tripped) onResumed();
    }
  }

  /** A stop came while guard was away or asleep. Until guard has taken it over, nothing else that it says counts. */
  #handOver(stop: StopRecord): void {
    const { guard } = this.#demandPeers();
    this.#guardState = undefined;
    this.#hotkey.lose();
    guard
      .stop(
        StopSource.catch('daemon').parse(stop.by),
        stop.reason ?? 'Stopped while guard was away.',
        stop.at,
      )
      .catch((error) => {
        const facts = errorAttributes(error);
        this.#options.log.error('guard could not be told of the stop; input stays refused', facts);
      })
      .finally(() => void guard.refresh());
  }

  /** A stop hotkey that is lost while the agent drives hands the desktop to the person. */
  #onHotkeyChanged(): void {
    this.#options.tellServer('hotkey_changed');
    const { unarmed } = this.#hotkey;
    if (this.#options.driven() && unarmed !== undefined)
      void this.pauseForSession(`The stop hotkey is not armed any more: ${unarmed}`);
  }

  #pauseReason(): string {
    const said = this.#guardState?.controlReason;
    switch (this.#pauseKind) {
      case 'person_input':
        return 'A person used the mouse or the keyboard of this desktop.';
      case 'takeover':
        return 'A person took this desktop over.';
      case 'guard_lost':
        return 'Guard is not alive, so no input is possible.';
      case 'session':
        return this.#absence.reason ?? said ?? 'This session was out of sight.';
      default:
        return said === undefined || said === 'pause' ? 'A person paused this desktop.' : said;
    }
  }

  #endInput(code: string, message: string): void {
    this.#options.endInput(code, message);
  }

  async #askGuard(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (cause) {
      if (cause instanceof ProtocolError && cause.code === 'INSUFFICIENT_SCOPE') throw cause;
      throw new ProtocolError('GUARD_UNAVAILABLE', 'Guard does not answer.', {}, { cause });
    }
  }

  #demandPeers(): ControlPeers {
    if (this.#peers === undefined)
      throw new ProtocolError('SERVICE_UNAVAILABLE', 'This desktop is still starting.');
    return this.#peers;
  }
}
