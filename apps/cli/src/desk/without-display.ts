import { CommandProblem } from '../output/problem.ts';

const WITHOUT_DISPLAY: ReadonlySet<string> = new Set(['DISPLAY_UNAVAILABLE', 'NO_DISPLAY']);

/** Between two looks whether a display server that is gone has come back (a session that was ended and begun again). */
export const DISPLAY_RETRY_MS = 2000;

/** A part could not start, or ended, for want of a display. */
export function isWithoutDisplay(error: unknown): error is CommandProblem {
  return error instanceof CommandProblem && WITHOUT_DISPLAY.has(error.code);
}
