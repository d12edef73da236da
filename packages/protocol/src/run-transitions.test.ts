import { describe, expect, it } from 'vitest';
import {
  isTerminal,
  OPEN_STATUSES,
  RUN_STATUSES,
  type RunResult,
  type RunStatus,
  STOP_REASONS,
  type StopReason,
  TERMINAL_STATUSES,
} from './run.ts';
import { type RunChange, STOP_ENDINGS, transition } from './run-transitions.ts';

const result = (passed: boolean): RunResult => ({
  passed,
  status: passed ? 'succeeded' : 'failed',
  summary: 'So it went.',
});

const changes = {
  started: { type: 'started' },
  needs_human: { type: 'needs_human', reason: 'Which one?' },
  resumed: { type: 'resumed', note: null },
  stopped: { type: 'stopped', reason: 'cancelled' },
  passed: { type: 'finished', passed: true, result: result(true) },
  failed: { type: 'finished', passed: false, result: result(false) },
} as const satisfies Record<string, RunChange>;

/** Every cell: the next status, or the code of the refusal. */
const table: Record<RunStatus, Record<keyof typeof changes, string>> = {
  queued: {
    started: 'running',
    needs_human: 'INVALID_STATE',
    resumed: 'NOT_AWAITING_HUMAN',
    stopped: 'cancelled',
    passed: 'INVALID_STATE',
    failed: 'INVALID_STATE',
  },
  running: {
    started: 'INVALID_STATE',
    needs_human: 'awaiting_human',
    resumed: 'NOT_AWAITING_HUMAN',
    stopped: 'cancelled',
    passed: 'succeeded',
    failed: 'failed',
  },
  awaiting_human: {
    started: 'INVALID_STATE',
    needs_human: 'INVALID_STATE',
    resumed: 'running',
    stopped: 'cancelled',
    passed: 'INVALID_STATE',
    failed: 'INVALID_STATE',
  },
  succeeded: terminalRow(),
  failed: terminalRow(),
  cancelled: terminalRow(),
  timed_out: terminalRow(),
};

function terminalRow(): Record<keyof typeof changes, string> {
  return {
    started: 'INVALID_STATE',
    needs_human: 'INVALID_STATE',
    resumed: 'RESUME_CONFLICT',
    stopped: 'INVALID_STATE',
    passed: 'INVALID_STATE',
    failed: 'INVALID_STATE',
  };
}

describe('[RUN2] the table of transitions', () => {
  const cells = RUN_STATUSES.flatMap((from) =>
    Object.entries(table[from]).map(([name, expected]) => [from, name, expected] as const),
  );

  it.each(cells)('%s + %s → %s', (from, name, expected) => {
    const next = transition(from, changes[name as keyof typeof changes]);
    expect(next.ok ? next.status : next.code).toBe(expected);
  });

  it('is as large as it should be', () => {
    expect(cells).toHaveLength(RUN_STATUSES.length * Object.keys(changes).length);
  });

  it('a refusal says from where it would have been allowed, and that is true', () => {
    for (const from of RUN_STATUSES) {
      for (const change of Object.values(changes)) {
        const next = transition(from, change);
        if (next.ok) continue;
        expect(next.allowedFrom.length).toBeGreaterThan(0);
        for (const allowed of next.allowedFrom) expect(transition(allowed, change).ok).toBe(true);
        expect(next.allowedFrom).not.toContain(from);
      }
    }
  });
});

describe('[RUN3] terminal states', () => {
  it('open and terminal states together are all states, none is both', () => {
    expect([...OPEN_STATUSES, ...TERMINAL_STATUSES].sort()).toEqual([...RUN_STATUSES].sort());
    for (const status of RUN_STATUSES)
      expect(isTerminal(status)).toBe((TERMINAL_STATUSES as readonly string[]).includes(status));
  });

  it('nothing leads out of them', () => {
    for (const from of TERMINAL_STATUSES)
      for (const change of Object.values(changes)) expect(transition(from, change).ok).toBe(false);
  });
});

describe('[RUN4] endings', () => {
  /** surface.md 4 and v1-api.md 2.4, written down once more on purpose. */
  const endings: Record<StopReason, [status: RunStatus, code: string | null, passedFalse: boolean]> = {
    cancelled: ['cancelled', null, false],
    stopped_by_user: ['cancelled', 'STOPPED_BY_USER', false],
    deadline: ['timed_out', 'DEADLINE_EXCEEDED', false],
    human_timeout: ['timed_out', 'AWAITING_HUMAN_TIMEOUT', false],
    max_steps: ['failed', 'MAX_STEPS_REACHED', true],
    budget: ['failed', 'BUDGET_EXCEEDED', true],
    stalled: ['failed', 'STALLED', true],
    policy: ['failed', 'ACTION_POLICY_VIOLATION', true],
    machine_removed: ['cancelled', 'MACHINE_REMOVED', false],
    no_machine: ['failed', 'MACHINE_PROVISION_FAILED', true],
    link_lost: ['failed', 'MACHINE_DISCONNECTED', true],
    interrupted: ['failed', 'INTERRUPTED', true],
    human_needed: ['failed', 'AWAITING_HUMAN', true],
    human_unwanted: ['cancelled', 'AWAITING_HUMAN', false],
  };

  it('every reason has one', () => {
    expect(Object.keys(STOP_ENDINGS).sort()).toEqual([...STOP_REASONS].sort());
  });

  it.each(OPEN_STATUSES.flatMap((from) => STOP_REASONS.map((reason) => [from, reason] as const)))(
    '%s, stopped by %s',
    (from, reason) => {
      const [status, code, passedFalse] = endings[reason];
      const next = transition(from, { type: 'stopped', reason });
      if (!next.ok) return expect.fail('refused');
      expect(next.status).toBe(status);
      expect(next.error?.code ?? null).toBe(code);
      if (code !== null) expect(next.error?.message).toMatch(/\.$/);
      if (passedFalse) expect(next.result).toMatchObject({ passed: false, status });
      else expect(next.result).toBeNull();
    },
  );

  it('says the message and the rule it was given', () => {
    const next = transition('running', {
      type: 'stopped',
      reason: 'policy',
      message: 'The chord is blocked.',
      rule: 'blocked_keys',
    });
    expect(next).toMatchObject({
      error: { code: 'ACTION_POLICY_VIOLATION', message: 'The chord is blocked.', rule: 'blocked_keys' },
      result: { passed: false, summary: 'The chord is blocked.' },
    });
  });

  it('[RUN5] only a passed verdict succeeds, and the result cannot say otherwise', () => {
    const contradiction = transition('running', { type: 'finished', passed: false, result: result(true) });
    expect(contradiction).toMatchObject({
      status: 'failed',
      error: { code: 'TASK_FAILED' },
      result: { passed: false, status: 'failed' },
    });
    const success = transition('running', { type: 'finished', passed: true, result: result(false) });
    expect(success).toMatchObject({
      status: 'succeeded',
      error: null,
      result: { passed: true, status: 'succeeded' },
    });
  });

  it('a failed run carries the code it was given', () => {
    const next = transition('running', {
      type: 'finished',
      passed: false,
      code: 'VERIFICATION_FAILED',
      message: 'The file is empty.',
      result: result(false),
    });
    expect(next).toMatchObject({ error: { code: 'VERIFICATION_FAILED', message: 'The file is empty.' } });
  });

  it('changes nothing it was given', () => {
    const given = Object.freeze(result(true));
    transition('running', Object.freeze({ type: 'finished', passed: false, result: given }));
    expect(given).toEqual(result(true));
  });
});
