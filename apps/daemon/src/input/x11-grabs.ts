import type { X11Connection } from '../x11/index.ts';

const ALREADY_GRABBED = 1;
const CURRENT_TIME = 0;
const ASYNCHRONOUS = 1;

/**
 * Whether another program holds the keyboard or the pointer: an open menu, a drag, a screen locker, a password prompt.
 * Input goes to the holder then, whatever has the focus. Asked by a grab of our own on a window that is never shown:
 * the server says "held" before it says "not shown", so nothing is ever taken and nobody hears of it.
 */
export class X11Grabs {
  readonly #x: X11Connection;
  #preparing: Promise<number> | undefined;
  #window: number | null = null;

  constructor(x: X11Connection) {
    this.#x = x;
  }

  /** Made ahead, so that a question goes out at once: under a server grab one round trip is all there should be. */
  async prepare(): Promise<number> {
    this.#preparing ??= this.#x.createWindow(
      { x: -10, y: -10, width: 1, height: 1 },
      {},
      { inputOnly: true },
    );
    this.#window = await this.#preparing;
    return this.#window;
  }

  async keyboardHeld(): Promise<boolean> {
    const window = this.#window ?? (await this.prepare());
    const status = await this.#x.answer<number>('GrabKeyboard', (reply, client) =>
      client.GrabKeyboard(window, 0, CURRENT_TIME, ASYNCHRONOUS, ASYNCHRONOUS, reply),
    );
    return status === ALREADY_GRABBED;
  }

  async pointerHeld(): Promise<boolean> {
    const window = this.#window ?? (await this.prepare());
    const status = await this.#x.answer<number>('GrabPointer', (reply, client) =>
      client.GrabPointer(window, 0, 0, ASYNCHRONOUS, ASYNCHRONOUS, 0, 0, CURRENT_TIME, reply),
    );
    return status === ALREADY_GRABBED;
  }
}
