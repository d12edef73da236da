import { errorAttributes, type Logger } from '@deskhand/base';
import { contains, type MouseButton, type Point, ProtocolError } from '@deskhand/protocol';
import { isNamedKey } from '../input/keyboard-map.ts';
import { typeableCharacters } from '../input/text-plan.ts';
import { TypingPace } from '../input/typing-pace.ts';
import { BUTTON_CODES, EVDEV_CODES } from '../input/wayland-keymap.ts';
import type { InputBackend } from '../ports.ts';
import { keysymOfCharacter } from '../x11/index.ts';
import { PortalDesktop } from './portal-desktop.ts';

const VERTICAL = 0;
const HORIZONTAL = 1;
const LAST_ASCII = 0x7e;

/** Asks the person the first time. @throws ProtocolError DISPLAY_UNAVAILABLE */
export async function openPortalInputBackend(options: {
  bus: string;
  tokenFolder: string;
  onLost: () => void;
  log: Logger;
}): Promise<PortalInputBackend> {
  const desktop = await PortalDesktop.open({ ...options, purpose: 'control' });
  void desktop.lost.then(options.onLost);
  return new PortalInputBackend(desktop, options.log);
}

/**
 * Hands through org.freedesktop.portal.RemoteDesktop (GNOME, KDE …). Run against a stand-in for the portal only: NOT
 * RUN on a real one. What a compositor does with a character its layout lacks is its own affair and can't be read
 * back, so text beyond ASCII is refused.
 */
export class PortalInputBackend implements InputBackend {
  readonly name = 'portal-remote-desktop';
  readonly pointerIsUntold = true;
  readonly #desktop: PortalDesktop;
  readonly #log: Logger;
  readonly #heldKeys = new Set<string>();
  readonly #heldButtons = new Set<MouseButton>();
  #pointer: Point = { x: 0, y: 0 };

  /** Use {@link openPortalInputBackend}. */
  constructor(desktop: PortalDesktop, log: Logger) {
    this.#desktop = desktop;
    this.#log = log;
  }

  async pointer(): Promise<Point> {
    return this.#pointer;
  }

  async moveTo(wanted: Point): Promise<void> {
    const { streams } = this.#desktop;
    const on = streams.find(({ bounds }) => contains(bounds, wanted)) ?? streams[0];
    if (on === undefined) throw new ProtocolError('DISPLAY_UNAVAILABLE', 'No monitor is shared.');
    const { x, y, width, height } = on.bounds;
    const inside = {
      x: Math.min(width - 1, Math.max(0, Math.round(wanted.x) - x)),
      y: Math.min(height - 1, Math.max(0, Math.round(wanted.y) - y)),
    };
    await this.#desktop.notify('NotifyPointerMotionAbsolute', 'udd', [on.node, inside.x, inside.y]);
    this.#pointer = { x: x + inside.x, y: y + inside.y };
  }

  async button(button: MouseButton, down: boolean): Promise<void> {
    if (down) this.#heldButtons.add(button);
    await this.#desktop.notify('NotifyPointerButton', 'iu', [BUTTON_CODES[button], Number(down)]);
    if (!down) this.#heldButtons.delete(button);
  }

  async wheel(direction: 'up' | 'down' | 'left' | 'right'): Promise<void> {
    const axis = direction === 'up' || direction === 'down' ? VERTICAL : HORIZONTAL;
    const steps = direction === 'up' || direction === 'left' ? -1 : 1;
    await this.#desktop.notify('NotifyPointerAxisDiscrete', 'ui', [axis, steps]);
  }

  async checkKey(key: string): Promise<void> {
    if (!isNamedKey(key) && !isAscii(key)) throw unknownKey();
  }

  async key(key: string, down: boolean): Promise<void> {
    await this.checkKey(key);
    if (down) this.#heldKeys.add(key);
    if (isNamedKey(key))
      await this.#desktop.notify('NotifyKeyboardKeycode', 'iu', [EVDEV_CODES[key], Number(down)]);
    else await this.#keysym(key.codePointAt(0) as number, down);
    if (!down) this.#heldKeys.delete(key);
  }

  async typeText(text: string, gate: () => void, options: { signal: AbortSignal }): Promise<void> {
    const codePoints = typeableCharacters(text);
    const beyond = codePoints.findIndex((codePoint) => codePoint > LAST_ASCII);
    if (beyond !== -1)
      throw new ProtocolError(
        'TEXT_NOT_TYPEABLE',
        `Character ${beyond + 1} is beyond ASCII, which the desktop portal cannot be trusted to type; nothing was typed.`,
      );
    const pace = new TypingPace();
    for (const codePoint of codePoints) {
      options.signal.throwIfAborted();
      gate();
      if (codePoint === 0x0a) await this.#tap('enter');
      else if (codePoint === 0x09) await this.#tap('tab');
      else await this.#tap(String.fromCodePoint(codePoint));
      await pace.typed(1, options);
    }
  }

  async releaseAll(): Promise<void> {
    for (const key of [...this.#heldKeys]) await this.#try(() => this.key(key, false));
    for (const button of [...this.#heldButtons]) await this.#try(() => this.button(button, false));
  }

  /** The portal releases what is still held with the session. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.releaseAll();
    await this.#desktop[Symbol.asyncDispose]();
  }

  async #tap(key: string): Promise<void> {
    try {
      await this.key(key, true);
    } finally {
      await this.key(key, false);
    }
  }

  #keysym(codePoint: number, down: boolean): Promise<void> {
    return this.#desktop.notify('NotifyKeyboardKeysym', 'iu', [keysymOfCharacter(codePoint), Number(down)]);
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.error('not everything could be released', errorAttributes(error));
    }
  }
}

function isAscii(key: string): boolean {
  return /^[\x20-\x7e]$/.test(key);
}

function unknownKey(): ProtocolError {
  return new ProtocolError('UNKNOWN_KEY', 'The desktop portal has no such key.');
}
