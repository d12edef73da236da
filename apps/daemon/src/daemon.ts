import { type Logger, randomHex, type Secret, StopError } from '@deskhand/base';
import type { RuntimePaths } from '@deskhand/base/runtime-paths';
import {
  type Capabilities,
  type DaemonCommand,
  type DaemonState,
  type ExclusionState,
  type FromGuard,
  type GuardState,
  type MachineId,
  type Narrate,
  OutcomeStatus,
  type PanelRun,
  ProtocolError,
  type Rect,
  type ServerMessage,
  type StopRecord,
} from '@deskhand/protocol';
import type { SecretVault } from '@deskhand/protocol/secret-vault';
import type { AuditLog } from './audit/audit-log.ts';
import { NO_OWN_WINDOWS, type OwnWindows } from './capture/index.ts';
import { Actor } from './desktop/act.ts';
import { answerCommand, type ServerCommand } from './desktop/answer-command.ts';
import { type Answer, CommandCache } from './desktop/command-cache.ts';
import { CurrentRun } from './desktop/current-run.ts';
import type { DesktopSenses } from './desktop/desktop-senses.ts';
import { FrameBook } from './desktop/frame-book.ts';
import { Observer } from './desktop/observe.ts';
import { PrivatePlaces } from './desktop/private-places.ts';
import { ReceiverFacts } from './desktop/receiver-facts.ts';
import { SavedPaths } from './files/saved-paths.ts';
import type { HandsClient } from './hands/hands-client.ts';
import type { ServerLink } from './link/server-link.ts';
import type { DaemonSocket } from './local/daemon-socket.ts';
import { PanelPicture } from './local/panel-picture.ts';
import { PersonCommands } from './local/person-commands.ts';
import { pointOut } from './local/point-out.ts';
import type { PolicyReader } from './policy/policy-file.ts';
import { PolicyGate } from './policy/policy-gate.ts';
import { DesktopControl, type MachineEventName } from './safety/desktop-control.ts';
import type { GuardProcess } from './safety/guard-process.ts';
import { type HeldLease, LeaseKeeper } from './safety/lease-keeper.ts';
import { PanelWatch } from './safety/panel-watch.ts';
import { SecretScreen } from './secrets/secret-screen.ts';
import type { SessionChange } from './session/session-change.ts';
import { WorkWindow } from './windows/work-window.ts';

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
  readonly #run = new CurrentRun();
  readonly #observer: Observer;
  readonly #policy: PolicyGate;
  readonly #control: DesktopControl;
  readonly #picture: PanelPicture;
  readonly #workWindow: WorkWindow;
  readonly #person: PersonCommands;
  readonly #panelWatch: PanelWatch;
  #actor: Actor | undefined;
  #peers: DaemonPeers | undefined;
  #machineId: MachineId | null = null;
  #serverUrl: string | null = null;
  /** Of the last action; what is narrated next with an outcome is about that. */
  #settledMs: number | undefined;
  /** Aborts when input must end now; replaced by a fresh one for the next command. */
  #stop = new AbortController();

  constructor(parts: DaemonParts) {
    const { runtime, personToken, allowUnarmed, senses, policy, workFolder, serverIsLocal, audit, log } =
      parts;
    this.#parts = parts;
    this.#lease = new LeaseKeeper((lease, why) => this.#leaseEnded(lease, why));
    this.#control = new DesktopControl({
      runtime,
      personToken,
      allowUnarmed,
      driven: () => this.#lease.current !== undefined,
      endInput: (code, message) => this.#endInput(code, message),
      tellServer: (event, reason) => void this.#tellServer(event, reason),
      onResumed: () => {
        this.#person.sendNote();
        void this.#tellServer('resumed');
      },
      announce: () => this.#announce(),
      audit,
      log,
    });
    this.#policy = new PolicyGate({
      policy,
      workFolder,
      savedPaths: this.#savedPaths,
      serverIsLocal,
      run: () => ({
        starter: `${this.#serverUrl ?? 'unknown'} ${this.#run.requestedBy}`,
        ranMs: this.#run.ranMs,
      }),
      onAsking: () => {
        // While a question is open, the person's hand on the mouse is an answer on its way, no interruption.
        this.#tellGuardWhoDrives();
        this.#announce();
      },
      audit,
      log,
    });
    this.#picture = new PanelPicture(() => this.#peers?.socket, log);
    this.#workWindow = new WorkWindow({
      windows: senses.windows,
      covered: () => this.covered,
      mayAct: () => this.#refusal() === undefined,
      log,
    });
    this.#person = new PersonCommands({
      control: this.#control,
      policy: this.#policy,
      runId: () => this.#run.id,
      link: () => this.#peers?.link(),
      onPanelUsed: () => this.#workWindow.onPanelUsed(),
      onShutdown: () => this.#peers?.onShutdown(),
      audit,
    });
    this.#panelWatch = new PanelWatch({
      present: () => this.#peers?.socket.panelConnected ?? false,
      driven: () => this.#control.state === 'armed' && (this.#lease.current?.run ?? null) !== null,
      gone: () => void this.#control.pauseForSession('The panel is gone: nobody sees what the agent does.'),
    });
    this.#observer = new Observer({
      senses,
      frames: this.#frames,
      // What guard draws carries its mark. Told rectangles are late: they would paint over where the ring just was.
      covered: ({ composed }) => (composed ? this.panels : this.covered),
      hidden: new PrivatePlaces(() => policy.private, senses.windows),
      onPicture: (picture) => this.#picture.show(picture),
      secretScreen: this.#secretScreen,
      log,
    });
  }

  /** The parts that need each other are complete from here on. */
  attach(peers: DaemonPeers): void {
    const { senses, vault, targetRingMs: showMs, audit, log } = this.#parts;
    this.#peers = peers;
    this.#control.attach(peers);
    this.#actor = new Actor({
      senses,
      hands: peers.hands,
      frames: this.#frames,
      observer: this.#observer,
      lease: this.#lease,
      refusal: () => this.#refusal(),
      policy: (question) => this.#policy.decide(question),
      facts: new ReceiverFacts(senses, log),
      vault,
      secretScreen: this.#secretScreen,
      origin: () => this.#policy.decideOrigin(),
      consent: (question, decision, options) => this.#policy.askPerson(question, decision, options),
      clearTarget: (point) => peers.socket.clearTarget(point),
      pointOut: (point, signal) => pointOut(point, peers, { showMs, signal }),
      onTarget: (point) => this.#picture.aim(point),
      savedPaths: this.#savedPaths,
      audit,
      log,
    });
    senses.capture.onDisplaysChanged(() => {
      this.#frames.outdate();
      void this.#tellServer('displays_changed');
      this.#announce();
    });
  }

  /** Where our own windows cover the desktop: the panel, and what guard draws. */
  get covered(): readonly Rect[] {
    return [...this.panels, ...(this.#control.guardState?.drawn?.rects ?? [])];
  }

  /** Where the panel said its windows are. */
  get panels(): readonly Rect[] {
    return this.#peers?.socket.covered ?? [];
  }

  /** Whose windows belong to no picture. */
  get ownWindows(): OwnWindows {
    const { windows, pids } = this.#peers?.socket.panelWindows ?? NO_OWN_WINDOWS;
    return { windows: [...windows, ...(this.#control.guardState?.drawn?.windows ?? [])], pids };
  }

  // ---- the server's side -----------------------------------------------------------------------

  async describe() {
    return {
      displays: [...(await this.#parts.senses.capture.displays())],
      capabilities: { ...this.#parts.capabilities, input: this.#peers?.hands.backend ?? 'none' },
      latch: this.#control.latch,
      control: this.#control.state,
      hotkey: this.#control.hotkey,
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
  perform(command: ServerCommand): Promise<Answer> {
    return this.#cache.once(command.id, async () => {
      const parts = {
        lease: this.#lease,
        observer: this.#observer,
        workWindow: this.#workWindow,
        secretScreen: this.#secretScreen,
        actor: this.#actor,
        hands: this.#peers?.hands,
        log: this.#parts.log,
      };
      const answer = await answerCommand(command, parts, () => this.#stop.signal);
      const { message } = answer;
      if (command.type === 'act' && message.type === 'result')
        this.#settledMs = message.observation?.settle.settledMs;
      return answer;
    });
  }

  onNarrate(narrate: Narrate): void {
    this.#run.narrate(narrate);
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
    this.#announce();
  }

  onConnected(machineId: MachineId, serverUrl: string): void {
    this.#machineId = machineId;
    this.#serverUrl = serverUrl;
    this.#announce();
  }

  onDisconnected(): void {
    this.#announce();
  }

  // ---- guard's and the session's side ----------------------------------------------------------

  onGuardState(state: GuardState): void {
    this.#control.onGuardState(state);
  }

  onPersonInput(input: Extract<FromGuard, { type: 'person_input' }>): void {
    this.#control.onPersonInput(input);
  }

  onGuardLost(): void {
    this.#control.onGuardLost();
  }

  /** For a guard that is just starting: it must not let anybody act before it knows. */
  get knownStop(): StopRecord | null {
    return this.#control.knownStop;
  }

  /** Settles when input has ended and is let go of, where the change means that; never rejects. */
  onSession(change: SessionChange): Promise<void> {
    return this.#control.onSession(change);
  }

  /** A panel has come or gone. */
  onPanels(): void {
    this.#panelWatch.changed();
  }

  // ---- the person's side -----------------------------------------------------------------------

  async state(): Promise<DaemonState> {
    const { senses, name, display, chordLabel, capabilities } = this.#parts;
    const { state: control, reason, pauseKind, latch, guardState } = this.#control;
    const { pressedAt } = guardState?.hotkey ?? {};
    return {
      type: 'state',
      seq: 0,
      machineId: this.#machineId,
      name,
      control,
      controlReason: reason,
      pauseKind,
      latch,
      run: this.#runToShow(),
      stopHotkey: {
        chord: guardState?.hotkey.chord ?? chordLabel,
        ...this.#control.hotkey,
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

  /** @throws ProtocolError for what cannot be done now. */
  async onCommand(command: DaemonCommand, by: 'panel' | 'cli'): Promise<void> {
    if (this.#peers === undefined)
      throw new ProtocolError('SERVICE_UNAVAILABLE', 'This desktop is still starting.');
    return this.#person.handle(command, by);
  }

  [Symbol.dispose](): void {
    this.#endInput('ACTION_ABORTED', 'Deskhand ends.');
    this.#lease[Symbol.dispose]();
    this.#panelWatch[Symbol.dispose]();
  }

  // ---- inside ----------------------------------------------------------------------------------

  /** Why nothing may be injected at this moment. */
  #refusal(): ProtocolError | undefined {
    const refusal = this.#control.refusal();
    if (refusal !== undefined) return refusal;
    if (this.#lease.current === undefined)
      return new ProtocolError('LEASE_REQUIRED', 'The lease on this machine has ended.');
    const { decision: origin } = this.#policy.decideOrigin();
    if (origin.verdict === 'deny')
      return new ProtocolError('POLICY_DENIED', `${origin.rule}: ${origin.reason}`, { rule: origin.rule });
    return undefined;
  }

  /** While the policy asks, the run waits for a person, whatever the server knows of it. */
  #runToShow(): PanelRun | null {
    const { ask } = this.#policy;
    const { shown } = this.#run;
    return shown === null || ask === null
      ? shown
      : { ...shown, status: 'awaiting_human', awaitingReason: null, ask };
  }

  #endInput(code: string, message: string): void {
    this.#stop.abort(new StopError(code, message));
    this.#stop = new AbortController();
  }

  #beginRun(grant: Extract<ServerMessage, { type: 'lease' }>): void {
    const { run } = grant;
    if (run === null || this.#run.id === run.runId) return;
    const { allowUnarmed, audit } = this.#parts;
    this.#panelWatch.begin();
    this.#savedPaths.clear();
    this.#policy.forget();
    this.#run.begin(run);
    const { runId, requestedBy, engine } = run;
    audit.append({ kind: 'run_began', run: runId, requestedBy, engine });
    const { armed, reason = 'unknown' } = this.#control.hotkey;
    if (!armed) audit.append({ kind: 'not_armed', run: runId, reason, overridden: allowUnarmed });
    this.#announce();
  }

  #leaseEnded(lease: HeldLease, why: 'expired' | 'released' | 'replaced'): void {
    this.#endInput('LEASE_REQUIRED', `The lease has ended: ${why}.`);
    if (why !== 'replaced') {
      this.#peers?.hands.leaseEnded();
      this.#tellGuardWhoDrives();
      void this.#peers?.hands.releaseAll();
    }
    this.#picture.forget();
    if (lease.run !== null) {
      this.#parts.audit.append({ kind: 'run_ended', run: lease.run.runId, why });
      this.#run.leaseEnded(lease.run.runId);
    }
    this.#announce();
  }

  async #tellServer(event: MachineEventName, reason?: string): Promise<void> {
    const link = this.#peers?.link();
    if (link === undefined) return;
    const displays =
      event === 'displays_changed' ? [...(await this.#parts.senses.capture.displays())] : undefined;
    link.event({
      type: 'event',
      event,
      at: new Date().toISOString(),
      ...(reason === undefined ? {} : { reason: reason.slice(0, 500) }),
      control: this.#control.state,
      latch: this.#control.latch,
      hotkey: this.#control.hotkey,
      ...(displays === undefined ? {} : { displays }),
    });
  }

  /** While the run waits for a person, what that person does here is no interruption. */
  #tellGuardWhoDrives(): void {
    const leased = this.#lease.current !== undefined;
    const waits = this.#run.waitsForPerson || this.#policy.ask !== null;
    this.#peers?.guard.setDriving(leased && !waits, leased ? (waits ? 'awaiting_human' : 'running') : 'idle');
  }

  #announce(): void {
    this.#peers?.socket.announce();
  }
}
