import { errorAttributes, type Logger } from '@deskhand/base';
import { type MouseButton, type Point, ProtocolError } from '@deskhand/protocol';
import type { Aim, InputBackend } from '../ports.ts';
import { X11Clipboard, type X11Connection, X11Error, type Xkb, type XTest } from '../x11/index.ts';
import { AimedXTest } from './aimed-xtest.ts';
import { groupOf, isNamedKey, KeyboardMap, type Stroke } from './keyboard-map.ts';
import { KeymapRows } from './keymap-rows.ts';
import { ReadBarrier } from './read-barrier.ts';
import { typeableCharacters } from './text-plan.ts';
import { WindowManagerBarrier } from './window-manager-barrier.ts';
import { MAX_TYPED_ROUNDS, X11Paste } from './x11-paste.ts';
import { X11Typist } from './x11-typist.ts';

/** X button numbers; 4–7 are the wheel. */
const BUTTONS: Readonly<Record<MouseButton, number>> = {
  left: 1,
  middle: 2,
  right: 3,
  back: 8,
  forward: 9,
};
const WHEEL = { up: 4, down: 5, left: 6, right: 7 } as const;
const LETTER_V = 0x76;
const RETURN = 0x0a;
const TAB = 0x09;
/** How long an application may still read what a killed predecessor typed. */
const STRAY_READ_MS = 1500;
/** Buttons 1–5 are bits 8–12 of the pointer's state; the server does not tell about higher ones. */
const FIRST_BUTTON_BIT = 8;

/**
 * Opens input on a connection of its own: it selects events on the root window and changes the keyboard map.
 * Rows of the map that a killed predecessor left behind are emptied.
 * @throws ProtocolError INPUT_FAILED when the server has no XTEST.
 */
export async function openX11InputBackend(options: {
  connection: X11Connection;
  log: Logger;
}): Promise<X11InputBackend> {
  const { connection, log } = options;
  let xtest: XTest;
  try {
    xtest = await connection.require('xtest');
  } catch (cause) {
    if (connection.isClosed) throw cause;
    throw new ProtocolError('INPUT_FAILED', 'The X server has no XTEST extension.', {}, { cause });
  }
  let xkb: Xkb | null = null;
  try {
    xkb = await connection.require('xkb');
  } catch (error) {
    if (connection.isClosed) throw error;
    log.info('the X server lacks an extension', { extension: 'XKEYBOARD' });
  }
  const backend = new X11InputBackend({ connection, xtest, xkb, log });
  await backend.start();
  return backend;
}

/** Hands on X11 through XTEST. One caller at a time. */
export class X11InputBackend implements InputBackend {
  readonly name = 'x11-xtest';
  readonly #connection: X11Connection;
  readonly #xtest: AimedXTest;
  readonly #log: Logger;
  readonly #barrier: ReadBarrier;
  readonly #windowManager: WindowManagerBarrier;
  readonly #typist: X11Typist;
  readonly #clipboard: X11Clipboard;
  readonly #paste: X11Paste;
  /** Keys of a character held down now, with the modifiers pressed only for its sake. */
  readonly #companions = new Map<string, { keycode: number; modifiers: readonly number[] }>();
  #tables: Promise<{ rows: number[][]; modifiers: number[][] }> | null = null;
  #lastMap: KeyboardMap | null = null;
  #unsubscribe: () => void = () => {};
  #disposed = false;

  /** Use {@link openX11InputBackend}. */
  constructor(parts: { connection: X11Connection; xtest: XTest; xkb: Xkb | null; log: Logger }) {
    this.#connection = parts.connection;
    const xtest = new AimedXTest(parts.connection, parts.xtest);
    this.#xtest = xtest;
    this.#log = parts.log;
    this.#barrier = new ReadBarrier(parts.connection);
    this.#windowManager = new WindowManagerBarrier(parts.connection);
    this.#typist = new X11Typist({ ...parts, xtest, barrier: this.#barrier, keymap: new KeymapRows(parts) });
    this.#clipboard = new X11Clipboard(parts);
    this.#paste = new X11Paste({
      connection: parts.connection,
      clipboard: this.#clipboard,
      pressPaste: () => this.#pressPaste(),
    });
  }

  async start(): Promise<void> {
    const offs = (['MappingNotify', 'XkbEvent'] as const).map((event) =>
      this.#connection.on(event, () => this.#forgetMap()),
    );
    this.#unsubscribe = () => {
      for (const off of offs) off();
    };
    await this.#xtest.prepare();
    const map = await this.#map();
    if (map.strayKeycodes.length > 0) {
      this.#log.warn('keyboard rows left behind by a killed process were emptied', {
        rows: map.strayKeycodes.length,
      });
      // Its characters may still be in the application's queue and need the map to mean anything.
      await this.#barrier.wait(0, { signal: AbortSignal.timeout(STRAY_READ_MS) }).catch(() => {});
      await this.#typist.takeBack(map.strayKeycodes);
      this.#forgetMap();
    }
  }

  aim(aim: Aim | null): void {
    this.#xtest.aim(aim);
  }

  pointerWasHeld(): boolean | null {
    return this.#xtest.pointerWasHeld;
  }

  async pointer(): Promise<Point> {
    const { x, y } = await this.#connection.pointer();
    return { x, y };
  }

  moveTo(point: Point): Promise<void> {
    return this.#inject(() => this.#xtest.motion(Math.round(point.x), Math.round(point.y)));
  }

  button(button: MouseButton, down: boolean): Promise<void> {
    return this.#inject(() => this.#xtest.button(BUTTONS[button], down));
  }

  wheel(direction: keyof typeof WHEEL): Promise<void> {
    const detail = WHEEL[direction];
    return this.#inject(() =>
      this.#xtest.batch([
        { kind: 'button', detail, down: true },
        { kind: 'button', detail, down: false },
      ]),
    );
  }

  async checkKey(key: string): Promise<void> {
    await this.#strokeOf(key);
  }

  async key(key: string, down: boolean): Promise<void> {
    if (!down) {
      const held = this.#companions.get(key);
      if (held !== undefined) {
        this.#companions.delete(key);
        await this.#inject(() =>
          this.#xtest.batch(
            [held.keycode, ...held.modifiers].map(
              (detail) => ({ kind: 'key', detail, down: false }) as const,
            ),
          ),
        );
        return;
      }
    }
    const stroke = await this.#strokeOf(key);
    if (!down || (!stroke.shift && !stroke.level3)) {
      await this.#inject(() => this.#xtest.key(stroke.keycode, down));
      return;
    }
    const map = await this.#map();
    const held = new Set(await this.#connection.keysDown());
    const modifiers: number[] = [];
    if (stroke.shift && map.shiftKeycode !== null && !held.has(map.shiftKeycode))
      modifiers.push(map.shiftKeycode);
    if (stroke.level3 && map.level3Keycode !== null && !held.has(map.level3Keycode))
      modifiers.push(map.level3Keycode);
    this.#companions.set(key, { keycode: stroke.keycode, modifiers });
    await this.#inject(() =>
      this.#xtest.batch(
        [...modifiers, stroke.keycode].map((detail) => ({ kind: 'key', detail, down: true }) as const),
      ),
    );
  }

  async stroke(keys: readonly string[]): Promise<void> {
    const strokes: Stroke[] = [];
    for (const key of keys) strokes.push(await this.#strokeOf(key));
    const map = this.#lastMap ?? (await this.#map());
    const keycodesFor = (held: ReadonlySet<number>) => {
      const pressed: number[] = [];
      const press = (keycode: number | null) => {
        if (keycode !== null && !held.has(keycode) && !pressed.includes(keycode)) pressed.push(keycode);
      };
      for (const { keycode, shift, level3 } of strokes) {
        if (shift) press(map.shiftKeycode);
        if (level3) press(map.level3Keycode);
        // Asked for itself, it is pressed also where it seems to be down.
        if (!pressed.includes(keycode)) pressed.push(keycode);
      }
      const [only = 0] = pressed;
      return { keycodes: pressed, alone: pressed.length === 1 && held.size === 0 && !map.isModifier(only) };
    };
    await this.#inject(() => this.#xtest.stroke(keycodesFor, () => this.#windowManager.wait()));
  }

  async typeText(
    text: string,
    gate: () => void,
    options: { signal: AbortSignal; keysOnly?: boolean },
  ): Promise<void> {
    const codePoints = typeableCharacters(text);
    if (codePoints.length === 0) return;
    // What a key means is asked anew for every text: an announcement of a change may still be on its way.
    this.#forgetMap();
    const map = await this.#map();
    const rounds = this.#typist.plan(codePoints, map);
    const window =
      rounds.length > MAX_TYPED_ROUNDS && options.keysOnly !== true ? await this.#paste.target() : null;
    if (window === null) await this.#inject(() => this.#typist.type(rounds, map, gate, options));
    else await this.#inject(() => this.#typeAndPaste(codePoints, map, window, gate, options));
  }

  /** Line by line, since Return and Tab are keys: what the layout types by itself is typed, the rest pasted. */
  async #typeAndPaste(
    codePoints: readonly number[],
    map: KeyboardMap,
    window: number,
    gate: () => void,
    options: { signal: AbortSignal },
  ): Promise<void> {
    await this.#typist.untilModifiersAreFree(map, gate, options);
    for (const piece of piecesOf(codePoints)) {
      options.signal.throwIfAborted();
      gate();
      const rounds = this.#typist.plan(piece, map);
      if (rounds.every((round) => round.rows.length === 0)) {
        await this.#typist.type(rounds, map, gate, options);
        continue;
      }
      await this.#paste.paste(
        piece.map((codePoint) => String.fromCodePoint(codePoint)).join(''),
        window,
        options,
      );
      // Keys must not overtake the paste that is being inserted.
      await this.#barrier.wait(piece.length, options);
    }
  }

  async #pressPaste(): Promise<void> {
    const map = await this.#map();
    const control = map.namedKey('ctrl');
    const { keycode } = map.stroke(LETTER_V) ?? map.positionOf('v') ?? {};
    if (control === undefined || keycode === undefined)
      throw new ProtocolError('TEXT_NOT_TYPEABLE', 'The keyboard has no keys to paste with.');
    await this.#xtest.batch([
      { kind: 'key', detail: control, down: true },
      { kind: 'key', detail: keycode, down: true },
      { kind: 'key', detail: keycode, down: false },
      { kind: 'key', detail: control, down: false },
    ]);
  }

  async releaseAll(): Promise<void> {
    this.#companions.clear();
    try {
      const [keys, { mask }] = await Promise.all([this.#connection.keysDown(), this.#connection.pointer()]);
      const buttons: number[] = [BUTTONS.back, BUTTONS.forward];
      for (let button = 1; button <= 5; button += 1)
        if ((mask >> (FIRST_BUTTON_BIT + button - 1)) & 1) buttons.push(button);
      await this.#xtest.batch([
        ...keys.map((detail) => ({ kind: 'key', detail, down: false }) as const),
        ...buttons.map((detail) => ({ kind: 'button', detail, down: false }) as const),
      ]);
    } catch (error) {
      this.#log.error('not everything could be released', errorAttributes(error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#unsubscribe();
    this.#barrier[Symbol.dispose]();
    this.#windowManager[Symbol.dispose]();
    await this.#clipboard[Symbol.asyncDispose]();
  }

  async #strokeOf(key: string): Promise<Stroke> {
    if (isNamedKey(key)) {
      // Named keys do not depend on the layout group, so the server need not be asked for it.
      const map = this.#lastMap ?? (await this.#map());
      const keycode = map.namedKey(key);
      if (keycode !== undefined) return { keycode, shift: false, level3: false };
    }
    this.#forgetMap();
    const map = await this.#map();
    const [character, ...rest] = [...key];
    const stroke =
      character === undefined || rest.length > 0
        ? undefined
        : (map.stroke(character.codePointAt(0) as number) ?? map.positionOf(character));
    if (stroke === undefined)
      // A single character may be part of a secret being typed key by key: it is not quoted.
      throw new ProtocolError(
        'UNKNOWN_KEY',
        rest.length > 0
          ? `This keyboard has no key "${key}".`
          : 'This keyboard has no key for that character.',
      );
    return stroke;
  }

  /** The keyboard as it is now: tables from memory until a change is announced, the layout group asked for. */
  async #map(): Promise<KeyboardMap> {
    const connection = this.#connection;
    this.#tables ??= Promise.all([connection.keyboardMapping(), connection.modifierMapping()]).then(
      ([rows, modifiers]) => ({ rows, modifiers }),
    );
    const tables = this.#tables;
    try {
      const [{ rows, modifiers }, { mask }] = await Promise.all([tables, connection.pointer()]);
      const group = groupOf(mask);
      if (this.#lastMap?.group === group && this.#tables === tables) return this.#lastMap;
      const map = new KeyboardMap(rows, connection.minKeycode, modifiers, group);
      if (this.#tables === tables) this.#lastMap = map;
      return map;
    } catch (error) {
      this.#forgetMap();
      throw error;
    }
  }

  #forgetMap(): void {
    this.#tables = null;
    this.#lastMap = null;
  }

  async #inject(send: () => Promise<void>): Promise<void> {
    try {
      await send();
    } catch (cause) {
      if (cause instanceof X11Error)
        throw new ProtocolError('INPUT_FAILED', 'The X server refused the input.', {}, { cause });
      throw cause;
    }
  }
}

/** Stretches of text, with each newline and tab as a piece of its own. */
function piecesOf(codePoints: readonly number[]): number[][] {
  const pieces: number[][] = [];
  let current: number[] = [];
  for (const codePoint of codePoints) {
    if (codePoint !== RETURN && codePoint !== TAB) {
      current.push(codePoint);
      continue;
    }
    if (current.length > 0) pieces.push(current);
    pieces.push([codePoint]);
    current = [];
  }
  if (current.length > 0) pieces.push(current);
  return pieces;
}
