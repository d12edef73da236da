import { DEFAULT_SETTINGS, type FormFault, type Forms, startForms } from '../apps/forms.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const forms = (fault: FormFault) => (world: World) =>
  world.use('forms', startForms(world.sabotaged ? fault : null));
const stored = ({ settings }: Forms, changes: Record<string, string | boolean>) =>
  differs('the settings', settings, { ...DEFAULT_SETTINGS, ...changes });

export const formTasks: readonly Task[] = [
  task({
    id: 'settings/checkboxes',
    setup: forms('forgets_box'),
    instruction: ({ url }) =>
      `Open the browser and go to ${url}settings. Untick "Send me the newsletter" and tick "Play sounds". Click "Save settings". Check that "sounds: true" is visible.`,
    check: (app) => stored(app, { newsletter: false, sounds: true }),
    twin: 'the boxes are stored as they were',
  }),
  task({
    id: 'settings/switch',
    setup: forms('forgets_box'),
    instruction: ({ url }) =>
      `Go to ${url}settings, turn on Automatic backup, click Save settings and make sure "backup: true" is shown.`,
    check: (app) => stored(app, { backup: true }),
    twin: 'the switch is off again',
  }),
  task({
    id: 'settings/radio',
    setup: forms('swaps_radio'),
    instruction: ({ url }) =>
      `Visit ${url}settings. Choose the Dark radio button under Theme and save by clicking Save settings. Check that the Dark radio button is selected.`,
    check: (app) => stored(app, { theme: 'Dark' }),
    twin: 'the other theme is stored',
  }),
  task({
    id: 'settings/language',
    setup: forms('keeps_first'),
    instruction: ({ url }) =>
      `Go to ${url}settings and set the Language drop-down to "Español". Click the "Save settings" button. Check that the Language list shows "Español".`,
    check: (app) => stored(app, { language: 'Español' }),
    twin: 'the language stays English',
  }),
  task({
    id: 'settings/date',
    setup: forms('shifts_date'),
    instruction: ({ url }) =>
      `In the browser go to ${url}settings, set the Start date to "2026-09-15" and click Save settings. Check that "start: 2026-09-15" is visible.`,
    check: (app) => stored(app, { start: '2026-09-15' }),
    twin: 'the first of the month is stored',
  }),
  task({
    id: 'settings/time',
    setup: forms('keeps_first'),
    instruction: ({ url }) =>
      `Open ${url}settings, change "Daily report at" to "17:45", click Save settings and check that "time: 17:45" is visible.`,
    check: (app) => stored(app, { time: '17:45' }),
    twin: 'the time stays as it was',
  }),
  task({
    id: 'settings/slider',
    setup: forms('rounds_slider'),
    instruction: ({ url }) =>
      `Go to ${url}settings. Set the Volume slider to 75. Click Save settings. Check that "volume: 75" is visible.`,
    check: (app) => stored(app, { volume: '75' }),
    twin: 'the volume is put to half',
  }),
  task({
    id: 'settings/rename',
    setup: forms('keeps_first'),
    instruction: ({ url }) =>
      `Open ${url}settings, clear the Device name field and type "Studio-7 (left)" into it. Set Font size to "18". Click Save settings. Check that the Device name field contains "Studio-7 (left)".`,
    check: (app) => stored(app, { name: 'Studio-7 (left)', fontSize: '18' }),
    twin: 'the old name is back',
  }),
  task({
    id: 'settings/save-ignored',
    setup: forms('ignores_save'),
    instruction: ({ url }) =>
      `Go to ${url}settings and type "Reception" into the Device name field, then click Save settings. Check that "name: Reception" is visible.`,
    check: (app) => stored(app, { name: 'Reception' }),
    twin: 'it says “Settings saved.” and stores nothing',
  }),
  task({
    id: 'wizard/register',
    setup: forms('swaps_radio'),
    instruction: ({ url }) =>
      `Open the browser and go to ${url}register. Type "Lena" into First name and "Sandberg" into Last name. Set Date of birth to "1990-04-23". Click Continue. Type "lena@example.test" into the Email address field, select "Denmark" from the Country list and click Continue. Choose the "Whole week" radio button, tick Breakfast and tick Dinner, click Continue. Tick "I accept the terms" and click Submit registration. Check that "Ticket: Whole week" is visible.`,
    check: ({ registrations }) =>
      differs('the registrations', registrations, [
        {
          first: 'Lena',
          last: 'Sandberg',
          born: '1990-04-23',
          email: 'lena@example.test',
          country: 'Denmark',
          ticket: 'Whole week',
          breakfast: 'yes',
          dinner: 'yes',
        },
      ]),
    maxSteps: 60,
    twin: 'another ticket is stored',
  }),
  task({
    id: 'wizard/go-back-and-correct',
    setup: forms('loses_last'),
    instruction: ({ url }) =>
      `Go to ${url}register, type "Omar" into the First name field, type "Bradly" into the Last name field and click Continue. Click Back. Change the Last name field to "Bradley". Click Continue, choose "Ghana" from Country, click Continue, select the "One day" radio button, click Continue, tick "I accept the terms", click "Submit registration". Check that "Omar Bradley" is visible.`,
    check: ({ registrations }) => [
      ...differs('the last name', registrations[0]?.last, 'Bradley'),
      ...differs('the country', registrations[0]?.country, 'Ghana'),
    ],
    maxSteps: 60,
    twin: 'the last name is lost',
  }),
  task({
    id: 'wizard/refused-without-a-name',
    setup: forms('loses_last'),
    instruction: ({ url }) =>
      `Open ${url}register, type "Kim" into the First name field and click Continue. Check that "Please enter your last name." is visible.`,
    check: ({ registrations }) => differs('the registrations', registrations.length, 0),
    twin: null,
  }),
  task({
    id: 'wizard/terms-not-found',
    setup: forms('loses_last'),
    instruction: ({ url }) =>
      `Go to ${url}register and type "Ann" into the First name field, then tick the "Share my data with partners" box and click Continue.`,
    check: ({ registrations }) => differs('the registrations', registrations.length, 0),
    ends: 'failed',
    twin: null,
  }),
];
