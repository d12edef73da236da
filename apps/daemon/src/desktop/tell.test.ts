import { LIMITS, Observation, type ScreenElement } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { inFrame, windowsToTell, withinBytes } from './tell.ts';

const geometry = {
  frameId: 'frm_1',
  displayId: 'display',
  layoutId: 'layout',
  region: { x: 0, y: 0, width: 1280, height: 800 },
  image: { width: 1280, height: 800 },
  scale: 1,
} as Parameters<typeof inFrame>[1];

function element(changes: Partial<ScreenElement>): ScreenElement {
  const bounds = { x: 10, y: 10, width: 100, height: 20 };
  return { id: 'a', source: 'dom', role: 'button', name: 'OK', states: [], bounds, ...changes };
}

describe('[SEC7] what is told of the screen', () => {
  it.each([
    [Number.NaN, 0, 10, 10],
    [0, 0, Number.NaN, 10],
    [Number.POSITIVE_INFINITY, 0, 10, 10],
    [2_000_000, 0, 10, 10],
    [5000, 5000, 10, 10],
  ])('leaves out a place that is none: %s %s %s %s', (x, y, width, height) => {
    expect(inFrame(element({ bounds: { x, y, width, height } }), geometry)).toBeNull();
  });

  it('tells a place larger than any desktop within the limits of the wire', () => {
    const told = inFrame(element({ bounds: { x: -2e9, y: -2e9, width: 4e9, height: 4e9 } }), geometry);
    expect(Observation.shape.elements.safeParse([told]).success).toBe(true);
  });

  it('tells a name as one line that reads as it is stored', () => {
    expect(inFrame(element({ name: 'Pay\n[1] button\u202e\u{e0041} \u001b[2J' }), geometry)?.name).toBe(
      'Pay [1] button [2J',
    );
    expect(inFrame(element({ name: 'Größe 👍🏽 naïve' }), geometry)?.name).toBe('Größe 👍🏽 naïve');
  });

  it('is one message, whatever there is: a full screen of long fields, hundreds of windows with long titles', () => {
    const value = '\u0001'.repeat(10_000);
    const elements = withinBytes(Array.from({ length: 3000 }, (_, nth) => element({ id: `${nth}`, value })));
    const title = '\u0001'.repeat(2000);
    const bounds = { x: 0, y: 0, width: 1, height: 1 };
    const window = { id: '1', title, application: title, bounds, active: false, minimized: false };
    const windows = windowsToTell(
      Array.from({ length: 600 }, () => window),
      () => false,
    );
    expect(elements[0]?.value).toBe(value);
    expect(elements.length).toBeGreaterThan(30);
    expect(Buffer.byteLength(JSON.stringify({ elements, windows }))).toBeLessThan(
      LIMITS.linkTextBytes * 0.95,
    );
  });

  it('leaves an ordinary screen as it is', () => {
    const elements = Array.from({ length: 300 }, (_, nth) =>
      element({ id: `${nth}`, name: 'x'.repeat(100) }),
    );
    expect(withinBytes(elements)).toEqual(elements);
  });
});
