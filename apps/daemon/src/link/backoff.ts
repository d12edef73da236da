const FIRST_MS = 250;
const CEILING_MS = 15_000;

/**
 * How long to wait before the n-th attempt in a row (from 0): exponential with full jitter, so that a thousand
 * desktops do not come back to a restarted server in the same second.
 * @param random 0…1
 */
export function backoffMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(CEILING_MS, FIRST_MS * 2 ** Math.min(attempt, 20)));
}
