import { silentLogger } from '@deskhand/base';
import { describe, expect, it } from 'vitest';
import { browserWindow, runWith, ScriptedMachine, SimulatedDesktop } from '../../testing/index.ts';
import { BuiltinEngine } from './builtin-engine.ts';
import { planOf } from './plan.ts';

const intents = (task: string) => {
  const plan = planOf(task);
  return plan.understood ? plan.steps.map(({ intent }) => intent) : [];
};

describe('keys that are held', () => {
  it.each<[string, string, number]>([
    ['hold down Shift for 2 seconds', 'shift', 2000],
    ['hold Shift for 2 seconds', 'shift', 2000],
    ['hold the space bar for 3 seconds', 'space', 3000],
    ['hold the space bar down for 3 seconds', 'space', 3000],
    ['hold down the down arrow for 1.5 seconds', 'down', 1500],
    ['hold down the down arrow key for two seconds', 'down', 2000],
    ['press and hold Ctrl+Down for 2 seconds', 'ctrl down', 2000],
    ['press and hold the Enter key for 1 second', 'enter', 1000],
    ['press and hold Enter for 2 seconds and release it', 'enter', 2000],
    ['press and hold Tab for 2 seconds, then release it', 'tab', 2000],
    ['push and hold Escape for 500 ms', 'escape', 500],
    ['keep the right arrow pressed for 500 ms', 'right', 500],
    ['keep Shift held down for 2 seconds', 'shift', 2000],
    ['hold down Ctrl and Shift for 1 second', 'ctrl shift', 1000],
    ['please hold down the A key for 2 seconds', 'A', 2000],
    ['hold F5 for about 2 seconds', 'f5', 2000],
    ['hold down page down for 2 s', 'page_down', 2000],
    ['hold the left arrow for half a second', 'left', 500],
    ['hold down Backspace for 4 seconds', 'backspace', 4000],
    ['now hold down Alt for 2 secs', 'alt', 2000],
  ])('%s', (task, keys, heldMs) => {
    expect(intents(task)).toEqual([{ type: 'press', chords: [keys.split(' ')], times: 1, on: null, heldMs }]);
  });
});

describe('buttons of the mouse that are held', () => {
  it.each<[string, string, number, string?]>([
    ['press and hold the mouse button on Record for 2 seconds', 'Record', 2000],
    ['press and hold the left mouse button on "Record" for 2 seconds and then release it', 'Record', 2000],
    ['press and hold "Record" for 3 seconds, then release', 'Record', 3000],
    ['press and hold "Record" for 3 seconds and let go', 'Record', 3000],
    ['press and hold on "Record" for 1 second', 'Record', 1000],
    ['press and hold the Record button', 'Record', 1000],
    ['click and hold Record for 2 seconds', 'Record', 2000],
    ['click and hold the mouse button over "Record" for 2 seconds', 'Record', 2000],
    ['tap and hold "Photo" for 2 seconds', 'Photo', 2000],
    ['push and hold "Record" for 2 seconds', 'Record', 2000],
    ['long-press "Photo"', 'Photo', 1000],
    ['long press "Photo" for 2 seconds', 'Photo', 2000],
    ['long press on "Photo" for two seconds', 'Photo', 2000],
    ['long click "Photo"', 'Photo', 1000],
    ['hold the Record button for 3 seconds', 'Record', 3000],
    ['hold the Record button pressed for 3 seconds', 'Record', 3000],
    ['hold the mouse button on "Record" for 1 second', 'Record', 1000],
    ['hold down the mouse button over "Record" for 1 second', 'Record', 1000],
    ['hold the right mouse button on "Map" for two seconds', 'Map', 2000, 'right'],
    [
      'Press and hold the mouse button on "Record" for 2 seconds. Then release the mouse button.',
      'Record',
      2000,
    ],
  ])('%s', (task, text, heldMs, button = 'left') => {
    expect(intents(task)).toEqual([
      expect.objectContaining({ type: 'click', heldMs, button, target: expect.objectContaining({ text }) }),
    ]);
  });

  it.each([
    'press and hold the mouse button on "One", move to "Two" and release it',
    'click and hold "One", drag it onto "Two", then let go',
    'press and hold "One". Move the mouse to "Two". Release the mouse button.',
  ])('on the way to somewhere else they drag: %s', (task) => {
    expect(intents(task)).toMatchObject([{ type: 'drag', from: { text: 'One' }, to: { text: 'Two' } }]);
  });

  it.each([
    'hold down Shift',
    'hold down A for 90 seconds',
    'keep the window open for 2 seconds',
    'release it',
  ])('nothing is held that nobody lets go of, nor for ever: %s', (task) => {
    expect(planOf(task)).toMatchObject({ understood: false });
  });
});

it('they go to the hands as one action each', async () => {
  const desktop = new SimulatedDesktop();
  const bounds = { x: 40, y: 40, width: 80, height: 20 };
  desktop.open(
    browserWindow('http://a.test/', [
      { id: 'r', role: 'button', name: 'Record', source: 'dom', bounds, onClick: () => {} },
    ]),
  );
  const machine = new ScriptedMachine({ desktop });
  const task = 'press and hold "Record" for 2 seconds, then hold down the down arrow for 1 second';
  await runWith({ task, machine, engine: new BuiltinEngine({ log: silentLogger }) });
  expect(machine.commands.flatMap(({ operations }) => operations)).toMatchObject([
    { type: 'click', heldMs: 2000 },
    { type: 'key_combo', keys: ['down'], heldMs: 1000 },
  ]);
});
