import type { EarlyListener } from '../ports.ts';

/** A screen that stirs more often than this while it is waited for is looked at when it rests, and not before. */
const MOST_LOOKS = 3;

/**
 * A look that begins when the screen is calm and is worth something only if it stays so. Each stir throws it away; the
 * next calm begins another.
 */
export class EarlyLook<T> implements EarlyListener {
  readonly #look: (signal: AbortSignal, restedMs: number | null) => Promise<T>;
  readonly #signal: AbortSignal;
  #current: { stop: AbortController; seen: Promise<T | null> } | null = null;
  #looks = 0;

  /** @param signal ends every look. */
  constructor(look: (signal: AbortSignal, restedMs: number | null) => Promise<T>, signal: AbortSignal) {
    this.#look = look;
    this.#signal = signal;
  }

  calm(restedMs: number | null): void {
    this.stirred();
    if (this.#looks === MOST_LOOKS || this.#signal.aborted) return;
    this.#looks += 1;
    const stop = new AbortController();
    // What fails early is looked at again in time, and fails there if it must.
    const seen = this.#look(AbortSignal.any([this.#signal, stop.signal]), restedMs).catch(() => null);
    this.#current = { stop, seen };
  }

  stirred(): void {
    this.#current?.stop.abort();
    this.#current = null;
  }

  /** What was seen since the screen became calm; null when it did not, or nothing could be seen. */
  async take(): Promise<T | null> {
    return (await this.#current?.seen) ?? null;
  }
}
