import { Operation, ScreenElement } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { describeOperation } from './describe-operation.ts';
import { nameTargets } from './name-targets.ts';

const element = (name: string, x: number, y: number, width: number, height: number, states: string[] = []) =>
  ScreenElement.parse({
    id: `${name}-${x}`,
    source: 'accessibility',
    role: 'button',
    name,
    states,
    bounds: { x, y, width, height },
  });
const window = (id: string, application: string, bounds: object, minimized = false) => ({
  id,
  application,
  bounds,
  minimized,
});
const seen = {
  elements: [
    element('The whole page', 0, 0, 1000, 800),
    element('Order', 100, 100, 300, 200),
    element('Send\u202e order', 120, 250, 80, 30),
    element('', 120, 250, 10, 10),
    element('Name', 120, 120, 200, 30, ['focused']),
  ],
  frame: {
    geometry: {
      image: { width: 1000, height: 800 },
      region: { x: 1920, y: 0, width: 2000, height: 1600 },
    },
  },
  windows: [
    window('front', 'Firefox', { x: 1920, y: 0, width: 1700, height: 1600 }),
    window('gone', 'Minimized', { x: 1920, y: 0, width: 2000, height: 1600 }, true),
    window('back', 'Text\u202eeditor', { x: 1920, y: 0, width: 1900, height: 1600 }),
    window('desk', 'unknown', { x: 1920, y: 0, width: 2000, height: 1600 }),
  ],
  activeWindowId: 'front',
} as unknown as Parameters<typeof nameTargets>[1];
const words = (...operations: object[]) => {
  const parsed = operations.map((operation) => Operation.parse(operation));
  return inWords(parsed);
};
const inWords = (operations: readonly Operation[], typed?: ReadonlySet<string>) => {
  const targets = nameTargets(operations, seen, typed);
  return operations.map((operation, index) => describeOperation(operation, targets[index]));
};

describe('what an operation points at, in words', () => {
  it('[STEP6] is the smallest thing with a name, free of characters that reorder', () => {
    expect(words({ type: 'click', point: { x: 124, y: 255 } })).toEqual(['Click “Send order” in Firefox']);
    expect(words({ type: 'click', point: { x: 390, y: 290 }, clicks: 2, button: 'right' })).toEqual([
      'Right-double-click “Order” in Firefox',
    ]);
  });

  it('is a point where nothing has a name, or only what covers the screen', () => {
    expect(words({ type: 'click', point: { x: 840, y: 700 } })).toEqual(['Click at 840, 700 in Firefox']);
    expect(words({ type: 'click', point: { x: 900, y: 700 } })).toEqual(['Click at 900, 700 in Texteditor']);
    expect(words({ type: 'click', point: { x: 990, y: 700 } })).toEqual(['Click at 990, 700']);
    const click = [Operation.parse({ type: 'click', point: { x: 1, y: 1 } })];
    expect(nameTargets(click, null)).toEqual([{ name: null, application: null }]);
  });

  it('[SEC1] is no name that repeats what was typed', () => {
    const click = [Operation.parse({ type: 'click', point: { x: 124, y: 255 } })];
    expect(inWords(click, new Set(['Send']))).toEqual(['Click at 124, 255 in Firefox']);
    expect(inWords(click, new Set(['I Send\u202e order 66.']))).toEqual(['Click at 124, 255 in Firefox']);
    expect(inWords(click, new Set(['S', 'other']))).toEqual(['Click “Send order” in Firefox']);
  });

  it('is what has the focus for typed text: seen, or clicked just before', () => {
    expect(words({ type: 'type_text', text: 'abc' })).toEqual(['Type 3 characters into “Name” in Firefox']);
    expect(words({ type: 'click', point: { x: 390, y: 290 } }, { type: 'type_text', text: 'abc' })).toEqual([
      'Click “Order” in Firefox',
      'Type 3 characters into “Order” in Firefox',
    ]);
    expect(words({ type: 'key_press', keys: ['tab'] }, { type: 'type_text', text: 'abc' })).toEqual([
      'Press Tab in Firefox',
      'Type 3 characters',
    ]);
  });
});
