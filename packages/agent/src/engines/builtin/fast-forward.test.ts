import { Operation, type OperationInput, type OutcomeStatus } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../ports.ts';
import { standingOf } from './fast-forward.ts';
import { planOf } from './plan.ts';

const OPERATIONS: Record<string, OperationInput> = {
  open: { type: 'open_application', name: 'x' },
  go: { type: 'browser_navigate', url: 'http://a.test' },
  click: { type: 'click', point: { x: 1, y: 1 } },
  type: { type: 'type_text', text: 'x' },
  enter: { type: 'key_press', keys: ['enter'] },
  combo: { type: 'key_combo', keys: ['ctrl', 'a'] },
  stat: { type: 'stat_file', path: '/tmp/x' },
  run: { type: 'run_command', command: 'x' },
};

/** `1.click` bears the mark of plan step 1; `click` was under way when the server died. */
function standing(task: string, done: string): string | number {
  const plan = planOf(task);
  if (!plan.understood) throw new Error(plan.sentence);
  const history: HistoryEntry[] = done
    .split(' ')
    .filter(Boolean)
    .map((word, index) => {
      const [, mark, name = '', status = 'confirmed'] = /^(?:(\d+)\.)?(\w+)(?::(\w+))?$/.exec(word) ?? [];
      const outcome = {
        status: status as OutcomeStatus,
        durationMs: 1,
        ...(mark === undefined ? {} : { mark }),
      };
      return { step: index + 1, operation: Operation.parse(OPERATIONS[name]), outcome };
    });
  const found = standingOf(plan.steps, history);
  return found.type === 'at' ? found.index : `${found.type} ${found.earliest}-${found.latest}`;
}

const FORM =
  'go to http://a.test, type "a" into Name, select X from Y, tick the box, click Send, check that "ok" is visible';

describe('after a restart', () => {
  it.each<[string, string, string, string | number]>([
    ['nothing done', FORM, '', 0],
    ['one step', FORM, '0.go', 1],
    ['one step that was under way', FORM, 'go', 1],
    ['refused operations do not count', FORM, '0.go 1.click:refused', 1],
    ['a field filled', FORM, '0.go 1.click 1.type', 2],
    ['a field half filled is filled anew', FORM, '0.go 1.click', 1],
    ['a drop-down half open is chosen anew', FORM, '0.go 1.click 1.type 2.click', 2],
    ['a box ticked', FORM, '0.go 3.click', 4],
    ['a box that was ticked before leaves no mark of its own', FORM, '0.go 4.click', 5],
    ['the click under way was Send or nothing else', FORM, '0.go 3.click click', 5],
    [
      'the click under way was the box or Send',
      FORM,
      '0.go 1.click 1.type 2.click 2.click click',
      'unclear 4-6',
    ],
    [
      'a saved file',
      'type "a", save it as /tmp/x, press enter',
      '0.type 1.combo 1.combo 1.type 1.stat 1.enter 1.stat',
      2,
    ],
    [
      'a save cut off before Enter',
      'open the editor, save it as /tmp/x, press f5',
      '0.open 1.combo 1.combo 1.type 1.stat',
      1,
    ],
    ['typing that must not happen twice', 'type "a" and press enter, run "make"', '0.type 1.enter', 2],
    ['text that was typed without its Enter', 'search for tea', '0.click 0.combo 0.type', 0],
    ['a command is never run twice', 'run "make", run "make"', '0.run run', 2],
    ['a command under way', 'run "make", run "make"', 'run', 1],
    [
      'typing cut off midway is never begun again by itself',
      'type "a", press tab',
      'type:failed',
      'broken 0-1',
    ],
    ['typing cut off in a field', FORM, '0.go 1.click 1.type:failed', 'broken 1-2'],
    ['a click cut off midway', FORM, '0.go 3.click 4.click:failed', 'broken 4-5'],
    ['a key cut off midway', 'type "a" and press enter, run "make"', '0.type 0.enter:failed', 'broken 0-1'],
    ['a command cut off midway', 'run "make", run "make"', '0.run run:failed', 'broken 1-2'],
    ['typing that was refused did not happen', 'type "a", press tab', 'type:refused', 0],
    ['opening cut off midway is done again', 'open the editor, type "a"', 'open:failed', 0],
    ['a page load cut off midway is done again', FORM, 'go:failed', 0],
    [
      'a look at a file cut off midway is done again',
      'type "a", check that the file /x exists',
      '0.type stat:failed',
      1,
    ],
    ['a repeat cannot be counted', 'repeat 3 times: click More', '0.click', 'unclear 0-1'],
  ])('%s', (_title, task, done, expected) => {
    expect(standing(task, done)).toBe(expected);
  });
});
