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
  start(listener: TransportListener): void;
  /** @returns false when there is no way to send it now. */
  send(command: PanelCommand): boolean;
  /** Every path there is, whatever is known about them. Resolves with what the last resort said, if it was needed. */
  stop(command: PanelCommand): void;
}
