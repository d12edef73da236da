import { describe, expect, it } from 'vitest';
import type { HostMessage } from '../core/panel-view.ts';
import type { Renderer } from '../host/panel-host.ts';
import { BrowserWindowMover } from './browser-window-mover.ts';

const LEFT = { x: 0, y: 0, width: 1920, height: 1080 };
const RIGHT = { x: 1920, y: 0, width: 1280, height: 1024 };

function window() {
  const moves: Array<{ x: number; y: number }> = [];
  const renderer = {
    send: (message: HostMessage) => {
      if (message.type === 'move') moves.push({ x: message.x, y: message.y });
    },
  } as unknown as Renderer;
  const mover = new BrowserWindowMover();
  const at = (x: number, y: number, area: typeof LEFT) =>
    mover.placed(renderer, { type: 'place', x, y, width: 376, height: 640, area });
  return { moves, mover, at };
}

describe('a panel in a browser’s window', () => {
  it('goes home when it appears, bottom right', () => {
    const { moves, at } = window();
    at(10, 10, RIGHT);
    expect(moves).toEqual([{ x: 3200 - 376 - 16, y: 1024 - 640 - 16 }]);
  });

  it('comes onto a display that is left when its own is unplugged', () => {
    const { moves, mover, at } = window();
    mover.displaysAre([LEFT, RIGHT]);
    at(2800, 300, RIGHT);
    mover.displaysAre([LEFT]);
    expect(moves.slice(1)).toEqual([{ x: 1920 - 376, y: 300 }]);
    // The window manager puts it where only its edge is seen.
    at(1900, 300, LEFT);
    expect(moves.slice(2)).toEqual([{ x: 1920 - 376, y: 300 }]);
  });

  it('stays where the person drags it, also from one display to another or half out of sight', () => {
    const { moves, mover, at } = window();
    mover.displaysAre([LEFT, RIGHT]);
    at(1400, 300, LEFT);
    at(1740, 300, RIGHT);
    at(1900, 950, LEFT);
    mover.displaysAre([LEFT, RIGHT]);
    expect(moves.slice(1)).toEqual([]);
  });
});
