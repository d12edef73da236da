import { silentLogger } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import { runWith, ScriptedMachine, SimulatedDesktop, type Widget } from '../../testing/index.ts';
import { BuiltinEngine } from './builtin-engine.ts';

const bounds = (y: number) => ({ x: 40, y, width: 120, height: 24 });

/** Two windows: “Wizard” closes at its button; “Ledger” lies behind it and writes down what reaches it. */
function closingWindow(): SimulatedDesktop {
  const desktop = new SimulatedDesktop();
  const noted = (widget: Widget): Widget => ({
    ...widget,
    onClick: (host) => {
      host.journal.push(`ledger ${widget.id}`);
    },
  });
  desktop.open({
    id: 'ledger',
    title: 'Ledger',
    application: 'ledger',
    focusedId: 'amount',
    widgets: [
      noted({ id: 'pay', role: 'button', name: 'Pay out', bounds: bounds(100) }),
      {
        id: 'amount',
        role: 'text_field',
        name: 'Amount',
        value: '',
        states: ['editable'],
        bounds: bounds(140),
      },
    ],
  });
  desktop.open({
    id: 'wizard',
    title: 'Wizard',
    application: 'wizard',
    widgets: [
      {
        id: 'next',
        role: 'button',
        name: 'Next',
        bounds: bounds(100),
        onClick: (host) => host.close('wizard'),
      },
      { id: 'code', role: 'text_field', name: 'Code', value: '', states: ['editable'], bounds: bounds(140) },
    ],
  });
  return desktop;
}

describe('a window that closes midway', () => {
  it.each([
    ['click Next, then click Finish', 'click Finish'],
    ['click Next, then type "4711" into the Code field', 'Code'],
    ['click Next and then tick the Agree box', 'Agree'],
  ])(
    'ends the task in words, and nothing meant for it reaches the one behind: %s',
    async (task, sentence) => {
      const desktop = closingWindow();
      const { outcome } = await runWith({
        task,
        machine: new ScriptedMachine({ desktop }),
        engine: new BuiltinEngine({ log: silentLogger }),
        limits: { maxSteps: 30 },
      });
      expect(outcome).toMatchObject({ passed: false, code: 'TASK_FAILED' });
      expect('summary' in outcome ? outcome.summary : '').toContain(sentence);
      expect(desktop.journal.filter((line) => line.startsWith('ledger'))).toEqual([]);
      expect(desktop.active?.widgets.find(({ id }) => id === 'amount')?.value).toBe('');
    },
  );
});
