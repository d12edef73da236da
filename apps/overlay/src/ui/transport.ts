import type { HostMessage, PanelCommand } from '../core/panel-view.ts';

export type TransportListener = Readonly<{
  message(message: HostMessage): void;
  /** The way to the host is gone; it is being looked for again. */
  lost(): void;
  /** This window has no right to be here: a used or old link. */
  refused(): void;
}>;

/** How a panel window reaches its host. Electron: preload. Browser: websocket. Tests: a script. */
export interface Transport {
  /** The window that shows the panel now: this page's, or the one kept on top. */
  readonly window: Window;
  /** Windows that can be made small and large again. */
  collapse?(collapsed: boolean): void;
  /** Windows that can be kept above all others. */
  readonly pin?: (() => Promise<void>) | undefined;
  /** Shows the replay of a run in a window of its own. */
  replay(runId: string): void;
  /** The patch asked for is on the screen; desktop space, as far as a page knows. */
  painted(id: string, place: object): void;
  start(listener: TransportListener): void;
  /** @returns false when there is no way to send it now. */
  send(command: PanelCommand): boolean;
  /** Every path there is, whatever is known about them. Resolves with what the last resort said, if it was needed. */
  stop(command: PanelCommand): void;
}
