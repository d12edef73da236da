import { keepOnTop } from './keep-on-top.ts';
import { showPanel } from './show-panel.tsx';
import { watchPlace } from './window-place.ts';
import { WsTransport } from './ws-transport.ts';

const transport = new WsTransport();
showPanel(
  transport,
  keepOnTop &&
    ((root) =>
      void keepOnTop?.(root, (window) => {
        transport.window = window;
      })),
);
watchPlace(transport);
