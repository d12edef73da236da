import { DemoPage, demoTask } from '@deskhand/cli/sample';
import { differs, type Task, task } from '../task.ts';

/** What `npm start` shows a newcomer; `--repeat 100` is how its figure is made. */
export const sampleTasks: readonly Task[] = [
  task({
    id: 'sample/tea-room',
    setup: async (world) => {
      const page = await world.use('the tea room', DemoPage.start());
      world.spoilWhenWritten('note.txt', (content) => content.replace('é', 'e'));
      return { world, page, demo: demoTask(world.path('note.txt'), page.url) };
    },
    instruction: ({ demo }) => demo.task,
    check: ({ world, page, demo }) => [
      ...differs('note.txt', world.read('note.txt')?.trimEnd(), demo.note),
      ...differs('the orders', page.answers, [
        { name: demo.name, drink: demo.drink, music: true, note: demo.wish },
      ]),
    ],
    maxSteps: 60,
    twin: 'an accent is lost on the disk',
  }),
];
