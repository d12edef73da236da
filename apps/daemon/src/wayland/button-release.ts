import type { WaylandConnection, WaylandObject } from './connection.ts';

/** Mouse buttons as the kernel numbers them: left, right, middle, back, forward. */
const BUTTONS = [0x110, 0x111, 0x112, 0x113, 0x114];

/**
 * Lets go of every mouse button of the seat, whichever device pressed it: a compositor keeps a button down although
 * the virtual mouse that pressed it is gone. Keys end with their keyboard. The mouse this is done with stays: were it
 * the seat's only one, applications would not hear it before they had noticed it.
 */
export class ButtonRelease {
  readonly #compositor: WaylandConnection;
  readonly #mouse: WaylandObject<'zwlr_virtual_pointer_v1'>;

  constructor(compositor: WaylandConnection) {
    this.#compositor = compositor;
    this.#mouse = compositor
      .require('zwlr_virtual_pointer_manager_v1', 1)
      .create('create_virtual_pointer', 'zwlr_virtual_pointer_v1', compositor.require('wl_seat', 1));
  }

  /** Letting go of what is up does nothing. */
  async now(): Promise<void> {
    for (const button of BUTTONS) {
      this.#mouse.request('button', Math.floor(performance.now()), button, 0);
      // A frame each: GTK keeps only the last button of one.
      this.#mouse.request('frame');
    }
    await this.#compositor.roundTrip();
  }
}
