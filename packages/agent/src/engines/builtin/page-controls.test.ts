import { silentLogger } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import {
  browserWindow,
  installTextEditor,
  runWith,
  ScriptedMachine,
  SimulatedDesktop,
  type Widget,
} from '../../testing/index.ts';
import { BuiltinEngine } from './builtin-engine.ts';

const URL = 'http://127.0.0.1:4321/';

/** A page of these things; each click is written into the desktop's journal. */
async function onPage(task: string, widgets: readonly Widget[]) {
  const desktop = new SimulatedDesktop();
  installTextEditor(desktop);
  const told = widgets.map(
    (widget): Widget => ({
      source: 'dom',
      onClick: (host) => {
        host.journal.push(`clicked ${widget.id}`);
      },
      ...widget,
    }),
  );
  desktop.pages.set(URL, (host) => host.open(browserWindow(URL, [...told])));
  const { outcome } = await runWith({
    task: `go to ${URL}. ${task}`,
    machine: new ScriptedMachine({ desktop }),
    engine: new BuiltinEngine({ log: silentLogger }),
    limits: { maxSteps: 40 },
  });
  return { outcome, clicks: desktop.journal.filter((line) => line.startsWith('clicked')), desktop };
}

const at = (x: number, y: number, width = 80, height = 22) => ({ x, y, width, height });
const button = (id: string, name: string, x: number, y: number): Widget => ({
  id,
  role: 'button',
  name,
  states: ['enabled'],
  bounds: at(x, y),
});
const cell = (id: string, name: string, x: number, y: number): Widget => ({
  id,
  role: 'table_cell',
  name,
  bounds: at(x, y),
});
const TABLE: readonly Widget[] = ['Alice', 'Bob', 'Carol'].flatMap((name, index) => [
  cell(`${name}-cell`, name, 40, 200 + index * 36),
  cell(`${name}-pay`, `${(index + 3) * 1000}`, 240, 200 + index * 36),
  button(`edit-${name}`, 'Edit', 400, 200 + index * 36),
  button(`delete-${name}`, 'Delete', 500, 200 + index * 36),
]);
const HEADING: Widget = { id: 'pay', role: 'column_header', name: 'Salary', bounds: at(240, 160) };

describe('a page’s own verbs', () => {
  it.each<[string, string]>([
    ['delete Bob', 'clicked delete-Bob'],
    ['Find the row of Carol and click Edit.', 'clicked edit-Carol'],
    ["click Edit in Alice's row", 'clicked edit-Alice'],
    ['delete the second row', 'clicked delete-Bob'],
    ['remove Carol', 'clicked delete-Carol'],
    ['In the row of Bob, click Delete', 'clicked delete-Bob'],
  ])('%s', async (task, expected) => {
    const { outcome, clicks } = await onPage(task, TABLE);
    expect(outcome).toMatchObject({ passed: true });
    expect(clicks).toEqual([expected]);
  });

  it('names what it looked for, where, and what came near', async () => {
    const { outcome, clicks } = await onPage('archive Bob', TABLE);
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
    expect(clicks).toEqual([]);
    const said = 'summary' in outcome ? outcome.summary : '';
    expect(said).toContain('“Archive”');
    expect(said).toContain('archive Bob');
    expect(said).toContain('the page');
  });

  it('the value of a column in a row is told in the summary', async () => {
    const { outcome } = await onPage('What is the salary of Carol?', [HEADING, ...TABLE]);
    expect(outcome).toMatchObject({ passed: true, summary: expect.stringContaining('5000') });
  });
});

describe('dialogs and banners', () => {
  const dialog: Widget = { id: 'box', role: 'dialog', name: 'Are you sure?', bounds: at(300, 300, 400, 200) };
  const yes = button('yes', 'OK', 340, 440);
  const no = button('no', 'Cancel', 440, 440);

  it.each<[string, string]>([
    ['confirm the dialog', 'clicked yes'],
    ['dismiss the dialog', 'clicked no'],
    ['if a dialog appears, close it', 'clicked no'],
  ])('%s', async (task, expected) => {
    const { outcome, clicks } = await onPage(task, [dialog, yes, no, button('outside', 'OK', 20, 20)]);
    expect(outcome).toMatchObject({ passed: true });
    expect(clicks).toEqual([expected]);
  });

  it('a cookie banner is known by what it says', async () => {
    const text: Widget = { id: 't', role: 'label', name: 'We use cookies.', bounds: at(20, 700, 200) };
    const accept = button('accept', 'Accept all', 300, 700);
    const { clicks } = await onPage('If a cookie banner appears, accept it.', [text, accept]);
    expect(clicks).toEqual(['clicked accept']);
    const without = await onPage('If a cookie banner appears, accept it.', [accept]);
    expect(without.clicks).toEqual([]);
  });

  it('fails in words where there is none', async () => {
    const { outcome } = await onPage('accept the dialog', [button('buy', 'Buy now', 20, 20)]);
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
  });
});

it('“submit it” is the one button that sends the form, whatever it is called', async () => {
  const send = { ...button('go', 'Register me', 40, 300), states: ['enabled', 'submits'] };
  const { clicks } = await onPage('submit the form', [button('other', 'Help', 300, 300), send]);
  expect(clicks).toEqual(['clicked go']);
});

it('a word of a button, read from the picture, is not taken for what was asked for', async () => {
  const { outcome, clicks } = await onPage('click "answer 4"', [button('send', 'Submit answer', 40, 300)]);
  expect(outcome).toMatchObject({ passed: false });
  expect(clicks).toEqual([]);
});

it('adds a line and replaces a word in the text in front', async () => {
  const desktop = new SimulatedDesktop();
  installTextEditor(desktop);
  const { outcome } = await runWith({
    task: 'open the text editor, type "a cat", add the line "a dog", replace "cat" with "cow", save it as /tmp/a.txt',
    machine: new ScriptedMachine({ desktop }),
    engine: new BuiltinEngine({ log: silentLogger }),
  });
  expect(outcome).toMatchObject({ passed: true });
  expect(desktop.files.get('/tmp/a.txt')).toBe('a cow\na dog');
});

it.each([
  ['Save settings', ['Cancel', 'Save settings'], 'clicked Save settings'],
  ['the one that sends the form', ['Help', 'Send it!'], 'clicked Send it!'],
])('“save” on a page is its own button: %s', async (_, names, expected) => {
  const buttons = names.map((name, index) => ({
    ...button(name, name, 40 + index * 200, 300),
    states: name.endsWith('!') ? ['enabled', 'submits'] : ['enabled'],
  }));
  expect((await onPage('save', buttons)).clicks).toEqual([expected]);
});

it('“save” on a page without a button for it presses nothing', async () => {
  const { outcome, clicks } = await onPage('save', [
    button('a', 'Help', 40, 300),
    button('b', 'More', 200, 300),
  ]);
  expect(outcome).toMatchObject({ passed: false, summary: expect.stringContaining('no button that saves') });
  expect(clicks).toEqual([]);
});

it.each([
  ['confirm it', 'clicked yes'],
  ['dismiss it', 'clicked no'],
])('a page that asks by itself is answered by the button that begins so: %s', async (task, expected) => {
  const { clicks } = await onPage(task, [
    button('yes', 'Yes, delete', 40, 300),
    button('no', 'No, keep', 240, 300),
  ]);
  expect(clicks).toEqual([expected]);
});
