import type { PanelMode } from '../core/panel-view.ts';

/** One shape per state, so that no state is told by colour alone. 24×24, stroked with the text colour. */
const paths: Readonly<Record<PanelMode, string>> = {
  idle: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 12l3 3 5-6',
  pairing: 'M10 14l4-4M8 11l-2 2a4 4 0 0 0 5 5l2-2M16 13l2-2a4 4 0 0 0-5-5l-2 2',
  running: 'M5 3l6 17 2.5-7L20 10.500zM14 14l5 5',
  awaiting_human:
    'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.300-1 .8-1 1.700M12 17v.01',
  paused: 'M8 5v14M16 5v14',
  takeover:
    'M7 12V7a1.500 1.500 0 0 1 3 0V5a1.500 1.500 0 0 1 3 0v1a1.500 1.500 0 0 1 3 0v2a1.500 1.500 0 0 1 3 0v6a7 7 0 0 1-12.500 4L4 14a1.600 1.600 0 0 1 3-1.500M10 7v4M13 6v5M16 8v3',
  stopped: 'M8.500 3h7L21 8.500v7L15.500 21h-7L3 15.500v-7zM8 12h8',
  disconnected: 'M7 18a4 4 0 0 1 0-8 5 5 0 0 1 9.500-1A4.500 4.500 0 0 1 17 18zM4 4l16 16',
  controls_lost: 'M12 3L2.500 20h19zM12 10v4M12 17v.01',
};

export function ModeIcon({ mode }: { mode: PanelMode }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[mode]} />
    </svg>
  );
}
