import type { MouseButton, NamedKey } from '@deskhand/protocol';
import { keysymOfCharacter } from '../x11/index.ts';

/** How a character is typed on our own keymap: an evdev code, with or without Shift. */
export type WaylandStroke = Readonly<{ code: number; shift: boolean }>;

/** A stretch of text that one keymap can type. */
export type WaylandTextRound = Readonly<{ keymap: string; strokes: readonly WaylandStroke[] }>;

/** Buttons as the kernel numbers them (linux/input-event-codes.h). */
export const BUTTON_CODES: Readonly<Record<MouseButton, number>> = {
  left: 0x110,
  right: 0x111,
  middle: 0x112,
  back: 0x113,
  forward: 0x114,
};
/** Where each key is on every keyboard, as the kernel numbers it (linux/input-event-codes.h). */
export const EVDEV_CODES: Readonly<Record<NamedKey, number>> = {
  enter: 28,
  tab: 15,
  space: 57,
  backspace: 14,
  delete: 111,
  escape: 1,
  insert: 110,
  home: 102,
  end: 107,
  page_up: 104,
  page_down: 109,
  up: 103,
  down: 108,
  left: 105,
  right: 106,
  shift: 42,
  ctrl: 29,
  alt: 56,
  altgr: 100,
  super: 125,
  caps_lock: 58,
  num_lock: 69,
  scroll_lock: 70,
  print_screen: 99,
  pause: 119,
  menu: 127,
  ...functionKeys(),
};

function functionKeys(): Record<Extract<NamedKey, `f${number}`>, number> {
  const codes: Record<string, number> = { f11: 87, f12: 88 };
  for (let number = 1; number <= 10; number += 1) codes[`f${number}`] = 58 + number;
  for (let number = 13; number <= 24; number += 1) codes[`f${number}`] = 183 + number - 13;
  return codes as Record<Extract<NamedKey, `f${number}`>, number>;
}

/** Bits of the real modifiers in every keymap with the usual compatibility rules. */
export const MODIFIER_BITS: Readonly<Partial<Record<NamedKey, number>>> = {
  shift: 1,
  ctrl: 4,
  alt: 8,
  altgr: 128,
  super: 64,
};

/** The main block of a US keyboard: first code of a row, then plain and shifted characters. */
const US_ROWS: ReadonlyArray<readonly [number, string, string]> = [
  [2, '1234567890-=', '!@#$%^&*()_+'],
  [16, 'qwertyuiop[]', 'QWERTYUIOP{}'],
  [30, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [43, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
];

const US_STROKES: ReadonlyMap<string, WaylandStroke> = new Map<string, WaylandStroke>(
  US_ROWS.flatMap(([first, plain, shifted]) => [
    ...[...plain].map((character, index) => [character, { code: first + index, shift: false }] as const),
    ...[...shifted].map((character, index) => [character, { code: first + index, shift: true }] as const),
  ]),
);

/** Where a character is on the keymap that shortcuts are pressed on. */
export function usStroke(character: string): WaylandStroke | undefined {
  return character === ' ' ? { code: EVDEV_CODES.space, shift: false } : US_STROKES.get(character);
}

/** Names that the `evdev` keycodes give to the main block, for the rows above. */
const MAIN_BLOCK: ReadonlyArray<readonly [code: number, name: string]> = [
  ...['AE01', 'AE02', 'AE03', 'AE04', 'AE05', 'AE06'].map((name, index) => [2 + index, name] as const),
  ...['AE07', 'AE08', 'AE09', 'AE10', 'AE11', 'AE12'].map((name, index) => [8 + index, name] as const),
  ...['AD01', 'AD02', 'AD03', 'AD04', 'AD05', 'AD06'].map((name, index) => [16 + index, name] as const),
  ...['AD07', 'AD08', 'AD09', 'AD10', 'AD11', 'AD12'].map((name, index) => [22 + index, name] as const),
  ...['AC01', 'AC02', 'AC03', 'AC04', 'AC05', 'AC06'].map((name, index) => [30 + index, name] as const),
  ...['AC07', 'AC08', 'AC09', 'AC10', 'AC11', 'TLDE'].map((name, index) => [36 + index, name] as const),
  ...['BKSL', 'AB01', 'AB02', 'AB03', 'AB04', 'AB05'].map((name, index) => [43 + index, name] as const),
  ...['AB06', 'AB07', 'AB08', 'AB09', 'AB10'].map((name, index) => [49 + index, name] as const),
];

/** Characters that one keymap lends: plain and Shift of each key of the main block. */
const PER_ROUND = MAIN_BLOCK.length * 2;

/**
 * A keymap in XKB text: the US keyboard, with F13 to F24 as such and AltGr as a modifier.
 * @param lent replaces the main block, in its order.
 */
export function keymapText(lent: readonly number[] = []): string {
  const symbols = lent.map((codePoint) => `0x${keysymOfCharacter(codePoint).toString(16)}`);
  const keys = MAIN_BLOCK.slice(0, Math.ceil(lent.length / 2)).map(([, name], index) => {
    const [plain, shifted = plain] = symbols.slice(index * 2, index * 2 + 2);
    // A type of its own: the automatic one would let Caps Lock change letters.
    return `key <${name}> { type = "TWO_LEVEL", [ ${plain}, ${shifted} ] };`;
  });
  const functions = Array.from({ length: 12 }, (_, index) => `key <FK${index + 13}> { [ F${index + 13} ] };`);
  return `xkb_keymap {
xkb_keycodes { include "evdev+aliases(qwerty)" };
xkb_types { include "complete" };
xkb_compat { include "complete" };
xkb_symbols { include "pc+us+inet(evdev)+level3(ralt_switch)"
${[...functions, ...keys].join('\n')}
};
};
`;
}

/**
 * Plans exact typing: the US keyboard where it has every character, else keymaps of the text's own characters. Pure.
 * @param codePoints what `typeableCharacters` let through.
 */
export function planWaylandText(codePoints: readonly number[]): WaylandTextRound[] {
  const plain = codePoints.map(
    (codePoint) => controlStroke(codePoint) ?? usStroke(String.fromCodePoint(codePoint)),
  );
  if (plain.every((stroke) => stroke !== undefined)) return [{ keymap: keymapText(), strokes: plain }];
  const rounds: WaylandTextRound[] = [];
  let lent = new Map<number, WaylandStroke>();
  let strokes: WaylandStroke[] = [];
  const finish = () => {
    if (strokes.length > 0) rounds.push({ keymap: keymapText([...lent.keys()]), strokes });
    lent = new Map();
    strokes = [];
  };
  for (const codePoint of codePoints) {
    let stroke = controlStroke(codePoint) ?? lent.get(codePoint);
    if (stroke === undefined) {
      if (lent.size === PER_ROUND) finish();
      const [code] = MAIN_BLOCK[lent.size >> 1] as readonly [number, string];
      stroke = { code, shift: lent.size % 2 === 1 };
      lent.set(codePoint, stroke);
    }
    strokes.push(stroke);
  }
  finish();
  return rounds;
}

/** Newline, tab and space stay on their own keys in every round. */
function controlStroke(codePoint: number): WaylandStroke | undefined {
  if (codePoint === 0x0a) return { code: EVDEV_CODES.enter, shift: false };
  if (codePoint === 0x09) return { code: EVDEV_CODES.tab, shift: false };
  return codePoint === 0x20 ? { code: EVDEV_CODES.space, shift: false } : undefined;
}
