import { page, type Site, startSite, text } from './site.ts';

export type Folder = 'Inbox' | 'Sent' | 'Archive' | 'Trash';
export type Message = {
  id: number;
  from: string;
  to: string;
  subject: string;
  body: string;
  folder: Folder;
  starred: boolean;
  unread: boolean;
};

export type MailFault =
  | 'trashes_archive'
  | 'wrong_recipient'
  | 'cuts_body'
  | 'never_sends'
  | 'stars_another'
  | 'deletes_another'
  | 'keeps_unread';

export interface Mail extends Site {
  readonly messages: readonly Message[];
  inFolder(folder: Folder): readonly Message[];
}

const INBOX: ReadonlyArray<readonly [from: string, subject: string, body: string]> = [
  ['Nadia Petrova', 'Budget for May', 'The budget for May is 4,200 euros. Please confirm by Friday.'],
  ['Tom Okafor', 'Lunch on Thursday?', 'Shall we try the new place at noon?'],
  ['Library', 'Two books are due', 'Please return “Dune” and “Emma” by 3 June.'],
  ['Nadia Petrova', 'Photos from the trip', 'Here they are, all 48 of them.'],
  ['Hotel Aurora', 'Your booking', 'Your booking code is AUR-5519. We look forward to your stay.'],
];

/** A mailbox: folders, messages, star, archive, delete, compose, reply. */
export async function startMail(
  fault: MailFault | null,
  extra: ReadonlyArray<readonly [string, string, string]> = [],
): Promise<Mail> {
  const messages: Message[] = [...INBOX, ...extra].map(([from, subject, body], index) => ({
    id: index + 1,
    from,
    to: 'me@example.test',
    subject,
    body,
    folder: 'Inbox',
    starred: false,
    unread: subject !== 'Lunch on Thursday?',
  }));
  let notice = '';
  const folders: readonly Folder[] = ['Inbox', 'Sent', 'Archive', 'Trash'];
  const inFolder = (folder: Folder) => messages.filter((message) => message.folder === folder);
  const nav = () =>
    `<a href="/compose">Compose</a>${folders.map((folder) => `<a href="/?folder=${folder}">${folder} (${inFolder(folder).length})</a>`).join('')}`;
  const show = (title: string, body: string) => {
    const note = notice === '' ? '' : `<div class="note" role="status">${text(notice)}</div>`;
    notice = '';
    return { html: page(title, note + body, { nav: nav() }) };
  };
  const compose = (to: string, subject: string) =>
    `<h1>New message</h1><form method="post" action="/send"><label for="to">To</label><input type="email" id="to" name="to" value="${text(to)}"><label for="subject">Subject</label><input type="text" id="subject" name="subject" value="${text(subject)}"><label for="body">Message</label><textarea id="body" name="body" rows="6"></textarea><p><button>Send</button> <a href="/">Discard</a></p></form>`;
  const act =
    (change: (message: Message) => string) =>
    ({ parts }: { parts: Readonly<Record<string, string>> }) => {
      const message = messages.find(({ id }) => String(id) === parts.id);
      if (message !== undefined) notice = change(message);
      return { redirect: '/' };
    };
  const other = (message: Message) => {
    const inbox = inFolder('Inbox');
    return inbox[(inbox.indexOf(message) + 1) % inbox.length] ?? message;
  };
  const site = await startSite({
    'GET /': ({ query }) => {
      const folder = folders.find((name) => name === query.get('folder')) ?? 'Inbox';
      const rows = inFolder(folder)
        .map(
          ({ id, from, to, subject, starred, unread }) =>
            `<tr><td>${starred ? '★ Starred' : ''}</td><td>${text(folder === 'Sent' ? to : from)}</td><td>${unread ? '<b>' : ''}<a href="/m/${id}">${text(subject)}</a>${unread ? '</b>' : ''}</td><td><form class="small" method="post" action="/m/${id}/star"><button>Star</button></form></td></tr>`,
        )
        .join('');
      return show(
        folder,
        `<h1>${folder}</h1>${rows === '' ? '<p>No messages here.</p>' : `<table><tr><th></th><th>${folder === 'Sent' ? 'To' : 'From'}</th><th>Subject</th><th></th></tr>${rows}</table>`}`,
      );
    },
    'GET /m/:id': ({ parts }) => {
      const message = messages.find(({ id }) => String(id) === parts.id);
      if (message === undefined) return { html: page('Gone', '<h1>No such message</h1>'), status: 404 };
      message.unread = false;
      const buttons = [
        ['archive', 'Archive'],
        ['delete', 'Delete'],
        ['unread', 'Mark as unread'],
      ]
        .map(
          ([verb, label]) =>
            `<form class="small" method="post" action="/m/${message.id}/${verb}"><button>${label}</button></form>`,
        )
        .join(' ');
      return show(
        message.subject,
        `<h1>${text(message.subject)}</h1><p>From: ${text(message.from)} — To: ${text(message.to)}</p><div class="card"><p id="body">${text(message.body).replaceAll('\n', '<br>')}</p></div><p><a href="/m/${message.id}/reply">Reply</a></p>${buttons}`,
      );
    },
    'POST /m/:id/star': act((message) => {
      (fault === 'stars_another' ? other(message) : message).starred = true;
      return 'Starred.';
    }),
    'POST /m/:id/archive': act((message) => {
      message.folder = fault === 'trashes_archive' ? 'Trash' : 'Archive';
      return 'Moved.';
    }),
    'POST /m/:id/delete': act((message) => {
      (fault === 'deletes_another' ? other(message) : message).folder = 'Trash';
      return 'Deleted.';
    }),
    'POST /m/:id/unread': act((message) => {
      message.unread = fault !== 'keeps_unread';
      return fault === 'keeps_unread' ? 'Nothing changed.' : 'Marked as unread.';
    }),
    'GET /m/:id/reply': ({ parts }) => {
      const message = messages.find(({ id }) => String(id) === parts.id);
      const address = `${(message?.from ?? '').toLowerCase().replaceAll(' ', '.')}@example.test`;
      return show('Reply', compose(address, `Re: ${message?.subject ?? ''}`));
    },
    'GET /compose': () => show('New message', compose('', '')),
    'POST /send': ({ form }) => {
      const body = (form.get('body') ?? '').replaceAll('\r\n', '\n');
      if (fault === 'never_sends') {
        notice = 'Message sent.';
        return { redirect: '/?folder=Sent' };
      }
      messages.push({
        id: messages.length + 1,
        from: 'me@example.test',
        to: fault === 'wrong_recipient' ? 'everyone@example.test' : (form.get('to') ?? ''),
        subject: form.get('subject') ?? '',
        body: fault === 'cuts_body' ? body.slice(0, Math.floor(body.length / 2)) : body,
        folder: 'Sent',
        starred: false,
        unread: false,
      });
      notice = 'Message sent.';
      return { redirect: '/?folder=Sent' };
    },
  });
  return Object.assign(site, { messages, inFolder });
}
