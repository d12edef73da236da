import { errorAttributes, type Logger } from '@deskhand/base';
import { ButtonRelease, openWayland, type WaylandConnection } from '../wayland/index.ts';
import type { GuardDesktop, HotkeyStatus } from './guard-desktop.ts';

const HOTKEY: HotkeyStatus = {
  armed: false,
  reason:
    'No program may hear all keys on Wayland, so there is no stop hotkey; use the panel or "deskhand stop".',
};

/** On Wayland guard can let go, and hear neither the person nor a hotkey. */
export class WaylandGuardDesktop implements GuardDesktop {
  readonly hotkey = HOTKEY;
  readonly #compositor: WaylandConnection;
  readonly #release: ButtonRelease;
  readonly #log: Logger;

  private constructor(compositor: WaylandConnection, log: Logger) {
    this.#compositor = compositor;
    this.#release = new ButtonRelease(compositor);
    this.#log = log;
  }

  /** @throws ProtocolError DISPLAY_UNAVAILABLE */
  static async open(options: { socket: string; log: Logger }): Promise<WaylandGuardDesktop> {
    return new WaylandGuardDesktop(await openWayland(options), options.log);
  }

  /** Settles when the compositor is gone. */
  get closed(): Promise<unknown> {
    return this.#compositor.closed;
  }

  personPresent(): boolean {
    return false;
  }

  async releaseAll(): Promise<void> {
    await this.#release.now().catch((error) => {
      this.#log.error('buttons could not be released', errorAttributes(error));
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#compositor[Symbol.asyncDispose]();
  }
}
