import {
  LEASE_RENEW_MS,
  LEASE_TTL_MS,
  type LeaseId,
  mintCommandId,
  mintLeaseId,
  type RunBrief,
} from '@deskhand/protocol';
import type { MachineHub } from './machine-hub.ts';

/** How long a daemon may take to say that everything is released; its lease ends by itself anyway. */
const RELEASE_MS = 2000;

export type Lease = Readonly<{ leaseId: LeaseId; machineId: string; epoch: number; run: RunBrief | null }>;

/**
 * The exclusive, expiring right to drive a machine: one live lease per machine, renewed every second for as
 * long as it is held. A daemon that hears no renewal for three seconds lets go by itself.
 */
export class LeaseBook implements Disposable {
  readonly #hub: MachineHub;
  readonly #held = new Map<string, { lease: Lease; timer: NodeJS.Timeout }>();
  readonly #stopListening: () => void;

  constructor(hub: MachineHub) {
    this.#hub = hub;
    this.#stopListening = hub.listen({
      // A desktop that comes back must not wait for the next second.
      connected: (connection) => {
        const held = this.#held.get(connection.machineId);
        if (held !== undefined) this.#renew(held.lease);
      },
      connecting: async () => {},
      disconnected() {},
      desktopEvent() {},
      personCommand() {},
    });
  }

  /** Replaces whatever lease the machine had. */
  grant(machineId: string, epoch: number, run: RunBrief | null): Lease {
    this.#forget(machineId);
    const lease: Lease = { leaseId: mintLeaseId(), machineId, epoch, run };
    const timer = setInterval(() => this.#renew(lease), LEASE_RENEW_MS);
    timer.unref();
    this.#held.set(machineId, { lease, timer });
    this.#renew(lease);
    return lease;
  }

  /**
   * Ends it at once here; then tells the daemon, which stops and releases everything.
   * Never throws: a daemon that does not hear it loses the lease within three seconds.
   */
  async release(lease: Lease, reason: string): Promise<void> {
    if (this.#held.get(lease.machineId)?.lease !== lease) return;
    this.#forget(lease.machineId);
    const connection = this.#hub.connection(lease.machineId);
    if (connection === undefined) return;
    try {
      await connection.request(
        { type: 'release', id: mintCommandId(), leaseId: lease.leaseId, reason: reason.slice(0, 64) },
        { signal: AbortSignal.timeout(RELEASE_MS) },
      );
    } catch {
      // Gone, slow or old: the lease's end says the same.
    }
  }

  holds(lease: Lease): boolean {
    return this.#held.get(lease.machineId)?.lease === lease;
  }

  current(machineId: string): Lease | undefined {
    return this.#held.get(machineId)?.lease;
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    for (const machineId of [...this.#held.keys()]) this.#forget(machineId);
  }

  #renew(lease: Lease): void {
    if (!this.holds(lease)) return;
    this.#hub.connection(lease.machineId)?.send({
      type: 'lease',
      leaseId: lease.leaseId,
      epoch: lease.epoch,
      ttlMs: LEASE_TTL_MS,
      run: lease.run,
    });
  }

  #forget(machineId: string): void {
    const held = this.#held.get(machineId);
    if (held === undefined) return;
    clearInterval(held.timer);
    this.#held.delete(machineId);
  }
}
