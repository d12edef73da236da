import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import { type MouseButton, type NamedKey, type Point, ProtocolError } from '@deskhand/protocol';
import type { InputBackend } from '../ports.ts';
import { isNamedKey } from './keyboard-map.ts';
import { typeableCharacters } from './text-plan.ts';

type Nut = typeof import('@nut-tree-fork/nut-js');
type NutKey = keyof Nut['Key'];

/** An application reads the clipboard a little after the key press; then the person gets theirs back. */
const PASTE_READ_MS = 300;

/**
 * Hands through nut-js, for macOS and Windows (NOT RUN there yet). On X11 a key that the layout lacks ends the
 * whole process inside the library, and its text is wrong: X11InputBackend is for X11.
 */
export async function openNutInputBackend(options: {
  log: Logger;
  platform: NodeJS.Platform;
  /** Physical pixels per point of the system's coordinates: 2 on a Retina display, else 1. */
  scale?: number;
}): Promise<NutInputBackend> {
  const nut = await import('@nut-tree-fork/nut-js');
  // The defaults wait 100 ms per click and 300 ms per key.
  nut.mouse.config.autoDelayMs = 0;
  nut.mouse.config.mouseSpeed = 100_000;
  nut.keyboard.config.autoDelayMs = 0;
  const size = { width: await nut.screen.width(), height: await nut.screen.height() };
  return new NutInputBackend({ nut, size, scale: options.scale ?? 1, ...options });
}

export class NutInputBackend implements InputBackend {
  readonly name = 'nut-js';
  readonly #nut: Nut;
  readonly #log: Logger;
  readonly #platform: NodeJS.Platform;
  readonly #scale: number;
  /** In the system's own coordinates. */
  readonly #size: { width: number; height: number };
  /** The library cannot ask the system, so what it was told to press is remembered. */
  readonly #heldKeys = new Set<string>();
  readonly #heldButtons = new Set<MouseButton>();

  /** Use {@link openNutInputBackend}. */
  constructor(parts: {
    nut: Nut;
    log: Logger;
    platform: NodeJS.Platform;
    scale: number;
    size: { width: number; height: number };
  }) {
    this.#nut = parts.nut;
    this.#log = parts.log;
    this.#platform = parts.platform;
    this.#scale = parts.scale;
    this.#size = parts.size;
  }

  async pointer(): Promise<Point> {
    const { x, y } = await this.#nut.mouse.getPosition();
    return { x: Math.round(x * this.#scale), y: Math.round(y * this.#scale) };
  }

  async moveTo(point: Point): Promise<void> {
    // Outside the screen the library jumps to the origin. Never its `move`: that blocks the event loop.
    const x = clamp(point.x / this.#scale, this.#size.width);
    const y = clamp(point.y / this.#scale, this.#size.height);
    await this.#do(() => this.#nut.mouse.setPosition(new this.#nut.Point(x, y)));
  }

  async button(button: MouseButton, down: boolean): Promise<void> {
    const name = NUT_BUTTONS[button];
    if (name === undefined)
      throw new ProtocolError('INPUT_FAILED', `The ${button} button cannot be pressed on this system.`);
    if (down) this.#heldButtons.add(button);
    else this.#heldButtons.delete(button);
    const { Button, mouse } = this.#nut;
    await this.#do(() => (down ? mouse.pressButton(Button[name]) : mouse.releaseButton(Button[name])));
  }

  async wheel(direction: 'up' | 'down' | 'left' | 'right'): Promise<void> {
    const { mouse } = this.#nut;
    // On X11 the library's left and right are exchanged (it sends button 6 for right).
    const mirrored = this.#platform === 'linux';
    switch (direction) {
      case 'up':
        return this.#do(() => mouse.scrollUp(1));
      case 'down':
        return this.#do(() => mouse.scrollDown(1));
      case 'left':
        return this.#do(() => (mirrored ? mouse.scrollRight(1) : mouse.scrollLeft(1)));
      case 'right':
        return this.#do(() => (mirrored ? mouse.scrollLeft(1) : mouse.scrollRight(1)));
    }
  }

  async checkKey(key: string): Promise<void> {
    this.#keysOf(key);
  }

  async key(key: string, down: boolean): Promise<void> {
    const { Key, keyboard } = this.#nut;
    const keys = this.#keysOf(key).map((name) => Key[name]);
    if (down) this.#heldKeys.add(key);
    else this.#heldKeys.delete(key);
    await this.#do(() => (down ? keyboard.pressKey(...keys) : keyboard.releaseKey(...keys)));
  }

  /** By the clipboard, which is put back; the only exact way the library has. */
  async typeText(text: string, gate: () => void, options: { signal: AbortSignal }): Promise<void> {
    if (typeableCharacters(text).length === 0) return;
    if (this.#platform === 'linux')
      throw new ProtocolError(
        'TEXT_NOT_TYPEABLE',
        'nut-js does not type exactly on Linux; nothing was typed.',
      );
    const { clipboard } = this.#nut;
    gate();
    const previous = await clipboard.getContent().catch(() => '');
    try {
      await clipboard.setContent(text);
      options.signal.throwIfAborted();
      gate();
      const modifier = this.#platform === 'darwin' ? 'super' : 'ctrl';
      try {
        await this.key(modifier, true);
        await this.key('v', true);
      } finally {
        await this.key('v', false);
        await this.key(modifier, false);
      }
      await sleep(PASTE_READ_MS, options);
    } finally {
      await clipboard.setContent(previous).catch((error) => {
        this.#log.warn('the clipboard could not be put back', errorAttributes(error));
      });
    }
  }

  async releaseAll(): Promise<void> {
    const modifiers = ['shift', 'ctrl', 'alt', 'super'];
    for (const key of new Set([...this.#heldKeys, ...modifiers])) await this.#try(() => this.key(key, false));
    for (const button of new Set<MouseButton>([...this.#heldButtons, 'left', 'middle', 'right']))
      await this.#try(() => this.button(button, false));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const key of [...this.#heldKeys]) await this.#try(() => this.key(key, false));
    for (const button of [...this.#heldButtons]) await this.#try(() => this.button(button, false));
  }

  /** @throws ProtocolError UNKNOWN_KEY */
  #keysOf(key: string): NutKey[] {
    const named = isNamedKey(key)
      ? ((this.#platform === 'darwin' ? MAC_KEYS[key] : undefined) ?? NUT_KEYS[key])
      : undefined;
    if (named !== undefined && !(this.#platform === 'linux' && NOT_ON_LINUX.has(key))) return [named];
    const plain = CHARACTER_KEYS[key];
    if (plain !== undefined) return [plain];
    const lower = key.toLowerCase();
    if (/^[a-z]$/.test(lower)) {
      const letter = lower.toUpperCase() as NutKey;
      return key === lower ? [letter] : ['LeftShift', letter];
    }
    throw new ProtocolError('UNKNOWN_KEY', 'The keyboard library has no such key.');
  }

  async #do(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw new ProtocolError('INPUT_FAILED', 'The input could not be injected.', {}, { cause });
    }
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.error('not everything could be released', errorAttributes(error));
    }
  }
}

function clamp(value: number, extent: number): number {
  return Math.min(extent - 1, Math.max(0, Math.round(value)));
}

const NUT_BUTTONS: Partial<Record<MouseButton, 'LEFT' | 'MIDDLE' | 'RIGHT'>> = {
  left: 'LEFT',
  middle: 'MIDDLE',
  right: 'RIGHT',
};

/** X errors of the library end the process: these keys are missing on usual layouts. */
const NOT_ON_LINUX: ReadonlySet<string> = new Set([
  'menu',
  'altgr',
  ...Array.from({ length: 12 }, (_, index) => `f${index + 13}`),
]);

const MAC_KEYS: Partial<Record<NamedKey, NutKey>> = { super: 'LeftCmd' };

const NUT_KEYS: Partial<Record<NamedKey, NutKey>> = {
  enter: 'Return',
  tab: 'Tab',
  space: 'Space',
  backspace: 'Backspace',
  delete: 'Delete',
  escape: 'Escape',
  insert: 'Insert',
  home: 'Home',
  end: 'End',
  page_up: 'PageUp',
  page_down: 'PageDown',
  up: 'Up',
  down: 'Down',
  left: 'Left',
  right: 'Right',
  shift: 'LeftShift',
  ctrl: 'LeftControl',
  alt: 'LeftAlt',
  altgr: 'RightAlt',
  super: 'LeftSuper',
  caps_lock: 'CapsLock',
  num_lock: 'NumLock',
  scroll_lock: 'ScrollLock',
  print_screen: 'Print',
  pause: 'Pause',
  menu: 'Menu',
  f1: 'F1',
  f2: 'F2',
  f3: 'F3',
  f4: 'F4',
  f5: 'F5',
  f6: 'F6',
  f7: 'F7',
  f8: 'F8',
  f9: 'F9',
  f10: 'F10',
  f11: 'F11',
  f12: 'F12',
  f13: 'F13',
  f14: 'F14',
  f15: 'F15',
  f16: 'F16',
  f17: 'F17',
  f18: 'F18',
  f19: 'F19',
  f20: 'F20',
  f21: 'F21',
  f22: 'F22',
  f23: 'F23',
  f24: 'F24',
};

/** Places of a US keyboard: what shortcuts are bound to. */
const CHARACTER_KEYS: Readonly<Record<string, NutKey>> = {
  '0': 'Num0',
  '1': 'Num1',
  '2': 'Num2',
  '3': 'Num3',
  '4': 'Num4',
  '5': 'Num5',
  '6': 'Num6',
  '7': 'Num7',
  '8': 'Num8',
  '9': 'Num9',
  '-': 'Minus',
  '=': 'Equal',
  '[': 'LeftBracket',
  ']': 'RightBracket',
  '\\': 'Backslash',
  ';': 'Semicolon',
  "'": 'Quote',
  ',': 'Comma',
  '.': 'Period',
  '/': 'Slash',
  '`': 'Grave',
};
