import { existsSync, mkdirSync, statSync } from 'node:fs';
import { differs, type Task, task } from '../task.ts';

export const terminalTasks: readonly Task[] = [
  task({
    id: 'terminal/make-folders',
    setup: (world) => {
      // Where the folder should go there is a file in the twin.
      if (world.sabotaged) world.write('reports', 'in the way');
      return world;
    },
    instruction: (world) => `Run the command "mkdir -p ${world.path('reports')}/2026/q1" in the terminal.`,
    check: (world) =>
      existsSync(world.path('reports/2026/q1')) && statSync(world.path('reports/2026/q1')).isDirectory()
        ? []
        : ['the folder does not exist'],
    twin: 'a file is in the way',
  }),
  task({
    id: 'terminal/count-files',
    setup: (world) => {
      for (let index = 0; index < 7; index += 1) world.write(`inbox/${index}.eml`, 'x');
      world.spoilWhenWritten('count.txt', (content) => content.replace('7', '6'));
      return world;
    },
    instruction: (world) =>
      `In the terminal, run "ls ${world.path('inbox')} | wc -l > ${world.path('count.txt')}". Then check that the file ${world.path('count.txt')} contains "7".`,
    check: (world) => differs('the count', world.read('count.txt')?.trim(), '7'),
    twin: 'the number in the file is changed',
  }),
  task({
    id: 'terminal/rename',
    setup: (world) => {
      if (!world.sabotaged) world.write('draft.md', '# Plan\n');
      return world;
    },
    instruction: (world) =>
      `Execute the command "mv ${world.path('draft.md')} ${world.path('plan.md')}" in a terminal and verify that ${world.path('plan.md')} exists.`,
    check: (world) => differs('plan.md', world.read('plan.md'), '# Plan\n'),
    twin: 'there is nothing to rename',
  }),
  task({
    id: 'terminal/read-output',
    setup: (world) => {
      world.write('token.txt', world.sabotaged ? 'token: expired\n' : 'token: hazel-river-17\n');
      return world;
    },
    instruction: (world) =>
      `Run the command "cp ${world.path('token.txt')} ${world.path('copy.txt')} && cat ${world.path('copy.txt')}" in the terminal and check that the output contains "hazel-river-17".`,
    check: (world) => differs('the copy', world.read('copy.txt'), 'token: hazel-river-17\n'),
    twin: 'the file says something else',
  }),
  task({
    id: 'terminal/type-into-xterm',
    setup: (world) => {
      world.spoilWhenWritten('hello.txt', () => null);
      return world;
    },
    instruction: (world) =>
      `Open the terminal, type "echo hello from xterm > ${world.path('hello.txt')}" and press Enter. Check that the file ${world.path('hello.txt')} exists.`,
    check: (world) => differs('hello.txt', world.read('hello.txt'), 'hello from xterm\n'),
    twin: 'the file is deleted at once',
  }),
  task({
    id: 'terminal/see-output-in-xterm',
    setup: (world) => {
      world.write('planets.txt', world.sabotaged ? 'Venus\n' : 'Saturn\n');
      return world;
    },
    instruction: (world) =>
      `Launch a terminal, type "cat ${world.path('planets.txt')} | tee ${world.path('seen.txt')}", press Enter, and check that "Saturn" is visible.`,
    check: (world) => differs('seen.txt', world.read('seen.txt'), 'Saturn\n'),
    twin: 'the file names another planet',
  }),
  task({
    id: 'terminal/a-command-that-fails',
    setup: (world) => world,
    instruction: (world) =>
      `Run the command "cp ${world.path('missing.txt')} ${world.path('copy.txt')}" in the terminal.`,
    check: (world) => (existsSync(world.path('copy.txt')) ? ['a copy came from nowhere'] : []),
    ends: 'failed',
    twin: null,
  }),
  task({
    id: 'terminal/delete-logs',
    setup: (world) => {
      mkdirSync(world.path('logs'));
      for (const name of ['a.log', 'b.log', 'keep.txt']) world.write(`logs/${name}`, name);
      if (world.sabotaged) world.write('logs/-i', '');
      return world;
    },
    instruction: (world) =>
      `In a terminal run the command "rm ${world.path('logs')}/*.log". Check that the file ${world.path('logs/a.log')} does not exist and check that the file ${world.path('logs/keep.txt')} exists.`,
    check: (world) =>
      differs(
        'what is left',
        ['a.log', 'b.log', 'keep.txt'].filter((name) => existsSync(world.path(`logs/${name}`))),
        ['keep.txt'],
      ),
    twin: null,
  }),
];
