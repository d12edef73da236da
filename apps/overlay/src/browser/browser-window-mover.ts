import { randomUUID } from 'node:crypto';
import { intersection, type Rect } from '@deskhand/protocol';
import { clampInto, farthestCorner, homeCorner } from '../core/dodge.ts';
import type { RendererPlace } from '../core/panel-wire.ts';
import type { PanelMover, Renderer } from '../host/panel-host.ts';

/** Less than the daemon waits for the answer. */
const MOVE_MS = 140;
const RESCUES = 5;

/**
 * Moves a panel that is a browser's app window: the page can move itself, this side knows where to. Pages in
 * an ordinary tab can't move; then no answer goes out and the daemon refuses the click instead.
 */
export class BrowserWindowMover implements PanelMover {
  readonly #places = new Map<Renderer, RendererPlace>();
  #displays: readonly Rect[] = [];
  /** Windows under which the displays changed, and how often they may still be brought back. */
  readonly #astray = new Map<Renderer, number>();
  readonly #waiting = new Map<string, () => void>();

  /** A window said where it is. Desktop space, physical pixels. */
  placed(renderer: Renderer, place: RendererPlace): void {
    const before = this.#places.get(renderer);
    this.#places.set(renderer, place);
    if (place.id !== undefined) this.#waiting.get(place.id)?.();
    // Where a panel belongs; a tab that can't move stays where it is.
    if (before === undefined) {
      renderer.send({ type: 'move', id: randomUUID(), ...homeCorner(place.area, place) });
      return;
    }
    this.#bringBack(renderer, place);
  }

  /** A page is not told that its display went; the daemon is. */
  displaysAre(bounds: readonly Rect[]): void {
    const before = this.#displays;
    this.#displays = bounds;
    if (before.length === 0 || JSON.stringify(before) === JSON.stringify(bounds)) return;
    for (const [renderer, place] of this.#places) {
      this.#astray.set(renderer, RESCUES);
      this.#bringBack(renderer, place);
    }
  }

  /** Only after a change of displays: where a person drags it, it stays. */
  #bringBack(renderer: Renderer, place: Rect): void {
    const left = this.#astray.get(renderer) ?? 0;
    if (left === 0 || this.#displays.some((display) => shareIn(display, place) >= 0.5)) return;
    // The window manager has its own idea of where windows of a lost display go, and may have the last word first.
    this.#astray.set(renderer, left - 1);
    renderer.send({ type: 'move', id: randomUUID(), ...clampInto(this.#displays, place) });
  }

  gone(renderer: Renderer): void {
    this.#places.delete(renderer);
    this.#astray.delete(renderer);
  }

  get rects(): Rect[] {
    return [...this.#places.values()].map(({ x, y, width, height }) => ({ x, y, width, height }));
  }

  async dodge(target: Rect): Promise<readonly Rect[]> {
    await Promise.all([...this.#places].map(([renderer, place]) => this.#move(renderer, place, target)));
    return this.rects;
  }

  async #move(renderer: Renderer, place: RendererPlace, target: Rect): Promise<void> {
    const corner = farthestCorner([place.area], place, target);
    if (corner === null) return;
    const id = randomUUID();
    try {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, MOVE_MS);
        this.#waiting.set(id, () => {
          clearTimeout(timer);
          resolve();
        });
        renderer.send({ type: 'move', id, x: corner.x, y: corner.y });
      });
    } finally {
      this.#waiting.delete(id);
    }
  }
}

/** How much of a window lies in an area, 0 … 1. */
function shareIn(area: Rect, window: Rect): number {
  const shared = intersection(area, window);
  const whole = window.width * window.height;
  return shared === null || whole === 0 ? 0 : (shared.width * shared.height) / whole;
}
