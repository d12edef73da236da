import type { LeaseGrant, RunBrief } from '@deskhand/protocol';

export type HeldLease = Readonly<{ leaseId: string; epoch: number; run: RunBrief | null }>;

/**
 * The server's lease as this desktop counts it: from receipt, on a monotonic clock. It ends by itself; no
 * message is needed, so a dead link, server or network ends the input just the same.
 */
export class LeaseKeeper implements Disposable {
  readonly #onEnded: (lease: HeldLease, why: 'expired' | 'released' | 'replaced') => void;
  #held: HeldLease | undefined;
  #untilMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #highestEpoch = 0;

  constructor(onEnded: (lease: HeldLease, why: 'expired' | 'released' | 'replaced') => void) {
    this.#onEnded = onEnded;
  }

  /** Highest epoch obeyed since this process started. */
  get highestEpoch(): number {
    return this.#highestEpoch;
  }

  /** The live lease, judged now and not when a timer happens to fire. */
  get current(): HeldLease | undefined {
    return this.#held !== undefined && performance.now() < this.#untilMs ? this.#held : undefined;
  }

  /** @returns false for a grant from an owner that has been replaced. */
  grant(grant: LeaseGrant): boolean {
    if (grant.epoch < this.#highestEpoch) return false;
    const before = this.#held;
    this.#highestEpoch = grant.epoch;
    this.#held = { leaseId: grant.leaseId, epoch: grant.epoch, run: grant.run };
    this.#untilMs = performance.now() + grant.ttlMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end('expired'), grant.ttlMs);
    if (before !== undefined && before.leaseId !== grant.leaseId) this.#onEnded(before, 'replaced');
    return true;
  }

  /** @returns whether this lease was the live one. */
  release(leaseId: string): boolean {
    if (this.#held?.leaseId !== leaseId) return false;
    this.#end('released');
    return true;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#held = undefined;
  }

  #end(why: 'expired' | 'released'): void {
    clearTimeout(this.#timer);
    const lease = this.#held;
    this.#held = undefined;
    if (lease !== undefined) this.#onEnded(lease, why);
  }
}
