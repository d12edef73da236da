import { sleep } from '@deskhand/base';

/**
 * Aborts its signal with `makeError()` once `quietMs` pass without `touch()`, and with the parent's own
 * reason as soon as the parent aborts. `stop()` ends the timer and lets go of the parent: call it in `finally`.
 */
export class Watchdog {
  readonly #expired = new AbortController();
  readonly #stopTimer = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #quietMs: number;
  #lastTouchAt = performance.now();
  #paused = false;

  constructor(parent: AbortSignal | undefined, quietMs: number, makeError: () => Error) {
    this.#parent = parent;
    this.#quietMs = quietMs;
    if (parent?.aborted) this.#expired.abort(parent.reason);
    else parent?.addEventListener('abort', this.#onParentAbort, { once: true });
    // The timer ends by its own signal; that rejection is the normal end.
    this.#watch(makeError).catch(() => {});
  }

  get signal(): AbortSignal {
    return this.#expired.signal;
  }

  /** Starts the quiet time anew. */
  touch(): void {
    this.#lastTouchAt = performance.now();
    this.#paused = false;
  }

  /** Until the next `touch()` quiet is allowed: it is not the other side that is slow. */
  pause(): void {
    this.#paused = true;
  }

  stop(): void {
    this.#stopTimer.abort();
    this.#parent?.removeEventListener('abort', this.#onParentAbort);
  }

  readonly #onParentAbort = () => this.#expired.abort(this.#parent?.reason);

  async #watch(makeError: () => Error): Promise<void> {
    for (;;) {
      if (this.#paused) this.#lastTouchAt = performance.now();
      const leftMs = this.#lastTouchAt + this.#quietMs - performance.now();
      if (leftMs <= 0) break;
      await sleep(Math.ceil(leftMs), { signal: this.#stopTimer.signal });
    }
    this.#expired.abort(makeError());
  }
}
