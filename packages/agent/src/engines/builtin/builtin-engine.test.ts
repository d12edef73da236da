import { silentLogger } from '@deskhand/base';
import type { Operation, Outcome } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../ports.ts';
import {
  browserWindow,
  type HarnessOptions,
  installFormPage,
  installTextEditor,
  RecordingJournal,
  runWith,
  ScriptedMachine,
  SimulatedDesktop,
  type Widget,
} from '../../testing/index.ts';
import { BuiltinEngine } from './builtin-engine.ts';

const RECT = { x: 10, y: 10, width: 100, height: 20 };
const URL = 'http://127.0.0.1:4321/';

function house() {
  const desktop = new SimulatedDesktop();
  installTextEditor(desktop);
  installFormPage(desktop, URL);
  const machine = new ScriptedMachine({ desktop });
  const run = (task: string, more: Partial<HarnessOptions> = {}) =>
    runWith({ task, machine, engine: new BuiltinEngine({ log: silentLogger }), ...more });
  return { desktop, machine, run };
}

describe('the built-in engine does whole tasks', () => {
  it('does the sample task: editor, file, form, check', async () => {
    const { desktop, run } = house();
    const text = 'Grüße: 100 % & more,\nline two, then click X\n~!@#$ “quoted”';
    const { outcome, journal } = await run(
      `Open the text editor, type '${text}', save it as /tmp/out/notes.txt, open the browser and go to ${URL}, type "Ada Lovelace" into the Name field, select "Green tea" from Drink, tick the box, click the Send button, check that "Thank you" is visible.`,
    );
    expect(outcome).toMatchObject({ type: 'finished', passed: true });
    expect(desktop.files.get('/tmp/out/notes.txt')).toBe(text);
    expect(desktop.journal).toContain('form sent: Ada Lovelace / Green tea / true');
    expect(journal.steps).toBeLessThanOrEqual(14);
    const told = journal.lines.join('\n');
    expect(told).not.toContain('Ada Lovelace');
    expect(told).not.toContain('line two');
  });

  it('takes a screenshot of a page in one step and keeps the picture', async () => {
    const { desktop, run } = house();
    const { outcome, journal } = await run(
      `Open Chrome, navigate to ${URL}, and take a screenshot of the page`,
    );
    expect(outcome).toMatchObject({ passed: true });
    expect(journal.steps).toBe(1);
    expect(journal.frames.length).toBeGreaterThanOrEqual(2);
    expect(desktop.active?.page?.url).toBe(URL);
  });

  it.each(['What is the title of the active window?', 'tell me the window title'])(
    'answers from the window in front: %s',
    async (question) => {
      const { run } = house();
      const { outcome } = await run(`Open the text editor. ${question}`);
      expect(outcome).toMatchObject({ passed: true, summary: expect.stringMatching(/title[^:]*: \S/) });
    },
  );

  it.each([
    ['rename all files of /tmp/photos by date', 'in the terminal'],
    ['take a screenshot and save it as /tmp/a.png', 'kept with its step'],
    ['in the text editor, write a haiku about spring', 'in quotes'],
    ['write me a poem about spring', 'in quotes'],
    ['click Save or Cancel', 'which one'],
  ])('says how “%s” would be understood', async (task, hint) => {
    const { run } = house();
    const { outcome } = await run(task);
    expect(outcome).toMatchObject({ passed: false, summary: expect.stringContaining(hint) });
  });

  it('[FRAME10] types where a desktop tells no window, and not where it tells that there is none', async () => {
    const { desktop, run } = house();
    const task = 'type "hello"';
    expect((await run(task)).outcome).toMatchObject({
      passed: false,
      summary: expect.stringContaining('No window is open'),
    });
    desktop.windowsUntold = true;
    const field = {
      id: 'field',
      role: 'text_field',
      name: '',
      value: '',
      bounds: RECT,
      painted: true,
    } as const;
    desktop.open({
      id: 'w',
      title: 'Terminal',
      application: 'terminal',
      widgets: [{ ...field }],
      focusedId: 'field',
    });
    expect((await run(task)).outcome).toMatchObject({ passed: true });
    expect(desktop.widget('field').value).toBe('hello');
  });

  it('closes all windows, and asks once about one that stays', async () => {
    const { desktop, run } = house();
    const window = (id: string) => ({ id, title: id, application: 'viewer', widgets: [] });
    for (const id of ['first', 'stubborn', 'last']) desktop.open(window(id));
    const close = desktop.close.bind(desktop);
    desktop.close = (id) => (id === 'stubborn' ? undefined : close(id));
    const journal = new RecordingJournal();
    journal.answers.push('no');
    const { outcome } = await run('Close all windows', { journal });
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.windows.map(({ id }) => id)).toEqual(['stubborn']);
    expect(journal.questions).toHaveLength(1);
  });

  it('never types into a text that an editor showed already', async () => {
    const { desktop, run } = house();
    const text = (value: string): Widget => ({
      id: 'text',
      role: 'text_field',
      name: '',
      value,
      states: ['editable', 'multiline'],
      bounds: { x: 0, y: 40, width: 1280, height: 740 },
    });
    const [notes, empty] = [text('precious'), text('')];
    const editor = { application: 'mousepad', focusedId: 'text' };
    desktop.applications.set('text editor', (target) =>
      target.open({
        ...editor,
        id: 'notes',
        title: 'notes.txt - Mousepad',
        widgets: [notes],
        onKey: (host, chord) => {
          if (chord === 'ctrl+n') host.open({ ...editor, id: 'new', title: 'Untitled', widgets: [empty] });
          return chord === 'ctrl+n';
        },
      }),
    );
    const { outcome } = await run('Open the text editor, type "new"');
    expect(outcome).toMatchObject({ passed: true });
    expect([notes.value, empty.value]).toEqual(['precious', 'new']);
  });

  it('saves through the menu dialog and never replaces a file unasked', async () => {
    const { desktop, run } = house();
    desktop.files.set('/tmp/a.txt', 'precious');
    const journal = new RecordingJournal();
    journal.answers.push('no');
    const { outcome } = await run('open the text editor, type "new", save it as /tmp/a.txt', { journal });
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
    expect(desktop.files.get('/tmp/a.txt')).toBe('precious');
    expect(journal.questions[0]).toContain('/tmp/a.txt');
  });

  it('replaces a file when a person says so', async () => {
    const { desktop, run } = house();
    desktop.files.set('/tmp/a.txt', 'old');
    const journal = new RecordingJournal();
    journal.answers.push('yes, replace it');
    const { outcome } = await run('open the text editor, type "newer", save it as /tmp/a.txt', { journal });
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.files.get('/tmp/a.txt')).toBe('newer');
    expect(journal.questions).toHaveLength(1);
  });

  it('saves where files may not be looked at, by what the window says', async () => {
    const { desktop } = house();
    const machine = new ScriptedMachine({
      desktop,
      intercept: ({ type }) =>
        type === 'stat_file' ? { status: 'refused', code: 'POLICY_DENIED', durationMs: 0 } : undefined,
    });
    const { outcome } = await runWith({
      task: 'open the text editor, type "x", save it as /tmp/b.txt',
      machine,
      engine: new BuiltinEngine({ log: silentLogger }),
    });
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.files.get('/tmp/b.txt')).toBe('x');
  });

  it.each(['save it as /tmp/long.txt', 'save'])(
    'after long typing, “%s” waits for a dialog that opens late',
    async (saving) => {
      const { desktop, machine, run } = house();
      const text = 'x'.repeat(9000);
      const observe = machine.observe.bind(machine);
      const act = machine.act.bind(machine);
      let looks = 0;
      let chords = 0;
      machine.observe = (request, options) => {
        looks += 1;
        if (looks === 8) desktop.active?.onKey?.(desktop, 'ctrl+s');
        return observe(request, options);
      };
      machine.act = (command, options) => {
        const first = command.operations[0];
        if (first?.type !== 'key_combo' || first.keys.at(-1) !== 's') return act(command, options);
        chords += 1;
        looks = 0;
        return act({ ...command, operations: [{ type: 'wait', ms: 1 }] }, options);
      };
      const { outcome } = await run(`open the text editor, type "${text}", ${saving}`);
      expect(chords).toBe(1);
      if (saving === 'save') expect(outcome).toMatchObject({ passed: false });
      else expect(desktop.files.get('/tmp/long.txt')).toBe(text);
    },
  );

  it('chooses Save As from the File menu', async () => {
    const { desktop, run } = house();
    const { outcome } = await run('open the text editor and choose Save As from the File menu');
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.active?.id).toBe('save');
  });
});

describe('the built-in engine asks and says so when it cannot', () => {
  const page = (widgets: Widget[], more: object = {}) => {
    const desktop = new SimulatedDesktop();
    desktop.open({ ...browserWindow(URL, widgets), ...more });
    const machine = new ScriptedMachine({ desktop });
    const run = (task: string, options: Partial<HarnessOptions> = {}) =>
      runWith({ task, machine, engine: new BuiltinEngine({ log: silentLogger }), ...options });
    return { desktop, machine, run };
  };
  const button = (id: string, name: string, y: number, more: Partial<Widget> = {}): Widget => ({
    id,
    role: 'button',
    name,
    bounds: { x: 100, y, width: 100, height: 30 },
    onClick: (desktop) => {
      desktop.journal.push(`pressed ${id}`);
      const window = desktop.active;
      if (window !== undefined) window.title += '!';
    },
    ...more,
  });

  it.each([
    ['the second one', 'b'],
    ['2', 'b'],
    ['the first', 'a'],
    ['the bottom one', 'b'],
  ])('two equally good buttons are a question; “%s” answers it', async (answer, expected) => {
    const { desktop, run } = page([button('a', 'Delete', 100), button('b', 'Delete', 200)]);
    const journal = new RecordingJournal();
    journal.answers.push(answer);
    const { outcome } = await run('click the Delete button', { journal });
    expect(outcome).toMatchObject({ passed: true });
    expect(journal.questions[0]).toMatch(/the first: .*the second: /);
    expect(desktop.journal.filter((line) => line.startsWith('pressed'))).toEqual([`pressed ${expected}`]);
  });

  it('leaves passwords to a person and never types them', async () => {
    const { machine, run } = page([
      {
        id: 'pw',
        role: 'password_field',
        name: 'Password',
        value: '',
        states: ['editable', 'protected'],
        bounds: { x: 100, y: 100, width: 200, height: 30 },
      },
    ]);
    const journal = new RecordingJournal();
    journal.answers.push('done');
    const { outcome } = await run('type "hunter2" into the Password field', { journal });
    expect(outcome).toMatchObject({ passed: true });
    expect(machine.commands).toEqual([]);
    expect(journal.lines.join() + journal.questions.join()).not.toContain('hunter2');
  });

  it('fails a sentence it does not understand before it touches anything', async () => {
    const { machine, run } = page([]);
    const { outcome } = await run('press enter. Reticulate the splines. Press tab.');
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
    expect(outcome.type === 'finished' && outcome.summary).toMatch(/Reticulate the splines.*DESKHAND_MODEL/s);
    expect(machine.commands).toEqual([]);
  });

  it('names what was looked for, where, and the nearest candidates', async () => {
    const { run } = page([button('a', 'Send message', 100)]);
    const { outcome } = await run('click the Publish button');
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
    expect(outcome.type === 'finished' && outcome.summary).toMatch(
      /“Publish” button.*while doing: click the Publish button/s,
    );
  });

  it('does not find in a picture what no list names, until it reads the picture', async () => {
    const { desktop, machine, run } = page([button('p', 'Start game', 300, { painted: true })]);
    const { outcome } = await run('click "Start game"');
    expect(outcome).toMatchObject({ passed: true });
    expect(machine.observed.some(({ ocr }) => ocr === true)).toBe(true);
    expect(desktop.journal).toContain('pressed p');
  });

  it('clicks once even when nothing visible happens, and says so', async () => {
    const { desktop, run } = page([
      button('q', 'Quiet', 100, { onClick: (host) => host.journal.push('pressed q') }),
    ]);
    const { outcome } = await run('click Quiet');
    expect(desktop.journal.filter((line) => line === 'pressed q')).toHaveLength(1);
    expect(outcome.type === 'finished' && outcome.summary).toMatch(
      /Not certain: clicking “Quiet” changed nothing/,
    );
  });

  it('a check that fails is a failed run', async () => {
    const { run } = page([button('a', 'Send', 100)]);
    const { outcome } = await run('check that "Thank you" is visible');
    expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
    const fine = await run('check that "Thank you" is not visible');
    expect(fine.outcome).toMatchObject({ passed: true });
  });

  it('a box that is ticked already is left alone', async () => {
    const { machine, run } = page([
      {
        id: 'c',
        role: 'check_box',
        name: 'Gift',
        states: ['checked'],
        bounds: { x: 100, y: 100, width: 20, height: 20 },
      },
    ]);
    expect((await run('tick the Gift box')).outcome).toMatchObject({ passed: true });
    expect(machine.commands).toEqual([]);
    expect((await run('untick the Gift box')).outcome).toMatchObject({ passed: true });
    expect(machine.commands).toHaveLength(1);
  });

  it('types into a dialog in front although a field behind it still says it has the focus', async () => {
    const field = (id: string): Widget => ({
      id,
      role: 'text_field',
      name: id,
      value: '',
      states: ['editable'],
      bounds: { x: 100, y: 100, width: 300, height: 30 },
    });
    const { desktop, machine, run } = page([field('address')], { focusedId: 'address' });
    // The dialog tells nothing about itself, as Chromium's own file dialog does.
    desktop.open({
      id: 'chooser',
      title: 'Open File',
      application: 'chromium',
      focusedId: 'name',
      widgets: [{ ...field('name'), painted: true }],
    });
    expect((await run('type "/tmp/cv.txt"')).outcome).toMatchObject({ passed: true });
    expect(desktop.widget('name').value).toBe('/tmp/cv.txt');
    expect(machine.commands).toHaveLength(1);
  });

  it.each<[string, string, readonly string[]]>([
    ['confirm the dialog', 'yes', ['No', 'Yes']],
    ['dismiss the dialog', 'no', ['No', 'Yes']],
    // A word of the question and the window's own title are no buttons.
    ['confirm the dialog', '', ['No']],
  ])('a dialog that tells no elements is read from its picture: %s, %s', async (task, clicked, answers) => {
    const { desktop, run } = page([]);
    const painted = (name: string, x: number, y: number, width: number): Widget => ({
      id: name.toLowerCase(),
      role: 'button',
      name,
      painted: true,
      bounds: { x, y, width, height: 20 },
      onClick: (host) => {
        host.journal.push(`clicked ${name.toLowerCase()}`);
      },
    });
    desktop.open({
      id: 'confirm',
      title: 'Confirm',
      application: 'pcmanfm',
      widgets: [
        painted('Confirm', 300, 300, 60),
        painted('Do you want to delete the file?', 300, 340, 240),
        ...answers.map((name, index) => painted(name, 300 + index * 200, 400, 30)),
      ],
    });
    const { outcome } = await run(task);
    expect(outcome).toMatchObject({ passed: clicked !== '' });
    expect(desktop.journal.filter((line) => line.startsWith('clicked'))).toEqual(
      clicked === '' ? [] : [`clicked ${clicked}`],
    );
  });

  it.each([
    ['a question that takes it', 'pcmanfm', true, ['alt+y'], true],
    ['a question that stays', 'pcmanfm', false, ['alt+y'], false],
    ['a window of another application', 'xterm', true, [], false],
  ])('the key of Yes, where the picture shows no clear yes: %s', async (_, below, closes, keys, passed) => {
    const { desktop, run } = page([]);
    const pressed: string[] = [];
    desktop.open({ id: 'inbox', title: 'inbox', application: below, widgets: [] });
    desktop.open({
      id: 'question',
      title: 'Confirm',
      application: 'pcmanfm',
      widgets: [],
      bounds: { x: 300, y: 300, width: 320, height: 150 },
      onKey: (host, chord) => {
        pressed.push(chord);
        if (closes) host.close('question');
        return true;
      },
    });
    expect((await run('confirm the dialog')).outcome).toMatchObject({ passed });
    expect(pressed).toEqual(keys);
  });

  it.each([
    ['a dialog that shows its Open', 'Open', ['clicked open']],
    ['a dialog that shows none', 'Cancel', ['enter']],
  ])('Enter behind a path, in %s', async (_, answer, expected) => {
    const { desktop, run } = page([]);
    const done: string[] = [];
    desktop.open({
      id: 'chooser',
      title: 'Open File',
      application: 'chromium',
      focusedId: 'name',
      widgets: [
        {
          id: 'name',
          role: 'text_field',
          name: '',
          value: '',
          states: ['editable'],
          painted: true,
          bounds: { x: 100, y: 100, width: 300, height: 30 },
        },
        {
          id: 'answer',
          role: 'button',
          name: answer,
          painted: true,
          bounds: { x: 900, y: 700, width: 60, height: 20 },
          onClick: (host) => {
            done.push(`clicked ${answer.toLowerCase()}`);
            host.close('chooser');
          },
        },
      ],
      onKey: (host, chord) => {
        done.push(chord);
        host.close('chooser');
        return true;
      },
    });
    expect((await run('type "/tmp/cv.txt" and press Enter')).outcome).toMatchObject({ passed: true });
    expect(done).toEqual(expected);
  });

  it.each([
    ['waits for a file dialog to close before it types on', 3, true],
    ['says so when a file dialog stays', 99, false],
  ])('%s', async (_, looks, passed) => {
    const area = { x: 100, y: 100, width: 300, height: 30 };
    const { desktop, machine, run } = page([
      { id: 'text', role: 'text_field', name: '', value: '', states: ['editable'], bounds: area },
    ]);
    const below = desktop.active;
    if (below !== undefined) below.focusedId = 'text';
    desktop.open({
      id: 'chooser',
      title: 'Open File',
      application: 'mousepad',
      focusedId: 'name',
      widgets: [
        { id: 'name', role: 'text_field', name: 'Location', value: '', states: ['editable'], bounds: area },
      ],
    });
    const observe = machine.observe.bind(machine);
    let seen = 0;
    machine.observe = (request, options) => {
      seen += 1;
      if (seen === looks) desktop.close('chooser');
      return observe(request, options);
    };
    const { outcome } = await run('type "/tmp/log.txt" and press Enter, then type "Tuesday"');
    expect(outcome).toMatchObject({ passed });
    const typed = below?.widgets.find(({ id }) => id === 'text')?.value;
    expect(typed).toBe(passed ? 'Tuesday' : '');
  });

  it('a page called “Upload” that comes back when the dialog closes is not taken for a dialog that stays', async () => {
    const desktop = new SimulatedDesktop();
    desktop.open({
      id: 'page',
      title: 'Upload - Chromium',
      application: 'chromium',
      widgets: [],
    });
    desktop.open({
      id: 'chooser',
      title: 'Open File',
      application: 'chromium',
      widgets: [],
      onKey: (host) => {
        host.close('chooser');
        return true;
      },
    });
    const machine = new ScriptedMachine({ desktop });
    const engine = new BuiltinEngine({ log: silentLogger });
    const { outcome } = await runWith({ task: 'press Enter', machine, engine });
    expect(outcome).toMatchObject({ passed: true });
  });

  it('remembers the description that stands a little to the right below its term', async () => {
    const { desktop, run } = page([
      { id: 'dt', role: 'label', name: 'Shelf', bounds: { x: 100, y: 100, width: 38, height: 20 } },
      { id: 'dd', role: 'label', name: 'E-44', bounds: { x: 140, y: 122, width: 38, height: 20 } },
      {
        id: 'x',
        role: 'label',
        name: 'Reserve this book',
        bounds: { x: 100, y: 150, width: 138, height: 20 },
      },
      {
        id: 'mark',
        role: 'text_field',
        name: 'Mark',
        value: '',
        states: ['editable'],
        bounds: { x: 100, y: 300, width: 300, height: 30 },
      },
    ]);
    await run('remember the Shelf as place, then type the place into the Mark field');
    expect(desktop.widget('mark').value).toBe('E-44');
  });

  it('a radio button that is checked counts as selected', async () => {
    const bounds = { x: 100, y: 100, width: 20, height: 20 };
    const { run } = page([
      { id: 'd', role: 'radio_button', name: 'Dark', states: ['checked'], bounds },
      { id: 'l', role: 'radio_button', name: 'Light', bounds: { ...bounds, y: 200 } },
    ]);
    const passed = async (task: string) => (await run(task)).outcome;
    expect(await passed('check that the Dark radio button is selected')).toMatchObject({ passed: true });
    expect(await passed('check that the Light radio button is selected')).toMatchObject({ passed: false });
  });

  it('scrolls until something is visible, and stops at the end', async () => {
    const { run, desktop } = page([button('deep', 'Terms', 2500, { painted: true })], {
      contentHeightPx: 3000,
    });
    expect((await run('scroll down until "Terms" is visible')).outcome).toMatchObject({ passed: true });
    expect(desktop.active?.scrolledPx).toBeGreaterThan(1700);
    expect((await run('scroll down until "Imprint" is visible')).outcome).toMatchObject({ passed: false });
  });

  it('looks further down a page before it takes something that is only called so in part', async () => {
    const clicked: string[] = [];
    const noted = (widget: Widget): Widget => ({ ...widget, onClick: () => clicked.push(widget.id) });
    const filler = Array.from({ length: 8 }, (_, index) =>
      button(`f${index}`, `Filler ${index}`, 150 + index * 50),
    );
    const inSight = [noted(button('part', 'Settings', 100)), ...filler];
    const { desktop, run } = page(inSight, { contentHeightPx: 3000 });
    // As browsers tell their pages: what is further down is in no list.
    const further = [...inSight, noted(button('whole', 'Save settings', 2500))];
    Object.defineProperty(desktop.active, 'widgets', {
      get: () => ((desktop.active?.scrolledPx ?? 0) > 1750 ? further : inSight),
    });
    expect((await run('click "Save settings"')).outcome).toMatchObject({ passed: true });
    expect(clicked).toEqual(['whole']);
    // Where there is nothing better, the part has to do.
    expect((await run('click "Show settings"')).outcome).toMatchObject({ passed: true });
    expect(clicked).toEqual(['whole', 'part']);
  });

  it('waits for what appears later, and no longer than its ceiling', async () => {
    const { desktop, machine, run } = page([]);
    const observe = machine.observe.bind(machine);
    let looks = 0;
    machine.observe = (request, options) => {
      looks += 1;
      if (looks === 4)
        desktop.active?.widgets.push({
          id: 'l',
          role: 'label',
          name: 'Done',
          bounds: { x: 1, y: 1, width: 50, height: 20 },
        });
      return observe(request, options);
    };
    expect((await run('wait until "Done" is visible')).outcome).toMatchObject({ passed: true });
    expect((await run('wait until "Never" is visible, at most 3 seconds')).outcome).toMatchObject({
      passed: false,
    });
  });

  it('carries a remembered value into another field', async () => {
    const { desktop, run } = page([
      {
        id: 'o',
        role: 'paragraph',
        name: 'Order number: A-1729',
        bounds: { x: 10, y: 10, width: 200, height: 20 },
      },
      {
        id: 's',
        role: 'text_field',
        name: 'Search',
        value: 'old',
        states: ['editable'],
        bounds: { x: 10, y: 100, width: 200, height: 30 },
      },
    ]);
    const { outcome } = await run('copy the order number and type it into the Search field');
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.widget('s').value).toBe('A-1729');
  });

  it('runs a command and judges it by its exit code', async () => {
    const { desktop, run } = page([]);
    desktop.commands.set('ls', { output: 'a.txt', exit_code: 0 });
    expect((await run('run "ls" in the terminal and check that "a.txt" is visible')).outcome).toMatchObject({
      passed: true,
    });
    expect((await run('run "rm x" in the terminal')).outcome).toMatchObject({ passed: false });
  });

  it('fails when the field does not hold what was typed', async () => {
    const { machine, run } = page([
      {
        id: 's',
        role: 'text_field',
        name: 'Code',
        value: '',
        states: ['editable'],
        bounds: { x: 10, y: 100, width: 200, height: 30 },
      },
    ]);
    const act = machine.act.bind(machine);
    machine.act = async (command, options) => {
      const result = await act(command, options);
      machine.desktop.widget('s').value = 'AB';
      return { ...result, sight: await machine.observe({ elements: true }, options) };
    };
    const { outcome } = await run('type "abcdef" into the Code field');
    expect(outcome).toMatchObject({ passed: false });
    expect(JSON.stringify(outcome)).not.toContain('abcdef');
  });

  it('a click that did not take the focus is aimed once more when the text arrived nowhere', async () => {
    const { desktop, machine, run } = page([
      {
        id: 's',
        role: 'text_field',
        name: 'Code',
        value: '',
        states: ['editable'],
        bounds: { x: 10, y: 100, width: 200, height: 30 },
      },
    ]);
    const act = machine.act.bind(machine);
    let lost = 0;
    machine.act = async (command, options) => {
      if (lost === 0) {
        lost = 1;
        // The pointer's click got lost, so the text went nowhere.
        const sight = await machine.observe({ elements: true }, options);
        return {
          outcomes: command.operations.map(() => ({ status: 'unverified' as const, durationMs: 1 })),
          sight,
        };
      }
      return act(command, options);
    };
    expect((await run('type "abc" into the Code field')).outcome).toMatchObject({ passed: true });
    expect(desktop.widget('s').value).toBe('abc');
  });

  it('text that went into another field is never typed a second time', async () => {
    const { desktop, machine, run } = page([
      {
        id: 's',
        role: 'text_field',
        name: 'Code',
        value: '',
        states: ['editable'],
        bounds: { x: 10, y: 100, width: 200, height: 30 },
      },
      {
        id: 'o',
        role: 'text_field',
        name: 'Other',
        value: '',
        states: ['editable'],
        bounds: { x: 10, y: 200, width: 200, height: 30 },
      },
    ]);
    const act = machine.act.bind(machine);
    machine.act = (command, options) => {
      const astray = command.operations.map((operation) =>
        operation.type === 'click' ? { ...operation, point: { x: 50, y: 210 } } : operation,
      );
      return act({ ...command, operations: astray }, options);
    };
    expect((await run('type "abc" into the Code field')).outcome).toMatchObject({ passed: false });
    expect(desktop.widget('o').value).toBe('abc');
  });

  it('after a takeover the step is done anew, once', async () => {
    const { desktop } = page([button('a', 'Send', 100)]);
    let refusals = 0;
    const machine = new ScriptedMachine({
      desktop,
      intercept: ({ type }) => {
        if (type !== 'click' || refusals > 0) return undefined;
        refusals += 1;
        return { status: 'refused', code: 'PAUSED', message: 'a person has control', durationMs: 0 };
      },
    });
    const journal = new RecordingJournal();
    journal.answers.push(null);
    const { outcome } = await runWith({
      task: 'click Send',
      machine,
      engine: new BuiltinEngine({ log: silentLogger }),
      journal,
    });
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.journal.filter((line) => line === 'pressed a')).toHaveLength(1);
  });

  it('after a restart nothing that was done is done again', async () => {
    const { desktop, machine, run } = house();
    const journal = new RecordingJournal();
    await run(`open the text editor, type "once", go to ${URL}`, { journal });
    const history: HistoryEntry[] = machine.commands.slice(0, 2).map(({ operations }, index) => ({
      step: index + 1,
      operation: operations[0] as Operation,
      outcome: { status: 'confirmed', durationMs: 1 },
    }));
    const before = desktop.journal.length;
    machine.commands.length = 0;
    const again = await run(`open the text editor, type "once", go to ${URL}`, {
      resume: { stepsCompleted: 2, costCents: 10, history },
    });
    expect(again.outcome).toMatchObject({ passed: true });
    expect(machine.commands.map(({ operations }) => operations[0]?.type)).toEqual(['browser_navigate']);
    expect(desktop.journal.length).toBe(before);
  });

  describe('when the server died in the middle of typing', () => {
    const task = 'open the text editor, type "secret words", go to http://127.0.0.1:4321/';
    const operation: Operation = { type: 'type_text', text: 'secret words' };
    const resume = {
      stepsCompleted: 2,
      costCents: 10,
      history: [
        {
          step: 1,
          operation: { type: 'open_application', name: 'text editor' } as Operation,
          outcome: { status: 'confirmed' as const, durationMs: 1, mark: '0' },
        },
        {
          step: 2,
          operation,
          outcome: { status: 'failed' as const, code: 'ACTION_ABORTED', durationMs: 0 },
        },
      ],
    };

    it('asks a person and types nothing again by itself', async () => {
      const { machine, run } = house();
      const journal = new RecordingJournal();
      journal.answers.push('3');
      const { outcome } = await run(task, { resume, journal });
      expect(outcome).toMatchObject({ passed: true });
      expect(journal.questions).toHaveLength(1);
      expect(journal.questions[0]).toMatch(/may have happened.*2\. type.*3\. go to/s);
      expect(journal.questions[0]).not.toContain('secret');
      expect(machine.commands.flatMap(({ operations }) => operations.map(({ type }) => type))).toEqual([
        'browser_navigate',
      ]);
    });

    it('ends where nobody is to be asked', async () => {
      for (const [onAwaitingHuman, reason] of [
        ['fail', 'human_needed'],
        ['cancel', 'cancelled'],
      ] as const) {
        const { machine, run } = house();
        const { outcome } = await run(task, { resume, limits: { onAwaitingHuman } });
        expect(outcome).toMatchObject({ type: 'stopped', reason });
        expect(machine.commands).toEqual([]);
      }
    });
  });
});

describe('hands taken away in the middle of an action', () => {
  const cutShort: Outcome = {
    status: 'failed',
    code: 'PAUSED',
    message: 'A person has control of this desktop.',
    durationMs: 400,
  };
  /** A page with a focusable field; the first operation of `type` breaks off after `happens`. */
  function cutting(type: Operation['type'], happens: (desktop: SimulatedDesktop) => void) {
    const desktop = new SimulatedDesktop();
    const bounds = { x: 10, y: 100, width: 200, height: 30 };
    desktop.open(
      browserWindow(URL, [
        { id: 's', role: 'text_field', name: 'Code', value: '', states: ['editable'], bounds },
      ]),
    );
    let cuts = 0;
    const machine = new ScriptedMachine({
      desktop,
      intercept: (operation) => {
        if (operation.type !== type || cuts > 0) return undefined;
        cuts += 1;
        happens(desktop);
        return cutShort;
      },
    });
    const journal = new RecordingJournal();
    const run = (task: string, more: Partial<HarnessOptions> = {}) =>
      runWith({ task, machine, engine: new BuiltinEngine({ log: silentLogger }), journal, ...more });
    const operations = () => machine.commands.flatMap((command) => command.operations);
    return { desktop, journal, run, operations };
  }
  const task = 'type "abcdef" into the Code field';
  const holding = (value: string) => (desktop: SimulatedDesktop) => {
    desktop.widget('s').value = value;
  };

  it('a wait goes on with what was left of it', async () => {
    const { journal, run, operations } = cutting('wait', () => {});
    journal.answers.push(null);
    expect((await run('wait 1 second')).outcome).toMatchObject({ passed: true });
    expect(operations()).toMatchObject([{ ms: 1000 }, { ms: 600 }]);
  });

  it('types only the rest where the field provably holds the beginning', async () => {
    const { desktop, journal, run } = cutting('type_text', holding('abc'));
    journal.answers.push(null);
    expect((await run(task)).outcome).toMatchObject({ passed: true });
    expect(desktop.widget('s').value).toBe('abcdef');
    expect(journal.questions).toHaveLength(1);
  });

  it.each([
    ['nothing can be seen of it', ''],
    ['the person wrote something too', 'abcX'],
  ])('asks where %s, and types nothing unasked', async (_why, value) => {
    const { desktop, journal, run, operations } = cutting('type_text', holding(value));
    journal.answers.push(null, null, 'done');
    const { outcome } = await run(task);
    expect(outcome).toMatchObject({ passed: true });
    expect(desktop.widget('s').value).toBe(value);
    expect(operations().filter(({ type }) => type === 'type_text')).toHaveLength(1);
    expect(journal.questions[1]).toMatch(
      /interrupted after a person took over; part of the text may be there/,
    );
    expect(outcome.type === 'finished' && outcome.summary).toContain('completed by a person');
  });

  it('begins the step anew when the person says so', async () => {
    const { desktop, journal, run } = cutting('type_text', holding('Xab'));
    journal.answers.push(null, 'again');
    expect((await run(task)).outcome).toMatchObject({ passed: true });
    expect(desktop.widget('s').value).toBe('abcdef');
  });

  it('ends where nobody is to be asked, and where nobody says anything', async () => {
    const { journal, run, operations } = cutting('click', () => {});
    journal.answers.push(null);
    const { outcome } = await run(task, { limits: { onAwaitingHuman: 'fail' } });
    expect(outcome).toMatchObject({ type: 'stopped', reason: 'human_needed' });
    const mute = cutting('click', () => {});
    mute.journal.answers.push(null, null, null, null);
    expect((await mute.run(task)).outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
    expect([...operations(), ...mute.operations()].filter(({ type }) => type === 'click')).toHaveLength(2);
  });

  it('in a repeat only the turn that was cut short is asked about', async () => {
    const { journal, run, operations } = cutting('key_press', () => {});
    journal.answers.push(null, 'done');
    expect((await run('repeat 3 times: press f5')).outcome).toMatchObject({ passed: true });
    expect(operations()).toHaveLength(3);
  });
});

describe('typing where no field is known', () => {
  it.each(['type "abc"', 'type "abc" and press enter'])(
    '%s: fails when nothing on the screen changed',
    async (task) => {
      const desktop = new SimulatedDesktop();
      desktop.open({ id: 'w', title: 'Desktop', application: 'panel', widgets: [] });
      const machine = new ScriptedMachine({ desktop });
      const { outcome } = await runWith({ task, machine, engine: new BuiltinEngine({ log: silentLogger }) });
      expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
      expect(outcome.type === 'finished' && outcome.summary).toMatch(/Nothing shows that the text/);
      expect(JSON.stringify(outcome)).not.toContain('abc"');
    },
  );
});
