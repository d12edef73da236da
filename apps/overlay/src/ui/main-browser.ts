import { showPanel } from './show-panel.tsx';
import { WsTransport } from './ws-transport.ts';

showPanel(new WsTransport());
