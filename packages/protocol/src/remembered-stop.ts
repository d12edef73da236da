import type { LatchState } from './link.ts';
import type { GuardState } from './local.ts';

export type StopRecord = Readonly<{ by: string; at: string; reason?: string }>;

/**
 * A stop as somebody beside guard remembers it. Where no disk takes the latch, guard's memory is all there is, and
 * a guard that was started anew, or one that slept through the stop, does not know. Only a reset that guard itself
 * counts ends it. Pure.
 */
export class RememberedStop {
  #guard: { instance: string; resets: number } | undefined;
  #stop: StopRecord | undefined;

  get stop(): StopRecord | undefined {
    return this.#stop;
  }

  remember({
    by = 'guard',
    at = new Date().toISOString(),
    reason,
  }: Pick<LatchState, 'by' | 'at' | 'reason'>): void {
    this.#stop = { by, at, ...(reason === undefined ? {} : { reason }) };
  }

  forget(): void {
    this.#stop = undefined;
  }

  /** @returns the stop that this guard does not know of and must be told. */
  hear(state: GuardState): StopRecord | undefined {
    const { instance, resets } = state;
    const before = this.#guard?.instance === instance ? this.#guard : undefined;
    this.#guard = instance === undefined || resets === undefined ? undefined : { instance, resets };
    if (state.latch.tripped) return undefined;
    // A guard that does not count them cannot be asked which it was.
    if (resets === undefined || resets > (before?.resets ?? 0)) this.#stop = undefined;
    return this.#stop;
  }
}
