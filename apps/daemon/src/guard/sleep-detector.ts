/** Looking costs a read of a system file: not at each of guard's ticks. */
const LOOK_EVERY_MS = 1000;
/** More than the two clocks can drift apart, or a busy machine can keep us waiting between reading them. */
const SLEPT_MS = 2000;

/**
 * Notices that the computer slept. Leases are counted on a clock that stands still meanwhile, so nothing else
 * would: a lease of the evening would still be good in the morning.
 */
export class SleepDetector {
  readonly #clocks: { awakeMs: () => number; everMs: () => number };
  #lookedMs: number;
  #apartMs: number;

  /** @param clocks one that stands still while the computer sleeps, one that goes on; neither is the wall clock. */
  constructor(clocks: { awakeMs: () => number; everMs: () => number }) {
    this.#clocks = clocks;
    this.#lookedMs = clocks.awakeMs();
    this.#apartMs = clocks.everMs() - this.#lookedMs;
  }

  /** @returns true once after each sleep. */
  look(): boolean {
    const awakeMs = this.#clocks.awakeMs();
    if (awakeMs - this.#lookedMs < LOOK_EVERY_MS) return false;
    this.#lookedMs = awakeMs;
    const apartMs = this.#clocks.everMs() - awakeMs;
    const slept = apartMs - this.#apartMs > SLEPT_MS;
    this.#apartMs = apartMs;
    return slept;
  }
}
