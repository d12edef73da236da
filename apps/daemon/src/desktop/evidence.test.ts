import { Operation, type OperationInput, type Outcome } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { judge } from './evidence.ts';

const point = { x: 1, y: 1 };
const done = (status: Outcome['status']): Outcome => ({ status, durationMs: 5 });
type Seen = Parameters<typeof judge>[2];
const seen = (evidence: Seen['evidence'], onlyCaret = false): Seen => ({ evidence, onlyCaret });

describe('what an operation did, judged by the screen', () => {
  it.each<[what: string, operation: OperationInput, seen: Seen, status: Outcome['status']]>([
    [
      'another window came',
      { type: 'click', point },
      seen({ windowChanged: true, changedFraction: 0 }),
      'confirmed',
    ],
    [
      'it changed there',
      { type: 'click', point },
      seen({ changedFraction: 0.0002, changedNearTarget: true }),
      'confirmed',
    ],
    [
      'much changed elsewhere',
      { type: 'click', point },
      seen({ changedFraction: 0.2, changedNearTarget: false }),
      'confirmed',
    ],
    [
      'a clock ticked elsewhere',
      { type: 'click', point },
      seen({ changedFraction: 0.0002, changedNearTarget: false }),
      'unverified',
    ],
    [
      'a caret blinked there',
      { type: 'click', point },
      seen({ changedFraction: 0.0001, changedNearTarget: true }, true),
      'unverified',
    ],
    ['nothing at all', { type: 'click', point }, seen({ changedFraction: 0 }), 'no_effect'],
    ['the end of the page', { type: 'scroll', direction: 'down' }, seen({ changedFraction: 0 }), 'no_effect'],
    ['letters appeared', { type: 'type_text', text: 'x' }, seen({ changedFraction: 0.0001 }), 'confirmed'],
    ['a password prompt', { type: 'type_text', text: 'x' }, seen({ changedFraction: 0 }), 'unverified'],
    [
      'only the caret',
      { type: 'type_text', text: 'x' },
      seen({ changedFraction: 0.0001 }, true),
      'unverified',
    ],
    ['copying', { type: 'key_combo', keys: ['ctrl', 'c'] }, seen({ changedFraction: 0 }), 'unverified'],
  ])('%s', (_what, operation, what, status) => {
    expect(judge(Operation.parse(operation), done('unverified'), what).status).toBe(status);
  });

  it.each(['refused', 'failed'] as const)('%s stays what it is, whatever the screen shows', (status) => {
    const outcome = judge(
      Operation.parse({ type: 'click', point }),
      done(status),
      seen({ windowChanged: true }),
    );
    expect(outcome.status).toBe(status);
  });
});
