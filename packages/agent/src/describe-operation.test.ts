import { Operation, type OperationInput } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { describeOperation } from './describe-operation.ts';

describe('operations in words', () => {
  it.each<[OperationInput, string]>([
    [{ type: 'click', point: { x: 10.4, y: 20 } }, 'Click at 10,20'],
    [
      { type: 'click', point: { x: 1, y: 2 }, button: 'right', clicks: 2, modifiers: ['ctrl'] },
      'Right-double-click at 1,2 holding ctrl',
    ],
    [{ type: 'type_text', text: 'naïve 😀' }, 'Type 7 characters'],
    [{ type: 'key_combo', keys: ['ctrl', 's'] }, 'Press ctrl+s'],
    [{ type: 'scroll', direction: 'down', amount: 1 }, 'Scroll down by 1 notch'],
    [{ type: 'open_application', name: 'Chrome' }, 'Open Chrome'],
    [{ type: 'run_command', command: 'echo secret' }, 'Run a command of 11 characters in the terminal'],
    [{ type: 'close_window' }, 'Close the active window'],
  ])('%j', (operation, words) => {
    expect(describeOperation(Operation.parse(operation))).toBe(words);
  });
});
