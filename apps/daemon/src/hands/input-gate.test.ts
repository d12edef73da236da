import { beforeEach, describe, expect, it } from 'vitest';
import { InputGate } from './input-gate.ts';

const fence = { epoch: 3, leaseId: 'a' };
let nowMs: number;
let gate: InputGate;

beforeEach(() => {
  nowMs = 0;
  gate = new InputGate(() => nowMs);
});

/** Everything that must hold does. */
function open(): void {
  gate.guardState('armed');
  gate.guardLease(500);
  gate.lease({ leaseId: 'a', epoch: 3, ttlMs: 3000 });
}

const code = () => {
  try {
    gate.check(fence);
    return 'open';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('the gate before each primitive', () => {
  it('[LEASE] is open with guard’s lease, the server’s lease and no newer epoch', () => {
    expect(code()).toBe('GUARD_UNAVAILABLE');
    gate.guardLease(500);
    expect(code()).toBe('LEASE_REQUIRED');
    open();
    expect(code()).toBe('open');
  });

  it('[KILL] closes when guard’s lease runs out, with no message needed', () => {
    open();
    nowMs = 499;
    expect(code()).toBe('open');
    nowMs = 500;
    expect(code()).toBe('GUARD_UNAVAILABLE');
  });

  it('[LEASE] closes when the server’s lease runs out', () => {
    open();
    nowMs = 3000;
    gate.guardLease(500);
    expect(code()).toBe('LEASE_REQUIRED');
  });

  it.each([
    ['stopped', 'LATCHED'],
    ['paused', 'PAUSED'],
  ] as const)('[KILL] closes at once when guard says %s', (control, expected) => {
    open();
    gate.guardState(control);
    expect(code()).toBe(expected);
    // Armed alone opens nothing: a fresh lease must come.
    gate.guardState('armed');
    expect(code()).toBe('GUARD_UNAVAILABLE');
  });

  it('[KILL] closes when the connection to guard is gone', () => {
    open();
    gate.guardGone();
    expect(code()).toBe('GUARD_UNAVAILABLE');
  });

  it('[LEASE] refuses an older epoch, another lease, and an ended one', () => {
    open();
    gate.lease({ leaseId: 'b', epoch: 4, ttlMs: 3000 });
    expect(code()).toBe('STALE_EPOCH');
    // A late grant of the old owner changes nothing.
    gate.lease({ leaseId: 'a', epoch: 3, ttlMs: 3000 });
    expect(code()).toBe('STALE_EPOCH');
    expect(() => gate.check({ epoch: 4, leaseId: 'a' })).toThrow(
      expect.objectContaining({ code: 'LEASE_REQUIRED' }),
    );
    expect(() => gate.check({ epoch: 4, leaseId: 'b' })).not.toThrow();
    gate.leaseEnded();
    expect(() => gate.check({ epoch: 4, leaseId: 'b' })).toThrow(
      expect.objectContaining({ code: 'LEASE_REQUIRED' }),
    );
  });
});
