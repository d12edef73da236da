import { describe, expect, it } from 'vitest';
import { initialState, type PanelInput, reduce, viewOf } from '../core/panel-state.ts';
import { wordsFor } from '../main/words.ts';
import { daemonState, guardState, panelRun } from '../testing/fake-desktop.ts';
import { TerminalPanel } from './terminal-panel.ts';

function tell(inputs: readonly PanelInput[], keys = true): string[] {
  const lines: string[] = [];
  const panel = new TerminalPanel({ line: (text) => lines.push(text), coloured: false }, wordsFor('en'), {
    keys,
    clock: () => '2:03 PM',
  });
  let state = initialState('linux');
  for (const input of inputs) {
    state = reduce(state, input);
    panel.show(viewOf(state, 0));
  }
  return lines;
}

const guard: PanelInput = { type: 'guard_state', state: guardState(), nowMs: 0 };
const run = panelRun({ task: 'Mark the late orders' });
const daemon = (parts: Parameters<typeof daemonState>[0] = {}): PanelInput => ({
  type: 'daemon_state',
  state: daemonState(parts),
});
const step = (parts: object): PanelInput => ({
  type: 'step',
  step: { type: 'step', runId: run.id, step: 3, at: '2026-03-14T14:03:00.000Z', ...parts },
});

describe('the panel on a terminal', () => {
  it('tells each state once, with the way to stop', () => {
    const lines = tell([guard, daemon(), daemon(), daemon({ seq: 2, run })]);
    expect(lines.filter((line) => line.startsWith('○ Ready'))).toHaveLength(1);
    expect(lines).toContain('Mark the late orders');
    expect(lines).toContain('▶ Agent is in control');
    expect(lines.at(-1)).toBe('  Press s to stop. Ctrl+Alt+Shift+Esc stops from anywhere');
  });

  it('tells what is next, how it ended, and the reason in quotation marks', () => {
    const lines = tell([
      guard,
      daemon({ run }),
      step({ action: 'Click “Save”', thought: 'Because\nof \u001b[31mred\u001b[0m.' }),
      step({ outcome: 'confirmed', at: '2026-03-14T14:03:01.500Z' }),
    ]);
    expect(lines).toContain('   3 Click “Save”');
    expect(lines).toContain('   3 Click “Save” – confirmed (1.5 s)');
    const said = lines.find((line) => line.includes('Because'));
    expect(said).toMatch(/^ {5}“Because of .*red.*”$/);
    expect(lines.join('')).not.toContain('\u001b');
  });

  it('tells a decision, a stop and lost controls', () => {
    const asked = panelRun({ status: 'awaiting_human', awaitingReason: 'Which one?' });
    const stopped = guardState({
      control: 'stopped',
      latch: { tripped: true, by: 'cli', at: '2026-03-14T14:03:00Z' },
    });
    const lines = tell([
      guard,
      daemon({ run: asked }),
      { type: 'guard_state', state: stopped, nowMs: 0 },
      { type: 'guard_down' },
    ]);
    expect(lines).toContain('? Your decision. “Which one?”');
    expect(lines).toContain(
      '■ Stopped. Stopped at 2:03 PM from a terminal. Nothing will run until you reset.',
    );
    expect(lines.findLast((line) => line.startsWith('⚠'))).toContain('Guard does not answer');
  });

  it('keeps a question that plays a state of ours on its line, in quotation marks', () => {
    const awaitingReason = 'Go on?\n○ Ready\n■ Stopped.\u001b[2J\r\u202e Nothing runs.';
    const lines = tell([guard, daemon({ run: panelRun({ status: 'awaiting_human', awaitingReason }) })]);
    expect(lines).toContain('? Your decision. “Go on? ○ Ready ■ Stopped.[2J Nothing runs.”');
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('promises no key where none is heard', () => {
    expect(tell([guard, daemon()], false).join('\n')).not.toContain('Press s');
  });
});
