import { describe, expect, it } from 'vitest';
import { ownCalls, safetyChecksOf } from './native-calls.ts';

const call = (name: string, input: unknown) => ({ id: 'c', name, input, malformed: false });
const translated = (name: string, input: unknown, pointer: { x: number; y: number } | null = null) =>
  ownCalls(call(name, input), pointer).map((own) => own.problem ?? [own.name, own.input]);

describe('Anthropic’s computer tool', () => {
  it.each<[object, unknown]>([
    [{ action: 'left_click', coordinate: [10, 20] }, ['click', { point: { x: 10, y: 20 } }]],
    [
      { action: 'right_click', coordinate: [0, 0], text: 'shift' },
      ['click', { point: { x: 0, y: 0 }, button: 'right', modifiers: ['shift'] }],
    ],
    [{ action: 'triple_click', coordinate: [1, 2] }, ['click', { point: { x: 1, y: 2 }, clicks: 3 }]],
    [{ action: 'mouse_move', coordinate: [1, 2] }, ['move', { point: { x: 1, y: 2 } }]],
    [
      { action: 'left_click_drag', start_coordinate: [1, 2], coordinate: [3, 4] },
      ['drag', { from: { x: 1, y: 2 }, to: { x: 3, y: 4 } }],
    ],
    [
      { action: 'scroll', coordinate: [5, 6], scroll_direction: 'down', scroll_amount: 4 },
      ['scroll', { point: { x: 5, y: 6 }, direction: 'down', amount: 4 }],
    ],
    [{ action: 'type', text: 'Grüße' }, ['type_text', { text: 'Grüße' }]],
    [{ action: 'key', text: 'ctrl+shift+s' }, ['key_combo', { keys: ['ctrl', 'shift', 's'] }]],
    [{ action: 'key', text: 'Return' }, ['key_press', { keys: ['enter'] }]],
    [{ action: 'key', text: 'KP_0' }, ['key_press', { keys: ['0'] }]],
    [{ action: 'wait', duration: 2 }, ['wait', { ms: 2000 }]],
    [{ action: 'screenshot' }, ['screenshot', {}]],
    [{ action: 'cursor_position' }, ['pointer_position', {}]],
    [{ action: 'zoom', region: [10, 20, 110, 70] }, ['zoom', { x: 10, y: 20, width: 100, height: 50 }]],
  ])('%o', (input, expected) => {
    expect(translated('computer', input)).toEqual([expected]);
  });

  it('repeats keys, does chords one after another, and clicks where the pointer is', () => {
    expect(translated('computer', { action: 'key', text: 'Down', repeat: 3 })).toHaveLength(3);
    expect(translated('computer', { action: 'key', text: 'ctrl+a Delete' })).toEqual([
      ['key_combo', { keys: ['ctrl', 'a'] }],
      ['key_press', { keys: ['delete'] }],
    ]);
    expect(translated('computer', { action: 'double_click' }, { x: 7, y: 8 })).toEqual([
      ['click', { point: { x: 7, y: 8 }, clicks: 2 }],
    ]);
  });

  it('a key is held for as long as it says, within one action', () => {
    expect(translated('computer', { action: 'hold_key', text: 'w', duration: 2.5 })).toEqual([
      ['key_combo', { keys: ['w'], heldMs: 2500 }],
    ]);
  });

  it.each<[object, RegExp]>([
    [{ action: 'left_mouse_down' }, /not available; use/],
    [{ action: 'hold_key', text: 'Hyper_Q', duration: 5 }, /“Hyper_Q” is not a key/],
    [{ action: 'left_click' }, /needs coordinate/],
    [{ action: 'key', text: 'Hyper_Q' }, /“Hyper_Q” is not a key/],
    [{ action: 'key' }, /is not a key/],
    [{ action: 'explode' }, /no action “explode”/],
    [{ action: 'left_click', coordinate: ['a', 1] }, /does not fit/],
  ])('%o is refused in words', (input, words) => {
    expect(translated('computer', input)).toEqual([expect.stringMatching(words)]);
  });
});

describe('OpenAI’s computer tool', () => {
  const actions = (...list: object[]) => translated('computer', { actions: list, pendingSafetyChecks: [] });

  it.each<[object, unknown]>([
    [{ type: 'click', button: 'left', x: 1, y: 2 }, ['click', { point: { x: 1, y: 2 }, button: 'left' }]],
    [
      { type: 'click', button: 'wheel', x: 1, y: 2, keys: ['CTRL'] },
      ['click', { point: { x: 1, y: 2 }, button: 'middle', modifiers: ['ctrl'] }],
    ],
    [{ type: 'double_click', x: 1, y: 2 }, ['click', { point: { x: 1, y: 2 }, clicks: 2 }]],
    [
      {
        type: 'drag',
        path: [
          { x: 1, y: 1 },
          { x: 5, y: 5 },
          { x: 9, y: 9 },
        ],
      },
      ['drag', { from: { x: 1, y: 1 }, to: { x: 9, y: 9 } }],
    ],
    [{ type: 'keypress', keys: ['CTRL', 'L'] }, ['key_combo', { keys: ['ctrl', 'l'] }]],
    [{ type: 'keypress', keys: ['ARROWDOWN'] }, ['key_press', { keys: ['down'] }]],
    [{ type: 'move', x: 3, y: 4 }, ['move', { point: { x: 3, y: 4 } }]],
    [
      { type: 'scroll', x: 1, y: 2, scrollX: 0, scrollY: 500 },
      ['scroll', { point: { x: 1, y: 2 }, direction: 'down', amount: 5 }],
    ],
    [{ type: 'type', text: 'a' }, ['type_text', { text: 'a' }]],
    [{ type: 'wait' }, ['wait', { ms: 2000 }]],
    [{ type: 'screenshot' }, ['screenshot', {}]],
  ])('%o', (action, expected) => {
    expect(actions(action)).toEqual([expected]);
  });

  it('does a batch in order and leaves out a screenshot among others', () => {
    const names = actions(
      { type: 'click', button: 'left', x: 1, y: 2 },
      { type: 'screenshot' },
      { type: 'type', text: 'x' },
    ).map(([name]) => name);
    expect(names).toEqual(['click', 'type_text']);
  });

  it('refuses what does not fit, and tells of its own safety checks', () => {
    expect(actions({ type: 'raw', code: 'rm -rf /' })).toEqual([expect.stringMatching(/does not fit/)]);
    expect(actions({ type: 'drag', path: [] })).toEqual([expect.stringMatching(/two points/)]);
    const checks = [{ id: 's', code: 'malicious_instructions', message: 'Look at this.' }];
    expect(safetyChecksOf(call('computer', { actions: [], pendingSafetyChecks: checks }))).toEqual([
      { id: 's', message: 'Look at this.' },
    ]);
  });
});

describe('Qwen’s computer_use', () => {
  it.each<[object, unknown]>([
    [{ action: 'left_click', coordinate: [10, 20] }, ['click', { point: { x: 10, y: 20 } }]],
    [{ action: 'key', keys: ['ctrl', 'c'] }, ['key_combo', { keys: ['ctrl', 'c'] }]],
    [{ action: 'key', keys: ['a', 'b'] }, ['key_press', { keys: ['a', 'b'] }]],
    [{ action: 'scroll', pixels: -300 }, ['scroll', { direction: 'down', amount: 3 }]],
    [{ action: 'wait', time: 1.5 }, ['wait', { ms: 1500 }]],
    [{ action: 'terminate', status: 'success' }, ['done', { summary: 'The model says the task is done.' }]],
    [{ action: 'terminate', status: 'failure', text: 'no field' }, ['fail', { reason: 'no field' }]],
    [{ action: 'answer', text: '42' }, ['done', { summary: '42' }]],
  ])('%o', (input, expected) => {
    expect(translated('computer_use', input)).toEqual([expected]);
  });
});

it('leaves our own calls alone', () => {
  const own = call('click', { point: { x: 1, y: 1 } });
  expect(ownCalls(own, null)).toEqual([own]);
});
