import { sleep } from '@deskhand/base';

/**
 * An application that reads slower than this would go on typing after a stop; browsers read twice as fast. A little over
 * a thousand, so that a thousand arrive.
 */
const CHARACTERS_PER_SECOND = 1100;
/** Timers are no finer than a millisecond, so a few characters go between two waits. */
const WAIT_WHEN_AHEAD_MS = 4;

/** Holds typing back to what applications keep up with. */
export class TypingPace {
  #startedAt = performance.now();
  #typed = 0;

  /** Time that passed without typing does not count as typing time. */
  restart(): void {
    this.#startedAt = performance.now();
    this.#typed = 0;
  }

  /** Called after each character. */
  async typed(stop: { signal: AbortSignal }): Promise<void> {
    this.#typed += 1;
    const aheadMs = (this.#typed / CHARACTERS_PER_SECOND) * 1000 - (performance.now() - this.#startedAt);
    if (aheadMs >= WAIT_WHEN_AHEAD_MS) await sleep(aheadMs, stop);
  }
}
