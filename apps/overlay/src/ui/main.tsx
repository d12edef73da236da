import { render } from 'preact';
import { Announcer } from './announcer.tsx';
import { IpcTransport, type PanelBridge } from './ipc-transport.ts';
import { MODE_WORDS } from './messages.ts';
import { Panel } from './panel.tsx';
import { PanelModel } from './panel-model.ts';
import { WsTransport } from './ws-transport.ts';

const root = document.getElementById('panel') as HTMLElement;
const announcer = new Announcer();
const bridge = (globalThis as { deskhand?: PanelBridge }).deskhand;
const transport = bridge === undefined ? new WsTransport() : new IpcTransport(bridge);

let painting = false;
/** One repaint per frame, however many messages came. */
function repaint(): void {
  if (painting) return;
  painting = true;
  queueMicrotask(() => {
    painting = false;
    render(<Panel model={model} announcer={announcer} />, root);
    // The window list tells the state too.
    const mode = model.shown?.mode;
    document.title = mode === undefined ? 'Deskhand' : `${MODE_WORDS[mode]} – Deskhand`;
  });
}

const model = new PanelModel(transport, repaint);
repaint();
model.start();
