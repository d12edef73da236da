import { h, render } from 'preact';
import { Icon } from './icon.tsx';
import type { Later, makeLater } from './later.tsx';
import * as numbers from './numbers.ts';
import { Panel } from './panel.tsx';
import { PanelModel } from './panel-model.ts';
import { sentenceOf } from './status.tsx';
import type { Transport } from './transport.ts';
import { loadWords, t } from './words.ts';

/**
 * Paints the panel into the page and keeps it current; the one thing both kinds of window do.
 * @param movedTo told which window shows the panel now; given by those that can be kept on top.
 */
export async function showPanel(transport: Transport, movedTo?: (window: Window) => void): Promise<void> {
  const root = document.getElementById('panel') as HTMLElement;
  let painting = false;
  let later: Later | null = null;
  /** One repaint, however many messages came together. */
  const repaint = () => {
    if (painting) return;
    painting = true;
    queueMicrotask(() => {
      painting = false;
      const keep = movedTo && later?.keepOnTop;
      const pin = keep && (() => void keep(root, movedTo));
      render(<Panel model={model} later={later} pin={pin} />, root);
      // The window list tells the state too.
      const mode = model.shown?.mode;
      document.title = mode === undefined ? 'Deskhand' : `${t(`mode.${mode}`)} – Deskhand`;
    });
  };
  const rest = async () => {
    const { makeLater: make } = await __import<{ makeLater: typeof makeLater }>('./later.js');
    later ??= make({ h, Icon, numbers, t, sentenceOf });
    return later;
  };
  const model = new PanelModel(transport, rest, repaint);
  loadWords(navigator.languages);
  repaint();
  model.start();
  transport.placed?.(await rest());
  repaint();
}
