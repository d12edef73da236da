import type { Rect } from '@deskhand/protocol';
import type { PanelMode } from './panel-view.ts';

/** How the border around each display looks in a state; null is no border, because nobody else is in control. */
export type BorderLook = Readonly<{ color: string; thicknessPx: number }> | null;

const looks: Readonly<Record<PanelMode, BorderLook>> = {
  idle: null,
  pairing: null,
  running: { color: '#4da3ff', thicknessPx: 4 },
  awaiting_human: { color: '#ffb224', thicknessPx: 6 },
  paused: { color: '#c7d0da', thicknessPx: 4 },
  takeover: { color: '#c7d0da', thicknessPx: 4 },
  stopped: { color: '#ff6b6b', thicknessPx: 4 },
  disconnected: { color: '#c7d0da', thicknessPx: 4 },
  controls_lost: { color: '#7a8591', thicknessPx: 6 },
};

export function borderLook(mode: PanelMode): BorderLook {
  return looks[mode];
}

/** Top, bottom, left, right of one display, not overlapping; same space as `display`. */
export function stripsOf(display: Rect, thicknessPx: number): [Rect, Rect, Rect, Rect] {
  const { x, y, width, height } = display;
  const inner = Math.max(0, height - 2 * thicknessPx);
  return [
    { x, y, width, height: thicknessPx },
    { x, y: y + height - thicknessPx, width, height: thicknessPx },
    { x, y: y + thicknessPx, width: thicknessPx, height: inner },
    { x: x + width - thicknessPx, y: y + thicknessPx, width: thicknessPx, height: inner },
  ];
}
