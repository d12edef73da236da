import { assertNever } from '@deskhand/base';
import { ERRORS, type ErrorCode } from './errors.ts';
import {
  isTerminal,
  type RunError,
  type RunResult,
  type RunStatus,
  type StopReason,
  type TerminalStatus,
} from './run.ts';

/** Everything that can happen to a run. */
export type RunChange =
  | { type: 'started' }
  | { type: 'needs_human'; reason: string }
  | { type: 'resumed'; note: string | null }
  | { type: 'stopped'; reason: StopReason; message?: string; rule?: string }
  | { type: 'finished'; passed: boolean; code?: ErrorCode; message?: string; result: RunResult };

export type RunTransition =
  | { ok: true; status: RunStatus; error: RunError | null; result: RunResult | null }
  | {
      ok: false;
      code: 'INVALID_STATE' | 'NOT_AWAITING_HUMAN' | 'RESUME_CONFLICT';
      allowedFrom: readonly RunStatus[];
    };

/**
 * The table of transitions: pure and total. A refusal is an answer, not an exception.
 *
 * | from \ change    | started | needs_human    | resumed | stopped   | finished  |
 * | queued           | running | –              | –       | end       | –         |
 * | running          | –       | awaiting_human | –       | end       | end       |
 * | awaiting_human   | –       | –              | running | end       | –         |
 * | terminal         | –       | –              | –       | –         | –         |
 */
export function transition(from: RunStatus, change: RunChange): RunTransition {
  switch (change.type) {
    case 'started':
      return from === 'queued' ? to('running') : refuse('INVALID_STATE', ['queued']);
    case 'needs_human':
      return from === 'running' ? to('awaiting_human') : refuse('INVALID_STATE', ['running']);
    case 'resumed':
      if (from === 'awaiting_human') return to('running');
      return refuse(isTerminal(from) ? 'RESUME_CONFLICT' : 'NOT_AWAITING_HUMAN', ['awaiting_human']);
    case 'stopped': {
      if (isTerminal(from)) return refuse('INVALID_STATE', ['queued', 'running', 'awaiting_human']);
      const end = STOP_ENDINGS[change.reason];
      const error =
        end.code === null
          ? null
          : {
              code: end.code,
              message: change.message ?? ERRORS[end.code].meaning,
              ...(change.rule === undefined ? {} : { rule: change.rule }),
            };
      return {
        ok: true,
        status: end.status,
        error,
        result: end.judged ? failedResult(end.status, error) : null,
      };
    }
    case 'finished': {
      if (from !== 'running') return refuse('INVALID_STATE', ['running']);
      // One verdict, told once: what the result says about itself cannot disagree with how the run ended.
      const status: TerminalStatus = change.passed ? 'succeeded' : 'failed';
      const result = { ...change.result, passed: change.passed, status };
      if (change.passed) return { ok: true, status, error: null, result };
      const code = change.code ?? 'TASK_FAILED';
      return {
        ok: true,
        status,
        error: { code, message: change.message ?? ERRORS[code].meaning },
        result,
      };
    }
    default:
      return assertNever(change, 'run change');
  }
}

/** How each stop reason ends a run (surface.md 4, v1-api.md 2.4). `judged`: a result with `passed: false` belongs to it. */
export const STOP_ENDINGS = {
  cancelled: { status: 'cancelled', code: null, judged: false },
  stopped_by_user: { status: 'cancelled', code: 'STOPPED_BY_USER', judged: false },
  deadline: { status: 'timed_out', code: 'DEADLINE_EXCEEDED', judged: false },
  human_timeout: { status: 'timed_out', code: 'AWAITING_HUMAN_TIMEOUT', judged: false },
  max_steps: { status: 'failed', code: 'MAX_STEPS_REACHED', judged: true },
  budget: { status: 'failed', code: 'BUDGET_EXCEEDED', judged: true },
  stalled: { status: 'failed', code: 'STALLED', judged: true },
  policy: { status: 'failed', code: 'ACTION_POLICY_VIOLATION', judged: true },
  link_lost: { status: 'failed', code: 'MACHINE_DISCONNECTED', judged: true },
  machine_removed: { status: 'cancelled', code: 'MACHINE_REMOVED', judged: false },
  /** A task for which no machine was free. */
  no_machine: { status: 'failed', code: 'MACHINE_PROVISION_FAILED', judged: true },
  interrupted: { status: 'failed', code: 'INTERRUPTED', judged: true },
  /** A person was needed and `on_awaiting_human` is `fail`. */
  human_needed: { status: 'failed', code: 'AWAITING_HUMAN', judged: true },
  /** A person was needed and `on_awaiting_human` is `cancel`. */
  human_unwanted: { status: 'cancelled', code: 'AWAITING_HUMAN', judged: false },
} as const satisfies Record<StopReason, { status: TerminalStatus; code: ErrorCode | null; judged: boolean }>;

function to(status: RunStatus): RunTransition {
  return { ok: true, status, error: null, result: null };
}

function refuse(
  code: 'INVALID_STATE' | 'NOT_AWAITING_HUMAN' | 'RESUME_CONFLICT',
  allowedFrom: readonly RunStatus[],
): RunTransition {
  return { ok: false, code, allowedFrom };
}

function failedResult(status: TerminalStatus, error: RunError | null): RunResult {
  return { passed: false, status, summary: error?.message ?? status };
}
