import { errorAttributes, type Logger } from '@deskhand/base';
import type { Rect, WindowInfo } from '@deskhand/protocol';
import type { WindowSystem } from '../ports.ts';
import { isPanel } from './panel-window.ts';

export type WorkWindowOptions = Readonly<{
  windows: Pick<WindowSystem, 'activeWindow' | 'focus'>;
  /** Where our own windows are. */
  covered: () => readonly Rect[];
  /** Whether the agent may act at this moment: while it may not, the focus is the person's. */
  mayAct: () => boolean;
  log: Logger;
}>;

/**
 * The window the agent works in. A person who pressed a button of the panel left the focus there: the agent's window
 * gets it back before the agent goes on.
 */
export class WorkWindow {
  readonly #options: WorkWindowOptions;
  #windowId: string | null = null;
  /** Since then the panel may have the focus still. */
  #panelUsed = false;

  constructor(options: WorkWindowOptions) {
    this.#options = options;
  }

  onPanelUsed(): void {
    this.#panelUsed = true;
  }

  /** What was in front when the agent looked. */
  remember(windows: readonly WindowInfo[], activeWindowId: string | null): void {
    const window = windows.find(({ id }) => id === activeWindowId);
    if (window !== undefined && !isPanel(window, this.#options.covered())) this.#windowId = window.id;
  }

  /** Nothing unless the panel was used. Never throws. */
  async giveFocusBack(): Promise<void> {
    const { windows, covered, mayAct, log } = this.#options;
    if (!this.#panelUsed || !mayAct()) return;
    this.#panelUsed = false;
    const before = this.#windowId;
    try {
      const active = await windows.activeWindow();
      if (active !== null && before !== null && isPanel(active, covered())) await windows.focus(before);
    } catch (error) {
      log.warn('the window in front could not be brought back', errorAttributes(error));
    }
  }
}
