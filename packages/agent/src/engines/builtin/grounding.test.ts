import { type Observation, Observation as ObservationSchema, type ScreenElement } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { ground, isBrowsersBox, type Purpose, pointOf } from './grounding.ts';
import { joinWords, ocrLines } from './ocr-phrases.ts';
import { planOf } from './plan.ts';
import type { Target } from './target.ts';

type Short = [
  role: string,
  name: string,
  x: number,
  y: number,
  width?: number,
  height?: number,
  more?: Partial<ScreenElement>,
];

function screen(elements: Short[], activeWindowId = 'w1'): Observation {
  return ObservationSchema.parse({
    frame: {
      geometry: {
        frameId: 'f',
        displayId: 'd',
        layoutId: 'l',
        region: { x: 0, y: 0, width: 1280, height: 800 },
        image: { width: 1280, height: 800 },
        scale: 1,
      },
      mimeType: 'image/jpeg',
      byteLength: 1,
      sha256: '0'.repeat(64),
      capturedAt: '2026-01-01T00:00:00.000Z',
      exclusion: 'none_needed',
    },
    activeWindowId,
    elements: elements.map(([role, name, x, y, width = 100, height = 30, more = {}], index) => ({
      id: `e${index}`,
      source: 'accessibility',
      role,
      name,
      states: ['enabled'],
      bounds: { x, y, width, height },
      windowId: 'w1',
      ...more,
    })),
    settle: { settledMs: 0, reason: 'quiet' },
  });
}

/** The target of "click …" as the grammar reads it. */
function targetOf(phrase: string): Target {
  const plan = planOf(`click ${phrase}`);
  const intent = plan.understood ? plan.steps[0]?.intent : undefined;
  if (intent?.type !== 'click') throw new Error(`“${phrase}” is no click`);
  return intent.target;
}

function find(phrase: string, observation: Observation, purpose: Purpose = 'point'): string {
  const result = ground(targetOf(phrase), observation, purpose);
  if (result.type === 'found') return result.candidate.element.id;
  if (result.type === 'ambiguous')
    return `ambiguous ${result.candidates.map(({ element }) => element.id).join()}`;
  return result.type;
}

describe('grounding by name and kind', () => {
  const mail = screen([
    ['button', 'Save', 10, 10],
    ['button', 'Save as draft', 120, 10],
    ['link', 'Save', 10, 100],
    ['label', 'Save your work often', 10, 200, 300],
    ['button', 'Delete', 10, 300],
    ['button', 'Delete', 10, 400],
    ['menu', 'File', 300, 0],
    ['button', 'Sign in', 400, 10],
    ['link', 'Remove from list', 400, 100, 150],
  ]);
  it.each([
    ['the Save button', 'e0'],
    ['the Save link', 'e2'],
    ['Save as draft', 'e1'],
    ['"save AS draft"', 'e1'],
    ['File', 'e6'],
    ['the File menu', 'e6'],
    ['Sign in', 'e7'],
    ['Remove from list', 'e8'],
    ['the second Delete button', 'e5'],
    ['the last Delete button', 'e5'],
    ['the first Delete button', 'e4'],
    ['the Delete button', 'ambiguous e4,e5'],
    ['the third Delete button', 'missing'],
    ['Delet', 'ambiguous e4,e5'],
    ['Frobnicate', 'missing'],
    ['the first link', 'e2'],
    ['the second link', 'e8'],
  ])('%s → %s', (phrase, expected) => {
    expect(find(phrase, mail)).toBe(expected);
  });

  it('aims at the middle of what is visible', () => {
    const result = ground(targetOf('"Wide"'), screen([['button', 'Wide', 1200, 100, 400, 40]]), 'point');
    if (result.type !== 'found') throw new Error(result.type);
    expect(pointOf(result.candidate)).toEqual({ x: 1239.5, y: 119.5 });
  });

  it('something scrolled away is known, not clicked', () => {
    expect(find('"Terms"', screen([['link', 'Terms', 10, 2000]]))).toBe('offscreen');
  });

  it('something scrolled away that fits is meant before something in sight that fits in part', () => {
    const half: Short = ['tab', 'Settings', 10, 10];
    expect(find('"Save settings"', screen([half, ['button', 'Save settings', 10, 2000]]))).toBe('offscreen');
    expect(find('"Save settings"', screen([half, ['button', 'Save', 10, 2000]]))).toBe('e0');
  });

  it('means a link of the page before the browser’s own button of that name', () => {
    const browser: Short[] = [
      ['document', 'Registration', 0, 100, 1280, 700],
      ['button', 'Back', 10, 60, 30, 30],
    ];
    const page = { url: 'http://127.0.0.1/', title: 'Registration', loading: false };
    const link: Short = ['link', 'Back', 178, 455, 40, 20, { source: 'dom' }];
    expect(find('Back', { ...screen([...browser, link]), page })).toBe('e2');
    expect(find('Back', { ...screen(browser), page })).toBe('e1');
    // Without a page in front the two are equals.
    expect(find('Back', screen([...browser, link]))).toBe('ambiguous e1,e2');
  });

  it('tells a box of the browser’s own from a button of the page', () => {
    const page = { url: 'http://127.0.0.1/', title: 'Projects', loading: false };
    const box: Short[] = [
      ['dialog', '127.0.0.1:4321 says', 409, 97, 462, 160],
      ['button', 'OK', 763, 190, 81, 38],
      ['button', 'Reload', 60, 60, 30, 30],
    ];
    const own = (index: number, where: Observation) =>
      isBrowsersBox({ element: where.elements[index] as ScreenElement, visible: null, score: 1 }, where);
    const sight = { ...screen(box), page };
    expect([own(1, sight), own(2, sight)]).toEqual([true, false]);
    expect(own(1, { ...sight, page: null })).toBe(false);
    const telling: Short = ['button', 'Remove', 500, 300, 120, 30, { source: 'dom' }];
    expect(own(1, { ...screen([...box, telling]), page })).toBe(false);
  });

  it('prefers the active window, the enabled button and the thing itself over its container', () => {
    expect(
      find(
        'OK',
        screen([
          ['button', 'OK', 10, 10, 80, 30, { windowId: 'w0' }],
          ['button', 'OK', 300, 10],
        ]),
      ),
    ).toBe('e1');
    expect(
      find(
        'OK',
        screen([
          ['button', 'OK', 10, 10, 80, 30, { states: [] }],
          ['button', 'OK', 300, 10],
        ]),
      ),
    ).toBe('e1');
    expect(
      find(
        'Alice',
        screen([
          ['list_item', 'Alice', 0, 0, 400, 60],
          ['link', 'Alice', 10, 10, 60, 20],
        ]),
      ),
    ).toBe('e1');
  });

  it('the same thing from two sources is one thing', () => {
    expect(
      find(
        'Send',
        screen([
          ['button', 'Send', 10, 10],
          ['button', 'Send', 12, 11, 96, 28, { source: 'dom' }],
        ]),
      ),
    ).toBe('e1');
  });
});

describe('grounding by label, place and neighbour', () => {
  const form = screen([
    ['label', 'Name:', 100, 100, 60],
    ['text_field', '', 200, 100, 200, 30, { states: ['enabled', 'editable'] }],
    ['label', 'Email', 100, 180, 60, 16],
    ['text_field', '', 100, 200, 300, 30, { states: ['enabled', 'editable'] }],
    ['check_box', '', 100, 300, 20, 20],
    ['label', 'I agree to everything', 126, 300, 200, 20],
    ['text_field', 'Search', 600, 20, 200, 30, { states: ['enabled', 'editable'] }],
  ]);
  it.each<[string, Purpose, string]>([
    ['the Name field', 'type', 'e1'],
    ['Email', 'type', 'e3'],
    ['the "I agree to everything" checkbox', 'tick', 'e4'],
    ['the checkbox', 'tick', 'e4'],
    ['the search box', 'type', 'e6'],
    ['the second field', 'type', 'e1'],
  ])('%s (%s) → %s', (phrase, purpose, expected) => {
    expect(find(phrase, form, purpose)).toBe(expected);
  });

  it('a row of named radio buttons: the text beside one belongs to the next', () => {
    const row = screen([
      ['radio_button', 'Small', 29, 224, 13, 13],
      ['label', 'Small', 45, 220, 45, 22],
      ['radio_button', 'Large', 99, 224, 13, 13],
      ['label', 'Large', 115, 220, 47, 22],
    ]);
    expect(find('the Large radio button', row, 'choose')).toBe('e2');
    expect(find('the Small radio button', row, 'choose')).toBe('e0');
  });

  const table = screen([
    ['table_row', 'Alice 3 Delete', 0, 100, 800, 40],
    ['table_cell', 'Alice', 0, 100, 200, 40],
    ['button', 'Delete', 600, 105, 80, 30],
    ['table_row', 'Bob 5 Delete', 0, 140, 800, 40],
    ['table_cell', 'Bob', 0, 140, 200, 40],
    ['button', 'Delete', 600, 145, 80, 30],
    ['dialog', 'Confirm', 300, 300, 300, 200],
    ['button', 'Cancel', 320, 450, 80, 30],
    ['button', 'Cancel', 900, 20, 80, 30],
  ]);
  it.each([
    ['the Delete button in the row of Bob', 'e5'],
    ['"Delete" next to "Alice"', 'e2'],
    ["Delete in Alice's row", 'e2'],
    ['Cancel in the dialog', 'e7'],
    ['the Delete button in the row of Carol', 'missing'],
  ])('%s → %s', (phrase, expected) => {
    expect(find(phrase, table)).toBe(expected);
  });
});

describe('grounding by words read from pixels', () => {
  it('a reader that tells lines beside their words doubles nothing', () => {
    const ocr: Partial<ScreenElement> = { source: 'ocr', states: [] };
    const { elements } = screen([
      ['label', 'Quiet Machines', 10, 10, 120, 16, ocr],
      ['word', 'Quiet', 10, 10, 50, 16, ocr],
      ['word', 'Machines', 66, 10, 64, 16, ocr],
    ]);
    expect(ocrLines(elements).map((line) => joinWords(line).name)).toEqual(['Quiet Machines']);
    expect(ocrLines(elements.slice(0, 1)).map((line) => joinWords(line).name)).toEqual(['Quiet Machines']);
  });

  const word = (name: string, x: number, y: number): Short => [
    'word',
    name,
    x,
    y,
    name.length * 8,
    16,
    { source: 'ocr', states: [] },
  ];
  const painted = screen([
    word('Save', 100, 50),
    word('draft', 140, 51),
    word('Send', 400, 50),
    word('Welcome', 100, 200),
    word('back', 164, 200),
  ]);
  it.each([
    ['"Save draft"', 'e0+e1'],
    ['Send', 'e2'],
    ['"Welcome back"', 'e3+e4'],
    ['the Send button', 'e2'],
  ])('%s → %s', (phrase, expected) => {
    expect(find(phrase, painted)).toBe(expected);
  });

  it('a named element beats a word of the same text', () => {
    const both = screen([word('Send', 400, 50), ['button', 'Send', 600, 50]]);
    expect(find('Send', both)).toBe('e1');
  });
});

describe('a browser that shows a page', () => {
  const dom = { source: 'dom' as const };
  const page = { url: 'http://a.test/', title: 'A', loading: false };
  const tabs: Short[] = [
    ['button', 'Close', 200, 5, 20, 20],
    ['button', 'New Tab', 230, 5, 20, 20],
  ];
  const browser = {
    ...screen([...tabs, ['button', 'One', 100, 200, 80, 30, dom], ['button', 'Two', 100, 260, 80, 30, dom]]),
    page,
  };
  it.each([
    ['the second button', 'e3'],
    ['the last button', 'e3'],
    ['the first button', 'e2'],
    ['the "New Tab" button', 'e1'],
  ])('%s counts what is in the page', (phrase, expected) => {
    expect(find(phrase, browser)).toBe(expected);
  });

  it('has only its own buttons where the page has none', () => {
    expect(find('the second button', { ...screen(tabs), page })).toBe('e1');
  });
});
