import { type PeopleFault, startPeople } from '../apps/people.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const people = (fault: PeopleFault) => (world: World) =>
  world.use('people', startPeople(world.sabotaged ? fault : null));

export const peopleTasks: readonly Task[] = [
  task({
    id: 'people/delete-a-row',
    setup: people('wrong_row'),
    instruction: ({ url }) =>
      `Open the browser and go to ${url}. Click the Delete button in the row of "Bob Tanaka", then click "Yes, delete". Check that "Bob Tanaka" is not visible.`,
    check: ({ people }) =>
      differs(
        'the list',
        people.map(({ id }) => id),
        [1, 3, 4, 5, 6, 7, 8],
      ),
    twin: 'the row below is deleted instead',
  }),
  task({
    id: 'people/keep-after-all',
    setup: people('wrong_row'),
    instruction: ({ url }) =>
      `Go to ${url}, click Delete in Carla Nwosu's row, then click "No, keep". Make sure "Carla Nwosu" is visible.`,
    check: ({ people }) => differs('the number of people', people.length, 8),
    twin: null,
  }),
  task({
    id: 'people/edit-an-email',
    setup: people('mangles_email'),
    instruction: ({ url }) =>
      `Visit ${url} and click the Edit link in the row of Dmitri Ivanov. Change the Email field to "d.ivanov@example.test" and click "Save changes". Check that "d.ivanov@example.test" is visible.`,
    check: ({ find }) => differs('the address', find('Dmitri Ivanov')?.email, 'd.ivanov@example.test'),
    twin: 'the address is stored without its @',
  }),
  task({
    id: 'people/promote',
    setup: people('keeps_role'),
    instruction: ({ url }) =>
      `In the browser open ${url}. Edit Bob: click "Edit" in the row of "Bob Tanaka", select "Editor" from the Role list, click Save changes. Then click "Edit" in the row of "Bob Tanaka" and check that the Role list shows "Editor".`,
    check: ({ find }) => differs('the role', find('Bob Tanaka')?.role, 'Editor'),
    twin: 'the role is not stored',
  }),
  task({
    id: 'people/add-a-person',
    setup: people('keeps_role'),
    instruction: ({ url }) =>
      `Go to ${url} and click "Add person". Type "Ines Duarte" into the Name field, type "ines@example.test" into the Email field, choose Administrator from the Role list and click the "Create person" button. Click "Edit" in the row of "Ines Duarte" and check that the Role list shows "Administrator".`,
    check: ({ find }) => {
      const { id: _, ...person } = find('Ines Duarte') ?? { id: 0 };
      return differs('the new person', person, {
        name: 'Ines Duarte',
        email: 'ines@example.test',
        role: 'Administrator',
        active: true,
      });
    },
    twin: 'the new person gets the lowest role',
  }),
  task({
    id: 'people/add-and-see',
    setup: people('loses_new'),
    instruction: ({ url }) =>
      `Open ${url}, click the Add person link, fill in Name with "Jonas Weber" and Email with "jonas@example.test", then press the "Create person" button. Check that "jonas@example.test" is visible.`,
    check: ({ find }) => differs('the address', find('Jonas Weber')?.email, 'jonas@example.test'),
    twin: 'it says “Person created.” and stores nothing',
  }),
  task({
    id: 'people/deactivate-two',
    setup: people('keeps_active'),
    instruction: ({ url }) =>
      `Go to ${url}. Tick the "Select Alice Moreau" box and the "Select Elena García" box, then click "Deactivate selected". Check that "Inactive" is visible in the row of "Elena García".`,
    check: ({ people }) =>
      differs(
        'the inactive people',
        people.filter(({ active }) => !active).map(({ name }) => name),
        ['Alice Moreau', 'Elena García'],
      ),
    twin: 'only the first of the two is deactivated',
  }),
  task({
    id: 'people/second-page',
    setup: people('wrong_row'),
    instruction: ({ url }) =>
      `Open ${url} in the browser and follow the "Next page" link. Click Edit in the row of Greta Lind, set the Role to Editor, and click Save changes. Click "Next page". Click Edit in the row of Greta Lind. Check that the Role list shows "Editor".`,
    check: ({ find }) => differs('the role', find('Greta Lind')?.role, 'Editor'),
    twin: 'the change lands on the neighbour',
  }),
];
