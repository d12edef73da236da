import { describe, expect, it } from 'vitest';
import { keysymOfCharacter } from '../x11/index.ts';
import { KeyboardMap, LENT_ROW_MARK } from './keyboard-map.ts';
import { planText, typeableCharacters } from './text-plan.ts';

const MIN = 8;

/** A small keyboard: keycode 10 = a/A, 11 = q/Q/@ at level 3, 12 = Cyrillic in group 2, 36 Return, 23 Tab, modifiers. */
function keyboard(
  options: { spare?: number[]; rows?: Record<number, number[]>; group?: number } = {},
): KeyboardMap {
  const rows: number[][] = Array.from({ length: 120 }, () => [0xff00]);
  const set: Record<number, number[]> = {
    10: [0x61, 0x41],
    11: [0x71, 0x51, 0x71, 0x51, 0x40, 0],
    12: [0x62, 0x42, 0x6c1, 0x6e1],
    23: [0xff09, 0xfe20],
    36: [0xff0d],
    50: [0xffe1],
    66: [0xffe5],
    92: [0xfe03],
    110: [0x61, 0x41],
    ...options.rows,
  };
  for (const [keycode, row] of Object.entries(set)) rows[Number(keycode) - MIN] = row;
  for (const keycode of options.spare ?? [100, 101, 103]) rows[keycode - MIN] = [0, 0, 0, 0];
  const modifiers = [[50], [66], [], [], [], [], [], [92]];
  return new KeyboardMap(rows, MIN, modifiers, options.group ?? 0);
}

const codes = (text: string) => [...text].map((character) => character.codePointAt(0) as number);

describe('planning text', () => {
  it('uses the keys of the layout, the lowest keycode, level 3 where it must', () => {
    const [round, ...more] = planText(codes('aAq@\n\t'), keyboard());
    expect(more).toEqual([]);
    expect(round?.rows).toEqual([]);
    expect(round?.strokes).toEqual([
      { keycode: 10, shift: false, level3: false },
      { keycode: 10, shift: true, level3: false },
      { keycode: 11, shift: false, level3: false },
      { keycode: 11, shift: false, level3: true },
      { keycode: 36, shift: false, level3: false },
      { keycode: 23, shift: false, level3: false },
    ]);
  });

  it('reads the group that is switched on', () => {
    expect(keyboard().stroke(0x430)).toBeUndefined();
    expect(keyboard({ group: 1 }).stroke(0x430)).toEqual({ keycode: 12, shift: false, level3: false });
    expect(keyboard({ group: 1 }).stroke(0x62)).toBeUndefined();
  });

  it('lends rows for the rest, two characters each, once per text', () => {
    const [round, ...more] = planText(codes('aéßéaЖ'), keyboard());
    expect(more).toEqual([]);
    const [e, s, zh] = codes('éßЖ').map(keysymOfCharacter);
    expect(round?.rows).toEqual([
      { keycode: 100, keysyms: [e, s, e, s, e, s, LENT_ROW_MARK, LENT_ROW_MARK] },
      // A lone character fills both places, or the server would put its other case into the second.
      { keycode: 101, keysyms: [zh, zh, zh, zh, zh, zh, LENT_ROW_MARK, LENT_ROW_MARK] },
    ]);
    expect(round?.strokes.map(({ keycode, shift }) => `${keycode}${shift ? '+' : ''}`)).toEqual([
      '10',
      '100',
      '100+',
      '100',
      '10',
      '101',
    ]);
  });

  it('takes several rounds when there are more characters than places, in order, complete', () => {
    const text = 'абвгдежзийклмнопрстуфх';
    const map = keyboard();
    const rounds = planText(codes(text), map);
    expect(rounds).toHaveLength(Math.ceil(text.length / 6));
    const typed = rounds.flatMap(({ rows, strokes }) =>
      strokes.map(
        ({ keycode, shift }) => rows.find((row) => row.keycode === keycode)?.keysyms[shift ? 1 : 0],
      ),
    );
    expect(typed).toEqual(codes(text).map(keysymOfCharacter));
  });

  it('refuses when there is nothing to lend', () => {
    expect(() => planText(codes('é'), keyboard({ spare: [] }))).toThrow(
      expect.objectContaining({ code: 'TEXT_NOT_TYPEABLE' }),
    );
  });

  it('knows rows left behind by their mark and neither types with them nor lends them', () => {
    const map = keyboard({ rows: { 90: [0x10004d0, 0x10004d0, 0, 0, 0, 0, LENT_ROW_MARK, LENT_ROW_MARK] } });
    expect(map.strayKeycodes).toEqual([90]);
    expect(map.spareKeycodes).toEqual([100, 101, 103]);
    expect(map.stroke(0x4d0)).toBeUndefined();
  });
});

describe('characters that can be typed', () => {
  it('one newline for each way to write it', () => {
    expect(typeableCharacters('a\r\nb\rc\n')).toEqual(codes('a\nb\nc\n'));
  });

  it('joiners, marks, right-to-left marks, private use and the last plane are characters', () => {
    const text = '👩‍👧 e\u0301 \u200f\ue000 \u{10fffd}';
    expect(typeableCharacters(text)).toEqual(codes(text));
  });

  it.each([
    '\0',
    '\u0007',
    '\u001b',
    '\u007f',
    '\u0085',
    '\ud800',
    '\udc00x',
    '\uffff',
    '\u{1fffe}',
    '\ufdd0',
  ])('refuses %j without quoting its neighbours', (character) => {
    expect(() => typeableCharacters(`secret${character}`)).toThrow(
      expect.objectContaining({ code: 'TEXT_NOT_TYPEABLE', message: expect.not.stringContaining('secret') }),
    );
  });
});

describe('keys of chords', () => {
  it('a letter the layout lacks is pressed where it is on every keyboard', () => {
    const cyrillic = keyboard({ rows: { 54: [0x6d3, 0x6f3] } });
    expect(cyrillic.positionOf('c')).toEqual({ keycode: 54, shift: false, level3: false });
  });
});
