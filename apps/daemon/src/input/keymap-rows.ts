import { EMPTY_XKB_KEY, type X11Connection, type Xkb, type XkbKey } from '../x11/index.ts';

/** Two levels by Shift, whatever Caps Lock says. */
const TWO_LEVELS = 1;
const MAX_GROUPS = 4;

/**
 * Changes single rows of the keyboard map.
 *
 * With XKB a change of any rows is one request and one notification. That matters: window managers reload their
 * shortcuts at each notification (openbox takes 35 ms for it, during which clicks wait), and the core protocol
 * needs one request per run of neighbouring rows.
 */
export class KeymapRows {
  readonly #connection: X11Connection;
  readonly #xkb: Xkb | null;

  constructor(parts: { connection: X11Connection; xkb: Xkb | null }) {
    this.#connection = parts.connection;
    this.#xkb = parts.xkb;
  }

  /** @param rows keysyms by keycode, two for each group; none = an empty row. Ascending keycodes. */
  async set(rows: ReadonlyMap<number, readonly number[]>): Promise<void> {
    if (rows.size === 0) return;
    if (this.#xkb === null) await this.#connection.changeKeyboardMapping(coreChanges(rows));
    else await this.#setByXkb(this.#xkb, rows);
  }

  /** Rows in between are written back as they were read. */
  async #setByXkb(xkb: Xkb, rows: ReadonlyMap<number, readonly number[]>): Promise<void> {
    const first = Math.min(...rows.keys());
    const last = Math.max(...rows.keys());
    const keys = await xkb.keys(first, last - first + 1);
    const changed = keys.map((key, index) => {
      const keysyms = rows.get(first + index);
      return keysyms === undefined ? key : xkbKey(keysyms);
    });
    await xkb.setKeys(first, changed);
  }
}

function xkbKey(keysyms: readonly number[]): XkbKey {
  if (keysyms.length === 0) return EMPTY_XKB_KEY;
  const groups = Math.min(MAX_GROUPS, keysyms.length / 2);
  return {
    types: [TWO_LEVELS, TWO_LEVELS, TWO_LEVELS, TWO_LEVELS],
    groupInfo: groups,
    width: 2,
    keysyms: keysyms.slice(0, groups * 2),
  };
}

/** Neighbouring keycodes of equal width as one request each. */
function coreChanges(rows: ReadonlyMap<number, readonly number[]>) {
  const changes: Array<{ first: number; keysymsPerKeycode: number; keysyms: number[] }> = [];
  for (const [keycode, row] of rows) {
    const keysyms = row.length === 0 ? [0] : row;
    const last = changes.at(-1);
    const next = last === undefined ? 0 : last.first + last.keysyms.length / last.keysymsPerKeycode;
    if (last !== undefined && keycode === next && last.keysymsPerKeycode === keysyms.length)
      last.keysyms.push(...keysyms);
    else changes.push({ first: keycode, keysymsPerKeycode: keysyms.length, keysyms: [...keysyms] });
  }
  return changes;
}
