import { reasonFrom } from '@deskhand/base';
import { isErrorCode, type Outcome, ProtocolError } from '@deskhand/protocol';

/** Codes that say "nothing was done", as opposed to "it broke midway". */
const NOT_DONE: ReadonlySet<string> = new Set([
  'APPLICATION_NOT_FOUND',
  'WINDOW_NOT_FOUND',
  'BROWSER_UNAVAILABLE',
  'NOT_FOUND',
  'INVALID_PATH',
  'FEATURE_NOT_AVAILABLE',
  'POLICY_DENIED',
]);

/** A "no" before anything happened. */
export class Refused extends Error {
  readonly error: ProtocolError;
  constructor(error: ProtocolError) {
    super(error.message, { cause: error });
    this.error = error;
  }
}

export function outcomeOf(error: unknown, signal: AbortSignal, durationMs: number): Outcome {
  if (!(error instanceof Refused) && signal.aborted) {
    const { code, message } = abortedError(signal);
    return { status: 'failed', code, message, durationMs };
  }
  const known = error instanceof Refused ? error.error : error;
  if (!(known instanceof ProtocolError))
    return {
      status: 'failed',
      code: 'INTERNAL_ERROR',
      message: 'The operation failed; the daemon’s log says why.',
      durationMs,
    };
  const { code, message, details } = known;
  const refused = error instanceof Refused || NOT_DONE.has(code) || REFUSED_BEFORE_INPUT.has(code);
  const { rule } = details;
  return {
    status: refused ? 'refused' : 'failed',
    code,
    message,
    ...(typeof rule === 'string' ? { result: { rule } } : {}),
    durationMs,
  };
}

const REFUSED_BEFORE_INPUT: ReadonlySet<string> = new Set([
  'FRAME_UNKNOWN',
  'FRAME_STALE',
  'POINT_OUTSIDE_FRAME',
  'DISPLAY_UNAVAILABLE',
]);

export function abortedError(signal: AbortSignal): ProtocolError {
  const reason = reasonFrom(signal.reason);
  if (reason !== undefined && isErrorCode(reason)) return new ProtocolError(reason, stopMessage(signal));
  return new ProtocolError('ACTION_ABORTED', 'The command ran out of time or was stopped.');
}

function stopMessage(signal: AbortSignal): string {
  return (signal.reason as Error).message;
}
