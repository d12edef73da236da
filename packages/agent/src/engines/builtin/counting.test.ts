import { silentLogger } from '@deskhand/base';
import { CommandId, Operation } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../ports.ts';
import {
  browserWindow,
  installTextEditor,
  runWith,
  ScriptedMachine,
  SimulatedDesktop,
  type Widget,
} from '../../testing/index.ts';
import { BuiltinVerifier } from '../../verifier/builtin-verifier.ts';
import { BuiltinEngine } from './builtin-engine.ts';
import { planOf } from './plan.ts';

const URL = 'http://127.0.0.1:4321/';
const at = (x: number, y: number, width = 120, height = 22) => ({ x, y, width, height });
const element = (role: string, name: string, x: number, y: number, states: string[] = []): Widget => ({
  id: `${role}-${name}-${x}-${y}`,
  source: 'dom',
  role,
  name,
  states,
  bounds: at(x, y),
});

const PEOPLE = [
  ['Alice Moreau', 'Editor', 'Active', true],
  ['Bob Tanaka', 'Viewer', 'Active', false],
  ['Carla Viewer', 'Administrator', 'Inactive', true],
  ['Dmitri Ivanov', 'Viewer', 'Active', false],
] as const;
const TABLE: readonly Widget[] = [
  element('column_header', 'Name', 40, 100),
  element('column_header', 'Role', 240, 100),
  element('column_header', 'Status', 440, 100),
  ...PEOPLE.flatMap(([name, role, status, ticked], index) => [
    element(
      'check_box',
      `Select ${name}`,
      10,
      140 + index * 36,
      ticked ? ['enabled', 'checked'] : ['enabled'],
    ),
    element('table_cell', name, 40, 140 + index * 36),
    element('table_cell', role, 240, 140 + index * 36),
    element('table_cell', status, 440, 140 + index * 36),
    element('button', 'Delete', 640, 140 + index * 36, [index === 0 ? 'disabled' : 'enabled']),
  ]),
];
const LIST: readonly Widget[] = ['Milk', 'Bread', 'Milk', 'Figs (unread)'].map((name, index) =>
  element('list_item', name, 40, 400 + index * 30),
);
const FIELD: Widget = {
  id: 'total',
  source: 'dom',
  role: 'text_field',
  name: 'Total',
  value: '',
  states: ['editable', 'enabled'],
  bounds: at(40, 600),
};

function pageWith(widgets: readonly Widget[], allShown = true): SimulatedDesktop {
  const desktop = new SimulatedDesktop();
  installTextEditor(desktop);
  const window = browserWindow(
    URL,
    widgets.map((widget) => ({ ...widget })),
  );
  desktop.open({ ...window, page: { url: URL, title: 'People', allShown } });
  return desktop;
}

async function run(task: string, desktop: SimulatedDesktop) {
  const { outcome } = await runWith({
    task,
    machine: new ScriptedMachine({ desktop }),
    engine: new BuiltinEngine({ log: silentLogger }),
  });
  return 'summary' in outcome
    ? { passed: outcome.passed, said: outcome.summary }
    : { passed: false, said: '' };
}

describe('counting', () => {
  it.each([
    ['count the rows', TABLE, 4],
    ['count the rows whose Role is Viewer', TABLE, 2],
    ['how many rows contain "Viewer"?', TABLE, 3],
    ['how many rows do not contain "Viewer"?', TABLE, 1],
    ['how many rows say "Nobody"?', TABLE, 0],
    // The cell says it; a name that holds the word, or its opposite, does not.
    ['how many people are active?', TABLE, 3],
    ['how many people with the role Viewer are there?', TABLE, 2],
    ['how many boxes are ticked?', TABLE, 2],
    ['count the unticked boxes', TABLE, 2],
    ['how many "Delete" buttons are there?', TABLE, 4],
    ['count the disabled buttons', TABLE, 1],
    ['tell me how many items are in the list', LIST, 4],
    ['how many items contain milk', LIST, 2],
    ['how many unread items are there?', LIST, 1],
    ['how many links are there?', LIST, 0],
    ['what is the number of guests?', [...LIST, element('label', 'Number of guests: 12', 500, 20)], 12],
  ])('%s', async (task, widgets, expected) => {
    const { passed, said } = await run(task, pageWith(widgets));
    expect([passed, said]).toEqual([true, expect.stringMatching(new RegExp(`^[^:]+: ${expected}\\.`))]);
  });

  it.each<[string, readonly Widget[], boolean, string]>([
    ['count the rows', TABLE, false, 'Counted 4 of the rows in sight, but there is more to scroll to'],
    ['count the rows', [...TABLE, element('link', 'Next page', 40, 500)], true, 'there is “Next page”'],
    ['count the rows', [...TABLE, element('label', 'Page 1 of 2', 40, 500)], true, 'it says “Page 1 of 2”'],
    ['count the rows', LIST, true, 'there is no table'],
    ['how many people are there?', [...TABLE, ...LIST], true, 'say which ones'],
    ['how many people are retired?', TABLE, true, 'none of the 4 there says “retired”'],
    ['count the rows whose Salary is high', TABLE, true, 'no column called “Salary”'],
  ])('does not guess: %s', async (task, widgets, allShown, reason) => {
    const { passed, said } = await run(task, pageWith(widgets, allShown));
    expect([passed, said]).toEqual([false, expect.stringContaining(reason)]);
  });

  it.each([
    ['count the rows on this page', true],
    ['count the rows on the screen', false],
  ])('what is asked of this page alone is not kept back by a next one: %s', async (task, allShown) => {
    const widgets = [...TABLE, element('link', 'Next page', 40, 500)];
    expect(await run(task, pageWith(widgets, allShown))).toMatchObject({ passed: true });
  });

  it.each([
    'count the rows whose Role is Viewer and type the number into the Total field',
    'type the number of rows whose Role is Viewer into the Total field',
    'count the rows whose Role is Viewer and type it into the Total field',
  ])('is typed: %s', async (task) => {
    const desktop = pageWith([...TABLE, FIELD]);
    expect(await run(task, desktop)).toMatchObject({ passed: true });
    expect(desktop.active?.widgets.find(({ id }) => id === 'total')?.value).toBe('2');
  });

  it('words for a number that was never counted are not typed as words', () => {
    expect(planOf('type how many there are into the Name field')).toMatchObject({ understood: false });
  });
});

describe('a count that the verifier makes anew', () => {
  const typed = (text: string): HistoryEntry[] => [
    {
      step: 1,
      operation: Operation.parse({ type: 'type_text', text }),
      outcome: { status: 'confirmed', durationMs: 1 },
    },
  ];
  const judge = (task: string, desktop: SimulatedDesktop, answer: string, history: HistoryEntry[] = []) =>
    new BuiltinVerifier().verify(
      {
        brief: { runId: 'r', task, instructions: null, systemPrompt: null, cuaVersion: 'v4', maxSteps: 10 },
        machine: new ScriptedMachine({ desktop }),
        history,
        answer,
        newCommandId: () => CommandId.parse('cmd_v1'),
      },
      { signal: new AbortController().signal },
    );

  it.each([
    ['number of rows: 4. Did 1 step.', 'satisfied'],
    ['number of rows: 5. Did 1 step.', 'unsatisfied'],
    ['There are 4 rows in the table.', 'satisfied'],
    ['There are many.', 'unknown'],
  ])('told: %s', async (answer, judgement) => {
    expect(await judge('count the rows', pageWith(TABLE), answer)).toMatchObject({ judgement });
  });

  it.each([
    ['2', 'satisfied'],
    ['There are 2.', 'satisfied'],
    ['21', 'unsatisfied'],
    ['3', 'unsatisfied'],
  ])('in a file: “%s”', async (content, judgement) => {
    const desktop = new SimulatedDesktop();
    desktop.files.set('/tmp/n.txt', content);
    desktop.open({ id: 'e', title: 'n.txt - Mousepad', application: 'mousepad', widgets: [] });
    const task = 'count the rows, open the text editor, type the number and save it as /tmp/n.txt';
    expect(await judge(task, desktop, 'number of rows: 2.', typed('2'))).toMatchObject({ judgement });
  });

  it('beside the task’s own words, as it was typed', async () => {
    const desktop = new SimulatedDesktop();
    desktop.files.set('/tmp/n.txt', 'Rows2');
    desktop.open({ id: 'e', title: 'n.txt - Mousepad', application: 'mousepad', widgets: [] });
    const task =
      'count the rows, open the text editor, type "Rows", type the number and save it as /tmp/n.txt';
    const history = [...typed('Rows'), ...typed('2')];
    expect(await judge(task, desktop, 'number of rows: 2.', history)).toMatchObject({
      judgement: 'satisfied',
    });
  });

  it('is unknown where there may be more', async () => {
    const verdict = await judge('count the rows', pageWith(TABLE, false), 'number of rows: 4.');
    expect(verdict).toMatchObject({
      judgement: 'unknown',
      reason: expect.stringContaining('more to scroll to'),
    });
  });

  it.each([
    ['2', 'satisfied'],
    ['3', 'unsatisfied'],
  ])('typed: %s', async (value, judgement) => {
    const task = 'count the rows whose Role is Viewer and type the number into the Total field';
    const told = 'number of rows: 2.';
    expect(await judge(task, pageWith([...TABLE, { ...FIELD, value }]), told)).toMatchObject({ judgement });
  });
});
