import { sleep } from '@deskhand/base';

/**
 * An application that reads slower than this would go on typing after a stop; browsers read twice as fast. A little over
 * a thousand, so that a thousand arrive.
 */
const CHARACTERS_PER_SECOND = 1200;
/** Timers are no finer than a millisecond, so a few characters go between two waits. */
const WAIT_WHEN_AHEAD_MS = 4;
/** So many may go at once after a delay (a busy machine answers late); all of them after one look at the gate each. */
const MOST_AT_ONCE = 8;

/** Holds typing back to what applications keep up with, and says how many characters are due. */
export class TypingPace {
  #startedAt = performance.now();
  #typed = 0;

  /** Time that passed without typing does not count as typing time. */
  restart(): void {
    this.#startedAt = performance.now();
    this.#typed = 0;
  }

  /** How many characters may go now; at least one. */
  get due(): number {
    return Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(-this.#aheadCharacters)));
  }

  /** Called after so many characters have gone. */
  async typed(count: number, stop: { signal: AbortSignal }): Promise<void> {
    this.#typed += count;
    const aheadMs = (this.#aheadCharacters / CHARACTERS_PER_SECOND) * 1000;
    if (aheadMs >= WAIT_WHEN_AHEAD_MS) await sleep(aheadMs, stop);
  }

  get #aheadCharacters(): number {
    return this.#typed - ((performance.now() - this.#startedAt) / 1000) * CHARACTERS_PER_SECOND;
  }
}
