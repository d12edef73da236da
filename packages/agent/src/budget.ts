import type { RunLimits } from './ports.ts';

/** What has been used so far. */
export type Spent = Readonly<{ stepsCompleted: number; costCents: number }>;

export type LimitReached = Readonly<{ reason: 'max_steps' | 'budget'; message: string }>;

/** Whether one more step fits; asked before a step begins, so that no limit is ever overshot. */
export function limitReached(
  limits: Pick<RunLimits, 'maxSteps' | 'budgetCents' | 'stepCents'>,
  spent: Spent,
): LimitReached | null {
  if (spent.stepsCompleted >= limits.maxSteps)
    return {
      reason: 'max_steps',
      message: `The run used all its ${limits.maxSteps} steps; raise max_steps to let it go on.`,
    };
  if (limits.budgetCents !== null && spent.costCents + limits.stepCents > limits.budgetCents)
    return {
      reason: 'budget',
      message: `One more step would cost ${limits.stepCents} cents and exceed the budget of ${limits.budgetCents} (${spent.costCents} spent).`,
    };
  return null;
}
