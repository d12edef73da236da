import {
  errorAttributes,
  type Logger,
  raceSignal,
  randomHex,
  type Secret,
  StopError,
  sleep,
} from '@deskhand/base';
import type { RuntimePaths } from '@deskhand/base/runtime-paths';
import {
  type Capabilities,
  type ControlState,
  type DaemonCommand,
  type DaemonState,
  desktopToFrame,
  type ExclusionState,
  type FrameGeometry,
  type FromGuard,
  type GuardState,
  type HotkeyState,
  type LatchState,
  type MachineId,
  type Narrate,
  OutcomeStatus,
  type PanelRun,
  type PanelThumbnail,
  type PauseKind,
  type Point,
  ProtocolError,
  type Rect,
  RememberedStop,
  RunId,
  type ServerMessage,
  type StopRecord,
  StopSource,
} from '@deskhand/protocol';
import { readLatchFile, writeLatchFile } from '@deskhand/protocol/latch-file';
import { connectToGuard } from '@deskhand/protocol/local-client';
import type { SecretVault } from '@deskhand/protocol/secret-vault';
import type { AuditLog } from './audit/audit-log.ts';
import { NO_OWN_WINDOWS, type OwnWindows } from './capture/index.ts';
import { Actor } from './desktop/act.ts';
import { type Answer, CommandCache } from './desktop/command-cache.ts';
import type { DesktopSenses } from './desktop/desktop-senses.ts';
import { FrameBook } from './desktop/frame-book.ts';
import { Observer, type Picture, type Sight } from './desktop/observe.ts';
import { PrivatePlaces } from './desktop/private-places.ts';
import { ReceiverFacts } from './desktop/receiver-facts.ts';
import { SavedPaths } from './files/saved-paths.ts';
import type { HandsClient } from './hands/hands-client.ts';
import type { ServerLink } from './link/server-link.ts';
import type { DaemonSocket } from './local/daemon-socket.ts';
import { Consent, type ConsentQuestion, lastingRule } from './policy/consent.ts';
import { decide, decideOrigin, type PolicyDecision, type PolicyQuestion } from './policy/policy.ts';
import type { PolicyReader } from './policy/policy-file.ts';
import type { GuardProcess } from './safety/guard-process.ts';
import { type HeldLease, LeaseKeeper } from './safety/lease-keeper.ts';
import { PanelWatch } from './safety/panel-watch.ts';
import { SecretScreen } from './secrets/secret-screen.ts';
import type { SessionChange } from './session/session-watch.ts';
import { isPanel } from './windows/panel-window.ts';

export type DaemonParts = Readonly<{
  name: string;
  runtime: RuntimePaths;
  personToken: Secret;
  display: string | null;
  chordLabel: string;
  senses: DesktopSenses;
  /** `input` is what hands say. */
  capabilities: Capabilities;
  policy: PolicyReader;
  workFolder: string;
  vault: Pick<SecretVault, 'open'>;
  /** The person lets runs start although the stop hotkey does not work. */
  allowUnarmed: boolean;
  /** The control plane runs on this computer. */
  serverIsLocal: boolean;
  /** How long a ring shows where the pointer goes, before it does; 0 is never. */
  targetRingMs: number;
  exclusion: () => ExclusionState;
  audit: AuditLog;
  log: Logger;
}>;

/** What comes into being after the daemon and calls back into it. */
export type DaemonPeers = Readonly<{
  guard: GuardProcess;
  hands: HandsClient;
  socket: DaemonSocket;
  link: () => ServerLink | undefined;
  onShutdown: () => void;
}>;

const RING_SIDE_PX = 48;
const KNOWN_RUNS = 1000;
const THUMBNAIL = { width: 320, height: 180 };
/** A run in one of these is over: the panel shows it until the next one begins. */
const FINISHED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'timed_out']);

/**
 * This desktop as a machine. Brings the parts together: commands of the server, the person's word, guard's
 * state. The last word on every input is `#refusal` and the policy, both here, and hands' own gate.
 */
export class Daemon implements Disposable {
  readonly bootId = `boot_${randomHex(24)}`;
  readonly #parts: DaemonParts;
  readonly #lease: LeaseKeeper;
  readonly #frames = new FrameBook();
  readonly #cache = new CommandCache();
  readonly #savedPaths = new SavedPaths();
  readonly #secretScreen = new SecretScreen();
  readonly #observer: Observer;
  readonly #consent: Consent;
  #actor: Actor | undefined;
  #peers: DaemonPeers | undefined;
  #guardState: GuardState | undefined;
  #pauseKind: PauseKind | undefined;
  /** Why guard is about to say "paused", known before it says so. */
  #comingPause: PauseKind | undefined;
  #control: ControlState = 'paused';
  #latch: LatchState;
  readonly #knownStop = new RememberedStop();
  /** Why nobody may drive now, by source. */
  readonly #away = new Set<string>();
  /** What a pause for the session's sake found. */
  #awayPause: 'interrupted' | 'idle' | undefined;
  /** The last state of the stop hotkey that was told. */
  #hotkeySaid: string | undefined;
  #machineId: MachineId | null = null;
  #serverUrl: string | null = null;
  #run: PanelRun | null = null;
  /** When each run first came here, by a clock that nobody sets. */
  readonly #firstMoments = new Map<string, number>();
  /** Who asked the server for the run in progress, in its words. */
  #requestedBy = '';
  #target: Point | null = null;
  /** What panels were shown last. */
  #thumbnail: { message: PanelThumbnail; geometry: FrameGeometry } | null = null;
  /** A person had control when guard died. */
  #pauseToRestore: PauseKind | undefined;
  readonly #panelWatch = new PanelWatch({
    present: () => this.#peers?.socket.panelConnected ?? false,
    driven: () => this.#control === 'armed' && (this.#lease.current?.run ?? null) !== null,
    gone: () => void this.#pauseForSession('The panel is gone: nobody sees what the agent does.'),
  });
  /** A person's resume on its way through guard, with the note it came with. */
  #handedBack: DaemonCommand | undefined;
  #thumbnailing = false;
  /** Of the last action; what is narrated next with an outcome is about that. */
  #settledMs: number | undefined;
  /** The person used the panel since the last command: its window may have the focus still. */
  #panelUsed = false;
  /** The window that was in front when the agent last looked. */
  #workWindowId: string | null = null;
  /** Aborts when input must end now; replaced by a fresh one for the next command. */
  #stop = new AbortController();

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    this.#latch = readLatchFile(parts.runtime.latchFile);
    if (this.#latch.tripped) this.#knownStop.remember(this.#latch);
    this.#lease = new LeaseKeeper((lease, why) => this.#leaseEnded(lease, why));
    this.#consent = new Consent(() => {
      // While a question is open, the person's hand on the mouse is an answer on its way, no interruption.
      this.#tellGuardWhoDrives();
      this.#peers?.socket.announce();
    });
    this.#observer = new Observer({
      senses: parts.senses,
      frames: this.#frames,
      // What guard draws carries its mark. Told rectangles are late: they would paint over where the ring just was.
      covered: ({ composed }) => (composed ? (this.#peers?.socket.covered ?? []) : this.covered),
      hidden: new PrivatePlaces(() => parts.policy.private, parts.senses.windows),
      onPicture: (picture) => this.#showThumbnail(picture),
      secretScreen: this.#secretScreen,
      log: parts.log,
    });
  }

  /** The parts that need each other are complete from here on. */
  attach(peers: DaemonPeers): void {
    const { senses, audit, log } = this.#parts;
    this.#peers = peers;
    this.#actor = new Actor({
      senses,
      hands: peers.hands,
      frames: this.#frames,
      observer: this.#observer,
      lease: this.#lease,
      refusal: () => this.#refusal(),
      policy: (question) => this.#decide(question),
      facts: new ReceiverFacts(senses, log),
      vault: this.#parts.vault,
      secretScreen: this.#secretScreen,
      origin: () => this.#decideOrigin(),
      consent: (question, decision, options) => this.#askPerson(question, decision, options),
      clearTarget: (point) => peers.socket.clearTarget(point),
      pointOut: (point, signal) => this.#pointOut(point, signal),
      onTarget: (point) => {
        this.#target = point;
        this.#aimThumbnail();
      },
      savedPaths: this.#savedPaths,
      audit,
      log,
    });
    senses.capture.onDisplaysChanged(() => {
      this.#frames.outdate();
      void this.#tellServer('displays_changed');
      this.#peers?.socket.announce();
    });
  }

  /** Where our own windows cover the desktop: the panel, and what guard draws. */
  get covered(): readonly Rect[] {
    return [...(this.#peers?.socket.covered ?? []), ...(this.#guardState?.drawn?.rects ?? [])];
  }

  /** Where the panel said its windows are. */
  get panels(): readonly Rect[] {
    return this.#peers?.socket.covered ?? [];
  }

  /** Whose windows belong to no picture. */
  get ownWindows(): OwnWindows {
    const { windows, pids } = this.#peers?.socket.panelWindows ?? NO_OWN_WINDOWS;
    return { windows: [...windows, ...(this.#guardState?.drawn?.windows ?? [])], pids };
  }

  // ---- the server's side -----------------------------------------------------------------------

  async describe() {
    return {
      displays: [...(await this.#parts.senses.capture.displays())],
      capabilities: { ...this.#parts.capabilities, input: this.#peers?.hands.backend ?? 'none' },
      latch: this.#latch,
      control: this.#control,
      hotkey: this.#hotkeyState(),
      lastEpoch: this.#lease.highestEpoch,
      bootId: this.bootId,
    };
  }

  onLease(grant: Extract<ServerMessage, { type: 'lease' }>): void {
    const before = this.#lease.current;
    if (!this.#lease.grant(grant)) {
      this.#parts.log.warn('a lease of an older owner was refused', { epoch: grant.epoch });
      return;
    }
    this.#peers?.hands.lease({ leaseId: grant.leaseId, epoch: grant.epoch, ttlMs: grant.ttlMs });
    this.#tellGuardWhoDrives();
    if (before?.leaseId === grant.leaseId && before.run?.runId === grant.run?.runId) return;
    this.#observer.forget();
    this.#beginRun(grant);
  }

  /** Answers one command; a repeated id is answered again and never done again. */
  perform(command: Extract<ServerMessage, { id: string }>): Promise<Answer> {
    return this.#cache.once(command.id, () => this.#performOnce(command));
  }

  onNarrate(narrate: Narrate): void {
    const run = this.#run;
    if (run !== null && run.id === narrate.runId)
      this.#run = {
        ...run,
        status: narrate.status,
        step: narrate.step,
        maxSteps: narrate.maxSteps,
        costCents: narrate.costCents,
        awaitingReason: narrate.awaitingReason ?? null,
      };
    this.#tellGuardWhoDrives();
    const outcome = OutcomeStatus.safeParse(narrate.outcome);
    if (narrate.action !== undefined || narrate.thought !== undefined || outcome.success)
      this.#peers?.socket.step({
        type: 'step',
        runId: narrate.runId,
        step: narrate.step,
        ...(narrate.action === undefined ? {} : { action: narrate.action }),
        ...(narrate.thought === undefined ? {} : { thought: narrate.thought }),
        ...(outcome.success ? { outcome: outcome.data } : {}),
        ...(outcome.success && this.#settledMs !== undefined ? { settledMs: this.#settledMs } : {}),
        at: new Date().toISOString(),
      });
    this.#peers?.socket.announce();
  }

  onConnected(machineId: MachineId, serverUrl: string): void {
    this.#machineId = machineId;
    this.#serverUrl = serverUrl;
    this.#peers?.socket.announce();
  }

  onDisconnected(): void {
    this.#peers?.socket.announce();
  }

  // ---- guard's side ----------------------------------------------------------------------------

  onGuardState(state: GuardState): void {
    const wasLost = this.#guardState === undefined;
    this.#guardState = state;
    const before = { control: this.#control, tripped: this.#latch.tripped };
    this.#onHotkey(state.hotkey);
    const unknown = this.#knownStop.hear(state);
    if (unknown !== undefined) {
      this.#handOver(unknown);
      return;
    }
    this.#latch = state.latch;
    if (state.latch.tripped) this.#knownStop.remember(state.latch);
    if (this.#pauseToRestore !== undefined && state.control === 'armed') {
      // A guard that was restarted does not know that a person had control: nothing is allowed until it does.
      this.#comingPause = this.#pauseToRestore;
      const { guard } = this.#demandPeers();
      void guard.pause('restored').catch((error) => {
        this.#parts.log.error('the pause could not be restored', errorAttributes(error));
      });
    } else {
      this.#control = state.control;
      // A new guard that has not heard us yet says "paused", too: that is not the person's pause.
      if (state.control !== 'paused' || state.daemonAlive) this.#pauseToRestore = undefined;
    }
    if (wasLost && this.#pauseKind === 'guard_lost') {
      this.#pauseKind = undefined;
      void this.#tellServer('guard_back');
    }
    if (state.latch.tripped && !before.tripped) {
      this.#endInput('LATCHED', 'The person stopped this desktop.');
      this.#parts.audit.append({
        kind: 'stopped',
        by: state.latch.by ?? 'unknown',
        reason: state.latch.reason ?? '',
      });
      void this.#tellServer('stopped', state.latch.reason ?? state.latch.by);
    } else if (!state.latch.tripped && before.tripped) {
      this.#pauseKind = undefined;
      this.#parts.audit.append({ kind: 'reset' });
      void this.#tellServer('latch_cleared');
    }
    const unheard = state.unheard === true && this.#control === 'paused';
    const wasUnheard = this.#pauseKind === 'guard_lost';
    if (unheard && before.control === 'armed') {
      // A busy machine, no person: input waits until guard hears this daemon again, and nobody is asked.
      this.#endInput('GUARD_UNAVAILABLE', 'Guard has not heard this daemon for a while.');
      this.#pauseKind = 'guard_lost';
      void this.#tellServer('guard_lost');
    } else if (this.#control === 'paused' && !unheard && (before.control === 'armed' || wasUnheard)) {
      this.#endInput('PAUSED', 'A person has control of this desktop.');
      this.#pauseKind = this.#comingPause ?? 'asked';
      this.#comingPause = undefined;
      const event = this.#pauseKind === 'asked' ? 'paused' : 'person_took_over';
      void this.#tellServer(event, this.#pauseReason());
    } else if (this.#control === 'paused') {
      this.#pauseKind = this.#comingPause ?? this.#pauseKind;
      if (this.#pauseToRestore === undefined) this.#comingPause = undefined;
    } else if (this.#control === 'armed') {
      this.#pauseKind = undefined;
      if (wasUnheard) void this.#tellServer('guard_back');
      else if (before.control === 'paused' && !before.tripped) this.#tellResumed();
    }
    this.#peers?.socket.announce();
  }

  /** For a guard that is just starting: it must not let anybody act before it knows. */
  get knownStop(): StopRecord | null {
    return this.#knownStop.stop ?? null;
  }

  /** A stop came while guard was away or asleep. Until guard has taken it over, nothing else that it says counts. */
  #handOver(stop: StopRecord): void {
    const { guard } = this.#demandPeers();
    this.#guardState = undefined;
    guard
      .stop(
        StopSource.catch('daemon').parse(stop.by),
        stop.reason ?? 'Stopped while guard was away.',
        stop.at,
      )
      .catch((error) => {
        const facts = errorAttributes(error);
        this.#parts.log.error('guard could not be told of the stop; input stays refused', facts);
      })
      .finally(() => void guard.refresh());
  }

  /** A panel has come or gone. */
  onPanels(): void {
    this.#panelWatch.changed();
  }

  onPersonInput(input: Extract<FromGuard, { type: 'person_input' }>): void {
    this.#comingPause = 'person_input';
    this.#parts.audit.append({ kind: 'person', what: `acted: ${input.kind}` });
  }

  /** Guard died: hands lose their lease by themselves; nothing is asked of them until it is back. */
  onGuardLost(): void {
    this.#guardState = undefined;
    if (this.#control === 'paused' && this.#pauseKind !== 'guard_lost')
      this.#pauseToRestore = this.#pauseKind;
    this.#control = this.#latch.tripped ? 'stopped' : 'paused';
    this.#pauseKind = 'guard_lost';
    this.#endInput('GUARD_UNAVAILABLE', 'Guard is not alive.');
    void this.#tellServer('guard_lost');
    this.#peers?.socket.announce();
  }

  /**
   * The session is out of the person's sight or hands: nobody may drive it. Coming back (a password was given)
   * clears that by itself, unless a run was interrupted: that one waits to be handed back to.
   * Settles when input has ended and is let go of; never rejects.
   */
  async onSession(change: SessionChange): Promise<void> {
    const { source, away, reason } = change;
    const before = this.#away.size;
    if (away) this.#away.add(source);
    else this.#away.delete(source);
    if (this.#away.size === before) return;
    this.#parts.audit.append({ kind: 'session', what: reason, away });
    if (away && this.#control === 'armed') {
      const driven = this.#lease.current !== undefined;
      this.#awayPause = driven ? 'interrupted' : 'idle';
      await this.#pauseForSession(reason);
      await this.#peers?.hands.releaseAll();
    } else if (this.#away.size === 0 && this.#awayPause === 'idle' && this.#pauseKind === 'session') {
      this.#awayPause = undefined;
      await this.#demandPeers()
        .guard.resume('cli', undefined)
        .catch((error) => this.#parts.log.warn('the pause stays', errorAttributes(error)));
    }
  }

  // ---- the person's side -----------------------------------------------------------------------

  async state(): Promise<DaemonState> {
    const { senses, name, display, chordLabel, capabilities } = this.#parts;
    const hotkey = this.#guardState?.hotkey;
    const { pressedAt } = hotkey ?? {};
    const reason = this.#control === 'stopped' ? this.#latch.reason : this.#pauseReason();
    return {
      type: 'state',
      seq: 0,
      machineId: this.#machineId,
      name,
      control: this.#control,
      controlReason: this.#control === 'armed' ? null : (reason ?? null),
      pauseKind: this.#control === 'paused' ? (this.#pauseKind ?? 'asked') : null,
      latch: this.#latch,
      run: this.#runToShow(),
      stopHotkey: {
        chord: hotkey?.chord ?? chordLabel,
        ...this.#hotkeyState(),
        ...(pressedAt === undefined ? {} : { pressedAt }),
      },
      server: { url: this.#serverUrl, connected: this.#peers?.link()?.connected ?? false },
      overlay: {
        kind: this.#peers?.socket.panelKind ?? 'none',
        connected: this.#peers?.socket.panelConnected ?? false,
      },
      display,
      displays: [...(await senses.capture.displays())],
      backends: {
        capture: capabilities.capture,
        input: this.#peers?.hands.backend ?? 'none',
        accessibility: capabilities.accessibility,
      },
      guardAlive: this.#peers?.guard.alive ?? false,
      exclusion: this.#parts.exclusion(),
    };
  }

  /** @throws ProtocolError */
  async onCommand(command: DaemonCommand, by: 'panel' | 'cli'): Promise<void> {
    const peers = this.#demandPeers();
    if (by === 'panel') this.#panelUsed = true;
    if (command.name !== 'status' && command.name !== 'examine')
      this.#parts.audit.append({ kind: 'person', what: command.name });
    switch (command.name) {
      case 'stop':
        return this.#stopByPerson(by, command.note);
      case 'pause':
      case 'takeover':
        return this.#pause(command.name === 'takeover' ? 'takeover' : 'asked', command);
      case 'resume':
      case 'hand_back':
        return this.#resume(command, by);
      case 'reset':
        return this.#reset(by, command.code);
      case 'approve':
        // A click can be made by a program. A refusal needs nobody: it only keeps things from happening.
        if (by === 'panel') await this.#askGuard(() => peers.guard.demandPerson(command.code));
        return this.#answer(command);
      case 'deny':
        return this.#answer(command);
      case 'cancel':
        return this.#personCommand(command.name, command);
      case 'shutdown':
        peers.onShutdown();
        return;
      case 'status':
      case 'examine':
        return;
    }
  }

  [Symbol.dispose](): void {
    this.#endInput('ACTION_ABORTED', 'Deskhand ends.');
    this.#lease[Symbol.dispose]();
    this.#panelWatch[Symbol.dispose]();
  }

  // ---- inside ----------------------------------------------------------------------------------

  async #performOnce(command: Extract<ServerMessage, { id: string }>): Promise<Answer> {
    try {
      switch (command.type) {
        case 'release':
          this.#lease.release(command.leaseId);
          await this.#peers?.hands.releaseAll();
          return result(command.id, {});
        case 'observe': {
          await this.#giveFocusBack();
          const signal = AbortSignal.timeout(command.request.settleCeilingMs + 15_000);
          const sight = await this.#observer.observe(command.request, { signal });
          this.#rememberFocus(sight);
          return result(command.id, { sight: this.#withoutSecrets(sight) });
        }
        case 'act': {
          if (this.#actor === undefined)
            throw new ProtocolError('SERVICE_UNAVAILABLE', 'This desktop is still starting.');
          await this.#giveFocusBack();
          const { outcomes, sight } = await this.#actor.act(command, this.#stop.signal);
          this.#rememberFocus(sight);
          this.#settledMs = sight?.observation.settle.settledMs;
          return result(command.id, {
            outcomes: this.#secretScreen.scrub(outcomes),
            sight: this.#withoutSecrets(sight),
          });
        }
      }
    } catch (error) {
      const known = error instanceof ProtocolError;
      if (!known)
        this.#parts.log.error('a command failed', { command: command.type, ...errorAttributes(error) });
      return {
        frame: null,
        message: {
          type: 'failure',
          id: command.id,
          code: known ? error.code : 'INTERNAL_ERROR',
          message: known ? error.message : 'The command failed; the daemon’s log says why.',
        },
      };
    }
  }

  #withoutSecrets(sight: Sight | null): Sight | null {
    return sight === null ? null : { ...sight, observation: this.#secretScreen.scrub(sight.observation) };
  }

  /** Why nothing may be injected at this moment. */
  #refusal(): ProtocolError | undefined {
    if (this.#latch.tripped)
      return new ProtocolError('LATCHED', 'The emergency stop is tripped; a person must reset it here.');
    if (this.#guardState === undefined || this.#peers?.guard.alive !== true)
      return new ProtocolError('GUARD_UNAVAILABLE', 'Guard is not alive, so nothing may be injected.');
    // A busy machine, or a guard that has just come: no person, and nobody is to be waited for.
    const unheard = this.#guardState.unheard === true && this.#pauseToRestore === undefined;
    if (this.#control === 'paused' && unheard && this.#away.size === 0)
      return new ProtocolError('GUARD_UNAVAILABLE', 'Guard has not heard this daemon for a while.');
    if (this.#control === 'paused' || this.#away.size > 0)
      return new ProtocolError('PAUSED', 'A person has control of this desktop.');
    const unarmed = this.#unarmed();
    if (unarmed !== undefined)
      return new ProtocolError('NOT_ARMED', `The stop hotkey is not armed: ${unarmed}`);
    if (this.#lease.current === undefined)
      return new ProtocolError('LEASE_REQUIRED', 'The lease on this machine has ended.');
    const { decision: origin } = this.#decideOrigin();
    if (origin.verdict === 'deny')
      return new ProtocolError('POLICY_DENIED', `${origin.rule}: ${origin.reason}`, { rule: origin.rule });
    return undefined;
  }

  #hotkeyState(): HotkeyState {
    const hotkey = this.#guardState?.hotkey;
    const reason = hotkey === undefined ? 'Guard is not alive.' : hotkey.reason;
    return {
      armed: hotkey?.armed ?? false,
      ...(reason === undefined ? {} : { reason }),
      ...(this.#parts.allowUnarmed ? { override: true } : {}),
    };
  }

  /** Why nothing may be injected for want of a stop hotkey. Without a guard that is said elsewhere. */
  #unarmed(): string | undefined {
    const hotkey = this.#guardState?.hotkey;
    if (hotkey === undefined || hotkey.armed || this.#parts.allowUnarmed) return undefined;
    return hotkey.reason ?? 'it was not proven to work.';
  }

  /** A stop hotkey that is lost while the agent drives hands the desktop to the person. */
  #onHotkey(hotkey: GuardState['hotkey']): void {
    const said = JSON.stringify([hotkey.armed, hotkey.reason]);
    if (said === this.#hotkeySaid) return;
    const first = this.#hotkeySaid === undefined;
    this.#hotkeySaid = said;
    if (!hotkey.armed) this.#parts.log.warn('the stop hotkey is not armed', { reason: hotkey.reason });
    else if (!first) this.#parts.log.info('the stop hotkey is armed');
    if (first) return;
    void this.#tellServer('hotkey_changed');
    const driven = this.#lease.current !== undefined;
    if (driven && this.#unarmed() !== undefined)
      void this.#pauseForSession(`The stop hotkey is not armed any more: ${this.#unarmed()}`);
  }

  /** @param reason a whole sentence for the person. */
  async #pauseForSession(reason: string): Promise<void> {
    if (this.#control === 'stopped') return;
    if (this.#control === 'paused') this.#pauseKind ??= 'session';
    else this.#comingPause = 'session';
    try {
      await this.#demandPeers().guard.pause(reason);
    } catch (error) {
      this.#parts.log.error('this desktop could not be paused', errorAttributes(error));
      this.#endInput('PAUSED', reason);
    } finally {
      this.#comingPause = undefined;
    }
  }

  #decide(question: PolicyQuestion) {
    const { policy, workFolder } = this.#parts;
    const decision = decide(policy.current, question, { workFolder, savedPaths: this.#savedPaths });
    return decision.verdict === 'ask' && this.#consent.granted(question, decision)
      ? { ...decision, verdict: 'allow' as const }
      : decision;
  }

  #decideOrigin(): { question: ConsentQuestion; decision: PolicyDecision } {
    const { policy, serverIsLocal } = this.#parts;
    const began = this.#run === null ? undefined : this.#firstMoments.get(this.#run.id);
    const ranMs = began === undefined ? null : performance.now() - began;
    const starter = `${this.#serverUrl ?? 'unknown'} ${this.#requestedBy}`;
    const question = { operation: { type: 'wait', ms: 0 } as const, window: null, starter };
    const decision = decideOrigin(policy.current, { serverIsLocal, starter, now: new Date(), ranMs });
    const granted = decision.verdict === 'ask' && this.#consent.granted(question, decision);
    return { question, decision: granted ? { ...decision, verdict: 'allow' } : decision };
  }

  async #askPerson(
    question: ConsentQuestion,
    decision: PolicyDecision,
    options: { ceilingMs: number; signal: AbortSignal },
  ): Promise<boolean> {
    const { audit, policy, log } = this.#parts;
    const answer = await this.#consent.request(question, decision, options);
    audit.append({ kind: 'person', what: `answered ${answer}: ${decision.rule}` });
    if (answer === 'deny' || answer === 'timeout') return false;
    // A run that may act once would have to ask for each of its steps.
    if (answer !== 'once' || decision.rule.startsWith('runs:')) this.#consent.grant(question, decision);
    const lasting = answer === 'always' ? lastingRule(question, decision) : null;
    if (lasting !== null) {
      try {
        policy.change(lasting);
      } catch (error) {
        log.error('the policy could not be changed; the answer holds for this run', errorAttributes(error));
      }
    }
    return true;
  }

  /** While the policy asks, the run waits for a person, whatever the server knows of it. */
  #runToShow(): PanelRun | null {
    const { ask } = this.#consent;
    if (this.#run === null || ask === null) return this.#run;
    return { ...this.#run, status: 'awaiting_human', awaitingReason: null, ask };
  }

  #endInput(code: string, message: string): void {
    this.#stop.abort(new StopError(code, message));
    this.#stop = new AbortController();
  }

  #beginRun(grant: Extract<ServerMessage, { type: 'lease' }>): void {
    const { run } = grant;
    if (run === null || this.#run?.id === run.runId) return;
    this.#panelWatch.begin();
    this.#savedPaths.clear();
    this.#consent.forget();
    this.#requestedBy = run.requestedBy;
    this.#noteFirstMoment(run.runId);
    this.#run = {
      id: run.runId,
      task: run.task,
      status: 'running',
      step: 0,
      maxSteps: run.maxSteps,
      costCents: 0,
      deadlineAt: run.deadlineAt,
      startedAt: new Date().toISOString(),
      engine: run.engine,
      awaitingReason: null,
    };
    const { requestedBy, engine } = run;
    this.#parts.audit.append({ kind: 'run_began', run: run.runId, requestedBy, engine });
    const { armed, reason = 'unknown' } = this.#hotkeyState();
    if (!armed)
      this.#parts.audit.append({
        kind: 'not_armed',
        run: run.runId,
        reason,
        overridden: this.#parts.allowUnarmed,
      });
    this.#peers?.socket.announce();
  }

  /** A run that lost its lease and got it back, or was given it anew, is still the same. */
  #noteFirstMoment(runId: string): void {
    if (this.#firstMoments.has(runId)) return;
    this.#firstMoments.set(runId, performance.now());
    const [oldest] = this.#firstMoments.keys();
    if (this.#firstMoments.size > KNOWN_RUNS && oldest !== undefined) this.#firstMoments.delete(oldest);
  }

  #leaseEnded(lease: HeldLease, why: 'expired' | 'released' | 'replaced'): void {
    this.#endInput('LEASE_REQUIRED', `The lease has ended: ${why}.`);
    if (why !== 'replaced') {
      this.#peers?.hands.leaseEnded();
      this.#tellGuardWhoDrives();
      void this.#peers?.hands.releaseAll();
    }
    this.#target = null;
    this.#thumbnail = null;
    if (lease.run !== null) {
      this.#parts.audit.append({ kind: 'run_ended', run: lease.run.runId, why });
      const waits = this.#run?.status === 'awaiting_human';
      if (this.#run?.id === lease.run.runId && !waits && !FINISHED.has(this.#run.status)) this.#run = null;
    }
    this.#peers?.socket.announce();
  }

  async #tellServer(
    event: Extract<Parameters<ServerLink['event']>[0], { type: 'event' }>['event'],
    reason?: string,
  ): Promise<void> {
    const link = this.#peers?.link();
    if (link === undefined) return;
    const displays =
      event === 'displays_changed' ? [...(await this.#parts.senses.capture.displays())] : undefined;
    link.event({
      type: 'event',
      event,
      at: new Date().toISOString(),
      ...(reason === undefined ? {} : { reason: reason.slice(0, 500) }),
      control: this.#control,
      latch: this.#latch,
      hotkey: this.#hotkeyState(),
      ...(displays === undefined ? {} : { displays }),
    });
  }

  async #stopByPerson(by: 'panel' | 'cli', reason: string | undefined): Promise<void> {
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
        writeLatchFile(this.#parts.runtime.latchFile, latch);
      } catch (error) {
        this.#latch = { ...this.#latch, memoryOnly: true };
        throw error;
      } finally {
        // A disk that refuses keeps nobody from hearing of it; whoever asked hears that, too.
        void this.#tellServer('stopped', reason ?? by);
        peers.socket.announce();
      }
    }
  }

  async #pause(kind: PauseKind, command: DaemonCommand): Promise<void> {
    const peers = this.#demandPeers();
    if (this.#control === 'paused') this.#pauseKind = kind;
    else this.#comingPause = kind;
    try {
      await this.#askGuard(() => peers.guard.pause(command.note ?? command.name));
    } finally {
      // Guard's state came before its answer and has taken the kind with it; a refused pause must leave none.
      this.#comingPause = undefined;
    }
  }

  #answer(command: DaemonCommand): void {
    if (this.#consent.ask !== null) {
      const { requestId, digest, scope } = command;
      this.#consent.answer(command.name === 'deny' ? 'deny' : (scope ?? 'once'), requestId, digest);
      return;
    }
    // A card that is gone must not become the answer to something else.
    if (command.requestId !== undefined)
      throw new ProtocolError('INVALID_STATE', 'Nothing is being asked any more.');
    this.#personCommand(command.name === 'deny' ? 'deny' : 'approve', command);
  }

  async #resume(command: DaemonCommand, by: 'panel' | 'cli'): Promise<void> {
    const peers = this.#demandPeers();
    if (this.#away.size > 0)
      throw new ProtocolError(
        'PAUSED',
        `Not while this session is locked, asleep or not in front (${[...this.#away].join(', ')}).`,
      );
    const unarmed = this.#unarmed();
    if (unarmed !== undefined)
      throw new ProtocolError(
        'NOT_ARMED',
        `The stop hotkey is not armed: ${unarmed} Mend that, or start this desktop with --allow-unarmed.`,
      );
    if (this.#control !== 'paused') {
      // No pause of ours: the run waits for this person's answer, if for anything.
      if (by === 'panel') await this.#askGuard(() => peers.guard.demandPerson(command.code));
      if (command.runId !== undefined || this.#run !== null) this.#personCommand('resume', command);
      return;
    }
    this.#handedBack = command;
    try {
      await this.#askGuard(() => peers.guard.resume(by, command.code));
    } catch (error) {
      // A later resume brings its own note.
      if (this.#handedBack === command) this.#handedBack = undefined;
      throw error;
    }
  }

  /** The note goes first: the server takes the first word for the answer. */
  #tellResumed(): void {
    const command = this.#handedBack;
    this.#handedBack = undefined;
    const runId = command?.runId ?? this.#run?.id;
    if (command?.note !== undefined && runId !== undefined && this.#peers?.link()?.connected === true)
      this.#personCommand('resume', command);
    void this.#tellServer('resumed');
  }

  /** While the run waits for a person, what that person does here is no interruption. */
  #tellGuardWhoDrives(): void {
    const leased = this.#lease.current !== undefined;
    const waits = this.#run?.status === 'awaiting_human' || this.#consent.ask !== null;
    this.#peers?.guard.setDriving(leased && !waits, leased ? (waits ? 'awaiting_human' : 'running') : 'idle');
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
      default:
        return said === undefined || said === 'pause' ? 'A person paused this desktop.' : said;
    }
  }

  /** Guard lets only a person's tools reset: this connection is that person's, not the daemon's. */
  async #reset(by: 'panel' | 'cli', code: string | undefined): Promise<void> {
    const { runtime, personToken } = this.#parts;
    const token = personToken.reveal();
    await using guard = await connectToGuard({ path: runtime.guardSocket, token, role: by });
    await guard.request({ type: 'reset', by, ...(code === undefined ? {} : { code }) });
  }

  #personCommand(name: 'cancel' | 'resume' | 'approve' | 'deny', command: DaemonCommand): void {
    const runId = command.runId ?? this.#run?.id;
    if (runId === undefined) throw new ProtocolError('RUN_NOT_FOUND', 'No run is in progress here.');
    const link = this.#peers?.link();
    if (link?.connected !== true)
      throw new ProtocolError('UPSTREAM_UNAVAILABLE', 'The server is not connected, so it cannot be told.');
    link.event({
      type: 'person_command',
      command: name,
      runId: RunId.parse(runId),
      ...(command.note === undefined ? {} : { note: command.note }),
    });
  }

  async #askGuard(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (cause) {
      if (cause instanceof ProtocolError && cause.code === 'INSUFFICIENT_SCOPE') throw cause;
      throw new ProtocolError('GUARD_UNAVAILABLE', 'Guard does not answer.', {}, { cause });
    }
  }

  #demandPeers(): DaemonPeers {
    if (this.#peers === undefined)
      throw new ProtocolError('SERVICE_UNAVAILABLE', 'This desktop is still starting.');
    return this.#peers;
  }

  #rememberFocus(sight: Sight | null): void {
    const id = sight?.observation.activeWindowId ?? null;
    const window = sight?.observation.windows.find((known) => known.id === id);
    if (window !== undefined && !isPanel(window, this.covered)) this.#workWindowId = window.id;
  }

  /** A person who pressed a button of the panel left the focus there: the window the agent worked in gets it back. */
  async #giveFocusBack(): Promise<void> {
    if (!this.#panelUsed || this.#refusal() !== undefined) return;
    this.#panelUsed = false;
    const { windows } = this.#parts.senses;
    const before = this.#workWindowId;
    try {
      const active = await windows.activeWindow();
      if (active !== null && before !== null && isPanel(active, this.covered)) await windows.focus(before);
    } catch (error) {
      this.#parts.log.warn('the window in front could not be brought back', errorAttributes(error));
    }
  }

  /** The ring a person sees before the act: guard's on X11, the panel's on other systems, none where nobody draws. */
  async #pointOut(point: Point, signal: AbortSignal): Promise<void> {
    const { targetRingMs: showMs } = this.#parts;
    const peers = this.#peers;
    if (showMs === 0 || peers === undefined) return;
    const rect = {
      x: point.x - RING_SIDE_PX / 2,
      y: point.y - RING_SIDE_PX / 2,
      width: RING_SIDE_PX,
      height: RING_SIDE_PX,
    };
    peers.socket.target({ type: 'target', rect, showMs });
    const panelDraws = process.platform !== 'linux' && peers.socket.panelConnected;
    await raceSignal(
      Promise.all([peers.guard.ring(rect, showMs), panelDraws ? sleep(showMs, { signal }) : undefined]),
      signal,
    );
  }

  /** The same picture with the cross-hair where the agent acts next. */
  #aimThumbnail(): void {
    const shown = this.#thumbnail;
    const socket = this.#peers?.socket;
    if (shown === null || socket?.wantsThumbnails !== true) return;
    const target = this.#target === null ? null : desktopToFrame(shown.geometry, this.#target);
    if (target?.x === shown.message.target?.x && target?.y === shown.message.target?.y) return;
    shown.message = { ...shown.message, target };
    socket.thumbnail(shown.message);
  }

  /** Called while the picture's pixels are still there. One at a time: a thumbnail that is late is of no use. */
  #showThumbnail(picture: Picture): void {
    const socket = this.#peers?.socket;
    if (socket?.wantsThumbnails !== true || this.#thumbnailing) return;
    this.#thumbnailing = true;
    const { width, height } = picture.region;
    const factor = Math.min(1, THUMBNAIL.width / width, THUMBNAIL.height / height);
    picture
      .encode({ maxSidePx: Math.max(64, Math.floor(Math.max(width, height) * factor)), quality: 70 })
      .then(({ frame, bytes }) => {
        const { geometry } = frame;
        const message: PanelThumbnail = {
          type: 'thumbnail',
          jpegBase64: Buffer.from(bytes).toString('base64'),
          width: geometry.image.width,
          height: geometry.image.height,
          target: this.#target === null ? null : desktopToFrame(geometry, this.#target),
        };
        this.#thumbnail = { message, geometry };
        socket.thumbnail(message);
      })
      .catch((error) => this.#parts.log.warn('no thumbnail', errorAttributes(error)))
      .finally(() => {
        this.#thumbnailing = false;
      });
  }
}

function result(
  id: Extract<ServerMessage, { id: string }>['id'],
  done: {
    outcomes?: Awaited<ReturnType<Actor['act']>>['outcomes'];
    sight?: Awaited<ReturnType<Actor['act']>>['sight'];
  },
): Answer {
  const { outcomes = [], sight = null } = done;
  const frame = sight?.observation.frame ?? null;
  return {
    message: {
      type: 'result',
      id,
      outcomes: [...outcomes],
      observation: sight?.observation ?? null,
      repeated: false,
    },
    frame:
      frame === null || sight?.bytes == null ? null : { frameId: frame.geometry.frameId, bytes: sight.bytes },
  };
}
