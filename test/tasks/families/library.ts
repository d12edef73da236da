import { type LibraryFault, startLibrary } from '../apps/library.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const library = (fault: LibraryFault) => (world: World) =>
  world.use('library', startLibrary(world.sabotaged ? fault : null));

export const libraryTasks: readonly Task[] = [
  task({
    id: 'library/search-and-reserve',
    setup: library('reserves_another'),
    instruction: ({ url }) =>
      `Open the browser and go to ${url}. Search for "moss". Click "Moss and Memory" and click "Reserve this book". Check that "Moss and Memory" is visible.`,
    check: ({ reserved }) => differs('the reservations', reserved, ['Moss and Memory']),
    twin: 'the next book is reserved',
  }),
  task({
    id: 'library/second-result',
    setup: library('reserves_another'),
    instruction: ({ url }) =>
      `Go to ${url}, type "solberg" into the search field and press Enter. Click the "The Last Ferry" link. Click the "Reserve this book" button and verify that "The Last Ferry" is visible.`,
    check: ({ reserved }) => differs('the reservations', reserved, ['The Last Ferry']),
    twin: 'the next book is reserved',
  }),
  task({
    id: 'library/nothing-found',
    setup: library('mislabels'),
    instruction: ({ url }) => `Go to ${url}, search for "dragons" and check that "0 results" is visible.`,
    check: ({ reserved }) => differs('the reservations', reserved, []),
    twin: null,
  }),
  task({
    id: 'library/remember-the-shelf',
    setup: library('mislabels'),
    instruction: ({ url }) =>
      `Open ${url}, search for "quiet machines" and click "Quiet Machines". Remember the Shelf as mark. Click "Shelf lookup", type the mark into the "Shelf mark" field and click Look up. Check that "Quiet Machines" is visible.`,
    check: ({ lookups }) => differs('what was looked up', lookups, ['E-44: Quiet Machines']),
    twin: 'the shelf shows another book',
    engines: ['builtin', 'model'],
  }),
  task({
    id: 'library/scroll-to-the-button',
    setup: library('mislabels'),
    instruction: ({ url }) =>
      `Go to ${url}rules, scroll down until "I have read the rules" is visible, click it and check that "Thank you for reading" is visible.`,
    check: ({ acknowledged }) => differs('acknowledged', acknowledged(), true),
    twin: 'the click is not stored',
  }),
  task({
    id: 'library/scroll-without-being-told',
    setup: library('forgets_reservation'),
    instruction: ({ url }) =>
      `Go to ${url}rules and click "I have read the rules". Make sure "Thank you for reading" is visible.`,
    check: ({ acknowledged }) => differs('acknowledged', acknowledged(), true),
    twin: 'the click is not stored',
  }),
  task({
    id: 'library/two-reservations',
    setup: library('forgets_reservation'),
    instruction: ({ url }) =>
      `Go to ${url}. Search for "salt" and click "Salt Roads", then click Reserve this book. Click Search in the navigation. Search for "havel", click "Notes on Rivers" and click "Reserve this book". Check that "Salt Roads" and "Notes on Rivers" are visible.`,
    check: ({ reserved }) => differs('the reservations', reserved, ['Salt Roads', 'Notes on Rivers']),
    twin: 'nothing is reserved',
  }),
];
