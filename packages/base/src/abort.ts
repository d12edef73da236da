/**
 * Stopping is a parameter here, never a global: everything slow takes a signal, and the signal's
 * reason says why. This file is the only one that waits with `setTimeout`.
 */

/** A stop with a typed reason; what `AbortController.abort` receives in this house. */
export class StopError<Reason extends string = string> extends Error {
  override readonly name = 'StopError';
  readonly reason: Reason;
  constructor(reason: Reason, message?: string, options?: ErrorOptions) {
    super(message ?? `stopped: ${reason}`, options);
    this.reason = reason;
  }
}

/** The typed reason a signal was aborted with, or `undefined` when it is live or was aborted without one. */
export function stopReasonOf(signal: AbortSignal): string | undefined {
  if (!signal.aborted) return undefined;
  return reasonFrom(signal.reason);
}

/** Digs the reason out of an error; `node:timers/promises` and fetch hide it in `cause`. */
export function reasonFrom(error: unknown): string | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current !== undefined && current !== null; depth += 1) {
    if (current instanceof StopError) return current.reason;
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
}

/** True for any error that only says "the signal was aborted". */
export function isAbort(error: unknown): boolean {
  if (error instanceof StopError) return true;
  const name = (error as { name?: unknown } | null)?.name;
  return name === 'AbortError';
}

/**
 * Waits `ms` milliseconds.
 * @throws the signal's own reason (not a wrapping AbortError) as soon as it aborts.
 */
export async function sleep(ms: number, options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
  let leftMs = ms;
  while (leftMs > LONGEST_TIMER_MS) {
    await oneTimer(LONGEST_TIMER_MS, options.signal);
    leftMs -= LONGEST_TIMER_MS;
  }
  await oneTimer(leftMs, options.signal);
}

/** A longer timer fires at once instead. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

function oneTimer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Settles with `work`, or rejects with the signal's reason the moment it aborts.
 * The work itself goes on unless it listens to the same signal; its late result is dropped.
 */
export function raceSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      work.catch(() => {});
      reject(signal.reason as Error);
      return;
    }
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
