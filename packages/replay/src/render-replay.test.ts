import { Run, type RunEvent } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { chooseFrames, type ReplayFrame } from './choose-frames.ts';
import { describeAction, targetOf } from './describe-action.ts';
import { REPLAY_MAX_BYTES, renderReplay } from './render-replay.ts';
import { replaySteps } from './replay-steps.ts';

const AT = '2026-03-14T14:03:00.000Z';
const run = (parts: Partial<Run> = {}): Run =>
  Run.parse({
    id: 'run_1',
    run_id: 'run_1',
    object: 'agent.run',
    status: 'succeeded',
    state: 'succeeded',
    machine_id: 'm',
    machine: null,
    task: 'Mark the late orders',
    cua_version: 'v3',
    instructions: null,
    max_steps: 50,
    deadline_seconds: null,
    on_awaiting_human: 'pause',
    steps_completed: 2,
    credits_charged: 4,
    cost_cents: 4,
    result: { passed: true, status: 'succeeded', summary: 'Five orders are marked.' },
    error: null,
    awaiting_human_reason: null,
    awaiting_human_since: null,
    metadata: null,
    llm: null,
    webhook_url: null,
    webhook_secret: null,
    created_at: AT,
    started_at: AT,
    finished_at: '2026-03-14T14:03:12.500Z',
    request_id: null,
    ...parts,
  });

let seq = 0;
const event = (payload: Record<string, unknown>): RunEvent =>
  ({ seq: ++seq, run_id: 'run_1', created_at: AT, ...payload }) as RunEvent;

const log: RunEvent[] = [
  event({ type: 'status', status: 'running', state: 'running' }),
  event({ type: 'reasoning', text: 'The list is open.' }),
  event({
    type: 'tool_call',
    step: 1,
    tool: 'click',
    action_type: 'click',
    params: { x: 30, y: 40, button: 'left', clicks: 1 },
  }),
  event({
    type: 'tool_result',
    step: 1,
    tool: 'click',
    success: true,
    outcome: 'confirmed',
    duration_ms: 12.4,
  }),
  event({ type: 'billing', credits_charged: 2, cost_cents: 2 }),
  event({ type: 'step', steps_completed: 1 }),
  event({ type: 'awaiting_human', reason: 'Which one?' }),
  event({ type: 'resumed', note: 'the second one' }),
  event({
    type: 'tool_call',
    step: 2,
    tool: 'type_text',
    action_type: 'type_text',
    params: { text: '[5 characters]', characters: 5 },
  }),
  event({
    type: 'tool_call',
    step: 2,
    tool: 'key_combo',
    action_type: 'key_combo',
    params: { keys: ['ctrl', 's'] },
  }),
  event({ type: 'tool_result', step: 2, tool: 'type_text', success: true, outcome: 'unverified' }),
  event({
    type: 'tool_result',
    step: 2,
    tool: 'key_combo',
    success: false,
    outcome: 'refused',
    error: 'not allowed',
  }),
  event({ type: 'reasoning', text: 'All done.' }),
  event({ type: 'done', status: 'succeeded', state: 'succeeded', result: null, error: null }),
];

const frame = (step: number, parts: Partial<ReplayFrame> = {}): ReplayFrame => ({
  index: step,
  step,
  mimeType: 'image/jpeg',
  base64: 'QUJD',
  width: 1280,
  height: 800,
  ...parts,
});

describe('a run’s story', () => {
  it('gives words, actions, outcomes, notes and cost to the step they belong to', () => {
    const steps = replaySteps(log);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(steps[0]).toMatchObject({
      thoughts: ['The list is open.'],
      actions: [
        { words: 'Click at 30, 40', outcome: 'confirmed', target: { x: 30, y: 40 }, durationMs: 12.4 },
      ],
      costCents: 2,
    });
    expect(steps[1]).toMatchObject({
      notes: ['Asked a person: Which one?', 'A person answered: the second one'],
      actions: [
        { words: 'Type 5 characters', outcome: 'unverified' },
        { words: 'Press ctrl+s', outcome: 'refused', error: 'not allowed' },
      ],
    });
    expect(steps[2]).toMatchObject({ thoughts: ['All done.'], actions: [] });
  });

  it('calls an action without a result unknown, never done', () => {
    expect(replaySteps(log.slice(0, 3))[0]?.actions[0]?.outcome).toBe('unknown');
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['click', { x: 1.6, y: 2, clicks: 2, button: 'right' }, 'Double-click at 2, 2 with the right button'],
    ['click', { x: 'a' }, 'Click at an unknown place'],
    ['drag', { from_x: 1, from_y: 2, to_x: 3, to_y: 4 }, 'Drag from 1, 2 to 3, 4'],
    ['scroll', { direction: 'down', amount: 3 }, 'Scroll down 3 notches'],
    ['open_application', { name: 'Fire\u202efox' }, 'Open Firefox'],
    ['something_new', {}, 'Something new'],
  ])('says %s %j as “%s”', (action, params, words) => {
    expect(describeAction({ action_type: action, params })).toBe(words);
  });

  it('finds where an action points, or nothing', () => {
    expect(targetOf({ x: 0, y: 0 })).toEqual({ x: 0, y: 0 });
    expect(targetOf({ to_x: 5, to_y: 6 })).toEqual({ x: 5, y: 6 });
    expect(targetOf({ x: Number.NaN, y: 1 })).toBeNull();
    expect(targetOf({})).toBeNull();
  });
});

describe('frames', () => {
  it('takes the newest usable one of each step', () => {
    const { byStep } = chooseFrames(
      [
        frame(1, { index: 4 }),
        frame(1, { index: 2 }),
        frame(2, { base64: '<script>' }),
        frame(3, { mimeType: 'text/html' }),
      ],
      1000,
    );
    expect([...byStep.values()].map(({ index }) => index)).toEqual([4]);
  });

  it('leaves every other one out when there is too much, keeping the first and the last', () => {
    const many = Array.from({ length: 31 }, (_, index) => frame(index, { base64: 'A'.repeat(100) }));
    const { byStep, leftOut } = chooseFrames(many, 1700);
    expect([...byStep.keys()]).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]);
    expect(leftOut).toBe(15);
    expect([...chooseFrames(many, 150).byStep.keys()]).toEqual([0]);
  });
});

describe('the page', () => {
  it('has everything of the run and a section per step', () => {
    const page = renderReplay({ run: run(), events: log, frames: [frame(1), frame(2), frame(4)] });
    for (const words of [
      '<span class="state state-succeeded">succeeded</span>',
      'Mark the late orders',
      'Five orders are marked.',
      '$0.04',
      '12.5 s',
      '2026-03-14 14:03:00 UTC',
    ])
      expect(page).toContain(words);
    expect(page.match(/<section class="step"/g)).toHaveLength(4);
    expect(page).toContain('id="end"');
    expect(page).toContain('cx="30"');
  });

  it('lets no text become markup, and nothing reorder it', () => {
    const evil = '</p><script>alert(1)</script><img src=x onerror=alert(1)>"\'\u202e';
    const page = renderReplay({
      run: run({ task: evil, result: null, error: { code: evil, message: evil } }),
      events: [
        event({ type: 'reasoning', text: evil }),
        event({ type: 'tool_call', step: 1, tool: evil, action_type: evil, params: {} }),
        event({ type: 'tool_result', step: 1, tool: evil, success: false, outcome: evil, error: evil }),
      ],
      frames: [frame(1, { width: 5, height: 5 })],
    });
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toContain('<img src=x');
    expect(page).not.toContain('\u202e');
    expect(page).toContain('&lt;script&gt;');
  });

  it('asks for nothing from anywhere', () => {
    const page = renderReplay({ run: run(), events: log, frames: [frame(1)] });
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/unsafe-inline|https?:/);
  });

  it('stays under its limit for 30 large steps, and says what it left out', () => {
    const frames = Array.from({ length: 30 }, (_, index) =>
      frame(index + 1, { base64: 'A'.repeat(400_000) }),
    );
    const page = renderReplay({ run: run(), events: log, frames });
    expect(new TextEncoder().encode(page).length).toBeLessThan(REPLAY_MAX_BYTES);
    expect(page).toContain('pictures were left out');
  });

  it('is made for a run that did nothing', () => {
    expect(
      renderReplay({ run: run({ started_at: null, finished_at: null }), events: [], frames: [] }),
    ).toContain('This run made no step.');
  });
});
