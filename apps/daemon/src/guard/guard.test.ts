import { silentLogger } from '@deskhand/base';
import {
  type FromGuard,
  GUARD_DAEMON_SILENCE_MS,
  GUARD_LEASE_RENEW_MS,
  GUARD_LEASE_TTL_MS,
  GuardState,
  type LatchState,
  type LocalRole,
  type StopRecord,
} from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import type { LocalPeer } from '../local/local-server.ts';
import type { BorderState } from './border-look.ts';
import { Guard } from './guard.ts';

class World {
  readonly killed: number[] = [];
  readonly order: string[] = [];
  readonly peers: Array<LocalPeer<FromGuard> & { readonly received: FromGuard[] }> = [];
  file: LatchState = { tripped: false };
  diskFull = false;
  nowMs = 1000;
  personPresent = true;
  readonly borders: BorderState[] = [];
  readonly rings: object[] = [];
  readonly guard: Guard;

  constructor(
    latch: LatchState = { tripped: false },
    { inherited, diskFull = false }: { inherited?: StopRecord; diskFull?: boolean } = {},
  ) {
    this.file = latch;
    this.diskFull = diskFull;
    this.guard = new Guard(
      {
        kill: (pid) => {
          this.killed.push(pid);
          this.order.push('kill');
        },
        releaseAll: async () => {
          this.order.push('release');
        },
        sleep: () => new Promise((resolve) => setImmediate(resolve)),
        latch: {
          read: () => this.file,
          write: (written) => {
            if (this.diskFull) throw new Error('ENOSPC');
            this.order.push('write');
            this.file = { tripped: true, ...written };
          },
          clear: () => {
            if (this.diskFull) throw new Error('EROFS');
            this.file = { tripped: false };
          },
        },
        hotkey: () => ({ armed: true }),
        drawing: {
          border: (state) => this.borders.push(state),
          ring: async (rect, showMs) => void this.rings.push({ rect, showMs }),
          drawn: () => ({ windows: [7], rects: [] }),
        },
        personPresent: () => this.personPresent,
        broadcast: (message, to) => {
          for (const peer of this.peers) if (to(peer)) peer.send(message);
        },
        now: () => this.nowMs,
      },
      'Ctrl+Alt+Shift+Esc',
      silentLogger,
      inherited,
    );
  }

  attach(role: LocalRole, pid = 42) {
    const received: FromGuard[] = [];
    const peer = {
      role,
      pid,
      pendingBytes: 0,
      received,
      close() {},
      send: (m: FromGuard) => received.push(m),
    };
    this.peers.push(peer);
    this.guard.attach(peer);
    return peer;
  }

  /** A living daemon that drives, with its hands. */
  driving() {
    const daemon = this.attach('daemon', 10);
    const hands = this.attach('hands', 11);
    this.guard.handle(daemon, { type: 'heartbeat', driving: true });
    this.guard.tick();
    return { daemon, hands };
  }
}

const leases = (messages: readonly FromGuard[]) =>
  messages.filter(({ type }) => type === 'guard_lease').length;

describe('guard', () => {
  it('[KILL] gives no lease before a daemon lives', () => {
    const world = new World();
    const hands = world.attach('hands');
    world.guard.tick();
    expect(leases(hands.received)).toBe(0);
    expect(world.guard.control).toBe('paused');
  });

  it('[KILL] renews the lease while the daemon’s heart beats, and stops when it does not', () => {
    const world = new World();
    const { hands } = world.driving();
    const before = leases(hands.received);
    world.nowMs += 1900;
    world.guard.tick();
    expect(leases(hands.received)).toBeGreaterThan(before);
    const last = leases(hands.received);
    world.nowMs += 200;
    world.guard.tick();
    world.guard.tick();
    expect(leases(hands.received)).toBe(last);
    expect(world.guard.state()).toMatchObject({ control: 'paused', daemonAlive: false, unheard: true });
  });

  it('[KILL] stops in order: kill, release, write; and forgets the pid', async () => {
    const world = new World();
    const { hands } = world.driving();
    const before = leases(hands.received);
    await world.guard.stop('hotkey', 'pressed');
    expect(world.order.slice(0, 3)).toEqual(['kill', 'release', 'write']);
    expect(world.killed).toEqual([11]);
    expect(world.file).toMatchObject({ tripped: true, by: 'hotkey', reason: 'pressed' });
    world.guard.tick();
    expect(leases(hands.received)).toBe(before);
    await world.guard.stop('panel');
    expect(world.killed).toEqual([11]);
    expect(world.guard.state().latch).toMatchObject({ by: 'hotkey' });
  });

  it('[KILL] ticks seldom while nobody drives, and gives the lease with the word that somebody does', () => {
    const world = new World();
    const daemon = world.attach('daemon', 10);
    const hands = world.attach('hands', 11);
    world.guard.handle(daemon, { type: 'heartbeat', driving: false });
    const idleMs = world.guard.tickMs;
    expect(idleMs).toBeGreaterThan(GUARD_LEASE_RENEW_MS);
    expect(idleMs).toBeLessThan(GUARD_DAEMON_SILENCE_MS / 2);
    const before = leases(hands.received);
    world.guard.handle(daemon, { type: 'heartbeat', driving: true });
    expect(leases(hands.received)).toBe(before + 1);
    expect(world.guard.tickMs).toBe(GUARD_LEASE_RENEW_MS);
    expect(world.guard.tickMs).toBeLessThan(GUARD_LEASE_TTL_MS / 2);
  });

  it('[KILL] starts stopped with a latch on disk, whoever wrote it', () => {
    const world = new World({ tripped: true, by: 'cli' });
    world.driving();
    expect(world.guard.control).toBe('stopped');
  });

  it('[KILL] takes a latch file that appears as a stop, and one that vanishes as nothing', async () => {
    const world = new World();
    world.driving();
    world.file = { tripped: true, by: 'latch_file' };
    world.guard.tick();
    expect(world.guard.control).toBe('stopped');
    expect(world.killed).toEqual([11]);
    world.file = { tripped: false };
    world.guard.tick();
    expect(world.guard.control).toBe('stopped');
    expect(world.file.tripped).toBe(true);
  });

  it('[KILL] holds the stop in memory when the disk is full, says so, and writes it later', async () => {
    const world = new World();
    world.driving();
    world.diskFull = true;
    await world.guard.stop('hotkey', 'pressed');
    expect(world.guard.control).toBe('stopped');
    expect(world.guard.state().latch.reason).toContain('memory only');
    world.guard.tick();
    expect(world.guard.control).toBe('stopped');
    world.diskFull = false;
    world.guard.tick();
    expect(world.file).toMatchObject({ tripped: true, by: 'hotkey', reason: 'pressed' });
    expect(world.guard.state().latch.reason).toBe('pressed');
  });

  it('[KILL11] starts stopped by what it is told, whatever the disk says, and gives no lease', () => {
    const inherited = { by: 'hotkey', at: '2026-01-02T03:04:05.678Z', reason: 'pressed' };
    const world = new World({ tripped: false }, { inherited, diskFull: true });
    const { hands } = world.driving();
    world.guard.tick();
    expect(world.guard.state()).toMatchObject({
      control: 'stopped',
      latch: { by: 'hotkey', at: inherited.at, memoryOnly: true },
    });
    expect(leases(hands.received)).toBe(0);
    expect(world.guard.holdsUnwrittenStop).toBe(true);
    world.diskFull = false;
    world.guard.tick();
    expect(world.file).toEqual({ tripped: true, ...inherited });
    expect(world.guard.state().latch.memoryOnly).toBeUndefined();
    expect(world.guard.holdsUnwrittenStop).toBe(false);
  });

  it('[KILL11] a stop that somebody else brought to the full disk is on the disk: nobody stays for it', () => {
    const world = new World();
    world.diskFull = true;
    void world.guard.stop('hotkey', 'pressed');
    world.guard.tick();
    expect(world.guard.holdsUnwrittenStop).toBe(true);
    // Unreadable, or made by hand: it is written over as soon as that can be done.
    world.file = { tripped: true, by: 'latch_file', reason: 'The latch file cannot be read (EISDIR).' };
    world.guard.tick();
    expect(world.guard.holdsUnwrittenStop).toBe(true);
    world.file = { tripped: true, by: 'cli', at: '2026-01-02T03:04:05.678Z' };
    world.guard.tick();
    expect(world.guard.holdsUnwrittenStop).toBe(false);
    expect(world.guard.state()).toMatchObject({ control: 'stopped', latch: { tripped: true, by: 'cli' } });
    expect(world.guard.state().latch.memoryOnly).toBeUndefined();
  });

  it('[KILL11] hands over its note with the stop: the next one writes the reason without it', () => {
    const world = new World();
    world.diskFull = true;
    void world.guard.stop('hotkey', 'pressed');
    world.guard.tick();
    const { by, at, reason } = world.guard.state().latch as StopRecord;
    expect(reason).toContain('memory only');
    const next = new World({ tripped: false }, { inherited: { by, at, ...(reason ? { reason } : {}) } });
    expect(next.file).toMatchObject({ by: 'hotkey', reason: 'pressed' });
  });

  it('[KILL11] says no more than a reason may be long, also with its note', async () => {
    const world = new World();
    world.diskFull = true;
    await world.guard.stop('cli', 'x'.repeat(500));
    expect(GuardState.parse(world.guard.state()).latch.reason).toContain('memory only');
  });

  it('[KILL11] counts the resets, and each start is another one', async () => {
    const world = new World();
    await world.guard.stop('cli');
    expect(world.guard.state().resets).toBe(0);
    world.guard.handle(world.attach('cli'), { type: 'reset', id: 'r', by: 'cli' });
    expect(world.guard.state().resets).toBe(1);
    expect(new World().guard.state().instance).not.toBe(world.guard.state().instance);
  });

  it.each<[LocalRole, boolean]>([
    ['cli', true],
    ['panel', true],
    ['daemon', false],
    ['hands', false],
  ])('[KILL] reset by %s: %s', async (role, allowed) => {
    const world = new World();
    world.driving();
    await world.guard.stop('cli');
    const peer = world.attach(role, 77);
    const ask = () => world.guard.handle(peer, { type: 'reset', id: 'r', by: 'cli' });
    if (allowed) ask();
    else expect(ask).toThrow(expect.objectContaining({ code: 'INSUFFICIENT_SCOPE' }));
    expect(world.guard.control).toBe(allowed ? 'armed' : 'stopped');
  });

  it('[KILL] a panel’s reset and resume need a hand on a real device; the CLI’s and every stop do not', async () => {
    const world = new World();
    const { daemon } = world.driving();
    world.personPresent = false;
    const panel = world.attach('panel');
    const cli = world.attach('cli');
    const refused = expect.objectContaining({ code: 'INSUFFICIENT_SCOPE' });
    world.guard.handle(panel, { type: 'pause', id: '1' });
    expect(() => world.guard.handle(panel, { type: 'resume', id: '2' })).toThrow(refused);
    expect(() => world.guard.handle(daemon, { type: 'resume', id: '3', by: 'panel' })).toThrow(refused);
    expect(world.guard.control).toBe('paused');
    world.guard.handle(daemon, { type: 'resume', id: '4', by: 'cli' });
    expect(world.guard.control).toBe('armed');
    world.guard.handle(panel, { type: 'stop', id: '5', by: 'panel' });
    expect(world.guard.control).toBe('stopped');
    expect(() => world.guard.handle(panel, { type: 'reset', id: '6', by: 'cli' })).toThrow(refused);
    expect(world.guard.control).toBe('stopped');
    world.guard.handle(cli, { type: 'reset', id: '7', by: 'cli' });
    expect(world.guard.control).toBe('armed');
  });

  it('[KILL] stays stopped when the latch file cannot be removed', async () => {
    const world = new World();
    world.driving();
    await world.guard.stop('cli');
    world.diskFull = true;
    const peer = world.attach('cli');
    expect(() => world.guard.handle(peer, { type: 'reset', id: 'r', by: 'cli' })).toThrow(
      expect.objectContaining({ code: 'DATA_FOLDER_UNWRITABLE' }),
    );
    expect(world.guard.control).toBe('stopped');
  });

  it.each<LocalRole>(['daemon', 'hands', 'panel', 'cli'])('[KILL] %s may stop at any time', async (role) => {
    const world = new World();
    const peer = world.attach(role);
    world.guard.handle(peer, { type: 'stop', id: 's', by: 'api' });
    await Promise.resolve();
    expect(world.guard.control).toBe('stopped');
  });

  it('[KILL] pauses for a person’s input while driving only, and tells the daemon what kind it was', () => {
    const world = new World();
    const { daemon, hands } = world.driving();
    world.guard.handle(daemon, { type: 'heartbeat', driving: false });
    world.guard.onPersonInput('key');
    expect(world.guard.control).toBe('armed');
    world.guard.handle(daemon, { type: 'heartbeat', driving: true });
    const before = leases(hands.received);
    world.guard.onPersonInput('pointer');
    world.guard.tick();
    expect(world.guard.control).toBe('paused');
    expect(leases(hands.received)).toBe(before);
    expect(world.guard.state().unheard).toBeUndefined();
    expect(daemon.received).toContainEqual(
      expect.objectContaining({ type: 'person_input', kind: 'pointer' }),
    );
    world.guard.handle(daemon, { type: 'resume', id: '1' });
    expect(world.guard.control).toBe('armed');
    expect(leases(hands.received)).toBeGreaterThan(before);
  });

  it('[KILL] tells hands of a pause before anybody else hears of it, and before anything is drawn', () => {
    const world = new World();
    const { daemon, hands } = world.driving();
    const order: string[] = [];
    for (const peer of [daemon, hands]) {
      const send = peer.send.bind(peer);
      Object.assign(peer, {
        send: (message: FromGuard) => {
          order.push(`${peer.role} ${message.type}`);
          send(message);
        },
      });
    }
    world.guard.onPersonInput('key');
    expect(order[0]).toBe('hands guard_state');
  });

  it('[KILL] hands may not end a pause', () => {
    const world = new World();
    const { daemon, hands } = world.driving();
    world.guard.handle(daemon, { type: 'pause', id: '1' });
    expect(() => world.guard.handle(hands, { type: 'resume', id: '2' })).toThrow(
      expect.objectContaining({ code: 'INSUFFICIENT_SCOPE' }),
    );
    expect(world.guard.control).toBe('paused');
  });

  it('[KILL] releases for hands that are gone, and never kills a number that may be a stranger’s by now', async () => {
    const world = new World();
    const { hands } = world.driving();
    world.peers.splice(world.peers.indexOf(hands), 1);
    world.guard.detach(hands);
    expect(world.order).toEqual(['release']);
    await world.guard.stop('hotkey');
    expect(world.killed).toEqual([]);
  });

  it('[KILL] withholds the lease at once when the daemon’s connection ends', () => {
    const world = new World();
    const { daemon } = world.driving();
    world.guard.detach(daemon);
    expect(world.guard.control).toBe('paused');
  });
});

describe('[LOCAL8] what guard draws', () => {
  it('follows what guard knows, and what the daemon says only while it is heard', () => {
    const world = new World();
    const daemon = world.attach('daemon');
    const last = () => world.borders.at(-1);
    expect(last()).toBe('none');
    world.guard.handle(daemon, { type: 'heartbeat', driving: true, mode: 'running' });
    expect(last()).toBe('running');
    world.guard.handle(daemon, { type: 'heartbeat', driving: false, mode: 'awaiting_human' });
    expect(last()).toBe('awaiting_human');
    world.guard.handle(daemon, { type: 'pause', id: 'p' });
    expect(last()).toBe('paused');
    world.nowMs += 10_000;
    world.guard.tick();
    expect(last()).toBe('lost');
    void world.guard.stop('hotkey');
    expect(last()).toBe('stopped');
  });

  it('rings a target for the daemon alone, and says when the ring is gone', async () => {
    const world = new World();
    const daemon = world.attach('daemon');
    const panel = world.attach('panel');
    const target = {
      type: 'target',
      id: 't',
      rect: { x: 1, y: 2, width: 3, height: 4 },
      showMs: 250,
    } as const;
    expect(() => world.guard.handle(panel, target)).toThrow(/panel may not/);
    world.guard.handle(daemon, target);
    expect(world.rings).toEqual([{ rect: target.rect, showMs: 250 }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(daemon.received).toContainEqual({ type: 'ack', id: 't' });
  });

  it('tells whose windows are drawn, so that no frame shows them', () => {
    expect(new World().guard.state().drawn).toEqual({ windows: [7], rects: [] });
  });
});
