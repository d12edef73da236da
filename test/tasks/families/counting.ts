import { startForms } from '../apps/forms.ts';
import { startPeople } from '../apps/people.ts';
import { startTickets } from '../apps/tickets.ts';
import { differs, type Task, task } from '../task.ts';

/** How many there are: written down where the judge can read it. */
export const countingTasks: readonly Task[] = [
  task({
    id: 'counting/viewers-to-file',
    setup: async (world) => {
      world.spoilWhenWritten('viewers.txt', (content) => content.replace(/\d+/, (number) => `${number}1`));
      return { world, people: await world.use('people', startPeople(null)) };
    },
    instruction: ({ people, world }) =>
      `Go to ${people.url}, count the rows whose Role is Viewer on this page, open the text editor, type the number and save it as ${world.path('viewers.txt')}.`,
    check: ({ world, people }) =>
      differs(
        'viewers.txt',
        world.read('viewers.txt')?.trimEnd(),
        String(people.people.slice(0, 5).filter(({ role }) => role === 'Viewer').length),
      ),
    twin: 'the file holds another number',
  }),
  task({
    id: 'counting/open-tickets-into-a-field',
    setup: async (world) => ({
      tickets: await world.use('tickets', startTickets(null)),
      forms: await world.use('forms', startForms(world.sabotaged ? 'keeps_first' : null)),
    }),
    instruction: ({ tickets, forms }) =>
      `Go to ${tickets.url} and find out how many tickets are open. Then go to ${forms.url}settings, type the number into the Device name field and click Save settings. Check that "name: 3" is visible.`,
    check: ({ tickets, forms }) =>
      differs(
        'the name',
        forms.settings.name,
        String(tickets.tickets.filter(({ status }) => status === 'Open').length),
      ),
    twin: 'the old name is back',
  }),
  task({
    id: 'counting/more-on-the-next-page',
    setup: (world) => world.use('people', startPeople(null)),
    instruction: ({ url }) => `Go to ${url} and tell me how many people there are.`,
    check: ({ people }) => differs('the number of people', people.length, 8),
    ends: 'failed',
    twin: null,
  }),
];
