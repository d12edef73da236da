import type { Logger } from '@deskhand/base';
import { toAccelerator } from '../core/hotkey-name.ts';
import type { ElectronPort } from './port.ts';

export const FOCUS_ACCELERATOR = 'Control+Alt+Shift+P';

/**
 * Global shortcuts of this process: conveniences, because they die with it. The stop chord belongs to guard;
 * it is taken here only while guard says it does not hold it, since two holders of one chord exclude each other.
 */
export class Shortcuts implements Disposable {
  readonly #shortcut: ElectronPort['globalShortcut'];
  readonly #log: Logger;
  #stopAccelerator: string | null = null;

  constructor(shortcut: ElectronPort['globalShortcut'], log: Logger) {
    this.#shortcut = shortcut;
    this.#log = log;
  }

  onFocus(listener: () => void): void {
    if (!this.#shortcut.register(FOCUS_ACCELERATOR, listener))
      this.#log.warn('the shortcut that focuses the panel is taken by another program');
  }

  /** @param chord as guard names it, e.g. `Ctrl+Alt+Shift+Esc`. */
  standInForGuard(needed: boolean, chord: string, onStop: () => void): void {
    const wanted = needed ? (toAccelerator(chord) ?? null) : null;
    if (wanted === this.#stopAccelerator) return;
    if (this.#stopAccelerator !== null) this.#shortcut.unregister(this.#stopAccelerator);
    this.#stopAccelerator = wanted !== null && this.#shortcut.register(wanted, onStop) ? wanted : null;
  }

  [Symbol.dispose](): void {
    this.#shortcut.unregisterAll();
  }
}
