/**
 * When a delivery is tried again. A round is at most three attempts close together; a receiver that fails a
 * whole round is down for longer and gets further rounds, ever further apart, until the schedule ends.
 */
export type RetrySchedule = Readonly<{
  /** Seconds before the second, third … attempt of a round. */
  retrySeconds: readonly number[];
  /** Seconds before the second, third … round. */
  roundSeconds: readonly number[];
}>;

/**
 * @param failures attempts that failed so far, from 1.
 * @returns seconds to wait, or null when it is given up.
 */
export function nextRetrySeconds(schedule: RetrySchedule, failures: number): number | null {
  const perRound = schedule.retrySeconds.length + 1;
  const round = Math.floor(failures / perRound);
  const inRound = failures % perRound;
  if (inRound === 0) return schedule.roundSeconds[round - 1] ?? null;
  if (round > schedule.roundSeconds.length) return null;
  return schedule.retrySeconds[inRound - 1] ?? null;
}
