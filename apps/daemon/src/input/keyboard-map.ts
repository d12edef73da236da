import { NAMED_KEYS, type NamedKey } from '@deskhand/protocol';
import { characterOfKeysym, KEYSYM, NAMED_KEYSYMS } from '../x11/index.ts';

/** How one character or key is pressed: hold the modifiers, tap the key. */
export type Stroke = Readonly<{ keycode: number; shift: boolean; level3: boolean }>;

/** Modifier bits of the core protocol's state. */
export const MODIFIER = {
  shift: 1 << 0,
  lock: 1 << 1,
  control: 1 << 2,
  mod1: 1 << 3,
  mod2: 1 << 4,
  mod3: 1 << 5,
  mod4: 1 << 6,
  mod5: 1 << 7,
} as const;
const NAMES: ReadonlySet<string> = new Set(NAMED_KEYS);
/** The layout group sits above the modifier and button bits. */
const GROUP_SHIFT = 13;

/**
 * Fills the last columns of rows we lend out, so that they are recognised and repaired whoever left them behind.
 * In the vendor range of keysyms, where no toolkit looks for a character.
 */
export const LENT_ROW_MARK = 0x10de_5cad;

/** Keycodes of the main block on every evdev keyboard (Linux), by what a US keyboard has there. */
const EVDEV_ROWS: ReadonlyArray<readonly [number, string]> = [
  [10, '1234567890'],
  [24, 'qwertyuiop'],
  [38, 'asdfghjkl'],
  [52, 'zxcvbnm'],
];

/**
 * What the keyboard can type right now, read from the server's core tables. Pure.
 *
 * Columns of a row: 0–1 group 1 plain and Shift, 2–3 group 2, 4–5 group 1 with level 3 (AltGr) plain and Shift,
 * 6–7 the same for group 2.
 */
export class KeyboardMap {
  readonly #rows: readonly (readonly number[])[];
  readonly #minKeycode: number;
  readonly #modifiers: readonly (readonly number[])[];
  readonly #strokes = new Map<number, Stroke>();
  readonly #namedKeys = new Map<NamedKey, number>();
  readonly group: number;
  /** Rows nobody uses. */
  readonly spareKeycodes: readonly number[];
  /** Rows lent by a process that did not take them back. */
  readonly strayKeycodes: readonly number[];
  readonly shiftKeycode: number | null;
  readonly level3Keycode: number | null;
  readonly capsLockKeycode: number | null;
  /** State bits that change what a key types or does while they are on. */
  readonly disturbingModifiers: number;

  /**
   * @param rows one row of keysyms per keycode from `minKeycode` on.
   * @param modifiers the eight rows of the modifier map.
   * @param group the layout group that is on, from 0.
   */
  constructor(
    rows: readonly (readonly number[])[],
    minKeycode: number,
    modifiers: readonly (readonly number[])[],
    group: number,
  ) {
    this.group = group;
    this.#rows = rows;
    this.#minKeycode = minKeycode;
    this.#modifiers = modifiers;
    const modifierKeycodes = new Set(modifiers.flat());
    const spare: number[] = [];
    const stray: number[] = [];
    rows.forEach((row, index) => {
      const keycode = minKeycode + index;
      if (row.includes(LENT_ROW_MARK)) stray.push(keycode);
      // Keycode 8 exists in the protocol but no evdev key produces it and some clients skip it.
      else if (keycode > 8 && row.every((keysym) => keysym === 0) && !modifierKeycodes.has(keycode))
        spare.push(keycode);
    });
    this.spareKeycodes = spare;
    this.strayKeycodes = stray;
    this.shiftKeycode = this.#modifierKey(0, KEYSYM.Shift_L) ?? this.#modifierKey(0, KEYSYM.Shift_R);
    this.level3Keycode = this.#level3Key();
    this.capsLockKeycode = this.#modifierKey(1, KEYSYM.Caps_Lock) ?? this.#modifierKey(1, KEYSYM.Shift_Lock);
    this.disturbingModifiers = this.#disturbing();
    this.#readStrokes(group, modifierKeycodes);
  }

  /** How to type a character with the layout as it is; `undefined` when the layout lacks it. */
  stroke(codePoint: number): Stroke | undefined {
    return this.#strokes.get(codePoint);
  }

  /** The keycode of a named key; `undefined` when this keyboard has none. */
  namedKey(name: NamedKey): number | undefined {
    const known = this.#namedKeys.get(name);
    if (known !== undefined) return known;
    for (const keysym of NAMED_KEYSYMS[name]) {
      const keycode = this.#keycodeWith(keysym);
      if (keycode === undefined) continue;
      this.#namedKeys.set(name, keycode);
      return keycode;
    }
    return undefined;
  }

  /**
   * Where the key of an ASCII letter or digit is on a keyboard whose layout does not have it (Cyrillic, Greek …):
   * shortcuts are bound to these places. Not for text: the key would type another character.
   */
  positionOf(character: string): Stroke | undefined {
    const wanted = character.codePointAt(0) as number;
    for (const [index, row] of this.#rows.entries())
      for (const column of [0, 2])
        if (characterOfKeysym(row[column] ?? 0) === wanted)
          return { keycode: this.#minKeycode + index, shift: false, level3: false };
    for (const [first, keys] of EVDEV_ROWS) {
      const place = keys.indexOf(character.toLowerCase());
      if (place !== -1) return { keycode: first + place, shift: false, level3: false };
    }
    return undefined;
  }

  /** First keycode whose unshifted symbol, in the first or second group, is this keysym. */
  #keycodeWith(keysym: number): number | undefined {
    for (const column of [0, 2])
      for (const [index, row] of this.#rows.entries())
        if (row[column] === keysym) return this.#minKeycode + index;
    return undefined;
  }

  isModifier(keycode: number): boolean {
    return this.#modifiers.some((row) => row.includes(keycode));
  }

  #modifierKey(row: number, keysym: number): number | null {
    for (const keycode of this.#modifiers[row] ?? [])
      if (keycode !== 0 && this.#row(keycode)[0] === keysym) return keycode;
    return null;
  }

  /** A key that reaches level 3 and does nothing else: not one that is also an Alt or Super. */
  #level3Key(): number | null {
    for (const [row, keycodes] of this.#modifiers.entries())
      if (row >= 3)
        for (const keycode of keycodes)
          if (keycode !== 0 && this.#row(keycode)[0] === KEYSYM.ISO_Level3_Shift) return keycode;
    return null;
  }

  /** Everything except Lock (handled by name) and the NumLock bit, which only the keypad sees. */
  #disturbing(): number {
    let mask =
      MODIFIER.shift |
      MODIFIER.control |
      MODIFIER.mod1 |
      MODIFIER.mod2 |
      MODIFIER.mod3 |
      MODIFIER.mod4 |
      MODIFIER.mod5;
    for (const [row, keycodes] of this.#modifiers.entries())
      for (const keycode of keycodes) {
        const keysym = keycode === 0 ? 0 : this.#row(keycode)[0];
        if (keysym === KEYSYM.Num_Lock || keysym === KEYSYM.Scroll_Lock) mask &= ~(1 << row);
      }
    return mask;
  }

  #readStrokes(group: number, modifierKeycodes: ReadonlySet<number>): void {
    // Columns beyond the second group are not laid out reliably: such a layout types by lent rows only.
    if (group > 1) return;
    const columns = group === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7];
    for (const [level, column] of columns.entries()) {
      const shift = level % 2 === 1;
      const level3 = level >= 2;
      if (shift && this.shiftKeycode === null) continue;
      if (level3 && this.level3Keycode === null) continue;
      this.#rows.forEach((row, index) => {
        const keycode = this.#minKeycode + index;
        if (modifierKeycodes.has(keycode) || row.includes(LENT_ROW_MARK)) return;
        const keysym = row[column] ?? 0;
        const character = keysym === 0 ? undefined : characterOfKeysym(keysym);
        if (character === undefined) return;
        const known = this.#strokes.get(character);
        // The main block has the low keycodes; level 3 only when nothing simpler types it.
        if (known !== undefined && (known.keycode <= keycode || level3 !== known.level3)) return;
        this.#strokes.set(character, { keycode, shift, level3 });
      });
    }
  }

  #row(keycode: number): readonly number[] {
    return this.#rows[keycode - this.#minKeycode] ?? [];
  }
}

/** The layout group of a core state, as pointer queries return it. */
export function groupOf(state: number): number {
  return (state >> GROUP_SHIFT) & 3;
}

export function isNamedKey(key: string): key is NamedKey {
  return NAMES.has(key);
}
