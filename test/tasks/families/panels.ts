import { type PanelFault, startPanels } from '../apps/panels.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const panels = (fault: PanelFault) => (world: World) =>
  world.use('panels', startPanels(world.sabotaged ? fault : null));

export const panelTasks: readonly Task[] = [
  task({
    id: 'panels/tabs',
    setup: panels('drops_field'),
    instruction: ({ url }) =>
      `Open the browser and go to ${url}tabs. Click the Contact tab, type "+47 22 33 44 55" into the Phone field and click "Save profile". Check that "Stored phone: +47 22 33 44 55" is visible.`,
    check: ({ profile }) => differs('the phone', profile.phone, '+47 22 33 44 55'),
    twin: 'the phone number is dropped',
  }),
  task({
    id: 'panels/two-tabs',
    setup: panels('drops_field'),
    instruction: ({ url }) =>
      `Go to ${url}tabs. Change the City field to "Bergen". Open the Motto tab and type "Slow is smooth" into the Motto field. Click Save profile. Make sure "Stored city: Bergen" is visible.`,
    check: ({ profile }) =>
      differs('the profile', profile, { city: 'Bergen', phone: '', motto: 'Slow is smooth' }),
    twin: 'the city is dropped',
  }),
  task({
    id: 'panels/dialog-add',
    setup: panels('wrong_project'),
    instruction: ({ url }) =>
      `Go to ${url}projects, click "Add project", type "Drumlin" into the "Name of the project" field and click "Save project". Check that "Drumlin" is visible.`,
    check: ({ projects }) => differs('the projects', projects, ['Atlas', 'Borealis', 'Cinder', 'Drumlin']),
    twin: 'the last letter is lost',
  }),
  task({
    id: 'panels/dialog-rename',
    setup: panels('wrong_project'),
    instruction: ({ url }) =>
      `Open ${url}projects and click the Rename button in the row of "Borealis". Replace the text in the "Name of the project" field with "Boreas" and click Save project. Check that "Boreas" is visible and check that "Borealis" is not visible.`,
    check: ({ projects }) => differs('the projects', projects, ['Atlas', 'Boreas', 'Cinder']),
    twin: 'the next project is renamed',
  }),
  task({
    id: 'panels/dialog-cancel',
    setup: panels('cancels'),
    instruction: ({ url }) =>
      `Visit ${url}projects, click Add project, type "Mistake" into the "Name of the project" field, then click Cancel. Check that "Mistake" is not visible.`,
    check: ({ projects }) => differs('the projects', projects, ['Atlas', 'Borealis', 'Cinder']),
    twin: null,
  }),
  task({
    id: 'panels/native-confirm',
    setup: panels('cancels'),
    instruction: ({ url }) =>
      `Go to ${url}projects and click the Remove button in the row of "Cinder". Click OK. Check that "Cinder" is not visible.`,
    check: ({ projects }) => differs('the projects', projects, ['Atlas', 'Borealis']),
    twin: 'the removal is not carried out',
  }),
  task({
    id: 'panels/context-menu',
    setup: panels('wrong_list'),
    instruction: ({ url }) =>
      `Open the browser at ${url}board. Right-click "Order seeds" and choose "Move to Doing". Check that "Order seeds is in Doing" is visible.`,
    check: ({ board }) => differs('the list', board.get('Order seeds'), 'Doing'),
    twin: 'the card moves too far',
  }),
  task({
    id: 'panels/drag',
    setup: panels('wrong_list'),
    instruction: ({ url }) =>
      `Go to ${url}board and drag "Fix the gate" to the "Done" heading. Check that "Fix the gate is in Done" is visible.`,
    check: ({ board }) => differs('the list', board.get('Fix the gate'), 'Done'),
    twin: 'the card lands in another list',
  }),
  task({
    id: 'panels/folded-section',
    setup: panels('wrong_list'),
    instruction: ({ url }) =>
      `Go to ${url}export, click "Advanced formats", click "Export as Parquet" and check that "Exported so far: Parquet" is visible.`,
    check: ({ exported }) => differs('the exports', exported, ['Parquet']),
    twin: 'another format is exported',
  }),
  task({
    id: 'panels/hover-menu',
    setup: panels('wrong_list'),
    instruction: ({ url }) =>
      `Open ${url}export. Hover over the More button and click "Copy to clipboard". Check that "Exported so far: Clipboard" is visible.`,
    check: ({ exported }) => differs('the exports', exported, ['Clipboard']),
    twin: 'another format is exported',
  }),
];
