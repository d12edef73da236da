import { RunEvent } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { RunView } from './run-view.ts';
import { styleFor } from './terminal.ts';

const hostile = 'a\u001b[2J\u001b]0;owned\u0007\r\nb\u202ec\u200b';

function shown(...payloads: object[]): string[] {
  const lines: string[] = [];
  const view = new RunView((line) => lines.push(line), styleFor({ isTTY: false }, {}));
  payloads.forEach((payload, index) => {
    const place = { seq: index + 1, run_id: 'run_1', created_at: '2026-01-01T00:00:00.000Z' };
    view.show(RunEvent.parse({ ...payload, ...place }));
  });
  return lines;
}

const call = { type: 'tool_call', step: 1, tool: 'click', action_type: 'click', params: { x: 640, y: 311 } };
const failed = { status: 'failed', state: 'failed', result: null };

describe('a run on the terminal', () => {
  it('tells an action in the words of its log, and by its place where the log has none', () => {
    expect(shown({ ...call, description: 'Click “Send” in Firefox' })).toContain(
      '   does    Click “Send” in Firefox',
    );
    expect(shown(call)).toContain('   does    Click at 640, 311');
  });

  it('tells a reason once, though thought, error and end of the log all have it', () => {
    const message = 'The built-in engine does not understand “flurb”.';
    const error = { code: 'TASK_FAILED', message };
    expect(
      shown({ type: 'text', text: message }, { type: 'error', ...error }, { type: 'done', ...failed, error }),
    ).toEqual([`   thinks  ${message}`, '✗ TASK_FAILED', '✗ failed (0 steps, $0.00)']);
    expect(
      shown({ type: 'text', text: 'Else.' }, { type: 'error', ...error }, { type: 'done', ...failed, error }),
    ).toEqual(['   thinks  Else.', `✗ TASK_FAILED: ${message}`, '✗ failed (0 steps, $0.00)']);
  });

  it('tells a long reason whole where the thought was cut', () => {
    const message = 'x'.repeat(600);
    const error = { code: 'TASK_FAILED', message };
    expect(shown({ type: 'text', text: message }, { type: 'error', ...error }).at(-1)).toBe(
      `✗ TASK_FAILED: ${message}`,
    );
  });

  it('gives hostile words no power over the terminal, wherever they stand', () => {
    const error = { code: hostile, message: hostile };
    const lines = shown(
      { type: 'text', text: hostile },
      { ...call, description: hostile },
      { ...call, action_type: hostile, params: { name: hostile } },
      { ...call, action_type: 'open_application', params: { name: hostile } },
      { ...call, action_type: 'key_combo', params: { keys: [hostile] } },
      { ...call, action_type: 'click', params: { x: 1, y: 1, button: hostile } },
      { type: 'tool_result', step: 1, tool: 'click', success: false, outcome: hostile, error: hostile },
      { type: 'tool_result', step: 1, tool: 'click', success: true, outcome: hostile },
      { type: 'awaiting_human', reason: hostile },
      { type: 'error', ...error },
      { type: 'done', ...failed, error },
      {
        type: 'done',
        ...failed,
        status: 'succeeded',
        result: { passed: true, status: 'succeeded', summary: hostile },
        error: null,
      },
    );
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u200b]/);
    expect(lines.length).toBeGreaterThan(10);
  });
});
