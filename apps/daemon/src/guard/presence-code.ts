import { randomInt, timingSafeEqual } from 'node:crypto';
import { PRESENCE_CODE_TTL_MS } from '@deskhand/protocol';

const DIGITS = 4;
/** Wrong answers until the code is void. */
const TRIES = 3;

/**
 * Stands in for a hand on a real device where none can be felt: a remote session, a panel on another screen.
 * The panel shows the code, which the agent's pictures never contain, and the person types it there. Good once.
 */
export class PresenceCode {
  readonly #now: () => number;
  #code: { digits: string; untilMs: number; triesLeft: number } | undefined;

  /** @param now milliseconds, monotonic. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A new one; the one before is void. */
  issue(): { code: string; ttlMs: number } {
    const digits = String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0');
    this.#code = { digits, untilMs: this.#now() + PRESENCE_CODE_TTL_MS, triesLeft: TRIES };
    return { code: digits, ttlMs: PRESENCE_CODE_TTL_MS };
  }

  /** Uses it up when it fits. */
  accepts(given: string): boolean {
    const code = this.#code;
    if (code === undefined || this.#now() >= code.untilMs) {
      this.#code = undefined;
      return false;
    }
    const [a, b] = [Buffer.from(given), Buffer.from(code.digits)];
    if (a.length === b.length && timingSafeEqual(a, b)) {
      this.#code = undefined;
      return true;
    }
    code.triesLeft -= 1;
    if (code.triesLeft <= 0) this.#code = undefined;
    return false;
  }
}
