import { describe, expect, it } from 'vitest';
import { planOf } from './plan.ts';
import { markText } from './text.ts';

const types = (task: string): string[] => {
  const plan = planOf(task);
  return plan.understood ? plan.steps.map(({ intent }) => intent.type) : [`not understood: ${plan.sentence}`];
};

describe('tasks are cut into instructions', () => {
  it.each<[string, string[]]>([
    [
      'Open Chrome, navigate to http://127.0.0.1:8080/docs, and take a screenshot of the page',
      ['go_to', 'screenshot'],
    ],
    ['click Save and press enter', ['click', 'press']],
    ['click Save and Close', ['click']],
    ['type "a, b and click c. then d" and press enter', ['type_text', 'press']],
    ["type 'it's \"fine\", really' and press enter", ['type_text', 'press']],
    [
      '1. Open the text editor\n2. Type "x"\n3. Save it as /tmp/x.txt',
      ['open_application', 'type_text', 'save_as'],
    ],
    ['- open the terminal\n- wait 1 second', ['open_application', 'wait']],
    [
      'First open the terminal; then wait 2 s; finally take a screenshot!',
      ['open_application', 'wait', 'screenshot'],
    ],
    ['Please open the terminal. After that, press F5.', ['open_application', 'press']],
    ['click A, then B, then C', ['click', 'click', 'click']],
    ['click "Yes", "No" and "Maybe"', ['click', 'click', 'click']],
    ['type "a" into Name and "b" into Email', ['type_text', 'type_text']],
    ['copy the order number and type it into the Search field', ['remember', 'type_text']],
    ['open the File menu and choose Print', ['choose_menu']],
    ['save it as /tmp/a.b/c.d.txt, then close the window', ['save_as', 'close_window']],
    ['check that version 2.5 is visible, and take a screenshot', ['check_visible', 'screenshot']],
    ['Click 1, 2, ×, 3, 4 and =.', ['click', 'click', 'click', 'click', 'click', 'click']],
    ['type 1, 2 and 3 into the Numbers field', ['type_text']],
    ['fill in Name with "Ada" and Email with "ada@example.test"', ['type_text', 'type_text']],
    [
      'click Add, fill in Name with "Ada" and Email with "a@b.test", then press Enter',
      ['click', 'type_text', 'type_text', 'press'],
    ],
    ['Tick the "A" box and the "B" box', ['set_checked', 'set_checked']],
    ['Check that "A" and "B" are visible', ['check_visible', 'check_visible']],
    ['click the Document file chooser', ['click']],
    ['Make sure "A" is not visible and "B" is visible.', ['check_visible', 'check_visible']],
    ['wait until "Done" is shown, for at most 15 seconds, and click Finish', ['wait_until', 'click']],
    ['Put a scarf in the cart: click "Add scarf" and press enter', ['click', 'press']],
    ['Type the following: click here', ['type_text']],
    ['Open http://127.0.0.1:8080/ in the browser and follow the "Next page" link', ['go_to', 'click']],
    ['go to http://127.0.0.1:8080/ and pay the invoice by clicking "Pay"', ['go_to', 'click']],
    ['open the message "Budget for May", then delete it with the Delete button', ['click', 'click']],
  ])('%s', (task, expected) => {
    expect(types(task)).toEqual(expected);
  });

  it('what a command printed can be typed later', () => {
    const plan = planOf('run "hostname" in the terminal. Type the output into the Name field.');
    const last = plan.understood ? plan.steps.at(-1)?.intent : undefined;
    expect(last).toMatchObject({ type: 'type_text', text: { type: 'remembered', name: 'output' } });
  });

  it('“it” is what the instruction before was about', () => {
    const target = (task: string) => {
      const plan = planOf(task);
      const last = plan.understood ? plan.steps.at(-1)?.intent : undefined;
      return last?.type === 'click' ? last.target.text : null;
    };
    expect(target('wait until "Reject all" is visible and click it')).toBe('Reject all');
    expect(target('scroll down until "Terms" is visible, click it')).toBe('Terms');
    expect(target('click "It"')).toBe('It');
    expect(target('wait until "Loading" is gone, then click it')).toBe('it');
  });

  it.each<[string, string]>([
    ['do a barrel roll', 'do a barrel roll'],
    ['open the terminal. Ponder the meaning of life.', 'Ponder the meaning of life'],
    ['Öffne bitte den Texteditor', 'Öffne bitte den Texteditor'],
    ['click Save and reconcile the ledgers thoughtfully', 'reconcile'],
    ['!!!', '!!!'],
  ])('says which part of “%s” it does not know', (task, part) => {
    const plan = planOf(task);
    // "click Save and reconcile …" may also be read as one long name: then it is a click that will not be found.
    if (plan.understood) expect(plan.steps[0]?.intent.type).toBe('click');
    else expect(plan.sentence).toContain(part);
  });

  it.each([
    ["save it as /tmp/a.txt but don't save it", "but don't save it"],
    ['Click Save. Do not click Save.', 'Do not click Save'],
    ['Open the text editor, press Enter and never press Enter', 'and never press Enter'],
    ['click Save instead of Cancel', 'click Save instead of Cancel'],
    ['click neither Save nor Cancel', 'neither Save nor Cancel'],
    ['click Save or Cancel', 'click Save or Cancel'],
    ['click everything except Delete', 'everything except Delete'],
    ['click OK (not Cancel)', 'click OK (not Cancel)'],
    ['do not click Delete', 'do not click Delete'],
    ['type hello but only if Name is empty', 'only if Name is empty'],
  ])('does not half of what contradicts itself or leaves a choice: %s', (task, part) => {
    const plan = planOf(task);
    expect(plan).toMatchObject({ understood: false });
    if (!plan.understood) expect(plan.sentence).toContain(part);
  });

  it.each<[string, string[]]>([
    [
      'write me a shopping list in the text editor - milk, eggs and bread, each on its own line - and save it to /tmp/s.txt',
      ['focus_window', 'type_text', 'save_as'],
    ],
    [
      'open the text editor and the terminal. type hi in the editor and save it as /tmp/hi.txt',
      ['open_application', 'open_application', 'focus_window', 'type_text', 'save_as'],
    ],
    ['copy the text of /tmp/a.txt into a new file /tmp/b.txt', ['open_file', 'save_as']],
    ['delete the line "banana" from /tmp/fruit.txt', ['open_file', 'replace_text', 'save']],
    ['replace every colour with color in /tmp/text.txt', ['open_file', 'replace_text', 'save']],
    ["go to http://a.test and tell me Carla's role", ['go_to', 'remember']],
    ["On http://a.test, what is Carla's role?", ['go_to', 'remember']],
    ['Run "date" in the terminal and tell me what it prints', ['run_command', 'remember']],
    ['mark "Your booking" with a star', ['use_control']],
    [
      'Open the terminal, run "ls /tmp" and tell me what it says',
      ['open_application', 'run_command', 'remember'],
    ],
    ['Open a terminal and run "make"', ['open_application', 'type_text']],
    ['Close all windows', ['close_window']],
    ['Open mousepad, open a new window and paste', ['open_application', 'press', 'press']],
    [
      'Open the file manager and go to /tmp/reports',
      ['open_application', 'press', 'type_text', 'focus_window'],
    ],
    ['Open the folder /srv/reports', ['open_application', 'press', 'type_text', 'focus_window']],
    ['Take a screenshot, then save the document as /tmp/a.txt', ['screenshot', 'save_as']],
  ])('what newcomers ask for: %s', (task, expected) => {
    expect(types(task)).toEqual(expected);
  });

  it.each([
    ['In the text editor write a haiku about spring', 'haiku'],
    ['Take a screenshot and save it to /tmp/shot.png', '/tmp/shot.png'],
    ['Go to /docs', '/docs'],
  ])('makes up nothing, and no file of a picture: %s', (task, part) => {
    expect(planOf(task)).toMatchObject({ understood: false, sentence: expect.stringContaining(part) });
  });

  it.each([
    ['write a letter to Bob saying "See you"', 'See you'],
    ['type a message saying "hi" into the Note field', 'hi'],
    ['write a list with milk and eggs, one per line', 'milk\neggs'],
    ['type three lines: one, two and three', 'one\ntwo\nthree'],
    ['write 2 lines: first line, second line in the text editor', 'first line\nsecond line'],
    ['type two lines: a, b, c', 'two lines: a, b, c'],
  ])('types what is to be said, not how it is described: %s', (task, text) => {
    const plan = planOf(task);
    const typing = plan.understood ? plan.steps.find(({ intent }) => intent.type === 'type_text') : undefined;
    expect(typing?.intent).toMatchObject({ text: { type: 'literal', text } });
  });

  it.each(['write me a poem about spring', 'add the cheapest product of http://a.test to the cart'])(
    'says so where it would have to make something up: %s',
    (task) => {
      expect(planOf(task)).toMatchObject({ understood: false });
    },
  );

  it('an address inside a condition is gone to first', () => {
    expect(types('If “Sale” is shown on http://a.test/shop, click Shop')).toEqual(['go_to', 'if']);
    expect(types('If “Sale” is visible at the page http://a.test click Shop')).toEqual(['go_to', 'if']);
  });

  it.each([
    ['Click Save, but do not click Cancel', ['click']],
    ["Click Save but don't close the window", ['click']],
    ['Type hello. Do not save it.', ['type_text']],
    ['click "Save or Cancel"', ['click']],
    ["click Don't save", ['click']],
    ['tick the box "Do not call me"', ['set_checked']],
  ])('what is only forbidden is left undone: %s', (task, expected) => {
    expect(types(task)).toEqual(expected);
  });

  it.each([
    'Klicke auf Speichern',
    'クリックして保存',
    'Open the text editor, escribe "hola" y guarda como /tmp/a.txt',
    'click Speichern and tippe "Hallo"',
    'click the Save button, dann warte 2 Sekunden',
    'open mousepad et tape "bonjour"',
    'Öffne den Editor. Type "hello".',
  ])('a task in another language, or half in one, is not half done: %s', (task) => {
    expect(planOf(task)).toMatchObject({ understood: false });
  });

  it('reads the longest task the API takes in bounded time', () => {
    const long = `click ${'and very '.repeat(1700)}slowly`;
    expect(long.length).toBeLessThan(16_000);
    expect(types(long)[0]).toMatch(/not understood|click/);
    expect(types(`${'type "a" and '.repeat(1100)}press enter`).length).toBeGreaterThan(0);
  });

  it('keeps typed text out of the words a step is told by', () => {
    for (const task of [
      'type "hunter2" into Name',
      'type hunter2',
      'fill Name with hunter2',
      'enter hunter2 as the name',
    ]) {
      const plan = planOf(task);
      if (!plan.understood) throw new Error('not understood');
      expect(plan.steps.map(({ words }) => words).join()).not.toContain('hunter2');
    }
  });
});

describe('quotes, addresses and paths are lifted out whole', () => {
  it.each<[string, Array<[string, string]>]>([
    ['type "a \\"b\\" c"', [['quote', 'a "b" c']]],
    ["say 'it's'", [['quote', "it's"]]],
    ["don't stop, won't 'quote me'", [['quote', 'quote me']]],
    [
      '“curly” „low“ «angle» ‘single’',
      [
        ['quote', 'curly'],
        ['quote', 'low'],
        ['quote', 'angle'],
        ['quote', 'single'],
      ],
    ],
    ['go to (https://a.test/x?y=1,2).', [['url', 'https://a.test/x?y=1,2']]],
    [
      'open /tmp/a.txt, ~/b and C:\\x\\y.txt.',
      [
        ['path', '/tmp/a.txt'],
        ['path', '~/b'],
        ['path', 'C:\\x\\y.txt'],
      ],
    ],
    [
      'notes.txt and 3.5, end.',
      [
        ['dotted', 'notes.txt'],
        ['dotted', '3.5'],
      ],
    ],
    ['"unclosed and more', []],
    ['and/or either', []],
    ['```\nline 1\nline 2\n```', [['quote', 'line 1\nline 2']]],
  ])('%s', (text, expected) => {
    const marked = markText(text);
    expect(marked.atoms.map(({ kind, text: meaning }) => [kind, meaning])).toEqual(expected);
    expect(marked.source()).toBe(text);
  });

  it('private characters in a task cannot pass for placeholders', () => {
    const marked = markText('click \u{F0000} and "x"');
    expect(marked.source()).toBe('click \u{F0000} and "x"');
    expect(marked.atoms).toHaveLength(2);
  });
});

describe('text that is made to take long', () => {
  it.each([
    ['opening brackets', '('.repeat(16_000)],
    ['opening quotes', '“'.repeat(16_000)],
    ['quotes of every kind', '“„«‘ '.repeat(4000)],
    ['full stops', `${'.'.repeat(16_000)}x`],
    ['spaces', `a${' '.repeat(16_000)}x`],
    ['commas', `a${','.repeat(16_000)}x`],
    ['conditions', 'if '.repeat(6000)],
    ['borders', 'the x, click '.repeat(1500)],
  ])('%s are not understood, rather than read forever', (_what, task) => {
    expect(planOf(task).understood).toBe(false);
  });

  it('still lifts what stands behind brackets, and quotes behind one that is not closed', () => {
    const kinds = (text: string) => markText(text).atoms.map((atom) => [atom.kind, atom.text]);
    expect(kinds('((see http://a.test/x)), (notes.txt)')).toEqual([
      ['url', 'http://a.test/x'],
      ['dotted', 'notes.txt'],
    ]);
    expect(kinds('a “ b "c" and “d')).toEqual([['quote', 'c']]);
  });

  it('an empty text to type masks nothing', () => {
    const plan = planOf('type "" into the Name field');
    expect(plan.understood && plan.steps[0]?.words).toBe('type “[0 characters]” into the Name field');
  });
});
