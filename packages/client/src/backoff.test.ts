import { describe, expect, it } from 'vitest';
import { backoffMs, retryAfterSeconds } from './backoff.ts';

describe('backoffMs', () => {
  it('doubles from the first pause up to eight seconds', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 100].map((attempt) => backoffMs(attempt, 250, 0));
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
  });
  it('takes off at most a quarter at random', () => {
    expect(backoffMs(1, 1000, 1)).toBe(750);
    for (let round = 0; round < 100; round += 1) {
      const pause = backoffMs(2, 1000);
      expect(pause).toBeGreaterThanOrEqual(1500);
      expect(pause).toBeLessThanOrEqual(2000);
    }
  });
});

describe('retryAfterSeconds', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  it.each<[header: string | null, seconds: number | null]>([
    [null, null],
    ['', null],
    ['soon', null],
    ['0', 0],
    [' 7 ', 7],
    ['1.5', 1.5],
    ['-3', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
  ])('%j is %j', (header, seconds) => {
    expect(retryAfterSeconds(header, nowMs)).toBe(seconds);
  });
});
