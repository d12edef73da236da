/// <reference path="./x11-package.d.ts" />
import type { NamedKey } from '@deskhand/protocol';
import x11 from 'x11';

/** Unicode keysyms are the code point with this bit set; Latin-1 characters are their own keysyms. */
const UNICODE_KEYSYM = 0x0100_0000;
export const KEYSYM = {
  Shift_L: 0xffe1,
  Shift_R: 0xffe2,
  Caps_Lock: 0xffe5,
  Shift_Lock: 0xffe6,
  Num_Lock: 0xff7f,
  Scroll_Lock: 0xff14,
  ISO_Level3_Shift: 0xfe03,
  Return: 0xff0d,
  Tab: 0xff09,
  Insert: 0xff63,
} as const;

/** Keysyms of each named key, best first; the first one the keyboard has is pressed. */
export const NAMED_KEYSYMS: Readonly<Record<NamedKey, readonly number[]>> = {
  enter: [0xff0d],
  tab: [0xff09],
  space: [0x0020],
  backspace: [0xff08],
  delete: [0xffff],
  escape: [0xff1b],
  insert: [0xff63],
  home: [0xff50],
  end: [0xff57],
  page_up: [0xff55],
  page_down: [0xff56],
  up: [0xff52],
  down: [0xff54],
  left: [0xff51],
  right: [0xff53],
  shift: [0xffe1, 0xffe2],
  ctrl: [0xffe3, 0xffe4],
  alt: [0xffe9, 0xffea],
  altgr: [0xfe03, 0xff7e, 0xffea],
  super: [0xffeb, 0xffec, 0xffe7, 0xffe8],
  caps_lock: [0xffe5],
  num_lock: [0xff7f],
  scroll_lock: [0xff14],
  print_screen: [0xff61],
  pause: [0xff13],
  menu: [0xff67],
  ...functionKeys(),
};

function functionKeys(): Record<Extract<NamedKey, `f${number}`>, readonly number[]> {
  const keys: Record<string, readonly number[]> = {};
  for (let number = 1; number <= 24; number += 1) keys[`f${number}`] = [0xffbe + number - 1];
  return keys as Record<Extract<NamedKey, `f${number}`>, readonly number[]>;
}

/** The keysym that means exactly this character in every client. */
export function keysymOfCharacter(codePoint: number): number {
  const latin1 = (codePoint >= 0x20 && codePoint <= 0x7e) || (codePoint >= 0xa0 && codePoint <= 0xff);
  return latin1 ? codePoint : UNICODE_KEYSYM | codePoint;
}

let legacy: ReadonlyMap<number, number> | undefined;

/** @returns the code point a client gets from this keysym, or `undefined` for keys that are not characters (dead keys too). */
export function characterOfKeysym(keysym: number): number | undefined {
  if ((keysym >= 0x20 && keysym <= 0x7e) || (keysym >= 0xa0 && keysym <= 0xff)) return keysym;
  if (keysym >= 0x0100_0100 && keysym <= 0x0110_ffff) return keysym - UNICODE_KEYSYM;
  // Cyrillic, Greek, Kana … layouts still use the numbers from before Unicode.
  legacy ??= legacyCharacters();
  return legacy.get(keysym);
}

/** The package's table says the character in brackets before its name; doubled brackets mean "only roughly". */
function legacyCharacters(): ReadonlyMap<number, number> {
  const characters = new Map<number, number>();
  for (const { code, description } of Object.values(x11.keySyms)) {
    if (code < 0x0100 || code >= 0xfd00 || typeof description !== 'string') continue;
    const character = description.match(/^\(([^()])\) /u)?.[1];
    const codePoint = character?.codePointAt(0);
    if (codePoint !== undefined && !characters.has(code)) characters.set(code, codePoint);
  }
  return characters;
}
