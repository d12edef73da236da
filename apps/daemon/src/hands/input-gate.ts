import { type GuardState, ProtocolError } from '@deskhand/protocol';

export type Fence = Readonly<{ epoch: number; leaseId: string }>;

/**
 * May the next primitive happen? Asked between any two. Three things must hold at this instant: guard's lease
 * (500 ms), the server's lease with this id, and no newer epoch. Time is monotonic and counted from receipt, so
 * neither a stopped sender nor a changed wall clock can stretch a lease.
 */
export class InputGate {
  readonly #now: () => number;
  #guardUntilMs = Number.NEGATIVE_INFINITY;
  #guardControl: GuardState['control'] | 'unknown' = 'unknown';
  #lease: { leaseId: string; untilMs: number } | undefined;
  #epoch = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  guardLease(ttlMs: number): void {
    this.#guardControl = 'armed';
    this.#guardUntilMs = this.#now() + ttlMs;
  }

  guardState(control: GuardState['control']): void {
    this.#guardControl = control;
    if (control !== 'armed') this.#guardUntilMs = Number.NEGATIVE_INFINITY;
  }

  guardGone(): void {
    this.#guardControl = 'unknown';
    this.#guardUntilMs = Number.NEGATIVE_INFINITY;
  }

  lease(grant: { leaseId: string; epoch: number; ttlMs: number }): void {
    if (grant.epoch < this.#epoch) return;
    this.#epoch = grant.epoch;
    this.#lease = { leaseId: grant.leaseId, untilMs: this.#now() + grant.ttlMs };
  }

  leaseEnded(): void {
    this.#lease = undefined;
  }

  /** @throws ProtocolError STALE_EPOCH, LEASE_REQUIRED, LATCHED, PAUSED, GUARD_UNAVAILABLE */
  check(fence: Fence): void {
    const now = this.#now();
    if (now >= this.#guardUntilMs) {
      if (this.#guardControl === 'stopped')
        throw new ProtocolError('LATCHED', 'The emergency stop is tripped; a person must reset it.');
      if (this.#guardControl === 'paused')
        throw new ProtocolError('PAUSED', 'A person has control of this desktop.');
      throw new ProtocolError('GUARD_UNAVAILABLE', 'Guard does not answer, so nothing may be injected.');
    }
    if (fence.epoch < this.#epoch)
      throw new ProtocolError('STALE_EPOCH', 'A newer owner drives this machine.');
    if (this.#lease === undefined || this.#lease.leaseId !== fence.leaseId || now >= this.#lease.untilMs)
      throw new ProtocolError('LEASE_REQUIRED', 'The lease of this command has ended.');
  }
}
