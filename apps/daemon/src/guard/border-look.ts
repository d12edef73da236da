import type { BorderMode, ControlState, Rect } from '@deskhand/protocol';

/** What the border around each display says. Made of guard's own knowledge: it can't claim control that is not there. */
export type BorderState = 'none' | 'running' | 'awaiting_human' | 'paused' | 'stopped' | 'lost';

/**
 * Colour, thickness and dashes: a state is never told by colour alone. Colours are 0xRRGGBB, sizes physical pixels.
 * Inside the colour runs one dark line, so that a blue border shows on a white page.
 */
export type BorderLook = Readonly<{
  color: number;
  colorPx: number;
  linePx: number;
  /** Length of a dash and of the gap after it; null is unbroken. */
  dashPx: readonly [number, number] | null;
}>;

export const BORDER_LINE_COLOR = 0x0b_0e_12;

const LOOKS: Readonly<Record<BorderState, BorderLook | null>> = {
  none: null,
  running: { color: 0x4d_a3_ff, colorPx: 3, linePx: 1, dashPx: null },
  awaiting_human: { color: 0xff_b2_24, colorPx: 5, linePx: 1, dashPx: null },
  paused: { color: 0xc7_d0_da, colorPx: 3, linePx: 1, dashPx: [24, 16] },
  stopped: { color: 0xff_6b_6b, colorPx: 3, linePx: 1, dashPx: null },
  lost: { color: 0x7a_85_91, colorPx: 5, linePx: 1, dashPx: [6, 6] },
};

export function borderLook(state: BorderState): BorderLook | null {
  return LOOKS[state];
}

/** @param heardDaemon the daemon was heard at least once: before that nobody has lent anything. */
export function borderState(known: {
  control: ControlState;
  daemonAlive: boolean;
  heardDaemon: boolean;
  mode: BorderMode;
}): BorderState {
  if (known.control === 'stopped') return 'stopped';
  if (!known.daemonAlive) return known.heardDaemon ? 'lost' : 'none';
  if (known.control === 'paused') return 'paused';
  return known.mode === 'idle' ? 'none' : known.mode;
}

/** One strip: its window, and inside it (relative to the window) the coloured part and what is cut out as dashes. */
export type Strip = Readonly<{ window: Rect; color: Rect; dashes: readonly Rect[] }>;

/** Top, bottom, left, right of one display, not overlapping. Desktop space. */
export function stripsOf(display: Rect, look: BorderLook): Strip[] {
  const { x, y, width, height } = display;
  const { colorPx, linePx } = look;
  const thick = colorPx + linePx;
  const inner = Math.max(1, height - 2 * thick);
  const strip = (window: Rect, color: Rect): Strip => ({ window, color, dashes: dashesOf(window, look) });
  return [
    strip({ x, y, width, height: thick }, { x: 0, y: 0, width, height: colorPx }),
    strip({ x, y: y + height - thick, width, height: thick }, { x: 0, y: linePx, width, height: colorPx }),
    strip({ x, y: y + thick, width: thick, height: inner }, { x: 0, y: 0, width: colorPx, height: inner }),
    strip(
      { x: x + width - thick, y: y + thick, width: thick, height: inner },
      { x: linePx, y: 0, width: colorPx, height: inner },
    ),
  ];
}

function dashesOf({ width, height }: Rect, { dashPx }: BorderLook): Rect[] {
  if (dashPx === null) return [{ x: 0, y: 0, width, height }];
  const [on, off] = dashPx;
  const across = width >= height;
  const length = across ? width : height;
  const dashes: Rect[] = [];
  for (let at = 0; at < length; at += on + off) {
    const size = Math.min(on, length - at);
    dashes.push(across ? { x: at, y: 0, width: size, height } : { x: 0, y: at, width, height: size });
  }
  return dashes;
}

/** Whole ring at a target, physical pixels. */
export const RING_SIDE_PX = 48;

/**
 * Rows of a ring between two radii around the middle of a square.
 * @param sidePx  the square's side.
 * @param outerPx outer radius.
 * @param innerPx inner radius.
 */
export function ringRows(sidePx: number, outerPx: number, innerPx: number): Rect[] {
  const middle = sidePx / 2;
  const half = (radius: number, dy: number) =>
    Math.abs(dy) >= radius ? 0 : Math.round(Math.sqrt(radius ** 2 - dy ** 2));
  const rows: Rect[] = [];
  for (let y = 0; y < sidePx; y += 1) {
    const outer = half(outerPx, y + 0.5 - middle);
    const inner = half(innerPx, y + 0.5 - middle);
    if (outer === 0) continue;
    if (inner === 0) rows.push({ x: middle - outer, y, width: 2 * outer, height: 1 });
    else if (outer > inner)
      rows.push(
        { x: middle - outer, y, width: outer - inner, height: 1 },
        { x: middle + inner, y, width: outer - inner, height: 1 },
      );
  }
  return rows;
}
