import { describe, expect, it } from 'vitest';
import { limitReached } from './budget.ts';

describe('limits', () => {
  const limits = { maxSteps: 3, budgetCents: 20, stepCents: 5 };
  it.each([
    [0, 0, null],
    [2, 15, null],
    [2, 16, 'budget'],
    [3, 0, 'max_steps'],
  ] as const)('after %i steps and %i cents: %s', (stepsCompleted, costCents, reason) => {
    expect(limitReached(limits, { stepsCompleted, costCents })?.reason ?? null).toBe(reason);
  });
  it('never overshoots: a budget below one step allows none', () => {
    expect(limitReached({ ...limits, budgetCents: 4 }, { stepsCompleted: 0, costCents: 0 })?.reason).toBe(
      'budget',
    );
  });
  it('no budget is no limit', () => {
    expect(
      limitReached({ ...limits, budgetCents: null }, { stepsCompleted: 0, costCents: 10_000 }),
    ).toBeNull();
  });
});
