import { describe, expect, it } from 'vitest';
import { readUiTars } from './ui-tars.ts';
import { readWrittenCalls } from './written-calls.ts';

const newId = () => 'w';
const uiTars = (text: string) =>
  readUiTars(text, newId).calls.map((call) => call.problem ?? [call.name, call.input]);

describe('UI-TARS', () => {
  it.each<[string, unknown]>([
    ["click(start_box='(100,200)')", ['click', { point: { x: 100, y: 200 } }]],
    ["click(start_box='<|box_start|>(100,200)<|box_end|>')", ['click', { point: { x: 100, y: 200 } }]],
    ["click(start_box='[100,200,120,240]')", ['click', { point: { x: 110, y: 220 } }]],
    ["click(point='<point>100 200</point>')", ['click', { point: { x: 100, y: 200 } }]],
    ["left_double(start_box='(1,2)')", ['click', { point: { x: 1, y: 2 }, clicks: 2 }]],
    ["right_single(start_box='(1,2)')", ['click', { point: { x: 1, y: 2 }, button: 'right' }]],
    ["drag(start_box='(1,2)', end_box='(3,4)')", ['drag', { from: { x: 1, y: 2 }, to: { x: 3, y: 4 } }]],
    ["hotkey(key='ctrl s')", ['key_combo', { keys: ['ctrl', 's'] }]],
    ["hotkey(key='enter')", ['key_press', { keys: ['enter'] }]],
    [
      String.raw`type(content='It\'s 5 o\'clock; (now)\n')`,
      ['type_text', { text: "It's 5 o'clock; (now)\n" }],
    ],
    [
      "scroll(start_box='(1,2)', direction='down')",
      ['scroll', { point: { x: 1, y: 2 }, direction: 'down', amount: 5 }],
    ],
    ['wait()', ['wait', { ms: 3000 }]],
    ["finished(content='Saved.')", ['done', { summary: 'Saved.' }]],
    ["call_user(content='Which one?')", ['ask_human', { question: 'Which one?' }]],
  ])('%s', (action, expected) => {
    expect(uiTars(`Thought: I see it.\nAction: ${action}`)).toEqual([expected]);
  });

  it('reads thought and several actions', () => {
    const { thought, calls } = readUiTars(
      "Thought: The field is empty.\nAction: click(start_box='(1,2)')\n\ntype(content='a;b')",
      newId,
    );
    expect(thought).toBe('The field is empty.');
    expect(calls.map(({ name }) => name)).toEqual(['click', 'type_text']);
  });

  it.each<[string, RegExp]>([
    ['Action: import os; os.system("x")', /is not an action/],
    ["Action: click(start_box='somewhere')", /start_box is missing/],
    ["Action: hotkey(key='hyper q')", /is not a key/],
    ['Action: launch_missiles()', /no such action/],
  ])('%s is refused in words', (text, words) => {
    expect(uiTars(text)).toContainEqual(expect.stringMatching(words));
  });

  it('prose holds no action', () => {
    expect(uiTars('I think everything is fine.')).toEqual([]);
  });

  it('takes linear time on hostile text', () => {
    expect(uiTars(`Action: ${"click(start_box='(".repeat(20_000)}`).length).toBeLessThan(100_000);
  });
});

describe('calls written in text', () => {
  it.each([
    'I click.\n<tool_call>\n{"name": "click", "arguments": {"point": {"x": 1, "y": 2}}}\n</tool_call>',
    'I click.\n```json\n{"name": "click", "arguments": {"point": {"x": 1, "y": 2}}}\n```',
    'I click. <tool_call>{"name": "click", "parameters": {"point": {"x": 1, "y": 2}}}',
  ])('%s', (text) => {
    expect(readWrittenCalls(text, newId)).toEqual({
      thought: 'I click.',
      calls: [{ id: 'w', name: 'click', input: { point: { x: 1, y: 2 } }, malformed: false }],
    });
  });

  it('several, bare, broken and none', () => {
    const two = '<tool_call>{"name":"a","arguments":{}}</tool_call><tool_call>{"name":"b"}</tool_call>';
    expect(readWrittenCalls(two, newId).calls.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(readWrittenCalls('{"name":"done","arguments":{"summary":"x"}}', newId).calls).toHaveLength(1);
    const broken = readWrittenCalls('<tool_call>{"name":"click","arguments":{"point"</tool_call>', newId);
    expect(broken.calls).toMatchObject([{ name: 'click', malformed: true }]);
    expect(readWrittenCalls('The price is {12} euros.', newId).calls).toEqual([]);
  });
});
