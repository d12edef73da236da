import type { Rect } from '@deskhand/protocol';

/** Small things that repeat on their own (caret, spinner, clock digits) cover at most this much. */
const AMBIENT_MAX_AREA = 10_000;
/** So many changes of one small place … */
const AMBIENT_REPEATS = 4;
/** … over at least this long make it ambient; a fading menu repeats too, but is over sooner. */
const AMBIENT_SPAN_MS = 240;
/** A place that was quiet this long has to prove itself again; longer than the slowest caret or clock needs. */
const AMBIENT_MEMORY_MS = 5000;
/** Rectangles are the same place when their centres fall into the same cell. */
const CELL_PX = 48;
const MAX_PLACES = 2000;

type Place = { first: number; last: number; repeats: number };

/**
 * When the screen last changed in a way that matters. Pure: times come from the caller, in milliseconds.
 * A small rectangle that keeps changing at the same place becomes ambient and no longer counts.
 */
export class ChangeHistory {
  readonly #places = new Map<string, Place>();
  #markedAt = 0;
  /** Changes since the mark, by place; '' holds everything too large to be ambient. */
  #since = new Map<string, { last: number; area: number }>();

  /** Starts counting from `at`. What is ambient stays known. */
  mark(at: number): void {
    this.#markedAt = at;
    this.#since = new Map();
    for (const [key, place] of this.#places)
      if (at - place.last > AMBIENT_MEMORY_MS) this.#places.delete(key);
  }

  get markedAt(): number {
    return this.#markedAt;
  }

  add(rect: Rect, at: number): void {
    const area = rect.width * rect.height;
    if (area <= 0) return;
    let key = '';
    if (area <= AMBIENT_MAX_AREA) {
      key = placeOf(rect);
      const place = this.#places.get(key);
      if (place === undefined || at - place.last > AMBIENT_MEMORY_MS) {
        if (this.#places.size >= MAX_PLACES) this.#places.clear();
        this.#places.set(key, { first: at, last: at, repeats: 1 });
      } else if (at > place.last) {
        place.last = at;
        place.repeats += 1;
      }
    }
    const sum = this.#since.get(key);
    if (sum === undefined) this.#since.set(key, { last: at, area });
    else {
      sum.last = Math.max(sum.last, at);
      sum.area += area;
    }
  }

  /**
   * The last change since the mark that was not ambient, and how much changed (sum of rectangles, so a
   * place that changed twice counts twice); null when nothing did.
   */
  lastChange(): { at: number; area: number } | null {
    let at = -1;
    let area = 0;
    for (const [key, sum] of this.#since) {
      if (key !== '' && this.#isAmbient(key)) continue;
      at = Math.max(at, sum.last);
      area += sum.area;
    }
    return at === -1 ? null : { at, area };
  }

  #isAmbient(key: string): boolean {
    const place = this.#places.get(key);
    return (
      place !== undefined && place.repeats >= AMBIENT_REPEATS && place.last - place.first >= AMBIENT_SPAN_MS
    );
  }
}

function placeOf(rect: Rect): string {
  const column = Math.floor((rect.x + rect.width / 2) / CELL_PX);
  const row = Math.floor((rect.y + rect.height / 2) / CELL_PX);
  return `${column},${row}`;
}
