import { errorAttributes, type Logger, randomHex } from '@deskhand/base';
import type {
  BorderMode,
  ControlState,
  FromGuard,
  LatchState,
  Rect,
  StopRecord,
  ToGuard,
} from '@deskhand/protocol';
import {
  GUARD_DAEMON_SILENCE_MS,
  GUARD_LEASE_RENEW_MS,
  GUARD_LEASE_TTL_MS,
  PRESENCE_MS,
  ProtocolError,
  type StopSource,
} from '@deskhand/protocol';
import type { z } from 'zod';
import type { LocalPeer } from '../local/local-server.ts';
import { type BorderState, borderState } from './border-look.ts';
import type { HotkeyStatus, PersonInputKind } from './guard-desktop.ts';
import type { GuardDrawing } from './guard-drawing.ts';
import { PresenceCode } from './presence-code.ts';

const FIRST_RELEASE_CEILING_MS = 50;
/** A latch file is seen at once in any case, by a watch on its folder. */
const IDLE_TICK_MS = 500;
const MEMORY_NOTE = '(Held in memory only: the latch file cannot be written.)';
/** Together they are no longer than a reason may be. */
const REASON_BEFORE_NOTE = 500 - MEMORY_NOTE.length - 1;
/** After hands are killed, the X server still reads what they had sent: look again until that is through. */
const LOOK_AGAIN_MS = [10, 30, 80, 200];

type Peer = LocalPeer<FromGuard>;
type Source = z.infer<typeof StopSource>;
type KnownOfStop = Partial<Pick<LatchState, 'by' | 'at' | 'reason'>>;

/** What guard does to the world; each of these must work while everything else hangs. */
export type GuardPowers = Readonly<{
  /** SIGKILL. Quiet about a process that is gone. */
  kill: (pid: number) => void;
  /** One look: releases what is down now. Never throws. */
  releaseAll: () => Promise<void>;
  sleep: (ms: number) => Promise<void>;
  latch: Readonly<{
    read: () => LatchState;
    /** @throws when the disk refuses. */
    write: (latch: StopRecord) => void;
    clear: () => void;
  }>;
  drawing: Readonly<{
    border: (state: BorderState) => void;
    ring: (rect: Rect, showMs: number) => Promise<void>;
    drawn: () => GuardDrawing['drawn'];
  }>;
  /** And when the chord was last really pressed. */
  hotkey: () => HotkeyStatus & { pressedAt?: string };
  /** A hand is, or just was, on a real device of this desktop. */
  personPresent: (withinMs: number) => boolean;
  broadcast: (message: FromGuard, to: (peer: Peer) => boolean) => void;
  /** Milliseconds, monotonic. */
  now: () => number;
}>;

/**
 * Who may use the hands: latch, pause, lease. Decides in plain synchronous code; the sockets, the clock and
 * the X server are handed in.
 */
export class Guard {
  readonly #powers: GuardPowers;
  readonly #chordLabel: string;
  readonly #log: Logger;
  readonly #presenceCode: PresenceCode;
  readonly #handsPids = new Set<number>();
  #latch: LatchState;
  /** The latch could not be written: only this process's memory keeps the stop. */
  #latchUnwritten: StopRecord | undefined;
  #pausedBecause: string | undefined;
  #driving = false;
  #mode: BorderMode = 'idle';
  #heardDaemon = false;
  #lastHeartbeatMs = Number.NEGATIVE_INFINITY;
  #daemonWasAlive = false;
  #leaseSerial = 0;
  readonly #instance = randomHex(16);
  #resets = 0;

  /** @param inherited a stop that the guard before this one may not have brought to the disk. */
  constructor(powers: GuardPowers, chordLabel: string, log: Logger, inherited: KnownOfStop | null = null) {
    this.#powers = powers;
    this.#chordLabel = chordLabel;
    this.#log = log;
    this.#presenceCode = new PresenceCode(powers.now);
    this.#latch = powers.latch.read();
    if (inherited === null || this.#latch.tripped) return;
    const record = recordOf(inherited);
    this.#latch = { tripped: true, ...record };
    this.#writeLatch(record);
  }

  get control(): ControlState {
    if (this.#latch.tripped) return 'stopped';
    return this.#pausedBecause !== undefined || !this.#daemonAlive() ? 'paused' : 'armed';
  }

  /** How long until `tick` is due: hands that nobody drives need no lease, and get one with the word that somebody does. */
  get tickMs(): number {
    return this.#driving ? GUARD_LEASE_RENEW_MS : IDLE_TICK_MS;
  }

  /** Notices a hand-written latch and a silent daemon, renews the lease. */
  tick(): void {
    this.lookAtLatchFile();
    if (this.#daemonAlive() !== this.#daemonWasAlive) {
      this.#daemonWasAlive = this.#daemonAlive();
      if (!this.#daemonWasAlive) this.#log.warn('the daemon is silent, so no input is allowed');
      this.announce();
    }
    this.drawBorder();
    this.#renewLease();
  }

  /** The latch file is a way to stop, never a way to reset: one that vanished is written again. */
  lookAtLatchFile(): void {
    const onDisk = this.#powers.latch.read();
    if (onDisk.tripped && !this.#latch.tripped) {
      void this.#trip(onDisk);
      this.#log.warn('stopped by a latch file', { by: onDisk.by });
    } else if (onDisk.at !== undefined && this.#latchUnwritten !== undefined) {
      // Somebody else brought a stop to the disk: the next start finds that one.
      this.#onWritten(recordOf(onDisk));
    } else if (this.#latch.tripped && (!onDisk.tripped || this.#latchUnwritten !== undefined)) {
      this.#writeLatch(this.#latchUnwritten ?? recordOf(this.#latch));
    }
  }

  /**
   * Kill, release, write, tell; also when the latch is tripped already, since something may be held again.
   * Memory is latched before this returns; the promise settles when the disk is, too.
   */
  async stop(by: Source, reason?: string, at = new Date().toISOString()): Promise<void> {
    const record = recordOf({ by, at, reason });
    const first = !this.#latch.tripped;
    const released = this.#trip(first ? { tripped: true, ...record } : this.#latch);
    if (!first) return;
    // Syncing the disk blocks this process for some milliseconds: let go first, but never wait long for it.
    await Promise.race([released, this.#powers.sleep(FIRST_RELEASE_CEILING_MS)]);
    this.#writeLatch(record);
    this.#log.warn('stopped', { by });
    this.announce();
  }

  onPersonInput(kind: PersonInputKind): void {
    if (!this.#driving || this.control !== 'armed') return;
    this.#pausedBecause = 'person_input';
    this.#tellHands();
    this.#log.info('paused', { because: 'person_input', kind });
    this.#powers.broadcast(
      { type: 'person_input', kind, at: new Date().toISOString() },
      (peer) => peer.role === 'daemon' || peer.role === 'panel',
    );
    this.announce();
  }

  /** The computer slept: whoever opened it again decides whether the agent goes on. */
  onAwake(): void {
    // Nothing counts that was said before: the daemon is heard anew, or stays silent.
    this.#lastHeartbeatMs = Number.NEGATIVE_INFINITY;
    this.#log.info('this computer slept', { driving: this.#driving });
    if (this.#driving) this.#pausedBecause ??= 'This computer slept.';
    void this.#powers.releaseAll();
    this.announce();
  }

  attach(peer: Peer): void {
    if (peer.role === 'hands') this.#handsPids.add(peer.pid);
    peer.send(this.state());
    this.announce();
  }

  detach(peer: Peer): void {
    // Forgotten at once: the number may soon belong to a stranger.
    if (peer.role === 'hands') {
      this.#handsPids.delete(peer.pid);
      // Hands that ended well hold nothing; those that were killed cannot let go themselves.
      void this.#powers.releaseAll().then(() => this.#lookAgain());
    }
    if (peer.role === 'daemon') {
      this.#lastHeartbeatMs = Number.NEGATIVE_INFINITY;
      this.#driving = false;
    }
    this.announce();
  }

  /** @throws ProtocolError for what this peer may not ask. */
  handle(peer: Peer, message: ToGuard): void {
    switch (message.type) {
      case 'stop':
        void this.stop(message.by, message.reason, message.at).then(() =>
          peer.send({ type: 'ack', id: message.id }),
        );
        return;
      case 'reset':
        this.#demand(peer, ['cli', 'panel'], 'reset the stop');
        if (peer.role === 'panel') this.#demandPerson('deskhand reset', message.code);
        this.#reset();
        peer.send({ type: 'ack', id: message.id });
        return;
      case 'pause':
        if (this.#pausedBecause === undefined) {
          this.#pausedBecause = message.reason ?? 'asked';
          this.#log.info('paused', { because: 'asked', by: peer.role });
        }
        this.announce();
        peer.send({ type: 'ack', id: message.id });
        return;
      case 'resume':
        this.#demand(peer, ['daemon', 'cli', 'panel'], 'give control back');
        if (peer.role === 'panel' || message.by === 'panel')
          this.#demandPerson('deskhand resume', message.code);
        this.#pausedBecause = undefined;
        this.announce();
        peer.send({ type: 'ack', id: message.id });
        return;
      case 'challenge':
        this.#demand(peer, ['panel'], 'show a code to a person');
        peer.send({ type: 'code', id: message.id, ...this.#presenceCode.issue() });
        return;
      case 'presence':
        this.#demand(peer, ['daemon'], 'ask for a person');
        this.#demandPerson('deskhand resume', message.code);
        peer.send({ type: 'ack', id: message.id });
        return;
      case 'heartbeat':
        this.#demand(peer, ['daemon'], 'be the daemon’s heartbeat');
        this.#lastHeartbeatMs = this.#powers.now();
        if (message.driving && !this.#driving) {
          this.#driving = true;
          this.#renewLease();
        }
        this.#driving = message.driving;
        this.#mode = message.mode ?? (message.driving ? 'running' : 'idle');
        this.#heardDaemon = true;
        this.drawBorder();
        return;
      case 'target':
        this.#demand(peer, ['daemon'], 'name a target');
        void this.#powers.drawing
          .ring(message.rect, message.showMs)
          .then(() => peer.send({ type: 'ack', id: message.id }));
        return;
      case 'watch_hands':
        this.#demand(peer, ['daemon'], 'name the hands');
        this.#handsPids.add(message.pid);
        return;
      case 'status':
        peer.send({ ...this.state(), id: message.id });
        return;
      case 'attach':
        throw new ProtocolError('INVALID_STATE', 'This connection is attached already.');
    }
  }

  state(): Extract<FromGuard, { type: 'guard_state' }> {
    const control = this.control;
    const reason =
      this.#pausedBecause ?? (control === 'paused' ? 'The daemon does not answer.' : this.#latch.reason);
    const hotkey = this.#powers.hotkey();
    const unheard = control === 'paused' && this.#pausedBecause === undefined;
    return {
      type: 'guard_state',
      control,
      ...(unheard ? { unheard } : {}),
      ...(control === 'armed' || reason === undefined ? {} : { controlReason: reason }),
      latch: this.#latch,
      hotkey: { chord: this.#chordLabel, ...hotkey },
      handsAlive: this.#handsPids.size > 0,
      daemonAlive: this.#daemonAlive(),
      instance: this.#instance,
      resets: this.#resets,
      drawn: drawnOf(this.#powers.drawing.drawn()),
    };
  }

  /** Also when the desktop was opened anew. */
  drawBorder(): void {
    const { control } = this;
    this.#powers.drawing.border(
      borderState({
        control,
        daemonAlive: this.#daemonAlive(),
        heardDaemon: this.#heardDaemon,
        mode: this.#mode,
      }),
    );
  }

  announce(): void {
    this.#tellHands();
    this.#powers.broadcast(this.state(), ({ role }) => role !== 'hands');
    this.#renewLease();
    this.drawBorder();
  }

  /** The daemon is gone for good: nobody is left who could use the hands. */
  async end(): Promise<void> {
    const hadHands = this.#handsPids.size > 0;
    this.#killHands();
    await this.#powers.releaseAll();
    // Hands that ended by themselves have nothing on its way any more.
    if (hadHands) await this.#lookAgain();
  }

  /** A stop that no disk has yet. Each look at the latch file tries again. */
  get holdsUnwrittenStop(): boolean {
    return this.#latchUnwritten !== undefined;
  }

  /** First of all: they end their input by it. */
  #tellHands(): void {
    this.#powers.broadcast(this.state(), ({ role }) => role === 'hands');
  }

  #renewLease(): void {
    if (this.control !== 'armed') return;
    this.#leaseSerial += 1;
    this.#powers.broadcast(
      { type: 'guard_lease', ttlMs: GUARD_LEASE_TTL_MS, serial: this.#leaseSerial },
      (peer) => peer.role === 'hands',
    );
  }

  /** @returns when what was down has been released once. */
  #trip(latch: LatchState): Promise<void> {
    this.#latch = latch;
    this.#killHands();
    const released = this.#powers.releaseAll();
    this.announce();
    void released.then(() => this.#lookAgain());
    return released;
  }

  async #lookAgain(): Promise<void> {
    for (const ms of LOOK_AGAIN_MS) {
      await this.#powers.sleep(ms);
      await this.#powers.releaseAll();
    }
  }

  #killHands(): void {
    for (const pid of this.#handsPids) this.#powers.kill(pid);
    this.#handsPids.clear();
  }

  #writeLatch(record: { by: string; at: string; reason?: string }): void {
    try {
      this.#powers.latch.write(record);
      if (this.#latchUnwritten !== undefined) this.#onWritten(record);
    } catch (error) {
      if (this.#latchUnwritten !== undefined) return;
      this.#latchUnwritten = record;
      const why = (record.reason ?? 'Stopped.').slice(0, REASON_BEFORE_NOTE);
      this.#latch = { ...this.#latch, reason: `${why} ${MEMORY_NOTE}`, memoryOnly: true };
      this.#log.error('the latch file cannot be written; memory holds the stop', errorAttributes(error));
      this.announce();
    }
  }

  /** What only memory held is on the disk. */
  #onWritten(record: { by: string; at: string; reason?: string }): void {
    this.#latchUnwritten = undefined;
    this.#latch = { tripped: true, ...record };
    this.announce();
  }

  #reset(): void {
    try {
      this.#powers.latch.clear();
    } catch (cause) {
      throw new ProtocolError(
        'DATA_FOLDER_UNWRITABLE',
        'The latch file cannot be removed, so the stop stays.',
        {},
        { cause },
      );
    }
    this.#resets += 1;
    this.#latch = { tripped: false };
    this.#latchUnwritten = undefined;
    this.#pausedBecause = undefined;
    this.#log.info('the stop was reset by a person');
    this.announce();
  }

  #daemonAlive(): boolean {
    return this.#powers.now() - this.#lastHeartbeatMs < GUARD_DAEMON_SILENCE_MS;
  }

  /** Clicks in a panel can be made by programs; this desktop's own mouse and keyboard are a person's. */
  #demandPerson(command: string, code: string | undefined): void {
    if (code !== undefined && this.#presenceCode.accepts(code)) return;
    if (code !== undefined)
      throw new ProtocolError('INSUFFICIENT_SCOPE', 'That is not the code, or it is void by now.');
    if (!this.#powers.personPresent(PRESENCE_MS))
      throw new ProtocolError(
        'INSUFFICIENT_SCOPE',
        `No hand was on this desktop’s own mouse or keyboard just now. On a terminal: ${command}`,
      );
  }

  #demand(peer: Peer, roles: readonly Peer['role'][], what: string): void {
    if (!roles.includes(peer.role))
      throw new ProtocolError('INSUFFICIENT_SCOPE', `The role ${peer.role} may not ${what}.`);
  }
}

/** What is written: a note of who handed it over that it was on no disk does not belong there. */
function recordOf(latch: KnownOfStop): StopRecord {
  const { by = 'guard', at = new Date().toISOString() } = latch;
  const reason = latch.reason?.replace(MEMORY_NOTE, '').trim().slice(0, 500);
  return { by, at, ...(reason === undefined ? {} : { reason }) };
}

function drawnOf({ windows, rects }: GuardDrawing['drawn']) {
  return { windows: [...windows], rects: rects.map((rect) => ({ ...rect })) };
}
