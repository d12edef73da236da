import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import { contains, type MouseButton, type Point, ProtocolError } from '@deskhand/protocol';
import { isNamedKey } from '../input/keyboard-map.ts';
import { typeableCharacters } from '../input/text-plan.ts';
import { TypingPace } from '../input/typing-pace.ts';
import { BUTTON_CODES, EVDEV_CODES } from '../input/wayland-keymap.ts';
import type { InputBackend } from '../ports.ts';
import { keysymOfCharacter } from '../x11/index.ts';
import { PortalDesktop, type PortalOptions } from './portal-desktop.ts';
import type { PortalStream } from './portal-streams.ts';

const VERTICAL = 0;
const HORIZONTAL = 1;
const LAST_ASCII = 0x7e;
/** evdev's KEY_UNKNOWN: no layout has it. */
const NO_KEY = 240;
/** A seat that had no such device is given it with our first event, and applications take it up a moment later. */
const DEVICE_APPEARS_CEILING_MS = 1000;
const DEVICE_TAKEN_UP_MS = 100;

/** Asks the person the first time. @throws ProtocolError DISPLAY_UNAVAILABLE, SHARING_DECLINED */
export async function openPortalInputBackend(
  options: PortalOptions & { onLost: (why: ProtocolError) => void },
): Promise<PortalInputBackend> {
  const desktop = await PortalDesktop.open({ ...options, purpose: 'control' });
  void desktop.lost.then(options.onLost);
  return new PortalInputBackend(desktop, options.log);
}

/**
 * Hands through org.freedesktop.portal.RemoteDesktop (GNOME, KDE …). A character that the compositor's layout lacks is
 * taken and dropped without a word (GNOME 43), so text beyond ASCII is refused.
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
    const point = { x: Math.round(wanted.x), y: Math.round(wanted.y) };
    const on = streams.find(({ bounds }) => contains(bounds, point));
    // The person may have lent hands fewer monitors than eyes: the nearest place that they may reach is another place.
    if (on === undefined)
      throw new ProtocolError('INPUT_FAILED', 'That place is on no monitor whose control is shared.');
    const { x, y } = this.#desktop.isMutter ? inPixels(on, point) : inLogical(on, point);
    const move = () => this.#desktop.notify('NotifyPointerMotionAbsolute', 'udd', [on.node, x, y]);
    await this.#need('pointer', move);
    await move();
    this.#pointer = point;
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
    if (down) {
      await this.#need('keyboard', () => this.#tapNoKey());
      this.#heldKeys.add(key);
    }
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

  /** What nobody listens to yet would be lost. */
  async #need(device: 'pointer' | 'keyboard', first: () => Promise<void>): Promise<void> {
    if (this.#desktop.seatHas(device)) return;
    await first();
    const giveUpMs = performance.now() + DEVICE_APPEARS_CEILING_MS;
    while (!this.#desktop.seatHas(device) && performance.now() < giveUpMs) await sleep(10);
    await sleep(DEVICE_TAKEN_UP_MS);
  }

  async #tapNoKey(): Promise<void> {
    for (const down of [1, 0]) await this.#desktop.notify('NotifyKeyboardKeycode', 'iu', [NO_KEY, down]);
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

function inPixels({ bounds }: PortalStream, { x, y }: Point): Point {
  return { x: x - bounds.x, y: y - bounds.y };
}

function inLogical({ bounds, logical }: PortalStream, { x, y }: Point): Point {
  return {
    x: ((x - bounds.x) * logical.width) / bounds.width,
    y: ((y - bounds.y) * logical.height) / bounds.height,
  };
}

function isAscii(key: string): boolean {
  return /^[\x20-\x7e]$/.test(key);
}

function unknownKey(): ProtocolError {
  return new ProtocolError('UNKNOWN_KEY', 'The desktop portal has no such key.');
}
