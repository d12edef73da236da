import { IpcTransport, type PanelBridge } from './ipc-transport.ts';
import { showPanel } from './show-panel.tsx';

declare global {
  /** Put there by the preload. */
  var deskhand: PanelBridge;
}

void showPanel(new IpcTransport(globalThis.deskhand));
