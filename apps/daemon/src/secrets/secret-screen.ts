import type { Secret } from '@deskhand/base';
import { intersection, type Rect, type ScreenElement, type WindowInfo } from '@deskhand/protocol';

type Typed = Readonly<{
  name: string;
  value: Secret;
  windowId: string;
  /** Relative to the window; the whole window where the field's place was not known. */
  place: Rect;
}>;

/** More than a run ever needs; the oldest go. */
const MAX_REMEMBERED = 200;
/** Shorter values are in many words by chance: only a whole text that equals one counts. */
const MIN_WITHIN_TEXT = 4;
/** A window manager's bar and a browser's tabs, also on a fine display. */
const TITLE_BARS_PX = 90;
const CALLED_BY_TITLE: ReadonlySet<string> = new Set(['window', 'document', 'dialog', 'application']);

/**
 * Where secrets were typed, and what they read like: they are painted over in every picture and taken out of every
 * fact about the screen, for as long as the window they were typed into is there.
 */
export class SecretScreen {
  #typed: Typed[] = [];

  /** To be told before the first key. */
  note(values: ReadonlyMap<string, Secret>, window: WindowInfo, bounds: Rect | null): void {
    const { x, y, width, height } = window.bounds;
    const place =
      bounds === null
        ? { x: 0, y: 0, width, height }
        : { x: bounds.x - x, y: bounds.y - y, width: bounds.width, height: bounds.height };
    for (const [name, value] of values) this.#typed.push({ name, value, windowId: window.id, place });
    this.#typed = this.#typed.slice(-MAX_REMEMBERED);
  }

  get active(): boolean {
    return this.#typed.length > 0;
  }

  /** A value may still be on the screen in another window: the values stay known, places go with their window. */
  forgetWindowsBut(windows: readonly WindowInfo[]): void {
    const there = new Set(windows.map(({ id }) => id));
    if (!this.#typed.some(({ windowId }) => there.has(windowId))) this.#typed = [];
  }

  /**
   * What must be painted over, desktop space.
   * @param elements of the active window, desktop space; null when nobody told.
   */
  masks(
    windows: readonly WindowInfo[],
    active: WindowInfo | null,
    elements: readonly ScreenElement[] | null,
  ): Rect[] {
    const places = this.#typed.flatMap(({ windowId, place }) => {
      const window = windows.find(({ id }) => id === windowId);
      if (window === undefined || window.minimized) return [];
      const rect = { ...place, x: place.x + window.bounds.x, y: place.y + window.bounds.y };
      // Where the window's fields are known and none is there any more, the page has gone on.
      const known = windowId === active?.id && elements !== null && elements.length > 0;
      return known && !elements.some((element) => isField(element) && overlap(rect, element.bounds))
        ? []
        : [rect];
    });
    return [...places, ...this.#titleBars(windows), ...this.telling(elements ?? [])];
  }

  /** Where elements show a value, desktop space. */
  telling(elements: readonly ScreenElement[]): Rect[] {
    return elements.filter((element) => this.#shows(element)).map(({ bounds }) => bounds);
  }

  /** What a window or a page is called stands in its title bar and tabs; the rest of it shows other things. */
  #shows({ role, name, value, description }: ScreenElement): boolean {
    const texts = CALLED_BY_TITLE.has(role) ? [value, description] : [name, value, description];
    return texts.some((text) => text !== undefined && this.inText(text));
  }

  #titleBars(windows: readonly WindowInfo[]): Rect[] {
    return windows
      .filter(({ title, minimized }) => !minimized && this.inText(title))
      .map(({ bounds }) => ({ ...bounds, height: Math.min(bounds.height, TITLE_BARS_PX) }));
  }

  inText(text: string): boolean {
    return this.#typed.some(({ value }) => holds(text, value.reveal()));
  }

  /** The same facts with placeholders instead of values, in every text at any depth. */
  scrub<T>(facts: T): T {
    return this.active ? (this.#scrub(facts, 0) as T) : facts;
  }

  #scrub(fact: unknown, depth: number): unknown {
    if (typeof fact === 'string') return this.#scrubText(fact);
    if (depth > 30 || typeof fact !== 'object' || fact === null) return fact;
    if (Array.isArray(fact)) return fact.map((item) => this.#scrub(item, depth + 1));
    if (ArrayBuffer.isView(fact)) return fact;
    return Object.fromEntries(
      Object.entries(fact).map(([key, value]) => [key, this.#scrub(value, depth + 1)]),
    );
  }

  #scrubText(text: string): string {
    let clean = text;
    for (const { name, value } of this.#typed) {
      const plain = value.reveal();
      for (const form of new Set([plain, encodeURIComponent(plain), plain.replaceAll(/\s+/g, ' ').trim()]))
        if (holds(clean, form)) clean = form === '' ? clean : clean.replaceAll(form, `{{secret:${name}}}`);
    }
    return clean;
  }
}

function holds(text: string, value: string): boolean {
  if (value === '') return false;
  return value.length < MIN_WITHIN_TEXT ? text.trim() === value : text.includes(value);
}

function isField({ role, states }: ScreenElement): boolean {
  return states.includes('editable') || states.includes('protected') || role === 'terminal';
}

/** At least half of the smaller one. */
function overlap(a: Rect, b: Rect): boolean {
  const common = intersection(a, b);
  if (common === null) return false;
  return common.width * common.height * 2 >= Math.min(a.width * a.height, b.width * b.height);
}
