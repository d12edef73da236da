import { render } from 'preact';
import { Announcer } from './announcer.tsx';
import { MODE_WORDS } from './messages.ts';
import { Panel } from './panel.tsx';
import { PanelModel } from './panel-model.ts';
import type { Transport } from './transport.ts';

/** Paints the panel into the page and keeps it current; the one thing both kinds of window do. */
export function showPanel(transport: Transport, keepOnTop?: (root: HTMLElement) => void): PanelModel {
  const root = document.getElementById('panel') as HTMLElement;
  const announcer = new Announcer();
  let painting = false;
  /** One repaint, however many messages came together. */
  const repaint = () => {
    if (painting) return;
    painting = true;
    queueMicrotask(() => {
      painting = false;
      render(
        <Panel model={model} announcer={announcer} keepOnTop={keepOnTop && (() => keepOnTop(root))} />,
        root,
      );
      // The window list tells the state too.
      const mode = model.shown?.mode;
      document.title = mode === undefined ? 'Deskhand' : `${MODE_WORDS[mode]} – Deskhand`;
    });
  };
  const model = new PanelModel(transport, repaint);
  repaint();
  model.start();
  return model;
}
