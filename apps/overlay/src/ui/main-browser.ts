import { showPanel } from './show-panel.tsx';
import { WsTransport } from './ws-transport.ts';

const transport = new WsTransport();
void showPanel(transport, (window) => {
  transport.window = window;
});
