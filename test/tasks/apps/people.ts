import { options, page, type Site, startSite, text } from './site.ts';

export type Person = { id: number; name: string; email: string; role: string; active: boolean };

export type PeopleFault =
  | 'wrong_row'
  | 'keeps_role'
  | 'keeps_active'
  | 'loses_new'
  | 'mangles_email'
  | 'wrong_page';

export interface People extends Site {
  readonly people: readonly Person[];
  find(name: string): Person | undefined;
}

const ROLES = ['Viewer', 'Editor', 'Administrator'] as const;
const FIRST: ReadonlyArray<readonly [string, string, string]> = [
  ['Alice Moreau', 'alice@example.test', 'Editor'],
  ['Bob Tanaka', 'bob@example.test', 'Viewer'],
  ['Carla Nwosu', 'carla@example.test', 'Administrator'],
  ['Dmitri Ivanov', 'dmitri@example.test', 'Viewer'],
  ['Elena García', 'elena@example.test', 'Editor'],
  ['Farid Haddad', 'farid@example.test', 'Viewer'],
  ['Greta Lind', 'greta@example.test', 'Viewer'],
  ['Hugo Brandt', 'hugo@example.test', 'Editor'],
];
const PER_PAGE = 5;

/** An administration table: rows with edit and delete, a confirmation, a bulk action, two pages. */
export async function startPeople(fault: PeopleFault | null): Promise<People> {
  const people: Person[] = FIRST.map(([name, email, role], index) => ({
    id: index + 1,
    name,
    email,
    role,
    active: true,
  }));
  let lastNote = '';
  const byId = (id: string | undefined) => people.find((person) => String(person.id) === id);
  const neighbour = (person: Person) => people[(people.indexOf(person) + 1) % people.length] as Person;
  const nav = '<a href="/">People</a><a href="/new">Add person</a>';
  const note = () => {
    const html = lastNote === '' ? '' : `<div class="note" role="status">${text(lastNote)}</div>`;
    lastNote = '';
    return html;
  };
  const form = (action: string, person: Partial<Person>, button: string) =>
    `<form method="post" action="${action}"><label for="name">Name</label><input type="text" id="name" name="name" value="${text(person.name ?? '')}">
<label for="email">Email</label><input type="email" id="email" name="email" value="${text(person.email ?? '')}">
<label for="role">Role</label><select id="role" name="role">${options(ROLES, person.role ?? 'Viewer')}</select><p><button>${button}</button></p></form>`;
  const site = await startSite({
    'GET /': ({ query }) => {
      const number = Math.max(1, Number(query.get('page') ?? 1));
      const rows = people.slice((number - 1) * PER_PAGE, number * PER_PAGE);
      const pages = Math.ceil(people.length / PER_PAGE);
      return {
        html: page(
          'People',
          `${note()}<h1>People</h1><form method="post" action="/deactivate" id="bulk"></form><table><tr><th></th><th>Name</th><th>Email</th><th>Role</th><th>Status</th><th></th></tr>${rows
            .map(
              (person) =>
                `<tr><td><input type="checkbox" form="bulk" name="id" value="${person.id}" aria-label="Select ${text(person.name)}"></td><td>${text(person.name)}</td><td>${text(person.email)}</td><td>${text(person.role)}</td><td>${person.active ? 'Active' : 'Inactive'}</td><td><a href="/people/${person.id}">Edit</a> <form class="small" method="get" action="/people/${person.id}/delete"><button>Delete</button></form></td></tr>`,
            )
            .join('')}</table><p><button form="bulk">Deactivate selected</button></p>
<p>Page ${number} of ${pages} ${number > 1 ? `<a href="/?page=${number - 1}">Previous</a>` : ''} ${number < pages ? `<a href="/?page=${number + 1}">Next page</a>` : ''}</p>`,
          { nav },
        ),
      };
    },
    'GET /people/:id': ({ parts }) => {
      const person = byId(parts.id);
      return person === undefined
        ? { html: page('Gone', '<h1>No such person</h1>', { nav }), status: 404 }
        : {
            html: page(
              `Edit ${person.name}`,
              `<h1>Edit ${text(person.name)}</h1>${form(`/people/${person.id}`, person, 'Save changes')}`,
              { nav },
            ),
          };
    },
    'POST /people/:id': ({ parts, form }) => {
      const asked = byId(parts.id);
      const person = asked !== undefined && fault === 'wrong_row' ? neighbour(asked) : asked;
      if (person !== undefined) {
        if (fault !== 'wrong_row') person.name = form.get('name') ?? person.name;
        const email = form.get('email') ?? person.email;
        person.email = fault === 'mangles_email' ? email.replace('@', '.at.') : email;
        if (fault !== 'keeps_role') person.role = form.get('role') ?? person.role;
        lastNote = 'Changes saved.';
      }
      return { redirect: '/' };
    },
    'GET /people/:id/delete': ({ parts }) => {
      const person = byId(parts.id);
      return {
        html: page(
          'Delete person',
          `<h1>Delete ${text(person?.name ?? '')}?</h1><p>This cannot be undone.</p><form method="post" action="/people/${parts.id}/delete"><button>Yes, delete</button></form> <a href="/">No, keep</a>`,
          { nav },
        ),
      };
    },
    'POST /people/:id/delete': ({ parts }) => {
      const asked = byId(parts.id);
      const person = asked !== undefined && fault === 'wrong_row' ? neighbour(asked) : asked;
      if (person !== undefined) people.splice(people.indexOf(person), 1);
      lastNote = 'The person was deleted.';
      return { redirect: '/' };
    },
    'POST /deactivate': ({ form }) => {
      const chosen = form.getAll('id');
      for (const person of people) {
        const meant = chosen.includes(String(person.id));
        if (fault === 'keeps_active' ? meant && chosen.indexOf(String(person.id)) === 0 : meant)
          person.active = false;
      }
      lastNote = `${chosen.length} people deactivated.`;
      return { redirect: '/' };
    },
    'GET /new': () => ({
      html: page('Add person', `<h1>Add person</h1>${form('/new', {}, 'Create person')}`, { nav }),
    }),
    'POST /new': ({ form }) => {
      if (fault !== 'loses_new')
        people.push({
          id: Math.max(0, ...people.map(({ id }) => id)) + 1,
          name: form.get('name') ?? '',
          email: fault === 'mangles_email' ? 'unknown@example.test' : (form.get('email') ?? ''),
          role: fault === 'keeps_role' ? 'Viewer' : (form.get('role') ?? 'Viewer'),
          active: true,
        });
      lastNote = 'Person created.';
      return { redirect: fault === 'wrong_page' ? '/new' : '/?page=2' };
    },
  });
  return Object.assign(site, {
    people,
    find: (name: string) => people.find((person) => person.name === name),
  });
}
