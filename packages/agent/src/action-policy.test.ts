import { ActionPolicy, Operation, type OperationInput } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { violationOf } from './action-policy.ts';

function rule(policy: object, operations: OperationInput[], before = 0): string | null {
  const violation = violationOf(
    ActionPolicy.parse(policy),
    operations.map((operation) => Operation.parse(operation)),
    before,
  );
  return violation?.rule ?? null;
}

const click: OperationInput = { type: 'click', point: { x: 10, y: 20 } };
const typing: OperationInput = { type: 'type_text', text: 'abc' };
const combo = (...keys: string[]): OperationInput => ({ type: 'key_combo', keys });
const keys = (...names: string[]): OperationInput => ({ type: 'key_press', keys: names });

describe('action policy', () => {
  it.each<[string, object, OperationInput[], string | null]>([
    ['an empty policy allows everything', {}, [click, typing, combo('alt', 'f4')], null],
    ['only allowed actions pass', { allowed_actions: ['click'] }, [click], null],
    [
      'one forbidden action refuses the whole proposal',
      { allowed_actions: ['click'] },
      [click, typing],
      'allowed_actions',
    ],
    ['blocked actions', { blocked_actions: ['type_text'] }, [click, typing], 'blocked_actions'],
    ['names as clients know them', { blocked_actions: ['type'] }, [typing], 'blocked_actions'],
    ['names fold case', { blocked_actions: ['TYPE_TEXT'] }, [typing], 'blocked_actions'],
    [
      'terminal by its other name',
      { blocked_actions: ['terminal'] },
      [{ type: 'run_command', command: 'ls' }],
      'blocked_actions',
    ],
    ['double_click blocks only double clicks', { blocked_actions: ['double_click'] }, [click], null],
    [
      'double_click blocked',
      { blocked_actions: ['double_click'] },
      [{ ...click, clicks: 2 }],
      'blocked_actions',
    ],
    [
      'right_click blocked',
      { blocked_actions: ['right_click'] },
      [{ ...click, button: 'right' }],
      'blocked_actions',
    ],
    ['esc is escape', { blocked_keys: ['esc'] }, [keys('Escape')], 'blocked_keys'],
    ['escape is esc', { blocked_keys: ['ESCAPE'] }, [keys('esc')], 'blocked_keys'],
    ['keys fold case', { blocked_keys: ['F4'] }, [combo('alt', 'f4')], 'blocked_keys'],
    [
      'a key held during a click',
      { blocked_keys: ['ctrl'] },
      [{ ...click, modifiers: ['control'] }],
      'blocked_keys',
    ],
    [
      'a blocked chord needs all its keys',
      { blocked_keys: ['ctrl+w'] },
      [combo('ctrl', 's'), keys('w')],
      null,
    ],
    ['a blocked chord in other words', { blocked_keys: ['ctrl+w'] }, [combo('Control', 'W')], 'blocked_keys'],
    ['a chord written as one key', { blocked_keys: ['delete'] }, [keys('ctrl+alt+del')], 'blocked_keys'],
    [
      'enter typed as a line end',
      { blocked_keys: ['enter'] },
      [{ type: 'type_text', text: 'a\nb' }],
      'blocked_keys',
    ],
    ['letters in text are no keys', { blocked_keys: ['a'] }, [typing], null],
    ['closing by alt+f4', { block_window_close: true }, [combo('alt', 'F4')], 'block_window_close'],
    ['closing by ctrl+w', { block_window_close: true }, [combo('ctrl', 'w')], 'block_window_close'],
    ['closing by super+q', { block_window_close: true }, [combo('cmd', 'q')], 'block_window_close'],
    ['closing by tool', { block_window_close: true }, [{ type: 'close_window' }], 'block_window_close'],
    ['ctrl+shift+w is another chord', { block_window_close: true }, [combo('ctrl', 's')], null],
    [
      'bounds are inclusive',
      { coordinate_bounds: { min_x: 10, min_y: 20, max_x: 30, max_y: 40 } },
      [click],
      null,
    ],
    [
      'a point outside',
      { coordinate_bounds: { min_x: 11, min_y: 0, max_x: 30, max_y: 40 } },
      [click],
      'coordinate_bounds',
    ],
    [
      'both ends of a drag',
      { coordinate_bounds: { min_x: 0, min_y: 0, max_x: 30, max_y: 40 } },
      [{ type: 'drag', from: { x: 1, y: 1 }, to: { x: 31, y: 1 } }],
      'coordinate_bounds',
    ],
  ])('%s', (_title, policy, operations, expected) => {
    expect(rule(policy, operations)).toBe(expected);
  });

  it('counts the actions of the whole run', () => {
    expect(rule({ max_actions: 3 }, [click, click], 1)).toBeNull();
    expect(rule({ max_actions: 3 }, [click, click], 2)).toBe('max_actions');
  });

  it('never quotes typed text', () => {
    const violation = violationOf(
      ActionPolicy.parse({ blocked_actions: ['type_text'] }),
      [Operation.parse({ type: 'type_text', text: 'hunter2' })],
      0,
    );
    expect(JSON.stringify(violation)).not.toContain('hunter2');
  });
});
