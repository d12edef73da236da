import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

/** What a saved text must be; editors may or may not end it with a line end. */
const saved = (world: World, name: string, wanted: string): string[] => {
  const content = world.read(name);
  if (content === null) return [`${name} was not written`];
  return differs(name, content.replace(/\n$/, ''), wanted);
};
const cutShort = (content: string) =>
  content.length > 4 ? content.slice(0, Math.floor(content.length / 2)) : content;

const SYMBOLS = 'Invoice #42: 100% of €1,250 @ {x}=[y] ~ ^ | \\ done';
const WORLD_WORDS = 'Łódź, Smørrebrød, Ελλάδα, Привет, 東京, مرحبا';

export const editorTasks: readonly Task[] = [
  task({
    id: 'editor/write-a-note',
    setup: (world) => {
      world.spoilWhenWritten('note.txt', cutShort);
      return world;
    },
    instruction: (world) =>
      `Open the text editor, type "Buy oat milk and two lemons" and save it as ${world.path('note.txt')}.`,
    check: (world) => saved(world, 'note.txt', 'Buy oat milk and two lemons'),
    twin: 'another program cuts the saved file in half',
  }),
  task({
    id: 'editor/three-lines',
    setup: (world) => {
      world.spoilWhenWritten('list.txt', (content) => content.split('\n').slice(0, 2).join('\n'));
      return world;
    },
    instruction: (world) =>
      `Please open a text editor. Type "First: sweep", press Enter, type "Second: mop", press Enter and type "Third: rest". Then save the file as ${world.path('list.txt')}.`,
    check: (world) => saved(world, 'list.txt', 'First: sweep\nSecond: mop\nThird: rest'),
    twin: 'the third line is lost after saving',
  }),
  task({
    id: 'editor/symbols',
    setup: (world) => {
      world.spoilWhenWritten('symbols.txt', (content) => content.replace('€', '$'));
      return world;
    },
    instruction: (world) => `Open the text editor. Write "${SYMBOLS}". Save as ${world.path('symbols.txt')}.`,
    check: (world) => saved(world, 'symbols.txt', SYMBOLS),
    twin: 'a euro sign becomes a dollar sign on the disk',
  }),
  task({
    id: 'editor/many-scripts',
    setup: (world) => {
      world.spoilWhenWritten('world.txt', (content) => content.replaceAll(/[^\u0020-\u024f,]/g, '?'));
      return world;
    },
    instruction: (world) =>
      `Launch the text editor, enter the text "${WORLD_WORDS}" and store it under ${world.path('world.txt')}.`,
    check: (world) => saved(world, 'world.txt', WORLD_WORDS),
    twin: 'letters outside Latin turn into question marks',
  }),
  task({
    id: 'editor/append-to-a-file',
    setup: (world) => {
      world.write('log.txt', 'Monday: quiet\n');
      world.spoilWhenWritten('log.txt', (content) => content.replace('Monday: quiet\n', ''));
      return world;
    },
    instruction: (world) =>
      `Open the text editor and press Ctrl+O. Type "${world.path('log.txt')}" and press Enter. Press Ctrl+End, type "Tuesday: busy" and press Ctrl+S. Check that the file ${world.path('log.txt')} contains "Monday: quiet".`,
    check: (world) => saved(world, 'log.txt', 'Monday: quiet\nTuesday: busy'),
    twin: 'the first line disappears from the disk',
  }),
  task({
    id: 'editor/replace-a-word',
    setup: (world) => {
      world.write('letter.txt', 'Dear Sam,\nSam, the Sam file is ready.\n');
      world.spoilWhenWritten('letter.txt', (content) => content.replace('Dear Kim', 'Dear Sam'));
      return world;
    },
    instruction: (world) =>
      `Open the text editor, press Ctrl+O, type "${world.path('letter.txt')}" and press Enter. Choose Search > Find and Replace. Type "Sam" into the Search for field, type "Kim" into the Replace with field, tick the "Replace all in" box and click the Replace button. Press Escape. Press Ctrl+S. Check that the file ${world.path('letter.txt')} contains "Dear Kim,".`,
    check: (world) => saved(world, 'letter.txt', 'Dear Kim,\nKim, the Kim file is ready.'),
    twin: 'one of the replacements is undone on the disk',
  }),
  task({
    id: 'editor/overwrite',
    setup: (world) => {
      world.write('status.txt', 'red\n');
      world.spoilWhenWritten('status.txt', () => 'red\n');
      return world;
    },
    instruction: (world) =>
      `Open the text editor, type "green" and save it as ${world.path('status.txt')}, replacing the existing file.`,
    check: (world) => saved(world, 'status.txt', 'green'),
    twin: 'a synchroniser puts the old file back',
  }),
  task({
    id: 'editor/name-like-others',
    setup: (world) => {
      // The dialog completes names by itself, and these begin alike.
      for (const name of ['policy.json', 'policy.txt.bak', 'policies.txt'])
        world.write(name, 'not this one\n');
      world.spoilWhenWritten('policy.txt', cutShort);
      return world;
    },
    instruction: (world) =>
      `Open the text editor, type "Be kind to strangers" and save it as ${world.path('policy.txt')}.`,
    check: (world) => [
      ...saved(world, 'policy.txt', 'Be kind to strangers'),
      ...['policy.json', 'policy.txt.bak', 'policies.txt'].flatMap((name) =>
        saved(world, name, 'not this one'),
      ),
    ],
    twin: 'another program cuts the saved file in half',
  }),
  task({
    id: 'editor/opens-one-of-many-alike',
    setup: (world) => {
      for (const name of ['report.txt', 'report.txt.old', 'reports.txt', 'report-2.txt'])
        world.write(name, `${name}\n`);
      world.spoilWhenWritten('report.txt', (content) => content.replace('checked', ''));
      return world;
    },
    instruction: (world) =>
      `Open the text editor and press Ctrl+O. Type "${world.path('report.txt')}" and press Enter. Press Ctrl+End, type "checked" and press Ctrl+S. Check that the file ${world.path('report.txt')} contains "checked".`,
    check: (world) => saved(world, 'report.txt', 'report.txt\nchecked'),
    twin: 'what was added is lost on the disk',
  }),
  task({
    id: 'editor/upper-case',
    setup: (world) => {
      world.spoilWhenWritten('loud.txt', (content) => content.toLowerCase());
      return world;
    },
    instruction: (world) =>
      `Open the text editor and type "mind the gap". Select all. Choose Edit > Convert > To Uppercase. Save the document as ${world.path('loud.txt')}. Check that ${world.path('loud.txt')} contains "MIND THE GAP".`,
    check: (world) => saved(world, 'loud.txt', 'MIND THE GAP'),
    twin: 'the file holds lower case again',
  }),
  task({
    id: 'editor/start-over',
    setup: (world) => {
      world.spoilWhenWritten('final.txt', (content) => `rough draft\n${content}`);
      return world;
    },
    instruction: (world) =>
      `Open the text editor and type "rough draft". Select everything, press Delete and type "clean copy". Save it as ${world.path('final.txt')}.`,
    check: (world) => saved(world, 'final.txt', 'clean copy'),
    twin: 'the deleted text is back in front',
  }),
  task({
    id: 'editor/copy-twice',
    setup: (world) => {
      world.spoilWhenWritten('echo.txt', (content) => content.replace('echo echo', 'echo'));
      return world;
    },
    instruction: (world) =>
      `Open the text editor and type "echo ". Press Ctrl+A, press Ctrl+C, press Right, press Ctrl+V twice. Then save as ${world.path('echo.txt')} and check that the file ${world.path('echo.txt')} contains "echo echo echo".`,
    check: (world) => differs('echo.txt', world.read('echo.txt')?.trimEnd() ?? null, 'echo echo echo'),
    twin: 'one of the copies is lost',
  }),
];
