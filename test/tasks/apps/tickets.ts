import { options, page, type Site, startSite, text } from './site.ts';

export type Ticket = {
  id: number;
  title: string;
  status: string;
  assignee: string;
  priority: string;
  comments: string[];
};

export type TicketFault =
  | 'keeps_status'
  | 'wrong_ticket'
  | 'drops_comment'
  | 'lowers_priority'
  | 'loses_ticket';

export interface Tickets extends Site {
  readonly tickets: readonly Ticket[];
  ticket(id: number): Ticket | undefined;
}

const STATUSES = ['Open', 'In progress', 'Waiting', 'Closed'] as const;
const TEAM = ['Nobody', 'Aiko', 'Bruno', 'Chidi'] as const;
const PRIORITIES = ['Low', 'Normal', 'High', 'Urgent'] as const;
const FIRST: ReadonlyArray<readonly [string, string, string]> = [
  ['Printer on floor 2 is jammed', 'Open', 'Normal'],
  ['VPN drops every hour', 'Open', 'High'],
  ['New laptop for Paula', 'Waiting', 'Low'],
  ['Password reset mail arrives late', 'Open', 'Normal'],
  ['Meeting room screen flickers', 'In progress', 'Low'],
  ['Cannot open shared calendar', 'Closed', 'Normal'],
];

/** A help desk: a list with a filter, ticket pages with selects, radio buttons and comments. */
export async function startTickets(fault: TicketFault | null): Promise<Tickets> {
  const tickets: Ticket[] = FIRST.map(([title, status, priority], index) => ({
    id: 101 + index,
    title,
    status,
    assignee: 'Nobody',
    priority,
    comments: [],
  }));
  const ticket = (id: number) => tickets.find((candidate) => candidate.id === id);
  const meant = (id: string | undefined) =>
    ticket(Number(id) + (fault === 'wrong_ticket' ? 1 : 0)) ?? ticket(Number(id));
  const nav = '<a href="/">Tickets</a><a href="/new">New ticket</a>';
  const radios = (chosen: string) =>
    PRIORITIES.map(
      (name) =>
        `<label class="inline"><input type="radio" name="priority" value="${name}"${name === chosen ? ' checked' : ''}> ${name}</label>`,
    ).join('');
  const site = await startSite({
    'GET /': ({ query }) => {
      const status = query.get('status') ?? 'All';
      const shown = tickets.filter((candidate) => status === 'All' || candidate.status === status);
      return {
        html: page(
          'Tickets',
          `<h1>Tickets</h1><form><label for="status">Show status</label><select id="status" name="status">${options(['All', ...STATUSES], status)}</select> <button>Filter</button></form><p>${shown.length} tickets</p>
<table><tr><th>Number</th><th>Title</th><th>Status</th><th>Assignee</th><th>Priority</th></tr>${shown.map(({ id, title, status, assignee, priority }) => `<tr><td>#${id}</td><td><a href="/t/${id}">${text(title)}</a></td><td>${status}</td><td>${assignee}</td><td>${priority}</td></tr>`).join('')}</table>`,
          { nav },
        ),
      };
    },
    'GET /t/:id': ({ parts }) => {
      const found = ticket(Number(parts.id));
      if (found === undefined) return { html: page('Gone', '<h1>No such ticket</h1>'), status: 404 };
      return {
        html: page(
          `#${found.id} ${found.title}`,
          `<h1>#${found.id} ${text(found.title)}</h1><p>Status: ${found.status} · Assignee: ${found.assignee} · Priority: ${found.priority}</p>
<form method="post" action="/t/${found.id}"><label for="state">Status</label><select id="state" name="status">${options(STATUSES, found.status)}</select><label for="who">Assignee</label><select id="who" name="assignee">${options(TEAM, found.assignee)}</select><fieldset><legend>Priority</legend>${radios(found.priority)}</fieldset><p><button>Update ticket</button></p></form>
<h2>Comments</h2>${found.comments.length === 0 ? '<p>No comments yet.</p>' : `<ol>${found.comments.map((comment) => `<li>${text(comment)}</li>`).join('')}</ol>`}<form method="post" action="/t/${found.id}/comments"><label for="comment">Your comment</label><textarea id="comment" name="comment" rows="3"></textarea><p><button>Add comment</button></p></form>`,
          { nav },
        ),
      };
    },
    'POST /t/:id': ({ parts, form }) => {
      const found = meant(parts.id);
      if (found !== undefined) {
        if (fault !== 'keeps_status') found.status = form.get('status') ?? found.status;
        found.assignee = form.get('assignee') ?? found.assignee;
        found.priority = fault === 'lowers_priority' ? 'Low' : (form.get('priority') ?? found.priority);
      }
      return { redirect: `/t/${parts.id}` };
    },
    'POST /t/:id/comments': ({ parts, form }) => {
      const comment = form.get('comment') ?? '';
      if (fault !== 'drops_comment') meant(parts.id)?.comments.push(comment.replaceAll('\r\n', '\n'));
      return { redirect: `/t/${parts.id}` };
    },
    'GET /new': () => ({
      html: page(
        'New ticket',
        `<h1>New ticket</h1><form method="post" action="/new"><label for="title">Title</label><input type="text" id="title" name="title"><fieldset><legend>Priority</legend>${radios('Normal')}</fieldset><label for="who">Assign to</label><select id="who" name="assignee">${options(TEAM, 'Nobody')}</select><p><button>Create ticket</button></p></form>`,
        { nav },
      ),
    }),
    'POST /new': ({ form }) => {
      if (fault !== 'loses_ticket')
        tickets.push({
          id: 101 + tickets.length,
          title: form.get('title') ?? '',
          status: 'Open',
          assignee: form.get('assignee') ?? 'Nobody',
          priority: fault === 'lowers_priority' ? 'Low' : (form.get('priority') ?? 'Normal'),
          comments: [],
        });
      return { redirect: '/' };
    },
  });
  return Object.assign(site, { tickets, ticket });
}
