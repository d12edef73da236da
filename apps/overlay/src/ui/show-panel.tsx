import { render } from 'preact';
import { Panel } from './panel.tsx';
import { PanelModel } from './panel-model.ts';
import type { Transport } from './transport.ts';
import { loadWords, t } from './words.ts';

/** Paints the panel into the page and keeps it current; the one thing both kinds of window do. */
export function showPanel(transport: Transport): void {
  const panel = document.getElementById('panel') as HTMLElement;
  let painting = false;
  /** One repaint, however many messages came together. */
  const repaint = () => {
    if (painting) return;
    painting = true;
    queueMicrotask(() => {
      painting = false;
      render(<Panel model={model} />, panel);
      // The window list tells the state too.
      const mode = model.shown?.mode;
      document.title = mode === undefined ? 'Deskhand' : `${t(`mode.${mode}`)} – Deskhand`;
    });
  };
  const model = new PanelModel(transport, repaint);
  loadWords(navigator.languages);
  repaint();
  model.start();
}
