import type { Logger } from '@deskhand/base';
import type { GuardState, HotkeyState } from '@deskhand/protocol';

export type HotkeyWatchOptions = Readonly<{
  /** The person lets runs start although the stop hotkey does not work. */
  allowUnarmed: boolean;
  /** It is told anew, not for the first time. */
  onChanged: () => void;
  log: Logger;
}>;

/** Whether the stop hotkey works, as guard proved it last, and what that forbids. */
export class HotkeyWatch {
  readonly #options: HotkeyWatchOptions;
  /** Undefined while there is no guard to prove it. */
  #hotkey: GuardState['hotkey'] | undefined;
  #said: string | undefined;

  constructor(options: HotkeyWatchOptions) {
    this.#options = options;
  }

  get state(): HotkeyState {
    const hotkey = this.#hotkey;
    const reason = hotkey === undefined ? 'Guard is not alive.' : hotkey.reason;
    return {
      armed: hotkey?.armed ?? false,
      ...(reason === undefined ? {} : { reason }),
      ...(this.#options.allowUnarmed ? { override: true } : {}),
    };
  }

  /** Why nothing may be injected for want of a stop hotkey. Without a guard that is said elsewhere. */
  get unarmed(): string | undefined {
    if (this.#hotkey === undefined || this.#hotkey.armed || this.#options.allowUnarmed) return undefined;
    return this.#hotkey.reason ?? 'it was not proven to work.';
  }

  hear(hotkey: GuardState['hotkey']): void {
    const { log, onChanged } = this.#options;
    this.#hotkey = hotkey;
    const said = JSON.stringify([hotkey.armed, hotkey.reason]);
    if (said === this.#said) return;
    const first = this.#said === undefined;
    this.#said = said;
    if (!hotkey.armed) log.warn('the stop hotkey is not armed', { reason: hotkey.reason });
    else if (!first) log.info('the stop hotkey is armed');
    if (!first) onChanged();
  }

  /** Guard is gone: nobody listens for it. */
  lose(): void {
    this.#hotkey = undefined;
  }
}
