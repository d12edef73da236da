/** A panel that was restarted is back well before this. */
export const PANEL_GRACE_MS = 5000;

export type PanelWatchOptions = Readonly<{
  present: () => boolean;
  /** Whether the agent may act at this moment. */
  driven: () => boolean;
  /** Called once, when no panel came back in time. */
  gone: () => void;
}>;

/**
 * Notices that the panel is gone in the middle of a run that began before its eyes or that it joined. A run that
 * nobody watches from the beginning is none of its business: that is how the person wants it.
 */
export class PanelWatch implements Disposable {
  readonly #options: PanelWatchOptions;
  #seen = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PanelWatchOptions) {
    this.#options = options;
  }

  /** A run begins. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#seen = this.#options.present();
  }

  /** A panel has come or gone. */
  changed(): void {
    const { present, driven, gone } = this.#options;
    clearTimeout(this.#timer);
    if (present()) {
      this.#seen = true;
      return;
    }
    if (!this.#seen || !driven()) return;
    this.#timer = setTimeout(() => {
      if (!present() && driven()) gone();
    }, PANEL_GRACE_MS);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
