import type { RawXkb } from 'x11';
import type { X11Transport } from './transport.ts';

/** Symbols of one key as XKB holds them: `width` levels for each of up to four groups. */
export type XkbKey = Readonly<{
  /** Key type of each group; 0 one level, 1 two levels by Shift, 2 letters, 3 keypad; higher ones are the keymap's own. */
  types: readonly [number, number, number, number];
  /** Low four bits: number of groups; the rest says what happens beyond them. */
  groupInfo: number;
  width: number;
  /** Groups × width. */
  keysyms: readonly number[];
}>;

/** The part of XKEYBOARD that changes key symbols without losing what the core protocol cannot express. */
export type Xkb = Readonly<{
  keys(first: number, count: number): Promise<XkbKey[]>;
  /** Replaces a run of keys in one request, which all clients hear of once. */
  setKeys(first: number, keys: readonly XkbKey[]): Promise<void>;
}>;

export const EMPTY_XKB_KEY: XkbKey = { types: [0, 0, 0, 0], groupInfo: 0, width: 0, keysyms: [] };

const USE_CORE_KEYBOARD = 0x100;
/** NewKeyboardNotify and MapNotify; both arrive as `XkbEvent`. */
const MAP_CHANGES = 0b11;
const ALL_PARTS = 0xff;
const KEY_SYMS = 1 << 1;
const GET_MAP = 8;
const SET_MAP = 9;
const GET_MAP_BYTES = 28;
const SET_MAP_HEAD_BYTES = 36;
/** In a reply, after the eight bytes the package has taken off. */
const REPLY_SYMS_AT = 32;
const REPLY_KEY_COUNT_AT = 12;

/** The package knows XKB only in part: these two requests are written here (XKB protocol 1.0, appendix D). */
export async function openXkb(connection: X11Transport, raw: RawXkb): Promise<Xkb> {
  // A client that speaks XKB is no longer sent the core MappingNotify for every change: ask for XKB's own.
  await connection.checked('XkbSelectEvents', () =>
    raw.SelectEvents(USE_CORE_KEYBOARD, MAP_CHANGES, 0, MAP_CHANGES, ALL_PARTS, ALL_PARTS, {}),
  );
  return {
    keys: (first, count) =>
      connection.answerRaw('XkbGetMap', getMap(raw.majorOpcode, first, count), readKeys),
    setKeys: (first, keys) =>
      connection.checked('XkbSetMap', () =>
        connection.send(
          setMap(raw.majorOpcode, first, keys, { min: connection.minKeycode, max: connection.maxKeycode }),
        ),
      ),
  };
}

function getMap(opcode: number, first: number, count: number): Buffer {
  const request = Buffer.alloc(GET_MAP_BYTES);
  request.writeUInt8(opcode, 0);
  request.writeUInt8(GET_MAP, 1);
  request.writeUInt16LE(GET_MAP_BYTES / 4, 2);
  request.writeUInt16LE(USE_CORE_KEYBOARD, 4);
  request.writeUInt16LE(0, 6);
  request.writeUInt16LE(KEY_SYMS, 8);
  request.writeUInt8(first, 12);
  request.writeUInt8(count, 13);
  return request;
}

function readKeys(body: Buffer): XkbKey[] {
  const count = body.readUInt8(REPLY_KEY_COUNT_AT);
  const keys: XkbKey[] = [];
  let at = REPLY_SYMS_AT;
  for (let index = 0; index < count; index += 1) {
    const symbols = body.readUInt16LE(at + 6);
    const keysyms: number[] = [];
    for (let place = 0; place < symbols; place += 1) keysyms.push(body.readUInt32LE(at + 8 + place * 4));
    keys.push({
      types: [body.readUInt8(at), body.readUInt8(at + 1), body.readUInt8(at + 2), body.readUInt8(at + 3)],
      groupInfo: body.readUInt8(at + 4),
      width: body.readUInt8(at + 5),
      keysyms,
    });
    at += 8 + symbols * 4;
  }
  return keys;
}

function setMap(
  opcode: number,
  first: number,
  keys: readonly XkbKey[],
  keycodes: { min: number; max: number },
): Buffer {
  const total = keys.reduce((sum, { keysyms }) => sum + keysyms.length, 0);
  const request = Buffer.alloc(SET_MAP_HEAD_BYTES + keys.length * 8 + total * 4);
  request.writeUInt8(opcode, 0);
  request.writeUInt8(SET_MAP, 1);
  request.writeUInt16LE(request.length / 4, 2);
  request.writeUInt16LE(USE_CORE_KEYBOARD, 4);
  request.writeUInt16LE(KEY_SYMS, 6);
  request.writeUInt8(keycodes.min, 10);
  request.writeUInt8(keycodes.max, 11);
  request.writeUInt8(first, 14);
  request.writeUInt8(keys.length, 15);
  request.writeUInt16LE(total, 16);
  let at = SET_MAP_HEAD_BYTES;
  for (const { types, groupInfo, width, keysyms } of keys) {
    for (const [group, type] of types.entries()) request.writeUInt8(type, at + group);
    request.writeUInt8(groupInfo, at + 4);
    request.writeUInt8(width, at + 5);
    request.writeUInt16LE(keysyms.length, at + 6);
    for (const [place, keysym] of keysyms.entries()) request.writeUInt32LE(keysym, at + 8 + place * 4);
    at += 8 + keysyms.length * 4;
  }
  return request;
}
