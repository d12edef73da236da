import type { RunStatus } from '@deskhand/protocol';

/** What the command's exit status means (spec/surface.md 2). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  cancelled: 3,
  timedOut: 4,
  awaitingHuman: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Exit status for the state a run ended in, or is left in. */
export function exitCodeOf(status: RunStatus): ExitCode {
  switch (status) {
    case 'succeeded':
      return EXIT.ok;
    case 'cancelled':
      return EXIT.cancelled;
    case 'timed_out':
      return EXIT.timedOut;
    case 'awaiting_human':
      return EXIT.awaitingHuman;
    default:
      return EXIT.failed;
  }
}
