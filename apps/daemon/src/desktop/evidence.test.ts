import { Operation, type OperationInput, type Outcome } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { judge, type Seen } from './evidence.ts';

const point = { x: 1, y: 1 };
const done = (status: Outcome['status']): Outcome => ({ status, durationMs: 5 });
const seen = (evidence: Seen['evidence'], more: Partial<Seen> = {}): Seen => ({
  evidence,
  onlyCaret: false,
  onlyFeedback: false,
  inReceiver: true,
  target: null,
  focusArrived: false,
  fieldKnown: false,
  ...more,
});

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
      seen({ changedFraction: 0.0001, changedNearTarget: true }, { onlyCaret: true }),
      'unverified',
    ],
    [
      'much changed, in somebody else’s window',
      { type: 'click', point },
      seen({ changedFraction: 0.2, changedNearTarget: false }, { inReceiver: false }),
      'unverified',
    ],
    [
      'a disabled button that lights up under the pointer',
      { type: 'click', point },
      seen(
        { changedFraction: 0.01, changedNearTarget: true, focusChanged: true },
        { target: { enabled: false, usable: true }, onlyFeedback: true },
      ),
      'no_effect',
    ],
    [
      'a row of plain text that lights up under the pointer',
      { type: 'click', point },
      seen(
        { changedFraction: 0.01, changedNearTarget: true },
        { target: { enabled: true, usable: false }, onlyFeedback: true },
      ),
      'unverified',
    ],
    [
      'a button that looks pressed',
      { type: 'click', point },
      seen(
        { changedFraction: 0.01, changedNearTarget: true },
        { target: { enabled: true, usable: true }, onlyFeedback: true },
      ),
      'confirmed',
    ],
    [
      'a menu of another program went away',
      { type: 'click', point },
      seen({ changedFraction: 0.1, changedNearTarget: true, pointerHeldByOther: true }),
      'unverified',
    ],
    [
      'a field that has the focus now',
      { type: 'click', point },
      seen({ changedFraction: 0, focusChanged: true }, { focusArrived: true }),
      'confirmed',
    ],
    [
      'something else that lost the focus',
      { type: 'click', point },
      seen({ changedFraction: 0.0002, focusChanged: true, changedNearTarget: false }),
      'unverified',
    ],
    [
      'a box that says it is ticked now',
      { type: 'click', point },
      seen({ changedFraction: 0, valueChanged: true }),
      'confirmed',
    ],
    [
      'a field that says the same as before',
      { type: 'type_text', text: 'x' },
      seen({ changedFraction: 0, valueChanged: false }, { fieldKnown: true }),
      'no_effect',
    ],
    [
      'a field that says something else',
      { type: 'type_text', text: 'x' },
      seen({ changedFraction: 0, valueChanged: true }, { fieldKnown: true }),
      'confirmed',
    ],
    ['nothing at all', { type: 'click', point }, seen({ changedFraction: 0 }), 'no_effect'],
    ['the end of the page', { type: 'scroll', direction: 'down' }, seen({ changedFraction: 0 }), 'no_effect'],
    ['letters appeared', { type: 'type_text', text: 'x' }, seen({ changedFraction: 0.0001 }), 'confirmed'],
    ['a password prompt', { type: 'type_text', text: 'x' }, seen({ changedFraction: 0 }), 'unverified'],
    [
      'only the caret',
      { type: 'type_text', text: 'x' },
      seen({ changedFraction: 0.0001 }, { onlyCaret: true }),
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
