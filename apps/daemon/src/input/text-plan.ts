import { ProtocolError } from '@deskhand/protocol';
import { keysymOfCharacter } from '../x11/index.ts';
import { type KeyboardMap, LENT_ROW_MARK, type Stroke } from './keyboard-map.ts';

/** Row of the keyboard map to set for one round; see `lendRows` for its columns. */
export type LentRow = Readonly<{ keycode: number; keysyms: readonly number[] }>;

/** A stretch of text typed with one state of the keyboard map. */
export type TextRound = Readonly<{ rows: readonly LentRow[]; strokes: readonly Stroke[] }>;

/** Characters one lent row carries: plain and Shift. The core protocol cannot give a fresh row more levels. */
const PER_ROW = 2;

/**
 * Splits text into the characters that are typed. CR LF and a lone CR are one newline.
 * @throws ProtocolError TEXT_NOT_TYPEABLE for what no key can stand for; the message never quotes the text.
 */
export function typeableCharacters(text: string): number[] {
  const codePoints: number[] = [];
  for (const character of text.replaceAll(/\r\n?/g, '\n')) {
    const codePoint = character.codePointAt(0) as number;
    if (!isTypeable(codePoint))
      throw new ProtocolError(
        'TEXT_NOT_TYPEABLE',
        `Character ${codePoints.length + 1} (U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}) is a control code or not a character; nothing was typed.`,
      );
    codePoints.push(codePoint);
  }
  return codePoints;
}

function isTypeable(codePoint: number): boolean {
  if (codePoint === 0x0a || codePoint === 0x09) return true;
  if (codePoint < 0x20 || (codePoint >= 0x7f && codePoint <= 0x9f)) return false;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return false;
  return (codePoint & 0xfffe) !== 0xfffe && !(codePoint >= 0xfdd0 && codePoint <= 0xfdef);
}

/**
 * Plans exact typing: the layout's own keys where it has the character, else rows lent for the round.
 * Pure. As few rounds as the spare rows allow, since every change of the map makes all clients reload it.
 * @throws ProtocolError TEXT_NOT_TYPEABLE when something is missing and the keyboard has no spare row.
 */
export function planText(codePoints: readonly number[], map: KeyboardMap): TextRound[] {
  const enter = requiredKey(map, 'enter');
  const tab = requiredKey(map, 'tab');
  const perRow = map.shiftKeycode === null ? 1 : PER_ROW;
  const capacity = map.spareKeycodes.length * perRow;

  const rounds: TextRound[] = [];
  let strokes: Array<Stroke | number> = [];
  let missing = new Set<number>();
  const finishRound = () => {
    if (strokes.length === 0) return;
    const lent = lendRows([...missing], map.spareKeycodes, perRow);
    rounds.push({
      rows: lent.rows,
      strokes: strokes.map((stroke) =>
        typeof stroke === 'number' ? (lent.strokes.get(stroke) as Stroke) : stroke,
      ),
    });
    strokes = [];
    missing = new Set();
  };

  for (const codePoint of codePoints) {
    if (codePoint === 0x0a) strokes.push(enter);
    else if (codePoint === 0x09) strokes.push(tab);
    else {
      const known = map.stroke(codePoint);
      if (known !== undefined) {
        strokes.push(known);
        continue;
      }
      if (capacity === 0)
        throw new ProtocolError(
          'TEXT_NOT_TYPEABLE',
          'The keyboard layout lacks a character and has no spare key to lend; nothing was typed.',
        );
      if (!missing.has(codePoint) && missing.size === capacity) finishRound();
      missing.add(codePoint);
      strokes.push(codePoint);
    }
  }
  finishRound();
  return rounds;
}

/**
 * The server reads the columns of a fresh row as groups of two: groups 1 to 3 are made equal, so that it does not
 * matter which layout is on, and the fourth holds the mark.
 */
function lendRows(
  codePoints: readonly number[],
  keycodes: readonly number[],
  perRow: number,
): { rows: LentRow[]; strokes: Map<number, Stroke> } {
  const rows: LentRow[] = [];
  const strokes = new Map<number, Stroke>();
  for (let start = 0; start < codePoints.length; start += perRow) {
    const keycode = keycodes[start / perRow] as number;
    const [plain, shifted] = codePoints.slice(start, start + perRow);
    strokes.set(plain as number, { keycode, shift: false, level3: false });
    if (shifted !== undefined) strokes.set(shifted, { keycode, shift: true, level3: false });
    const first = keysymOfCharacter(plain as number);
    // An empty Shift column would make the server invent the other case of a letter.
    const second = shifted === undefined ? first : keysymOfCharacter(shifted);
    const group = [first, second];
    rows.push({ keycode, keysyms: [...group, ...group, ...group, LENT_ROW_MARK, LENT_ROW_MARK] });
  }
  return { rows, strokes };
}

function requiredKey(map: KeyboardMap, name: 'enter' | 'tab'): Stroke {
  const keycode = map.namedKey(name);
  if (keycode === undefined)
    throw new ProtocolError('TEXT_NOT_TYPEABLE', `The keyboard has no ${name} key; nothing was typed.`);
  return { keycode, shift: false, level3: false };
}
