import { randomUUID } from 'node:crypto';
import type { Rect } from '@deskhand/protocol';
import { farthestCorner, homeCorner } from '../core/dodge.ts';
import type { RendererPlace } from '../core/panel-wire.ts';
import type { PanelMover, Renderer } from '../host/panel-host.ts';

/** Less than the daemon waits for the answer. */
const MOVE_MS = 140;

/**
 * Moves a panel that is a browser's app window: the page can move itself, this side knows where to. Pages in
 * an ordinary tab can't move; then no answer goes out and the daemon refuses the click instead.
 */
export class BrowserWindowMover implements PanelMover {
  readonly #places = new Map<Renderer, RendererPlace>();
  readonly #waiting = new Map<string, () => void>();

  /** A window said where it is. Desktop space, physical pixels. */
  placed(renderer: Renderer, place: RendererPlace): void {
    const isNew = !this.#places.has(renderer);
    this.#places.set(renderer, place);
    // Where a panel belongs; a tab that can't move stays where it is.
    if (isNew) renderer.send({ type: 'move', id: randomUUID(), ...homeCorner(place.area, place) });
    if (place.id !== undefined) this.#waiting.get(place.id)?.();
  }

  gone(renderer: Renderer): void {
    this.#places.delete(renderer);
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
