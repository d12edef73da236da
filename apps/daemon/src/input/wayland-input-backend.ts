import { writeSync } from 'node:fs';
import { errorAttributes, type Logger } from '@deskhand/base';
import { type MouseButton, type Point, ProtocolError } from '@deskhand/protocol';
import type { InputBackend } from '../ports.ts';
import {
  logicalBounds,
  nearestOn,
  openOnWayland,
  openSharedFile,
  type WaylandConnection,
  type WaylandDisplays,
  type WaylandObject,
} from '../wayland/index.ts';
import { isNamedKey } from './keyboard-map.ts';
import { typeableCharacters } from './text-plan.ts';
import { TypingPace } from './typing-pace.ts';
import {
  BUTTON_CODES,
  EVDEV_CODES,
  keymapText,
  MODIFIER_BITS,
  planWaylandText,
  usStroke,
  type WaylandStroke,
} from './wayland-keymap.ts';

const LOCK_BITS: Readonly<Record<number, number>> = {
  [EVDEV_CODES.caps_lock]: 2,
  [EVDEV_CODES.num_lock]: 16,
};
const XKB_TEXT_FORMAT = 1;
const WHEEL_SOURCE = 0;
/** What a notch of a usual mouse wheel scrolls. */
const NOTCH_PX = 15;
const VERTICAL = 0;
const HORIZONTAL = 1;
/** Positions are shares of the arrangement; fine enough for a pixel's middle on any output. */
const STEPS_PER_LOGICAL_PX = 1000;

/** @throws ProtocolError DISPLAY_UNAVAILABLE, FEATURE_NOT_AVAILABLE */
export function openWaylandInputBackend(options: {
  socket: string;
  log: Logger;
}): Promise<WaylandInputBackend> {
  return openOnWayland(options, async (connection, displays) => {
    const backend = new WaylandInputBackend(connection, displays, options.log);
    await connection.roundTrip();
    return backend;
  });
}

/**
 * Hands through wlr-virtual-pointer and virtual-keyboard. The devices are this connection's own: when the process
 * dies, however it dies, the compositor takes them away and lets go of what they held.
 */
export class WaylandInputBackend implements InputBackend {
  readonly name = 'wlr-virtual-input';
  readonly pointerIsUntold = true;
  readonly #connection: WaylandConnection;
  readonly #displays: WaylandDisplays;
  readonly #log: Logger;
  readonly #mouse: WaylandObject<'zwlr_virtual_pointer_v1'>;
  readonly #keyboard: WaylandObject<'zwp_virtual_keyboard_v1'>;
  readonly #heldCodes = new Set<number>();
  readonly #heldButtons = new Set<MouseButton>();
  #keymap = '';
  #lockedBits = 0;
  #pointer: Point = { x: 0, y: 0 };

  /** Use {@link openWaylandInputBackend}. */
  constructor(connection: WaylandConnection, displays: WaylandDisplays, log: Logger) {
    this.#connection = connection;
    this.#displays = displays;
    this.#log = log;
    const seat = connection.require('wl_seat', 1);
    this.#mouse = connection
      .require('zwlr_virtual_pointer_manager_v1', 1)
      .create('create_virtual_pointer', 'zwlr_virtual_pointer_v1', seat);
    this.#keyboard = connection
      .require('zwp_virtual_keyboard_manager_v1', 1)
      .create('create_virtual_keyboard', 'zwp_virtual_keyboard_v1', seat);
    this.#setKeymap(keymapText());
  }

  /** Settles when the compositor is gone (with why), or with null when this end closed. */
  get closed(): Promise<Error | null> {
    return this.#connection.closed;
  }

  async pointer(): Promise<Point> {
    return this.#pointer;
  }

  async moveTo(point: Point): Promise<void> {
    const { all } = this.#displays;
    const nearest = nearestOn(all, point);
    if (nearest === undefined) throw new ProtocolError('DISPLAY_UNAVAILABLE', 'No display is lit.');
    const { display, logical } = nearest.on;
    const whole = logicalBounds(all);
    // The middle of the pixel, whatever is rounded on the way.
    const share = (offset: number, scale: number) =>
      Math.round((offset + 0.5 / scale) * STEPS_PER_LOGICAL_PX);
    const inside = {
      x: (nearest.point.x - display.bounds.x) * (logical.width / display.bounds.width),
      y: (nearest.point.y - display.bounds.y) * (logical.height / display.bounds.height),
    };
    this.#mouse.request(
      'motion_absolute',
      now(),
      share(logical.x - whole.x + inside.x, display.scale),
      share(logical.y - whole.y + inside.y, display.scale),
      whole.width * STEPS_PER_LOGICAL_PX,
      whole.height * STEPS_PER_LOGICAL_PX,
    );
    this.#mouse.request('frame');
    await this.#done();
    this.#pointer = nearest.point;
  }

  async button(button: MouseButton, down: boolean): Promise<void> {
    if (down) this.#heldButtons.add(button);
    else this.#heldButtons.delete(button);
    this.#mouse.request('button', now(), BUTTON_CODES[button], Number(down));
    this.#mouse.request('frame');
    await this.#done();
  }

  async wheel(direction: 'up' | 'down' | 'left' | 'right'): Promise<void> {
    const axis = direction === 'up' || direction === 'down' ? VERTICAL : HORIZONTAL;
    const sign = direction === 'up' || direction === 'left' ? -1 : 1;
    this.#mouse.request('axis_source', WHEEL_SOURCE);
    this.#mouse.request('axis_discrete', now(), axis, sign * NOTCH_PX, sign);
    this.#mouse.request('frame');
    await this.#done();
  }

  async checkKey(key: string): Promise<void> {
    strokeOf(key);
  }

  async key(key: string, down: boolean): Promise<void> {
    const { code, shift } = strokeOf(key);
    const codes = shift ? [EVDEV_CODES.shift, code] : [code];
    for (const each of down ? codes : codes.reverse()) this.#press(each, down);
    await this.#done();
  }

  async typeText(text: string, gate: () => void, options: { signal: AbortSignal }): Promise<void> {
    const rounds = planWaylandText(typeableCharacters(text));
    gate();
    if (this.#heldCodes.size > 0)
      throw new ProtocolError(
        'TEXT_NOT_TYPEABLE',
        'A key is held down, so text would become shortcuts; nothing was typed.',
      );
    const lockedBefore = this.#lockedBits;
    const pace = new TypingPace();
    try {
      this.#lockedBits = 0;
      for (const { keymap, strokes } of rounds) {
        this.#setKeymap(keymap);
        for (let at = 0; at < strokes.length; ) {
          options.signal.throwIfAborted();
          const now = strokes.slice(at, at + pace.due);
          for (const stroke of now) {
            gate();
            this.#tap(stroke);
          }
          await this.#done();
          at += now.length;
          await pace.typed(now.length, options);
        }
      }
    } finally {
      this.#lockedBits = lockedBefore;
      if (!this.#connection.isClosed) {
        this.#setKeymap(keymapText());
        await this.#done();
      }
    }
  }

  async releaseAll(): Promise<void> {
    try {
      for (const code of [...this.#heldCodes]) this.#press(code, false);
      for (const button of [...this.#heldButtons]) await this.button(button, false);
      await this.#done();
    } catch (error) {
      this.#log.error('not everything could be released', errorAttributes(error));
    }
  }

  /** The compositor releases what the devices still hold. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  #tap({ code, shift }: WaylandStroke): void {
    if (shift) this.#press(EVDEV_CODES.shift, true);
    this.#press(code, true);
    this.#press(code, false);
    if (shift) this.#press(EVDEV_CODES.shift, false);
  }

  #press(code: number, down: boolean): void {
    if (down) this.#heldCodes.add(code);
    else this.#heldCodes.delete(code);
    this.#keyboard.request('key', now(), code, Number(down));
    if (down) this.#lockedBits ^= LOCK_BITS[code] ?? 0;
    if (isModifier(code) || LOCK_BITS[code] !== undefined) this.#tellModifiers();
  }

  /** The compositor leaves it to the owner of a virtual keyboard to say what its keys amount to. */
  #tellModifiers(): void {
    let depressed = 0;
    for (const [name, bit] of Object.entries(MODIFIER_BITS))
      if (this.#heldCodes.has(EVDEV_CODES[name as keyof typeof EVDEV_CODES])) depressed |= bit;
    this.#keyboard.request('modifiers', depressed, 0, this.#lockedBits, 0);
  }

  #setKeymap(text: string): void {
    if (text !== this.#keymap) {
      const bytes = Buffer.from(`${text}\0`);
      const descriptor = openSharedFile(bytes.length);
      writeSync(descriptor, bytes);
      this.#keyboard.request('keymap', XKB_TEXT_FORMAT, descriptor, bytes.length);
      this.#keymap = text;
    }
    this.#tellModifiers();
  }

  /** Until the compositor has passed it on; nothing waits in a queue of ours when a stop comes. */
  async #done(): Promise<void> {
    try {
      await this.#connection.roundTrip();
    } catch (cause) {
      throw new ProtocolError('INPUT_FAILED', 'The input could not be injected.', {}, { cause });
    }
  }
}

/** @throws ProtocolError UNKNOWN_KEY */
function strokeOf(key: string): WaylandStroke {
  if (isNamedKey(key)) return { code: EVDEV_CODES[key], shift: false };
  const stroke = usStroke(key);
  if (stroke === undefined) throw new ProtocolError('UNKNOWN_KEY', 'The virtual keyboard has no such key.');
  return stroke;
}

function isModifier(code: number): boolean {
  return Object.keys(MODIFIER_BITS).some((name) => EVDEV_CODES[name as keyof typeof EVDEV_CODES] === code);
}

/** Milliseconds of an unspecified clock, as the protocol wants them. */
function now(): number {
  return Math.floor(performance.now()) >>> 0;
}
