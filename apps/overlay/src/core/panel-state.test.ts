import type { DaemonState, GuardState, PanelStep } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { daemonState, guardState, panelRun } from '../testing/fake-desktop.ts';
import { panelMode } from './panel-mode.ts';
import {
  GUARD_SILENCE_MS,
  initialState,
  KEPT_STEPS,
  type PanelState,
  reduce,
  viewOf,
} from './panel-state.ts';
import type { PanelMode } from './panel-view.ts';

function stateWith(
  options: { guard?: Partial<GuardState>; daemon?: Partial<DaemonState>; nowMs?: number } = {},
): PanelState {
  let state = initialState('linux');
  state = reduce(state, { type: 'guard_state', state: guardState(options.guard), nowMs: options.nowMs ?? 0 });
  return reduce(state, { type: 'daemon_state', state: daemonState(options.daemon) });
}

const step = (parts: Partial<PanelStep>): PanelStep => ({
  type: 'step',
  runId: panelRun().id,
  step: 1,
  at: '2026-01-01T00:00:00.000Z',
  ...parts,
});

const tripped = { tripped: true, by: 'hotkey', at: '2026-01-01T00:00:00.000Z' };

describe('which of the nine states the panel is in', () => {
  it.each<[PanelMode, Partial<GuardState> | null, Partial<DaemonState> | null]>([
    ['idle', {}, {}],
    ['idle', {}, { server: { url: null, connected: false } }],
    ['idle', {}, { run: panelRun({ status: 'succeeded' }) }],
    ['pairing', {}, { pairing: { host: 'desk.example' }, server: { url: 'https://x', connected: false } }],
    ['running', {}, { run: panelRun() }],
    ['running', {}, { run: panelRun({ status: 'queued' }) }],
    ['awaiting_human', {}, { run: panelRun({ status: 'awaiting_human' }) }],
    ['paused', { control: 'paused' }, { run: panelRun() }],
    ['paused', {}, { control: 'paused', pauseKind: 'person_input', run: panelRun() }],
    ['takeover', { control: 'paused' }, { control: 'paused', pauseKind: 'takeover', run: panelRun() }],
    ['disconnected', {}, { run: panelRun(), server: { url: 'https://x', connected: false } }],
    ['stopped', { latch: tripped }, { run: panelRun() }],
    ['stopped', { latch: tripped }, null],
    ['stopped', {}, { latch: tripped }],
    ['stopped', { control: 'stopped' }, {}],
    // A stop outlasts everything else that could be shown.
    ['stopped', { latch: tripped, control: 'paused' }, { control: 'paused', pauseKind: 'takeover' }],
    ['controls_lost', null, { run: panelRun() }],
    ['controls_lost', null, { latch: tripped }],
    ['controls_lost', {}, null],
    ['controls_lost', null, null],
  ])('%s for guard %j and daemon %j', (mode, guard, daemon) => {
    expect(
      panelMode({
        guard: guard === null ? null : guardState(guard),
        daemon: daemon === null ? null : daemonState(daemon),
      }),
    ).toBe(mode);
  });
});

describe('the view', () => {
  it('trusts nobody before anybody was heard', () => {
    const view = viewOf(initialState('linux'), 0);
    expect(view.mode).toBe('controls_lost');
    expect(view.stop).toEqual({
      active: false,
      chord: 'Ctrl+Alt+Shift+Esc',
      chordArmed: null,
      chordReason: null,
    });
  });

  it('makes STOP look inactive once guard has been silent, not before', () => {
    const state = stateWith({ nowMs: 1000 });
    expect(viewOf(state, 1000 + GUARD_SILENCE_MS).stop.active).toBe(true);
    expect(viewOf(state, 1001 + GUARD_SILENCE_MS).stop.active).toBe(false);
    expect(viewOf(state, 1001 + GUARD_SILENCE_MS).mode).toBe('controls_lost');
  });

  it('keeps showing the run it last knew when the daemon is gone', () => {
    const state = reduce(stateWith({ daemon: { run: panelRun() } }), { type: 'daemon_down' });
    const view = viewOf(state, 0);
    expect(view.mode).toBe('controls_lost');
    expect(view.stop.active).toBe(true);
    expect(view.run?.task).toBe(panelRun().task);
  });

  it('puts a step’s messages together: first what happens, then how it ended', () => {
    let state = stateWith({ daemon: { run: panelRun() } });
    state = reduce(state, { type: 'step', step: step({ action: 'Click “Save”', thought: 'because' }) });
    expect(viewOf(state, 0).next).toMatchObject({ step: 1, action: 'Click “Save”', outcome: null });
    expect(viewOf(state, 0).thought).toBe('because');
    state = reduce(state, {
      type: 'step',
      step: step({ outcome: 'confirmed', at: '2026-01-01T00:00:01.500Z' }),
    });
    expect(viewOf(state, 0).next).toBeNull();
    expect(viewOf(state, 0).steps).toEqual([
      {
        step: 1,
        action: 'Click “Save”',
        outcome: 'confirmed',
        at: '2026-01-01T00:00:01.500Z',
        tookMs: 1500,
        settledMs: null,
      },
    ]);
  });

  it('never shows a negative time when the clock jumps back', () => {
    let state = stateWith({ daemon: { run: panelRun() } });
    state = reduce(state, { type: 'step', step: step({ action: 'a' }) });
    state = reduce(state, {
      type: 'step',
      step: step({ outcome: 'failed', at: '2025-01-01T00:00:00.000Z' }),
    });
    expect(viewOf(state, 0).steps[0]?.tookMs).toBe(0);
  });

  it('starts a new story with a new run and shows no steps of another', () => {
    let state = stateWith({ daemon: { run: panelRun() } });
    state = reduce(state, { type: 'step', step: step({ action: 'old' }) });
    state = reduce(state, { type: 'step', step: step({ runId: 'run_other', action: 'new' }) });
    expect(viewOf(state, 0).steps).toEqual([]);
    state = reduce(state, {
      type: 'daemon_state',
      state: daemonState({ seq: 2, run: panelRun({ id: 'run_other' }) }),
    });
    expect(viewOf(state, 0).steps.map((known) => known.action)).toEqual(['new']);
  });

  it('keeps a bounded number of steps, the newest, in order whatever order they came in', () => {
    let state = stateWith({ daemon: { run: panelRun() } });
    for (const number of [3, 1, 2, ...Array.from({ length: 200 }, (_, index) => index + 4)])
      state = reduce(state, { type: 'step', step: step({ step: number, action: `a${number}` }) });
    const { steps } = viewOf(state, 0);
    expect(steps).toHaveLength(KEPT_STEPS);
    expect(steps[0]?.step).toBe(203);
    expect(steps.at(-1)?.step).toBe(203 - KEPT_STEPS + 1);
  });

  it('ignores an older snapshot of the same daemon, and believes a daemon that started again', () => {
    let state = stateWith({ daemon: { seq: 5, run: panelRun() } });
    state = reduce(state, { type: 'daemon_state', state: daemonState({ seq: 4 }) });
    expect(viewOf(state, 0).run).not.toBeNull();
    state = reduce(state, { type: 'daemon_down' });
    state = reduce(state, { type: 'daemon_state', state: daemonState({ seq: 1 }) });
    expect(viewOf(state, 0).run).toBeNull();
  });

  it('cleans everything that somebody else wrote', () => {
    const evil = '\u202e<img src=x onerror=alert(1)>\u200b';
    let state = stateWith({
      daemon: {
        name: evil,
        controlReason: evil,
        run: panelRun({
          task: evil,
          engine: evil,
          status: 'awaiting_human',
          awaitingReason: evil,
          ask: { requestId: 'r', digest: 'd', application: evil, action: evil },
        }),
      },
      guard: { hotkey: { chord: evil, armed: false, reason: evil } },
    });
    state = reduce(state, { type: 'step', step: step({ action: evil, thought: evil }) });
    const text = JSON.stringify(viewOf(state, 0));
    expect(text).not.toMatch(/[\u202a-\u202e\u200b]/);
    expect(text).toContain('<img src=x onerror=alert(1)>');
  });

  it('lists the runs it has seen, newest first, each once', () => {
    let state = stateWith({ daemon: { run: panelRun({ id: 'a' }) } });
    state = reduce(state, {
      type: 'daemon_state',
      state: daemonState({ seq: 2, run: panelRun({ id: 'b' }) }),
    });
    state = reduce(state, {
      type: 'daemon_state',
      state: daemonState({ seq: 3, run: panelRun({ id: 'b', status: 'succeeded' }) }),
    });
    // The one that is on the screen is no past one.
    expect(viewOf(state, 0).pastRuns.map(({ id }) => id)).toEqual(['a']);
    state = reduce(state, { type: 'daemon_state', state: daemonState({ seq: 4, run: null }) });
    expect(viewOf(state, 0).pastRuns.map(({ id, status }) => [id, status])).toEqual([
      ['b', 'succeeded'],
      ['a', 'running'],
    ]);
  });

  it('is the same for the same input: a snapshot that comes twice changes nothing', () => {
    const once = stateWith({ daemon: { run: panelRun({ startedAt: '2026-01-01T00:00:00.000Z' }) } });
    const twice = reduce(once, { type: 'daemon_state', state: daemonState(once.daemon ?? {}) });
    expect(viewOf(twice, 0)).toEqual(viewOf(once, 0));
  });
});

describe('words of others in a view', () => {
  const bad = 'a\u001b[2Jb\u202ec\u200b\u0007\r\nd';
  // Line breaks stay in what is shown as paragraphs.
  const hidden = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;
  const strings = (value: unknown): string[] =>
    typeof value === 'string'
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(strings)
        : [];

  it.each<[string, Partial<GuardState>, Partial<DaemonState>]>([
    ['running', {}, { run: panelRun({ task: bad, engine: bad }), name: bad, machineId: bad, display: bad }],
    [
      'a decision',
      {},
      {
        run: panelRun({
          status: 'awaiting_human',
          awaitingReason: bad,
          ask: { requestId: 'r', digest: 'd', application: bad, action: bad },
        }),
      },
    ],
    ['paused', { control: 'paused' }, { run: panelRun(), control: 'paused', controlReason: bad }],
    ['stopped', { control: 'stopped', latch: { ...tripped, by: bad, reason: bad } }, {}],
    ['pairing', {}, { pairing: { host: bad, code: bad }, server: { url: bad, connected: false } }],
    [
      'technical details',
      { hotkey: { chord: bad, armed: false, reason: bad } },
      { backends: { capture: bad, input: bad, accessibility: bad } },
    ],
  ])('hide and reorder nothing: %s', (_what, guard, daemon) => {
    let state = stateWith({ guard, daemon });
    state = reduce(state, { type: 'step', step: step({ action: bad, thought: bad }) });
    const shown = strings(viewOf(state, 0));
    expect(shown.filter((text) => hidden.test(text))).toEqual([]);
    expect(shown.filter((text) => text.startsWith('a[2Jbc')).length).toBeGreaterThan(0);
  });
});
