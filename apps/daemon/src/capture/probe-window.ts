import { PROBE_CELL_PX, PROBE_CELLS, PROBE_COLORS, probeCells, type Rect } from '@deskhand/protocol';
import type { X11Connection } from '../x11/index.ts';
import { OVERLAY_PROPERTY } from './own-windows.ts';

/** Puts the patch of a nonce on the screen, in a window marked as ours. */
export interface ProbeWindow {
  /** Disposing takes it away. */
  show(nonce: string, place: Rect): Promise<AsyncDisposable>;
}

/** A window of its own connection, so that it is to the capture what guard's and the panel's windows are. */
export class X11ProbeWindow implements ProbeWindow {
  readonly #connect: () => Promise<X11Connection>;

  constructor(connect: () => Promise<X11Connection>) {
    this.#connect = connect;
  }

  async show(nonce: string, place: Rect): Promise<AsyncDisposable> {
    const x = await this.#connect();
    try {
      const window = await x.createWindow(place, {
        overrideRedirect: 1,
        backgroundPixel: PROBE_COLORS.clear,
      });
      await x.changeProperty(window, OVERLAY_PROPERTY, 'CARDINAL', { format: 32, data: [1] });
      // Its input shape is empty: a click in this moment goes to what lies beneath.
      const shape = await x.require('shape');
      await shape.setRectangles(window, 2, []);
      const cells = probeCells(nonce);
      for (const [index, set] of cells.entries()) {
        if (!set) continue;
        const cell = {
          x: (index % PROBE_CELLS) * PROBE_CELL_PX,
          y: Math.floor(index / PROBE_CELLS) * PROBE_CELL_PX,
          width: PROBE_CELL_PX,
          height: PROBE_CELL_PX,
        };
        const child = await x.createWindow(cell, { backgroundPixel: PROBE_COLORS.set }, { parent: window });
        await x.mapWindow(child);
      }
      await x.mapWindow(window);
      await x.configureWindow(window, { stackMode: 0 });
    } catch (error) {
      await x[Symbol.asyncDispose]();
      throw error;
    }
    return x;
  }
}
