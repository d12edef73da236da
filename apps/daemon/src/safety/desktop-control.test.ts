import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, silentLogger } from '@deskhand/base';
import type { GuardState } from '@deskhand/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DesktopControl } from './desktop-control.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-control-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const LOCKED = 'The screen is locked.';
const lock = { source: 'screen saver', away: true, reason: LOCKED };
const unlock = { source: 'screen saver', away: false, reason: 'The screen is unlocked.' };

/** Guard as the daemon hears it: what it is asked becomes its state, which is told before the answer. */
class World {
  readonly told: string[] = [];
  readonly ended: string[] = [];
  driven = false;
  alive = true;
  guard: GuardState = {
    type: 'guard_state',
    control: 'armed',
    latch: { tripped: false },
    hotkey: { chord: 'Ctrl+Alt+Shift+Esc', armed: true },
    handsAlive: true,
    daemonAlive: true,
    instance: 'guard-1',
    resets: 0,
  };
  readonly control: DesktopControl;

  constructor() {
    this.control = new DesktopControl({
      runtime: { latchFile: join(folder, 'latch.json'), guardSocket: join(folder, 'guard.sock') },
      personToken: new Secret('token'),
      allowUnarmed: false,
      audit: { append: () => {} },
      log: silentLogger,
      driven: () => this.driven,
      endInput: (code) => this.ended.push(code),
      tellServer: (event, reason) => this.told.push(reason === undefined ? event : `${event}: ${reason}`),
      onResumed: () => this.told.push('resumed'),
      announce: () => {},
    });
    this.control.attach({
      guard: {
        alive: true,
        stop: async () => {},
        pause: async (reason) => {
          await Promise.resolve();
          // Like guard: who paused first is who is named.
          const { controlReason = reason } = this.guard;
          this.hear({ control: 'paused', controlReason });
        },
        resume: async () => this.hear({ control: 'armed', controlReason: undefined }),
        demandPerson: async () => {},
        refresh: async () => {},
      },
      hands: { pid: null, releaseAll: async () => {} },
    });
    this.hear({});
  }

  hear(change: Partial<GuardState>): void {
    this.guard = { ...this.guard, ...change };
    this.control.onGuardState(this.guard);
  }

  stop(): void {
    const latch = { tripped: true, by: 'hotkey', at: new Date().toISOString(), reason: 'Pressed.' };
    this.hear({ control: 'stopped', controlReason: 'Pressed.', latch });
  }

  reset(): void {
    this.hear({
      control: 'armed',
      controlReason: undefined,
      latch: { tripped: false },
      resets: (this.guard.resets ?? 0) + 1,
    });
  }
}

const shown = ({ control: { state, pauseKind, reason } }: World) => [state, pauseKind, reason];
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a stop that is reset while the session is locked', () => {
  it.each([
    ['locked before the stop', true],
    ['locked after it', false],
  ])('%s: nobody may drive yet, and why is said; unlocking permits', async (_what, before) => {
    const world = new World();
    if (before) await world.control.onSession(lock);
    world.stop();
    if (!before) await world.control.onSession(lock);
    expect(world.control.state).toBe('stopped');
    world.told.length = 0;
    world.reset();
    // At no moment "armed": what is refused must not look as if it were not.
    expect(shown(world)).toEqual(['paused', 'session', LOCKED]);
    expect(world.control.refusal()).toMatchObject({ code: 'PAUSED' });
    expect(world.told).toEqual(['latch_cleared']);
    await settled();
    expect(world.guard.control).toBe('paused');
    expect(shown(world)).toEqual(['paused', 'session', LOCKED]);
    await world.control.onSession(unlock);
    expect(shown(world)).toEqual(['armed', null, null]);
    expect(world.control.refusal()).toBeUndefined();
    expect(world.told).toEqual(['latch_cleared', 'resumed']);
  });

  it('the run that the lock interrupted was ended by the stop: unlocking waits for nobody', async () => {
    const world = new World();
    world.driven = true;
    await world.control.onSession(lock);
    world.stop();
    world.driven = false;
    world.reset();
    await settled();
    await world.control.onSession(unlock);
    expect(world.control.state).toBe('armed');
  });
});

it('a lock that interrupts a run waits for a hand-back, also when somebody let guard go on meanwhile', async () => {
  const world = new World();
  world.driven = true;
  await world.control.onSession(lock);
  expect(world.told.at(-1)).toBe(`person_took_over: ${LOCKED}`);
  // Over guard's own socket, past the daemon.
  world.hear({ control: 'armed', controlReason: undefined });
  await settled();
  expect(shown(world)).toEqual(['paused', 'session', LOCKED]);
  expect(world.guard.control).toBe('paused');
  await world.control.onSession(unlock);
  expect(world.control.state).toBe('paused');
  world.control.demandMayResume();
  await world.control.resume('cli', undefined);
  expect(world.control.state).toBe('armed');
});

it('while it is locked no hand-back is taken, with the reason', async () => {
  const world = new World();
  await world.control.onSession(lock);
  expect(() => world.control.demandMayResume()).toThrow(/screen saver/);
});
