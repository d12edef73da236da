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
const seen = {
  elements: [
    element('The whole page', 0, 0, 1000, 800),
    element('Order', 100, 100, 300, 200),
    element('Send\u202e order', 120, 250, 80, 30),
    element('', 120, 250, 10, 10),
    element('Name', 120, 120, 200, 30, ['focused']),
  ],
  frame: { geometry: { image: { width: 1000, height: 800 } } },
} as unknown as Parameters<typeof nameTargets>[1];
const words = (...operations: object[]) => {
  const parsed = operations.map((operation) => Operation.parse(operation));
  const names = nameTargets(parsed, seen);
  return parsed.map((operation, index) => describeOperation(operation, names[index]));
};

describe('what an operation points at, in words', () => {
  it('is the smallest thing with a name, free of characters that reorder', () => {
    expect(words({ type: 'click', point: { x: 124, y: 255 } })).toEqual(['Click “Send order”']);
    expect(words({ type: 'click', point: { x: 390, y: 290 }, clicks: 2, button: 'right' })).toEqual([
      'Right-double-click “Order”',
    ]);
  });

  it('is a point where nothing has a name, or only what covers the screen', () => {
    expect(words({ type: 'click', point: { x: 900, y: 700 } })).toEqual(['Click at 900,700']);
    expect(nameTargets([Operation.parse({ type: 'click', point: { x: 1, y: 1 } })], null)).toEqual([null]);
  });

  it('is what has the focus for typed text: seen, or clicked just before', () => {
    expect(words({ type: 'type_text', text: 'abc' })).toEqual(['Type 3 characters into “Name”']);
    expect(words({ type: 'click', point: { x: 390, y: 290 } }, { type: 'type_text', text: 'abc' })).toEqual([
      'Click “Order”',
      'Type 3 characters into “Order”',
    ]);
    expect(words({ type: 'key_press', keys: ['tab'] }, { type: 'type_text', text: 'abc' })).toEqual([
      'Press tab',
      'Type 3 characters',
    ]);
  });
});
