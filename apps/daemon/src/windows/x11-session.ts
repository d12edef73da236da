import type { Logger } from '@deskhand/base';
import { openX11, type X11Connection } from '../x11/index.ts';

/** One shared connection that is opened at first use and again after the X server went away and came back. */
export class X11Session implements AsyncDisposable {
  readonly #display: string;
  readonly #log: Logger;
  #connection: Promise<X11Connection> | undefined;
  #closed = false;

  constructor(display: string, log: Logger) {
    this.#display = display;
    this.#log = log;
  }

  /** @throws ProtocolError DISPLAY_UNAVAILABLE */
  async connection(): Promise<X11Connection> {
    if (this.#closed) throw new Error('the X session is closed');
    const current = this.#connection;
    if (current !== undefined) {
      const connection = await current.catch(() => null);
      if (connection !== null && !connection.isClosed) return connection;
      if (this.#connection === current) this.#connection = undefined;
    }
    this.#connection ??= openX11({ display: this.#display, log: this.#log });
    return this.#connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const connection = await this.#connection?.catch(() => null);
    await connection?.[Symbol.asyncDispose]();
  }
}
