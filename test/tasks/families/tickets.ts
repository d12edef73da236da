import { startTickets, type TicketFault } from '../apps/tickets.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const tickets = (fault: TicketFault) => (world: World) =>
  world.use('tickets', startTickets(world.sabotaged ? fault : null));

export const ticketTasks: readonly Task[] = [
  task({
    id: 'tickets/close',
    setup: tickets('keeps_status'),
    instruction: ({ url }) =>
      `Open the browser and go to ${url}. Click "Printer on floor 2 is jammed", select "Closed" from the Status list and click "Update ticket". Check that "Status: Closed" is visible.`,
    check: ({ ticket }) => differs('the status', ticket(101)?.status, 'Closed'),
    twin: 'the status stays as it was',
  }),
  task({
    id: 'tickets/assign',
    setup: tickets('wrong_ticket'),
    instruction: ({ url }) =>
      `Go to ${url}. Open the ticket "VPN drops every hour" by clicking "VPN drops every hour". Choose Chidi from the Assignee drop-down and press Update ticket. Check that the Assignee drop-down shows "Chidi".`,
    check: ({ tickets }) =>
      differs(
        'who has what',
        tickets.map(({ assignee }) => assignee),
        ['Nobody', 'Chidi', 'Nobody', 'Nobody', 'Nobody', 'Nobody'],
      ),
    twin: 'the next ticket is assigned',
  }),
  task({
    id: 'tickets/comment',
    setup: tickets('drops_comment'),
    instruction: ({ url }) =>
      `Visit ${url}, click "New laptop for Paula", type "Ordered on Tuesday, arrives next week." into the "Your comment" field and click Add comment. Verify that the text "Ordered on Tuesday, arrives next week." is visible.`,
    check: ({ ticket }) =>
      differs('the comments', ticket(103)?.comments, ['Ordered on Tuesday, arrives next week.']),
    twin: 'the comment is dropped',
  }),
  task({
    id: 'tickets/raise-priority',
    setup: tickets('lowers_priority'),
    instruction: ({ url }) =>
      `Open ${url} and click "Password reset mail arrives late". Select the Urgent radio button, then click the Update ticket button. Check that "Priority: Urgent" is visible.`,
    check: ({ ticket }) => differs('the priority', ticket(104)?.priority, 'Urgent'),
    twin: 'the priority is lowered',
  }),
  task({
    id: 'tickets/create',
    setup: tickets('loses_ticket'),
    instruction: ({ url }) =>
      `In the browser, go to ${url}. Click New ticket. Type "Coffee machine leaks" into the Title field, pick the High radio button, choose "Aiko" from the "Assign to" list and click "Create ticket". Make sure that "Coffee machine leaks" is visible.`,
    check: ({ tickets }) =>
      differs('the newest ticket', tickets.at(-1), {
        id: 107,
        title: 'Coffee machine leaks',
        status: 'Open',
        assignee: 'Aiko',
        priority: 'High',
        comments: [],
      }),
    twin: 'the ticket is not stored',
  }),
  task({
    id: 'tickets/filter-and-close',
    setup: tickets('wrong_ticket'),
    instruction: ({ url }) =>
      `Go to ${url}, select "In progress" from the Show status list and click Filter. Click "Meeting room screen flickers". Set the Status dropdown to Closed, click Update ticket and check that "Status: Closed" is visible.`,
    check: ({ ticket }) => differs('the status', ticket(105)?.status, 'Closed'),
    twin: 'the next ticket is closed',
  }),
];
