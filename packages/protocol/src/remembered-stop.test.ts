import { describe, expect, it } from 'vitest';
import type { GuardState } from './local.ts';
import { RememberedStop } from './remembered-stop.ts';

const stop = { by: 'hotkey', at: '2026-01-02T03:04:05.678Z', reason: 'pressed' };

function says(tripped: boolean, resets: number | undefined, instance = 'one'): GuardState {
  return {
    type: 'guard_state',
    control: tripped ? 'stopped' : 'armed',
    latch: tripped ? { tripped, ...stop } : { tripped },
    hotkey: { chord: 'Ctrl+Alt+Shift+Esc', armed: true },
    handsAlive: true,
    daemonAlive: true,
    ...(resets === undefined ? {} : { instance, resets }),
  };
}

describe('a stop that somebody beside guard remembers', () => {
  it('[KILL11] is handed to a guard that was started anew', () => {
    const known = new RememberedStop();
    known.hear(says(true, 3));
    known.remember(stop);
    expect(known.hear(says(false, 0, 'two'))).toEqual(stop);
    // Until it says so itself.
    expect(known.hear(says(false, 0, 'two'))).toEqual(stop);
    expect(known.hear(says(true, 0, 'two'))).toBeUndefined();
    expect(known.stop).toEqual(stop);
  });

  it('[KILL11] is handed to the same guard, which slept through it', () => {
    const known = new RememberedStop();
    known.hear(says(false, 2));
    known.remember(stop);
    expect(known.hear(says(false, 2))).toEqual(stop);
  });

  it('[KILL11] ends by a reset that guard counts, of the same guard and of a new one', () => {
    const known = new RememberedStop();
    known.hear(says(true, 2));
    known.remember(stop);
    expect(known.hear(says(false, 3))).toBeUndefined();
    expect(known.stop).toBeUndefined();
    known.remember(stop);
    expect(known.hear(says(false, 1, 'two'))).toBeUndefined();
  });

  it('believes a guard that does not count', () => {
    const known = new RememberedStop();
    known.remember(stop);
    expect(known.hear(says(false, undefined))).toBeUndefined();
  });
});
