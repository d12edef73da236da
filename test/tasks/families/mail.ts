import { type Mail, type MailFault, startMail } from '../apps/mail.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const mail = (fault: MailFault) => (world: World) =>
  world.use('mail', startMail(world.sabotaged ? fault : null));
const sent = ({ inFolder }: Mail) => inFolder('Sent').map(({ to, subject, body }) => ({ to, subject, body }));
const subjects = ({ inFolder }: Mail, folder: 'Inbox' | 'Archive' | 'Trash') =>
  inFolder(folder).map(({ subject }) => subject);

export const mailTasks: readonly Task[] = [
  task({
    id: 'mail/send',
    setup: mail('wrong_recipient'),
    instruction: ({ url }) =>
      `Open the browser and go to ${url}. Click Compose. Type "tom@example.test" into the To field, "Thursday" into the Subject field and "Noon suits me well." into the Message field. Click Send. Check that "tom@example.test" is visible.`,
    check: (box) =>
      differs('the sent mail', sent(box), [
        { to: 'tom@example.test', subject: 'Thursday', body: 'Noon suits me well.' },
      ]),
    twin: 'it goes to everyone',
  }),
  task({
    id: 'mail/reply',
    setup: mail('cuts_body'),
    instruction: ({ url }) =>
      `Go to ${url}, open the message "Budget for May", click Reply, write "Confirmed, 4,200 euros it is." into the Message field and press the Send button. Then click "Re: Budget for May" and check that "Confirmed, 4,200 euros it is." is visible.`,
    check: (box) =>
      differs('the sent mail', sent(box), [
        {
          to: 'nadia.petrova@example.test',
          subject: 'Re: Budget for May',
          body: 'Confirmed, 4,200 euros it is.',
        },
      ]),
    twin: 'half of the text is lost',
  }),
  task({
    id: 'mail/archive',
    setup: mail('trashes_archive'),
    instruction: ({ url }) =>
      `In the browser open ${url}, click on "Two books are due" and click the Archive button. Click "Archive (1)" and check that "Two books are due" is visible.`,
    check: (box) => differs('the archive', subjects(box, 'Archive'), ['Two books are due']),
    twin: 'the message lands in the trash',
  }),
  task({
    id: 'mail/delete',
    setup: mail('deletes_another'),
    instruction: ({ url }) =>
      `Visit ${url}, open the email "Photos from the trip", delete it with the Delete button and make sure that "Photos from the trip" is gone.`,
    check: (box) => differs('the trash', subjects(box, 'Trash'), ['Photos from the trip']),
    twin: 'the neighbour is deleted',
  }),
  task({
    id: 'mail/star',
    setup: mail('stars_another'),
    instruction: ({ url }) =>
      `Go to ${url} and click the Star button in the row of "Your booking". Take a screenshot.`,
    check: ({ messages }) =>
      differs(
        'the starred mail',
        messages.filter(({ starred }) => starred).map(({ subject }) => subject),
        ['Your booking'],
      ),
    twin: 'another message gets the star',
  }),
  task({
    id: 'mail/mark-unread',
    setup: mail('keeps_unread'),
    instruction: ({ url }) =>
      `Open ${url}, click "Lunch on Thursday?", then click "Mark as unread" and check that "Marked as unread" is visible.`,
    check: ({ messages }) =>
      differs('unread', messages.find(({ subject }) => subject.startsWith('Lunch'))?.unread, true),
    twin: 'it stays read',
  }),
  task({
    id: 'mail/send-lost',
    setup: mail('never_sends'),
    instruction: ({ url }) =>
      `Go to ${url}, click Compose, type "nadia@example.test" into To, type "Dinner" into Subject, type "Saturday at eight?" into Message, click Send. Check that the link "Dinner" is visible.`,
    check: (box) =>
      differs('the sent mail', sent(box), [
        { to: 'nadia@example.test', subject: 'Dinner', body: 'Saturday at eight?' },
      ]),
    twin: 'it says “Message sent.” and sends nothing',
  }),
  task({
    id: 'mail/booking-code',
    setup: (world) => {
      world.spoilWhenWritten('code.txt', (content) => content.replace('5519', '5591'));
      return world.use('mail', startMail(null)).then((box) => ({ box, world }));
    },
    instruction: ({ box, world }) =>
      `Open ${box.url} and click "Your booking". Check that "AUR-5519" is visible. Open the text editor, type "AUR-5519" and save it as ${world.path('code.txt')}.`,
    check: ({ world }) => differs('code.txt', world.read('code.txt')?.trimEnd(), 'AUR-5519'),
    twin: 'two digits are swapped in the file',
  }),
];
