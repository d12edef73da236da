import { sleep } from '@deskhand/base';
import { EVENT_MASK, type X11Connection } from '../x11/index.ts';

/** How long the window manager may take to answer. */
const ANSWER_CEILING_MS = 1000;
/** For window managers that can't be asked: as long as people hold a key. */
const GUESS_MS = 80;

/**
 * Tells when the window manager has read every event sent so far. It reads them in order, so its answer to a
 * request for frame sizes (EWMH `_NET_REQUEST_FRAME_EXTENTS`) comes after them.
 */
export class WindowManagerBarrier implements Disposable {
  readonly #connection: X11Connection;
  #window: Promise<number> | undefined;
  #answered: (() => void) | undefined;
  #unsubscribe: () => void = () => {};

  constructor(connection: X11Connection) {
    this.#connection = connection;
  }

  /** One caller at a time. Rejects only with the connection. */
  async wait(): Promise<void> {
    const x = this.#connection;
    const request = await x.atom('_NET_REQUEST_FRAME_EXTENTS');
    const supported = await x.getNumbers(x.root, '_NET_SUPPORTED');
    if (!supported.includes(request)) return sleep(GUESS_MS);
    const window = await this.#own();
    const answered = new Promise<void>((resolve) => {
      this.#answered = resolve;
    });
    await x.sendClientMessage({ window, type: request, data: [0, 0, 0, 0, 0] });
    const ceiling = new AbortController();
    try {
      await Promise.race([answered, sleep(ANSWER_CEILING_MS, { signal: ceiling.signal }).catch(() => {})]);
    } finally {
      ceiling.abort();
      this.#answered = undefined;
    }
  }

  /** Never shown; the answer is written on it. */
  #own(): Promise<number> {
    this.#window ??= (async () => {
      const x = this.#connection;
      const window = await x.createWindow({ x: -10, y: -10, width: 1, height: 1 });
      this.#unsubscribe = x.on('PropertyNotify', (event) => {
        if (event.wid === window) this.#answered?.();
      });
      await x.selectInput(window, EVENT_MASK.PropertyChange ?? 0);
      return window;
    })();
    return this.#window;
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }
}
