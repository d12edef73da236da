const MAX_PAUSE_MS = 8000;

/**
 * How long to wait before attempt `attempt` + 1: doubling from `firstMs`, at most 8 s, with up to a quarter taken
 * off at random so that clients cut at the same moment do not come back at the same moment.
 * @param attempt   attempts made so far, from 1.
 * @param randomness 0 … 1.
 */
export function backoffMs(attempt: number, firstMs: number, randomness: number = Math.random()): number {
  const fullMs = Math.min(MAX_PAUSE_MS, firstMs * 2 ** Math.min(attempt - 1, 16));
  return fullMs * (1 - randomness / 4);
}

/** `Retry-After` in seconds: a number of seconds or an HTTP date. `null` when absent or neither. */
export function retryAfterSeconds(header: string | null, nowMs: number = Date.now()): number | null {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, (at - nowMs) / 1000);
}
