import { startForms } from '../apps/forms.ts';
import { startMail } from '../apps/mail.ts';
import { startShop } from '../apps/shop.ts';
import { startTickets } from '../apps/tickets.ts';
import { startUploads } from '../apps/uploads.ts';
import { differs, type Task, task } from '../task.ts';

/** Tasks over several applications at once, and file dialogs. */
export const severalTasks: readonly Task[] = [
  task({
    id: 'several/mail-to-ticket',
    setup: async (world) => ({
      mail: await world.use('mail', startMail(null)),
      tickets: await world.use('tickets', startTickets(world.sabotaged ? 'loses_ticket' : null)),
    }),
    instruction: ({ mail, tickets }) =>
      `Open the browser and go to ${mail.url}. Click "Lunch on Thursday?" and click Archive. Then go to ${tickets.url}, click New ticket, type "Lunch on Thursday?" into the Title field and click Create ticket. Check that "Lunch on Thursday?" is visible.`,
    check: ({ mail, tickets }) => [
      ...differs(
        'the archive',
        mail.inFolder('Archive').map(({ subject }) => subject),
        ['Lunch on Thursday?'],
      ),
      ...differs('the newest ticket', tickets.tickets.at(-1)?.title, 'Lunch on Thursday?'),
    ],
    twin: 'the ticket is not stored',
  }),
  task({
    id: 'several/order-number-to-file',
    setup: async (world) => {
      world.spoilWhenWritten('order.txt', () => 'DH-0000');
      return { world, shop: await world.use('shop', startShop(null)) };
    },
    instruction: ({ shop, world }) =>
      `Go to ${shop.url}, click "Add Blue mug to cart", click Go to checkout, type "Ada" into Full name, type "London" into Address and click Place order. Copy the order number. Open the text editor, type the order number and save it as ${world.path('order.txt')}.`,
    check: ({ world, shop }) => [
      ...differs('the orders', shop.orders.length, 1),
      ...differs('order.txt', world.read('order.txt')?.trimEnd(), shop.orders[0]?.number),
    ],
    maxSteps: 60,
    twin: 'the file holds another number',
  }),
  task({
    id: 'several/terminal-to-form',
    setup: async (world) => {
      world.write('hostname.txt', 'basalt-09\n');
      return { world, forms: await world.use('forms', startForms(world.sabotaged ? 'keeps_first' : null)) };
    },
    instruction: ({ forms, world }) =>
      `Run the command "cat ${world.path('hostname.txt')}" in the terminal. Open the browser and go to ${forms.url}settings. Type the output into the Device name field and click Save settings. Check that "name: basalt-09" is visible.`,
    check: ({ forms }) => differs('the name', forms.settings.name, 'basalt-09'),
    twin: 'the old name is back',
  }),
  task({
    id: 'several/editor-and-terminal',
    setup: (world) => {
      world.spoilWhenWritten('sorted.txt', (content) => content.split('\n').reverse().join('\n').trim());
      return world;
    },
    instruction: (world) =>
      `Open the text editor, type "pear\napple\nfig" and save it as ${world.path('fruit.txt')}. Then run the command "sort ${world.path('fruit.txt')} > ${world.path('sorted.txt')}" in the terminal. Check that the file ${world.path('sorted.txt')} contains "apple\nfig\npear".`,
    check: (world) => differs('sorted.txt', world.read('sorted.txt')?.trimEnd(), 'apple\nfig\npear'),
    twin: 'the order is turned round',
  }),
  task({
    id: 'several/back-to-the-editor',
    setup: async (world) => {
      world.spoilWhenWritten('plan.txt', (content) => content.split('\n')[0] ?? '');
      return { world, mail: await world.use('mail', startMail(null)) };
    },
    instruction: ({ mail, world }) =>
      `Open the text editor and type "Plan for Thursday". Go to ${mail.url}, click "Lunch on Thursday?" and check that "noon" is visible. Switch to the text editor, press Enter and type "Lunch at noon". Save it as ${world.path('plan.txt')}. Check that the file ${world.path('plan.txt')} contains "Lunch at noon".`,
    check: ({ world }) =>
      differs('plan.txt', world.read('plan.txt')?.trimEnd(), 'Plan for Thursday\nLunch at noon'),
    maxSteps: 60,
    twin: 'the second line is lost',
  }),
  task({
    id: 'several/write-and-upload',
    setup: async (world) => ({
      world,
      uploads: await world.use('uploads', startUploads(world.sabotaged ? 'cuts_file' : null)),
    }),
    instruction: ({ uploads, world }) =>
      `Open the text editor, type "Minutes of the meeting" and save it as ${world.path('minutes.txt')}. Go to ${uploads.url}, click the Document file chooser, type "${world.path('minutes.txt')}" and press Enter. Click Upload file. Check that "minutes.txt, 22 characters" is visible.`,
    check: ({ uploads }) =>
      differs(
        'the uploads',
        uploads.files.map(({ name, content }) => ({ name, content: content.trimEnd() })),
        [{ name: 'minutes.txt', content: 'Minutes of the meeting' }],
      ),
    maxSteps: 60,
    twin: 'only three characters arrive',
  }),
  task({
    id: 'several/upload',
    setup: async (world) => {
      world.write('cv.txt', 'Twelve years at sea.');
      return {
        world,
        uploads: await world.use('uploads', startUploads(world.sabotaged ? 'cuts_file' : null)),
      };
    },
    instruction: ({ uploads, world }) =>
      `Go to ${uploads.url} and click the "Document" button. Type "${world.path('cv.txt')}" and press Enter. Click "Upload file" and check that "cv.txt, 20 characters" is visible.`,
    check: ({ uploads }) =>
      differs('the uploads', uploads.files, [{ name: 'cv.txt', content: 'Twelve years at sea.' }]),
    twin: 'only three characters arrive',
  }),
  task({
    id: 'several/close-the-editor',
    setup: async (world) => {
      world.spoilWhenWritten('memo.txt', (content) => content.slice(1));
      return { world, forms: await world.use('forms', startForms(null)) };
    },
    instruction: ({ forms, world }) =>
      `Open the text editor, type "Memo: water the ferns", save it as ${world.path('memo.txt')} and close the window. Then go to ${forms.url}settings, tick "Play sounds" and click "Save settings". Check that "sounds: true" is visible.`,
    check: ({ world, forms }) => [
      ...differs('memo.txt', world.read('memo.txt')?.trimEnd(), 'Memo: water the ferns'),
      ...differs('the sounds', forms.settings.sounds, true),
    ],
    twin: 'the first letter is lost from the file',
  }),
];
