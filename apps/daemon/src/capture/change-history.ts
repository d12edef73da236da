import { contains, type Point, type Rect, union } from '@deskhand/protocol';

/** Small things that repeat on their own (caret, spinner, clock digits) cover at most this much. */
const SMALL_MAX_AREA = 10_000;
/** So many changes of one small place … */
const SMALL_REPEATS = 4;
/** … over at least this long make it ambient; a fading menu repeats too, but is over sooner. */
const SMALL_SPAN_MS = 240;
/** Sooner where it keeps time, as clocks do, and did before the action: two waits that differ by no more than this share. */
const EVEN_WITHIN = 0.1;
/** A small place that changed twice, a second apart, and goes on is most likely a clock: no lesson is drawn from it. */
const CLOCK_MS = { least: 950, most: 1050 } as const;
/** What keeps time is over when it missed a beat by half. */
const STILL_TIMES = 1.5;
/** A place that was quiet this long has to prove itself again; longer than the slowest caret or clock needs. */
const SMALL_MEMORY_MS = 5000;
/** Rectangles are the same place when their centres fall into the same cell. */
const CELL_PX = 48;

/** A large rectangle that changes again and again, without a break, for longer than pages build themselves: a film. */
const LARGE_REPEATS = 16;
const LARGE_SPAN_MS = 1200;
const LARGE_BREAK_MS = 500;
/** Edges of a film's rectangle move by less than this from picture to picture. */
const LARGE_GRID_PX = 16;
/** More changed places than this are told as their surroundings. */
const MAX_TOLD_PLACES = 24;
const MAX_PLACES = 2000;
const MAX_CHANGES = 2000;

/** Rectangles of one picture, or of the next one, come closer together than this. */
const PAUSE_MS = 30;

/** A button that looks pressed, a field that shows its frame: what lies under the pointer and reaches no further. */
export const FEEDBACK_REACH_PX = { x: 320, y: 80 } as const;

/** A place that changed so often after the screen was taken for quiet, and lately, moves on its own. */
const MOVING_REPEATS = 2;
const MOVING_WITHIN_MS = 1500;

type Place = {
  rect: Rect;
  large: boolean;
  first: number;
  last: number;
  repeats: number;
  /** When it changed after a pause, the last three times; none is kept of a large one. */
  beats: number[];
  ambient: boolean;
};
type Change = Readonly<{ at: number; key: string; rect: Rect }>;

/** What happened since the mark, ambient things left out. Times are the caller's clock. */
export type ChangeSummary = Readonly<{
  /** The first and the last change, feedback included. */
  firstAt: number;
  lastAt: number;
  /** The first change that was more than feedback under the target; null when there was none. */
  answeredAt: number | null;
  /** The longest time between two changes from the answer on, milliseconds. */
  longestGapMs: number;
  /** How many times from the answer on it stood still for longer than a picture takes, and went on. */
  pauses: number;
  /** Sum of rectangles, so a place that changed twice counts twice. */
  area: number;
  /** Where it changed, without what only changed where something had been moving on its own. */
  places: readonly Rect[];
}>;

/**
 * When the screen last changed in a way that matters. Pure: times come from the caller, in milliseconds.
 * A small rectangle that keeps changing at the same place becomes ambient and no longer counts, and so does a
 * large one that never stands still.
 */
export class ChangeHistory {
  readonly #places = new Map<string, Place>();
  #markedAt = 0;
  #since: Change[] = [];
  #decidedAt: number | null = null;
  /** The place whose change was last told as late. */
  #toldLate: string | null = null;
  #moving: readonly Rect[] = [];

  /** Starts counting from `at`. What is ambient stays known. */
  mark(at: number): void {
    this.#moving = this.#movingUntil(at);
    this.#decidedAt = null;
    this.#markedAt = at;
    this.#since = [];
    for (const [key, place] of this.#places) {
      const stale = at - place.last > (place.large ? LARGE_BREAK_MS : SMALL_MEMORY_MS);
      // A page that is scrolled again and again is no film: each action has to be outlived.
      if (stale || (place.large && !place.ambient)) this.#places.delete(key);
    }
  }

  /** The screen is taken for quiet at `at`: the first time since the mark counts. */
  decide(at: number): void {
    this.#decidedAt ??= at;
  }

  get markedAt(): number {
    return this.#markedAt;
  }

  add(rect: Rect, at: number): void {
    if (rect.width * rect.height <= 0) return;
    const large = rect.width * rect.height > SMALL_MAX_AREA;
    const key = large ? extentOf(rect) : placeOf(rect);
    const place = this.#places.get(key);
    if (place === undefined || at - place.last > (large ? LARGE_BREAK_MS : SMALL_MEMORY_MS)) {
      if (this.#places.size >= MAX_PLACES) this.#places.clear();
      this.#places.set(key, { rect, large, first: at, last: at, repeats: 1, beats: [at], ambient: false });
    } else if (at > place.last) {
      if (!large && at - place.last > PAUSE_MS) place.beats = [...place.beats, at].slice(-3);
      place.last = at;
      place.repeats += 1;
      place.rect = union(place.rect, rect);
      const [repeats, spanMs] = large ? [LARGE_REPEATS, LARGE_SPAN_MS] : [SMALL_REPEATS, SMALL_SPAN_MS];
      place.ambient ||=
        (place.repeats >= repeats && at - place.first >= spanMs) ||
        (place.first < this.#markedAt && keepsTime(place.beats));
    }
    if (this.#since.length >= MAX_CHANGES) this.#since.splice(1, MAX_CHANGES / 2);
    this.#since.push({ at, key, rect });
  }

  /** @param target what was clicked, desktop space; null when the action had no place. */
  summary(target: Point | null = null): ChangeSummary | null {
    let firstAt = -1;
    let lastAt = -1;
    let answeredAt: number | null = null;
    let longestGapMs = 0;
    let pauses = 0;
    let area = 0;
    const places = new Map<string, Rect>();
    const moving = this.moving();
    const begun = new Set<string>();
    for (const change of this.#since) {
      const place = this.#places.get(change.key);
      if (place?.ambient === true) {
        // A film or a spinner that began with the action: that it did is a change, that it goes on is none.
        if (place.first < this.#markedAt || begun.has(change.key)) continue;
        begun.add(change.key);
      }
      if (firstAt === -1) firstAt = change.at;
      if (answeredAt !== null) {
        const gapMs = change.at - lastAt;
        longestGapMs = Math.max(longestGapMs, gapMs);
        if (gapMs > PAUSE_MS) pauses += 1;
      } else if (target === null || !isFeedback(change.rect, target, moving)) answeredAt = change.at;
      lastAt = Math.max(lastAt, change.at);
      area += change.rect.width * change.rect.height;
      if (this.#moving.every((moving) => !isInside(change.rect, moving))) {
        const known = places.get(change.key);
        places.set(change.key, known === undefined ? change.rect : union(known, change.rect));
      }
    }
    if (firstAt === -1) return null;
    const told = [...places.values()];
    return {
      ...{ firstAt, lastAt, answeredAt, longestGapMs, pauses, area },
      places: told.length <= MAX_TOLD_PLACES ? told : [told.reduce(union)],
    };
  }

  /**
   * How long after the decision the first change came, or null. What had a rhythm of its own by then and still has it
   * at `at` is left out, also when it began with the action: an answer comes to an end, a clock does not.
   */
  changedAfterMs(at: number): number | null {
    this.#toldLate = null;
    const decidedAt = this.#decidedAt;
    if (decidedAt === null) return null;
    for (const change of this.#since) {
      if (change.at <= decidedAt || this.#movesAlone(change.key, at)) continue;
      this.#toldLate = change.key;
      return change.at - decidedAt;
    }
    return null;
  }

  /** Whether what `changedAfterMs` told last has proved since to move on its own. */
  tookClockForAnswer(at: number): boolean {
    return this.#toldLate !== null && this.#movesAlone(this.#toldLate, at);
  }

  #movesAlone(key: string, at: number): boolean {
    const place = this.#places.get(key);
    if (place === undefined || place.ambient) return place !== undefined;
    const beats = place.beats.slice(-2);
    const beatMs = (beats[1] ?? Number.NaN) - (beats[0] ?? Number.NaN);
    if (place.large || !(at - place.last <= beatMs * STILL_TIMES)) return false;
    return keepsTime(place.beats) || (beatMs >= CLOCK_MS.least && beatMs <= CLOCK_MS.most);
  }

  /** Where something moves on its own now, by itself or as a film. Changes there prove nothing about an action. */
  moving(): readonly Rect[] {
    const ambient = [...this.#places.values()].filter((place) => place.ambient).map(({ rect }) => rect);
    return [...this.#moving, ...ambient];
  }

  #movingUntil(at: number): Rect[] {
    const from = Math.max(this.#decidedAt ?? this.#markedAt, at - MOVING_WITHIN_MS);
    const seen = new Map<string, { rect: Rect; repeats: number }>();
    for (const { at: changedAt, key, rect } of this.#since) {
      if (changedAt <= from) continue;
      const known = seen.get(key);
      seen.set(key, {
        rect: known === undefined ? rect : union(known.rect, rect),
        repeats: (known?.repeats ?? 0) + 1,
      });
    }
    return [...seen.values()].filter(({ repeats }) => repeats >= MOVING_REPEATS).map(({ rect }) => rect);
  }
}

/** Whether the last two waits were long and alike. */
function keepsTime([first, second, third]: readonly number[]): boolean {
  if (first === undefined || second === undefined || third === undefined) return false;
  const [before, after] = [second - first, third - second];
  return before >= SMALL_SPAN_MS && Math.abs(after - before) <= before * EVEN_WITHIN;
}

/** Edges move a little from picture to picture. */
function isInside(rect: Rect, place: Rect): boolean {
  return (
    rect.x >= place.x - LARGE_GRID_PX &&
    rect.y >= place.y - LARGE_GRID_PX &&
    rect.x + rect.width <= place.x + place.width + LARGE_GRID_PX &&
    rect.y + rect.height <= place.y + place.height + LARGE_GRID_PX
  );
}

/**
 * Whether a change is no more than the target's own: it holds the target, and each of its edges is near, or is the edge
 * of something that moves anyway. (What changes with one frame is often told as one rectangle around all of it.)
 */
function isFeedback(rect: Rect, target: Point, moving: readonly Rect[]): boolean {
  if (!contains(rect, target)) return false;
  const edges = edgesOf(rect);
  const near = [
    target.x - edges[0] <= FEEDBACK_REACH_PX.x,
    edges[1] - target.x <= FEEDBACK_REACH_PX.x,
    target.y - edges[2] <= FEEDBACK_REACH_PX.y,
    edges[3] - target.y <= FEEDBACK_REACH_PX.y,
  ];
  return near.every(
    (isNear, side) =>
      isNear ||
      moving.some((place) => Math.abs((edgesOf(place)[side] ?? 0) - (edges[side] ?? 0)) <= LARGE_GRID_PX),
  );
}

/** Left, right, top, bottom. */
function edgesOf({ x, y, width, height }: Rect): [number, number, number, number] {
  return [x, x + width, y, y + height];
}

function placeOf(rect: Rect): string {
  const column = Math.floor((rect.x + rect.width / 2) / CELL_PX);
  const row = Math.floor((rect.y + rect.height / 2) / CELL_PX);
  return `${column},${row}`;
}

function extentOf(rect: Rect): string {
  const grid = (value: number) => Math.round(value / LARGE_GRID_PX);
  return `${grid(rect.x)},${grid(rect.y)},${grid(rect.width)},${grid(rect.height)}`;
}
