import { describe, expect, it } from 'vitest';
import { nextRetrySeconds } from './retry-schedule.ts';

const schedule = { retrySeconds: [1, 5], roundSeconds: [120, 900] };

describe('webhook retries', () => {
  it('makes rounds of three attempts, ever further apart, then gives up', () => {
    expect(Array.from({ length: 10 }, (_, failed) => nextRetrySeconds(schedule, failed + 1))).toEqual([
      1,
      5,
      120,
      1,
      5,
      900,
      1,
      5,
      null,
      null,
    ]);
  });

  it('gives up after one round when there are no further ones', () => {
    const single = { retrySeconds: [1, 5], roundSeconds: [] };
    expect([1, 2, 3].map((failed) => nextRetrySeconds(single, failed))).toEqual([1, 5, null]);
  });
});
