import { type SlowFault, startSlow } from '../apps/slow.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const slow = (fault: SlowFault) => (world: World) =>
  world.use('slow', startSlow(world.sabotaged ? fault : null));

export const slowTasks: readonly Task[] = [
  task({
    id: 'slow/late-page',
    setup: slow('stores_nothing'),
    instruction: ({ url }) =>
      `Open the browser, go to ${url}late-page and click "Approve report". Check that "Booked: report" is visible.`,
    check: ({ picked }) => differs('what was approved', picked, ['report']),
    twin: 'the approval is not stored',
  }),
  task({
    id: 'slow/late-list',
    setup: slow('stores_nothing'),
    instruction: ({ url }) =>
      `Go to ${url}late-list. Wait until "Book Birch" is visible. Click it. Check that "Booked: Birch" is visible.`,
    check: ({ picked }) => differs('what was booked', picked, ['Birch']),
    twin: 'the booking is not stored',
  }),
  task({
    id: 'slow/late-list-without-being-told',
    setup: slow('stores_nothing'),
    instruction: ({ url }) =>
      `Go to ${url}late-list and click the "Book Cedar" button. Make sure "Booked: Cedar" appears.`,
    check: ({ picked }) => differs('what was booked', picked, ['Cedar']),
    twin: 'the booking is not stored',
  }),
  task({
    id: 'slow/progress',
    setup: slow('fails_late'),
    instruction: ({ url }) =>
      `Go to ${url}import and click "Start import". Wait until "Import complete" is shown, for at most 15 seconds. Click Finish and check that "All rows are in" is visible.`,
    check: ({ imports }) => differs('the number of imports', imports(), 1),
    twin: 'the import fails near the end',
  }),
  task({
    id: 'slow/never-finishes',
    setup: (world) => world.use('slow', startSlow('never_finishes')),
    instruction: ({ url }) =>
      `Go to ${url}import, click Start import and wait up to 6 seconds until "Import complete" is visible. Then click Finish.`,
    check: ({ imports }) => differs('the number of imports', imports(), 0),
    ends: 'failed',
    twin: null,
  }),
  task({
    id: 'slow/cookie-banner',
    setup: slow('stores_nothing'),
    instruction: ({ url }) =>
      `Go to ${url}banner. Wait until "Reject all" is visible and click it. Then click Subscribe and check that "newsletter" is visible.`,
    check: ({ picked }) => differs('what was chosen', picked, ['rejected', 'newsletter']),
    twin: 'the subscription is not stored',
  }),
];
