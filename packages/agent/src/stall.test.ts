import { Operation } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { StallDetector } from './stall.ts';

const click = (x: number, y: number) => [Operation.parse({ type: 'click', point: { x, y } })];
const key = (name: string) => [Operation.parse({ type: 'key_press', keys: [name] })];

describe('stall detection', () => {
  it('trips at the given number of equal steps, not before', () => {
    const stall = new StallDetector(3);
    expect(stall.add({ operations: click(10, 10), picture: 'a' })).toBeNull();
    expect(stall.add({ operations: click(13, 8), picture: 'a' })).toBeNull();
    expect(stall.add({ operations: click(11, 11), picture: 'a' })).toBe(1);
  });

  it.each([
    ['another picture', click(10, 10), 'b'],
    ['another place', click(40, 10), 'a'],
    ['another kind of operation', key('enter'), 'a'],
    ['no picture to compare', click(10, 10), null],
  ])('a step with %s breaks the row', (_what, operations, picture) => {
    const stall = new StallDetector(2);
    stall.add({ operations: click(10, 10), picture: 'a' });
    expect(stall.add({ operations, picture })).toBeNull();
  });

  it('sees a circle of two and of three steps', () => {
    const two = new StallDetector(3);
    const found = [1, 2, 3].flatMap(() => [
      two.add({ operations: key('tab'), picture: 'a' }),
      two.add({ operations: key('enter'), picture: 'b' }),
    ]);
    expect(found).toEqual([null, null, null, null, null, 2]);
    const three = new StallDetector(2);
    const results = [1, 2].flatMap(() =>
      ['a', 'b', 'c'].map((picture) => three.add({ operations: key(picture), picture })),
    );
    expect(results.at(-1)).toBe(3);
  });

  it('forgets what was before a person acted', () => {
    const stall = new StallDetector(2);
    stall.add({ operations: key('tab'), picture: 'a' });
    stall.forget();
    expect(stall.add({ operations: key('tab'), picture: 'a' })).toBeNull();
  });
});
