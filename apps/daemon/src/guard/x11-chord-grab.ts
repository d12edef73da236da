import type { StopChord } from '../safety/stop-chord.ts';
import { type X11Connection, X11Error } from '../x11/index.ts';

/** Keysyms of the keys a chord may be made of, by canonical name; printable characters are their code points. */
const KEYSYMS: Readonly<Record<string, readonly number[]>> = {
  ctrl: [0xffe3, 0xffe4],
  shift: [0xffe1, 0xffe2],
  alt: [0xffe9, 0xffea, 0xffe7, 0xffe8],
  super: [0xffeb, 0xffec],
  altgr: [0xfe03],
  escape: [0xff1b],
  pause: [0xff13],
  scroll_lock: [0xff14],
  print_screen: [0xff61],
  insert: [0xff63],
  delete: [0xffff],
  home: [0xff50],
  end: [0xff57],
  page_up: [0xff55],
  page_down: [0xff56],
  backspace: [0xff08],
  tab: [0xff09],
  enter: [0xff0d],
  space: [0x20],
  menu: [0xff67],
  ...Object.fromEntries(Array.from({ length: 24 }, (_, index) => [`f${index + 1}`, [0xffbe + index]])),
};

const NUM_LOCK_KEYSYM = 0xff7f;
const MODIFIER_BITS: Readonly<Record<string, number>> = { shift: 1, ctrl: 4 };
const CAPS_LOCK_BIT = 2;

/** A keyboard as the X server describes it: keysyms by keycode, keycodes by modifier. */
export type X11Keyboard = Readonly<{
  minKeycode: number;
  rows: ReadonlyArray<readonly number[]>;
  modifierRows: ReadonlyArray<readonly number[]>;
}>;

export function keysymsOf(name: string): readonly number[] {
  return KEYSYMS[name] ?? ([...name].length === 1 ? [name.codePointAt(0) ?? 0] : []);
}

/** Which keys stand for these names. */
export function keycodesByName(keyboard: X11Keyboard, wanted: readonly string[]): Map<number, string[]> {
  const found = new Map<number, string[]>();
  keyboard.rows.forEach((keysyms, index) => {
    const names = wanted.filter((name) => keysymsOf(name).some((keysym) => keysyms.includes(keysym)));
    if (names.length > 0) found.set(keyboard.minKeycode + index, names);
  });
  return found;
}

type Combination = Readonly<{ keycode: number; modifiers: number }>;

/**
 * The passive grab of the stop chord, so that it reaches no application: asked for again whenever the keyboard
 * changes, and while another program holds it.
 */
export class X11ChordGrab {
  readonly #x: X11Connection;
  readonly #chord: StopChord;
  #held: readonly Combination[] = [];

  constructor(x: X11Connection, chord: StopChord) {
    this.#x = x;
    this.#chord = chord;
  }

  holds(keycode: number): boolean {
    return this.#held.some((combination) => combination.keycode === keycode);
  }

  /** @returns what prevents it, for the person; undefined when the chord is ours alone. */
  async take(keyboard: X11Keyboard): Promise<string | undefined> {
    const wanted = combinations(keyboard, this.#chord);
    if (typeof wanted === 'string') {
      await this.#letGo(this.#held);
      this.#held = [];
      return wanted;
    }
    const named = (list: readonly Combination[]) => new Set(list.map((one) => JSON.stringify(one)));
    const [before, after] = [named(this.#held), named(wanted)];
    await this.#letGo(this.#held.filter((one) => !after.has(JSON.stringify(one))));
    const kept = this.#held.filter((one) => after.has(JSON.stringify(one)));
    const taken: Combination[] = [...kept];
    try {
      for (const one of wanted.filter((combination) => !before.has(JSON.stringify(combination)))) {
        await this.#x.grabKey(this.#x.root, one.keycode, one.modifiers);
        taken.push(one);
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof X11Error)) throw error;
      return 'Another program holds this chord, so it would act on it too.';
    } finally {
      this.#held = taken;
    }
  }

  async #letGo(list: readonly Combination[]): Promise<void> {
    for (const { keycode, modifiers } of list)
      await this.#x.ungrabKey(this.#x.root, keycode, modifiers).catch(() => {});
  }
}

function combinations(keyboard: X11Keyboard, chord: StopChord): readonly Combination[] | string {
  const bitOf = (keysyms: readonly number[]) => {
    let bit = 0;
    keyboard.modifierRows.forEach((keycodes, row) => {
      for (const keycode of keycodes)
        if (keycode !== 0 && keyboard.rows[keycode - keyboard.minKeycode]?.some((k) => keysyms.includes(k)))
          bit = 1 << row;
    });
    return bit;
  };
  const chordBits = chord.modifiers.map((name) => MODIFIER_BITS[name] ?? bitOf(keysymsOf(name)));
  if (chordBits.includes(0)) return 'This keyboard lacks a modifier of the chord.';
  const mask = chordBits.reduce((sum, bit) => sum | bit, 0);
  const numLock = bitOf([NUM_LOCK_KEYSYM]);
  const variants = [...new Set([0, CAPS_LOCK_BIT, numLock, CAPS_LOCK_BIT | numLock])];
  const keycodes = [...keycodesByName(keyboard, [chord.key]).keys()];
  if (keycodes.length === 0) return 'This keyboard lacks the key of the chord.';
  return keycodes.flatMap((keycode) => variants.map((variant) => ({ keycode, modifiers: mask | variant })));
}
