import { IpcTransport, type PanelBridge } from './ipc-transport.ts';
import { showPanel } from './show-panel.tsx';
import { WsTransport } from './ws-transport.ts';

declare global {
  /** Put there by Electron's preload; no browser has it. */
  var deskhand: PanelBridge | undefined;
}

const bridge = globalThis.deskhand;
showPanel(bridge ? new IpcTransport(bridge) : new WsTransport());
