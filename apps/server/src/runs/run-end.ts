import type { RunOutcome } from '@deskhand/agent';
import { reasonFrom, StopError } from '@deskhand/base';
import {
  ProtocolError,
  type RunChange,
  type RunResult,
  type RunStatus,
  STOP_REASONS,
  type StopReason,
  type Verdict,
} from '@deskhand/protocol';

export function stoppedByUser(latch: { by?: string | undefined; reason?: string | undefined }): StopError {
  const by = latch.by === undefined ? '' : ` (${latch.by})`;
  return new StopError('stopped_by_user', `The person tripped the kill switch${by}.`);
}

/** How the loop's own end changes the run. */
export function changeOf(outcome: RunOutcome): RunChange {
  if (outcome.type === 'finished') {
    const status: RunStatus = outcome.passed ? 'succeeded' : 'failed';
    const result: RunResult = {
      passed: outcome.passed,
      status,
      summary: outcome.summary,
      ...(outcome.verdict === null ? {} : { verdict: publicVerdict(outcome.verdict) }),
    };
    return outcome.passed
      ? { type: 'finished', passed: true, result }
      : { type: 'finished', passed: false, code: outcome.code, message: outcome.summary, result };
  }
  return {
    type: 'stopped',
    // The loop ends as cancelled only because a human was needed and the run may not wait for one.
    reason: outcome.reason === 'cancelled' ? 'human_unwanted' : outcome.reason,
    message: outcome.message,
    ...(outcome.rule === undefined ? {} : { rule: outcome.rule }),
  };
}

function publicVerdict(verdict: Verdict): NonNullable<RunResult['verdict']> {
  return {
    passed: verdict.judgement === 'satisfied',
    judgement: verdict.judgement,
    reason: verdict.reason,
    confidence: verdict.confidence,
    evidence: verdict.evidence,
  };
}

/**
 * How an exception changes the run.
 * @returns null when it is not ours to end: it has ended, somebody newer drives it, or this server stops.
 */
export function changeFor(error: unknown, signal: AbortSignal): RunChange | null {
  // What aborted the run is the reason, whatever broke in consequence.
  const cause = signal.aborted ? signal.reason : error;
  const reason = reasonFrom(cause);
  if (reason === 'ended' || reason === 'shutdown') return null;
  const message = cause instanceof Error ? cause.message : undefined;
  if (reason === 'wallet') return failure('WALLET_EXHAUSTED', message);
  if (reason !== undefined && (STOP_REASONS as readonly string[]).includes(reason)) {
    return { type: 'stopped', reason: reason as StopReason, ...(message === undefined ? {} : { message }) };
  }
  if (cause instanceof ProtocolError) {
    if (cause.code === 'DB_UNAVAILABLE') throw cause;
    if (cause.code === 'LATCHED') return { type: 'stopped', reason: 'stopped_by_user' };
    return failure(cause.code, cause.message);
  }
  return failure('INTERNAL_ERROR', 'The server met a fault it did not expect; its log has the details.');
}

function failure(code: ProtocolError['code'], message = 'The run failed.'): RunChange {
  return {
    type: 'finished',
    passed: false,
    code,
    message,
    result: { passed: false, status: 'failed', summary: message },
  };
}
