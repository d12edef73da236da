import type { Run, RunEvent } from '@deskhand/protocol';
import { expect, it } from 'vitest';
import { stepsPage } from './steps-page.ts';

const run = {
  id: 'run_1',
  status: 'succeeded',
  task: '<img src=x onerror=alert(1)>',
  steps_completed: 1,
  cost_cents: 5,
  result: { passed: true, status: 'succeeded', summary: 'done "well"' },
  error: null,
} as unknown as Run;
const at = { run_id: 'run_1', created_at: '2026-01-01T00:00:00Z' };

it('shows each step’s picture, thought, action and outcome, and lets no foreign text become markup', () => {
  const events = [
    { type: 'reasoning', text: '</li><script>alert(2)</script>', seq: 1, ...at },
    {
      type: 'tool_call',
      step: 1,
      tool: 'click',
      action_type: 'click',
      params: { x: 10, y: 20 },
      seq: 2,
      ...at,
    },
    { type: 'tool_result', step: 1, tool: 'click', success: true, outcome: 'confirmed', seq: 3, ...at },
  ] as RunEvent[];
  const html = stepsPage(run, events, [
    { index: 0, step: 1, mimeType: 'image/jpeg', base64: 'AAAA', width: 4, height: 3 },
  ]);
  expect(html).toContain('Step 1');
  expect(html).toContain('data:image/jpeg;base64,AAAA');
  expect(html).toContain('click at 10, 20');
  expect(html).toContain('confirmed');
  expect(html).not.toMatch(/<script|<img src=x/);
});
