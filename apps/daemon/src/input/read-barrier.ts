import { randomInt } from 'node:crypto';
import { raceSignal, sleep } from '@deskhand/base';
import { EVENT_MASK, type X11Connection } from '../x11/index.ts';

/** How long an application may take to answer before the guess below stands in for its answer. */
const ANSWER_CEILING_MS = 1500;
/** For applications that do not answer pings: enough for a toolkit to take a few hundred events. */
const GUESS_MS = 60;

/**
 * Tells when the active application has taken every input event sent so far. An X client reads its
 * events in order, so its answer to a window manager's ping (EWMH `_NET_WM_PING`) comes after them.
 */
export class ReadBarrier implements Disposable {
  readonly #connection: X11Connection;
  #selecting: Promise<void> | undefined;
  #waiting = new Map<number, () => void>();
  #unsubscribe: () => void = () => {};

  constructor(connection: X11Connection) {
    this.#connection = connection;
  }

  /**
   * @param pending events the application may still have in its queue; sizes the guess when it cannot be asked.
   * @returns true when the application answered, false when only time has passed. Never throws but for the signal.
   */
  async wait(pending: number, stop: { signal: AbortSignal }): Promise<boolean> {
    const window = await this.#pingableWindow();
    if (window !== null && (await this.#ping(window, stop.signal))) return true;
    await sleep(GUESS_MS + Math.min(pending, 2000) * 0.5, stop);
    return false;
  }

  async #ping(window: number, signal: AbortSignal): Promise<boolean> {
    const connection = this.#connection;
    await this.#select();
    const { WM_PROTOCOLS, _NET_WM_PING } = await connection.atoms(['WM_PROTOCOLS', '_NET_WM_PING']);
    // The timestamp comes back unchanged: a random one is ours alone.
    const token = randomInt(1, 0x7fff_ffff);
    let timer: AbortController | undefined;
    try {
      const answered = new Promise<boolean>((resolve) => this.#waiting.set(token, () => resolve(true)));
      await connection.sendClientMessage({
        window,
        destination: window,
        mask: 0,
        type: WM_PROTOCOLS,
        data: [_NET_WM_PING, token, window, 0, 0],
      });
      timer = new AbortController();
      const ceiling = sleep(ANSWER_CEILING_MS, { signal: timer.signal }).then(
        () => false,
        () => false,
      );
      return await raceSignal(Promise.race([answered, ceiling]), signal);
    } catch (error) {
      if (signal.aborted || connection.isClosed) throw error;
      // The window went away meanwhile: there is nobody left to wait for.
      return false;
    } finally {
      timer?.abort();
      this.#waiting.delete(token);
    }
  }

  /** Answers go to the root window, for whoever watches it as a window manager does. */
  #select(): Promise<void> {
    this.#selecting ??= (async () => {
      const connection = this.#connection;
      const { _NET_WM_PING } = await connection.atoms(['_NET_WM_PING']);
      this.#unsubscribe = connection.on('ClientMessage', (event) => {
        if (event.wid === connection.root && event.data[0] === _NET_WM_PING)
          this.#waiting.get(event.data[1] ?? 0)?.();
      });
      // GTK and Chromium address the first kind of watcher, Qt the second.
      await connection.selectInput(
        connection.root,
        (EVENT_MASK.SubstructureNotify ?? 0) | (EVENT_MASK.StructureNotify ?? 0),
      );
    })();
    return this.#selecting;
  }

  async #pingableWindow(): Promise<number | null> {
    const connection = this.#connection;
    try {
      const [active] = await connection.getNumbers(connection.root, '_NET_ACTIVE_WINDOW');
      if (active === undefined || active === 0) return null;
      const protocols = await connection.getNumbers(active, 'WM_PROTOCOLS');
      return protocols.includes(await connection.atom('_NET_WM_PING')) ? active : null;
    } catch (error) {
      if (connection.isClosed) throw error;
      return null;
    }
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    this.#waiting.clear();
  }
}
