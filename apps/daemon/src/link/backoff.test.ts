import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

describe('backoff', () => {
  it('doubles its range up to a ceiling', () => {
    expect([0, 1, 2, 3].map((attempt) => backoffMs(attempt, 1))).toEqual([250, 500, 1000, 2000]);
    expect(backoffMs(50, 1)).toBe(15_000);
    expect(backoffMs(1e9, 1)).toBe(15_000);
  });

  it('uses the whole range', () => {
    expect(backoffMs(4, 0)).toBe(0);
    expect(backoffMs(4, 0.25)).toBe(1000);
  });
});
