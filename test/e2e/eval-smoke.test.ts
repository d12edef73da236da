import { expect, it } from 'vitest';
import { ALL_TASKS } from '../tasks/all-tasks.ts';
import type { AttemptPlan } from '../tasks/runner/attempt.ts';
import { runSuite } from '../tasks/runner/run-suite.ts';
import { attemptLine } from '../tasks/runner/summary.ts';

/** The quickest tasks of the suite, through the public API on a real virtual desktop; all of them: `deskhand eval`. */
const QUICK = [
  'terminal/count-files',
  'terminal/a-command-that-fails',
  'editor/write-a-note',
  'shop/add-to-cart',
  'people/delete-a-row',
] as const;
const TWIN = 'traps/claims-success';

const plan = (id: string, twin: boolean): AttemptPlan => {
  const task = ALL_TASKS.find((candidate) => candidate.id === id);
  if (task === undefined) throw new Error(`no task ${id}`);
  return { task, repeat: 1, twin, version: 'v4', engine: 'builtin' };
};

it('the built-in engine does real tasks, and a page that claims success fools nobody', async () => {
  const attempts = await runSuite({
    plans: [...QUICK.map((id) => plan(id, false)), plan(TWIN, true)],
    desktops: 1,
    freshEvery: 20,
    signal: AbortSignal.timeout(150_000),
    progress: () => {},
  });
  const outcomes = attempts.map(({ id, outcome }) => `${id} ${outcome}`);
  expect(outcomes, attempts.map(attemptLine).join('\n')).toEqual([
    ...QUICK.map((id) => `${id} right`),
    `${TWIN} caught`,
  ]);
}, 170_000);
