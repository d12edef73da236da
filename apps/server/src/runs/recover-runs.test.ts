import { describe, expect, it } from 'vitest';
import { decideRecovery } from './recover-runs.ts';
import type { RunRow } from './run-record.ts';

const NOW = Date.parse('2026-01-01T12:00:00.000Z');
const PAST = '2026-01-01T11:59:59.999Z';
const FUTURE = '2026-01-01T12:00:00.001Z';

const row = (values: Partial<RunRow>): RunRow =>
  ({
    status: 'running',
    deadline_at: null,
    queue_until: null,
    awaiting_until: null,
    attempts: 1,
    last_seq: 5,
    claimed_seq: 2,
    ...values,
  }) as RunRow;

describe('recovery of one run', () => {
  it.each<[string, Partial<RunRow>, unknown]>([
    ['ended', { status: 'succeeded' }, { type: 'nothing' }],
    ['queued', { status: 'queued' }, { type: 'queue' }],
    ['queued too long', { status: 'queued', queue_until: PAST }, { type: 'end', reason: 'deadline' }],
    ['running', {}, { type: 'continue' }],
    ['running past its deadline', { deadline_at: PAST }, { type: 'end', reason: 'deadline' }],
    ['running before its deadline', { deadline_at: FUTURE }, { type: 'continue' }],
    ['running, its queue time long over', { queue_until: PAST }, { type: 'continue' }],
    ['waiting for a person', { status: 'awaiting_human', awaiting_until: FUTURE }, { type: 'continue' }],
    [
      'waiting too long',
      { status: 'awaiting_human', awaiting_until: PAST },
      { type: 'end', reason: 'human_timeout' },
    ],
    ['crashing without progress', { attempts: 3, last_seq: 2 }, { type: 'end', reason: 'interrupted' }],
    ['crashing with progress', { attempts: 3, last_seq: 3 }, { type: 'continue' }],
  ])('%s', (_name, values, expected) => {
    expect(decideRecovery(row(values), NOW, 3)).toMatchObject(expected as object);
  });
});
