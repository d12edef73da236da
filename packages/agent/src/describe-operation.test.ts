import { Operation, type OperationInput } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { describeOperation } from './describe-operation.ts';

describe('operations in words', () => {
  it.each<[OperationInput, string]>([
    [{ type: 'click', point: { x: 10.4, y: 20 } }, 'Click at 10, 20'],
    [
      { type: 'click', point: { x: 1, y: 2 }, button: 'right', clicks: 2, modifiers: ['ctrl'] },
      'Right-double-click at 1, 2 holding Ctrl',
    ],
    [{ type: 'type_text', text: 'naïve 😀' }, 'Type 7 characters'],
    [{ type: 'key_combo', keys: ['ctrl', 's'] }, 'Press Ctrl+S'],
    [{ type: 'key_press', keys: ['page_down', 'y', 'enter'] }, 'Press Page Down, y, Enter'],
    [{ type: 'key_press', keys: ['h', 'i', 'enter'] }, 'Press [character], [character], Enter'],
    [
      { type: 'browser_navigate', url: 'http://me:secret@a.example/' },
      'Go to http://[credentials]@a.example/',
    ],
    [{ type: 'stat_file', path: '/a\u202e\u001b[2J/b' }, 'Look at the file /a[2J/b'],
    [{ type: 'scroll', direction: 'down', amount: 1 }, 'Scroll down by 1 notch'],
    [{ type: 'open_application', name: 'Chrome' }, 'Open Chrome'],
    [{ type: 'run_command', command: 'echo secret' }, 'Run a command of 11 characters in the terminal'],
    [{ type: 'close_window' }, 'Close the active window'],
  ])('%j', (operation, words) => {
    expect(describeOperation(Operation.parse(operation))).toBe(words);
  });
});
