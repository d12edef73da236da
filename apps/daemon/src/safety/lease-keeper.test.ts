import { type LeaseGrant, LeaseGrant as LeaseGrantSchema } from '@deskhand/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeaseKeeper } from './lease-keeper.ts';

const ended: Array<[leaseId: string, why: string]> = [];
let keeper: LeaseKeeper;

const grant = (leaseId: string, epoch: number, ttlMs = 3000): LeaseGrant =>
  LeaseGrantSchema.parse({ type: 'lease', leaseId, epoch, ttlMs, run: null });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  ended.length = 0;
  keeper = new LeaseKeeper((lease, why) => ended.push([lease.leaseId, why]));
});

afterEach(() => {
  keeper[Symbol.dispose]();
  vi.useRealTimers();
});

describe('the server’s lease on this desktop', () => {
  it('[LEASE] ends by itself, counted from receipt', () => {
    keeper.grant(grant('a', 1));
    vi.advanceTimersByTime(2999);
    expect(keeper.current?.leaseId).toBe('a');
    vi.advanceTimersByTime(1);
    expect(keeper.current).toBeUndefined();
    expect(ended).toEqual([['a', 'expired']]);
  });

  it('[LEASE] lives on while it is renewed', () => {
    for (let second = 0; second < 10; second += 1) {
      keeper.grant(grant('a', 1));
      vi.advanceTimersByTime(1000);
    }
    expect(keeper.current?.leaseId).toBe('a');
    expect(ended).toEqual([]);
  });

  it('[LEASE] refuses an older owner and ends the one that is replaced', () => {
    keeper.grant(grant('a', 2));
    expect(keeper.grant(grant('old', 1))).toBe(false);
    expect(keeper.current?.leaseId).toBe('a');
    expect(keeper.grant(grant('b', 3))).toBe(true);
    expect(keeper.current).toMatchObject({ leaseId: 'b', epoch: 3 });
    expect(ended).toEqual([['a', 'replaced']]);
    expect(keeper.highestEpoch).toBe(3);
  });

  it('[LEASE] is released by its own id only, once', () => {
    keeper.grant(grant('a', 1));
    expect(keeper.release('b')).toBe(false);
    expect(keeper.release('a')).toBe(true);
    expect(keeper.release('a')).toBe(false);
    vi.advanceTimersByTime(5000);
    expect(ended).toEqual([['a', 'released']]);
  });
});
