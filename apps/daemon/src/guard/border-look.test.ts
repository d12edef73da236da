import { contains, intersection, type Rect } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import {
  type BorderState,
  borderLook,
  borderState,
  RING_SIDE_PX,
  ringRows,
  stripsOf,
} from './border-look.ts';

const known = { control: 'armed', daemonAlive: true, heardDaemon: true, mode: 'running' } as const;

describe('[LOCAL8] what the border says', () => {
  it.each<[Partial<Parameters<typeof borderState>[0]>, BorderState]>([
    [{}, 'running'],
    [{ mode: 'idle' }, 'none'],
    [{ mode: 'awaiting_human' }, 'awaiting_human'],
    [{ control: 'paused' }, 'paused'],
    [{ control: 'paused', mode: 'idle' }, 'paused'],
    [{ control: 'stopped', daemonAlive: false }, 'stopped'],
    [{ control: 'paused', daemonAlive: false }, 'lost'],
    [{ control: 'paused', daemonAlive: false, heardDaemon: false }, 'none'],
  ])('%j is %s', (part, state) => {
    expect(borderState({ ...known, ...part })).toBe(state);
  });

  it('looks different in every state without its colour', () => {
    const shapes = (['running', 'awaiting_human', 'paused', 'lost'] as const).map((state) => {
      const look = borderLook(state);
      return JSON.stringify([look?.colorPx, look?.dashPx]);
    });
    expect(new Set(shapes).size).toBe(4);
  });
});

describe('strips', () => {
  const display: Rect = { x: 1920, y: 40, width: 1280, height: 1024 };
  it.each(['running', 'awaiting_human', 'paused', 'lost'] as const)(
    'of %s lie inside the display and on each other nowhere',
    (state) => {
      const look = borderLook(state);
      if (look === null) throw new Error('no look');
      const strips = stripsOf(display, look);
      for (const { window } of strips) expect(intersection(window, display)).toEqual(window);
      for (const [index, one] of strips.entries())
        for (const other of strips.slice(index + 1))
          expect(intersection(one.window, other.window)).toBeNull();
      const edges = [
        [1920, 40],
        [3199, 40],
        [1920, 1063],
        [3199, 1063],
      ];
      for (const [x = 0, y = 0] of edges)
        expect(strips.some(({ window }) => contains(window, { x, y }))).toBe(true);
      for (const { window, dashes } of strips)
        for (const dash of dashes) {
          expect(dash.x + dash.width).toBeLessThanOrEqual(window.width);
          expect(dash.y + dash.height).toBeLessThanOrEqual(window.height);
        }
    },
  );
});

describe('the ring', () => {
  it('is symmetric, hollow and as large as it says', () => {
    const rows = ringRows(RING_SIDE_PX, 24, 18);
    const lit = (x: number, y: number) => rows.some((row) => contains(row, { x, y }));
    expect(lit(24, 24)).toBe(false);
    expect(lit(24, 2)).toBe(true);
    for (let y = 0; y < 48; y += 1)
      for (let x = 0; x < 48; x += 1) {
        expect(lit(x, y)).toBe(lit(47 - x, y));
        expect(lit(x, y)).toBe(lit(x, 47 - y));
      }
    expect(Math.min(...rows.map(({ y }) => y))).toBe(0);
    expect(Math.max(...rows.map(({ y }) => y))).toBe(47);
  });
});
