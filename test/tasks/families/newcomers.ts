import { existsSync } from 'node:fs';
import { startPeople } from '../apps/people.ts';
import { startShop } from '../apps/shop.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const saved = (world: World, name: string, wanted: string): string[] =>
  differs(name, world.read(name)?.replace(/\n$/, '') ?? null, wanted);
const shop = (world: World) => world.use('shop', startShop(world.sabotaged ? 'loses_order' : null));
const people = (world: World) => world.use('people', startPeople(world.sabotaged ? 'mangles_email' : null));

/** The words of people who never read what the built-in engine can do: polite, sloppy, in their own order. */
export const newcomerTasks: readonly Task[] = [
  task({
    id: 'newcomers/greeting',
    setup: (world) => {
      world.spoilWhenWritten('hello.txt', (content) => content.replace('World', ''));
      return world;
    },
    instruction: (world) =>
      `hi! can you open the text editor and write Hello World in it and then save it as ${world.path('hello.txt')}? thanks`,
    check: (world) => saved(world, 'hello.txt', 'Hello World'),
    twin: 'a word is lost on the disk',
  }),
  task({
    id: 'newcomers/numbered-list',
    setup: (world) => {
      world.spoilWhenWritten('list.txt', (content) => content.split('\n')[0] ?? '');
      return world;
    },
    instruction: (world) =>
      `1) open mousepad\n2) type "hello there"\n3) press enter and type "second line"\n4) save the file as ${world.path('list.txt')}`,
    check: (world) => saved(world, 'list.txt', 'hello there\nsecond line'),
    twin: 'the second line is lost',
  }),
  task({
    id: 'newcomers/capitals',
    setup: (world) => {
      world.spoilWhenWritten('up.txt', (content) => content.toLowerCase());
      return world;
    },
    instruction: (world) => `OPEN THE TEXT EDITOR, TYPE "HELLO", SAVE IT AS ${world.path('up.txt')}`,
    check: (world) => saved(world, 'up.txt', 'HELLO'),
    twin: 'the file holds lower case',
  }),
  task({
    id: 'newcomers/file-by-its-content',
    setup: (world) => {
      world.spoilWhenWritten('new.txt', () => null);
      return world;
    },
    instruction: (world) =>
      `Create a new file called ${world.path('new.txt')} with the text "abc def" using mousepad`,
    check: (world) => saved(world, 'new.txt', 'abc def'),
    twin: 'the file is deleted at once',
  }),
  task({
    id: 'newcomers/add-a-line',
    setup: (world) => {
      world.write('notes.txt', 'todo one\ntodo two\n');
      world.spoilWhenWritten('notes.txt', (content) => content.replace('\ndone', ''));
      return world;
    },
    instruction: (world) =>
      `Open ${world.path('notes.txt')} in the text editor, add the line "done" at the end and save it.`,
    check: (world) => saved(world, 'notes.txt', 'todo one\ntodo two\ndone'),
    twin: 'the new line is lost on the disk',
  }),
  task({
    id: 'newcomers/replace-words',
    setup: (world) => {
      world.write('pets.txt', 'a cat and a cat\n');
      world.spoilWhenWritten('pets.txt', (content) => content.replace('dog', 'cat'));
      return world;
    },
    instruction: (world) =>
      `Open the file ${world.path('pets.txt')} with mousepad, replace "cat" with "dog" and save.`,
    check: (world) => saved(world, 'pets.txt', 'a dog and a dog'),
    twin: 'one of the words is put back',
  }),
  task({
    id: 'newcomers/terminal-in-a-window',
    setup: (world) => {
      world.spoilWhenWritten('hi.txt', () => null);
      return world;
    },
    instruction: (world) =>
      `open a terminal and run echo hi > ${world.path('hi.txt')}. Then check that the file ${world.path('hi.txt')} exists.`,
    check: (world) => saved(world, 'hi.txt', 'hi'),
    twin: 'the file is deleted at once',
  }),
  task({
    id: 'newcomers/rename-in-the-file-manager',
    setup: (world) => {
      world.write('inbox/a.txt', 'a');
      if (world.sabotaged) world.spoilWhenWritten('inbox/b.txt', () => null);
      return world;
    },
    instruction: (world) =>
      `Open the file manager, press Ctrl+L, type "${world.path('inbox')}" and press Enter. Click "a.txt", press F2, press Ctrl+A, type "b.txt" and press Enter. Check that ${world.path('inbox/b.txt')} exists.`,
    check: (world) =>
      existsSync(world.path('inbox/b.txt')) && !existsSync(world.path('inbox/a.txt')) ? [] : ['not renamed'],
    twin: 'the renamed file is gone',
  }),
  task({
    id: 'newcomers/delete-in-the-file-manager',
    setup: (world) => {
      world.write('inbox/old.txt', 'a');
      world.write('inbox/keep.txt', 'a');
      return world;
    },
    instruction: (world) =>
      `Open the file manager, press Ctrl+L, type "${world.path('inbox')}" and press Enter. Click "old.txt" and press Shift+Delete. Confirm the dialog. Check that ${world.path('inbox/old.txt')} does not exist and check that ${world.path('inbox/keep.txt')} exists.`,
    check: (world) =>
      !existsSync(world.path('inbox/old.txt')) && existsSync(world.path('inbox/keep.txt'))
        ? []
        : ['the wrong files are left'],
    twin: null,
  }),
  task({
    id: 'newcomers/calculator',
    setup: (world) => {
      world.spoilWhenWritten('sum.txt', () => '83');
      return world;
    },
    instruction: (world) =>
      `Open the calculator and compute 12*7. Press Ctrl+C. Open the text editor, press Ctrl+V and save it as ${world.path('sum.txt')}. Check that the file ${world.path('sum.txt')} contains "84".`,
    check: (world) => saved(world, 'sum.txt', '84'),
    twin: 'another number is on the disk',
  }),
  task({
    id: 'newcomers/shopping',
    setup: shop,
    instruction: ({ url }) =>
      `Open ${url} and add the Blue mug to the cart, then check out. Fill in the form with full name "Ada King" and address "12 Mill Lane", and place the order by clicking Place order. Check that "Thank you, Ada King" is visible.`,
    check: ({ orders }) => [
      ...differs('the number of orders', orders.length, 1),
      ...differs('the name', orders[0]?.name, 'Ada King'),
      ...differs('the address', orders[0]?.address, '12 Mill Lane'),
    ],
    twin: 'the order is lost',
  }),
  task({
    id: 'newcomers/row-first',
    setup: people,
    instruction: ({ url }) =>
      `go to ${url}, find the row for Dmitri Ivanov and click Edit. Set the email to d@example.test and save. Check that "d@example.test" is visible`,
    check: ({ find }) => differs('the address', find('Dmitri Ivanov')?.email, 'd@example.test'),
    twin: 'the address is stored without its @',
  }),
];
