import { errorAttributes, type Logger } from '@deskhand/base';
import {
  centerOf,
  type Display,
  type ElementSource,
  intersection,
  type Rect,
  type ScreenElement,
  type WindowInfo,
} from '@deskhand/protocol';
import { clipped } from '../capture/demand-region.ts';
import { keptImage } from '../capture/index.ts';
import { paintOverAll } from '../capture/paint.ts';
import type { WordReader } from '../ports.ts';
import type { SecretScreen } from '../secrets/secret-screen.ts';
import type { DesktopSenses } from './desktop-senses.ts';
import type { PrivatePlaces } from './private-places.ts';

/** A picture and its facts are only useful fresh; slower sources are left out. */
const FACTS_CEILING_MS = 3000;

/** Elements of a window, desktop space. */
export type FoundElements = Readonly<{
  elements: readonly ScreenElement[];
  sources: readonly ElementSource[];
  /** Where one of them tells a secret. */
  telling: readonly Rect[];
  /** A page did not tell all that it shows, and accessibility was not asked for the rest. */
  partial: boolean;
  /** Whether they are all there is on the page in front; undefined where none was read. */
  allShown?: boolean;
}>;

export const NO_ELEMENTS: FoundElements = { elements: [], sources: [], telling: [], partial: false };

/** Notes under its name how long each work took. */
export type Timed = <T>(name: string, work: Promise<T>) => Promise<T>;

type Reading = Readonly<{
  /** By `performance.now()`: when the screen last changed; null when it did not. */
  paintedAtMs: number | null;
  timed: Timed;
  signal: AbortSignal;
}>;

/** What applications, pages and pixels say is in the active window; nothing of what the person marked private. */
export class ElementReader {
  readonly #senses: Pick<DesktopSenses, 'browser' | 'capture' | 'elements' | 'words'>;
  readonly #hidden: PrivatePlaces;
  readonly #secretScreen: SecretScreen;
  readonly #log: Logger;

  constructor(
    parts: Readonly<{
      senses: Pick<DesktopSenses, 'browser' | 'capture' | 'elements' | 'words'>;
      hidden: PrivatePlaces;
      secretScreen: SecretScreen;
      log: Logger;
    }>,
  ) {
    this.#senses = parts.senses;
    this.#hidden = parts.hidden;
    this.#secretScreen = parts.secretScreen;
    this.#log = parts.log;
  }

  /**
   * By accessibility and by the page itself, if it is ours.
   * @param reading.whole where the page does not tell everything, accessibility is asked about it, too; a browser's
   *   answer is then waited for until it is as new as its pixels.
   */
  async read(
    active: WindowInfo | null,
    { paintedAtMs, whole, timed, signal }: Reading & Readonly<{ whole: boolean }>,
  ): Promise<FoundElements> {
    if (this.#hidden.hides(active)) return NO_ELEMENTS;
    const { elements: tree, browser } = this.#senses;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(FACTS_CEILING_MS)]);
    const ours = browser !== null && active !== null && browser.isOurs(active);
    const wish = { signal: limited, paintedAtMs };
    // A page that is ours is told by itself, exact and as it is now.
    const ask = (source: ElementSource, work: Promise<readonly ScreenElement[]>) =>
      this.#ask(source, work, { timed, signal });
    let told = true;
    let shown: { allShown?: boolean } = {};
    const [around, page] = await Promise.all([
      tree === null ? null : ask('accessibility', tree.elements(active, { ...wish, pages: !ours })),
      ours
        ? ask(
            'dom',
            browser.read(active, { signal: limited }).then(({ elements, whole: all, allShown = false }) => {
              told = all;
              shown = { allShown: allShown && !this.#hidden.any };
              return elements;
            }),
          )
        : null,
    ]);
    if (page === null) told = !ours;
    if (told || tree === null) return { ...this.#foundBy([around, page], false), ...shown };
    if (!whole) return { ...this.#foundBy([around, page], true), ...shown };
    const all = await ask('accessibility', tree.elements(active, wish));
    return { ...this.#foundBy([page, all], false), ...shown };
  }

  /** By pixels: words of the active window, or of the display where there is none. */
  async words(
    active: WindowInfo | null,
    display: Display,
    reading: Pick<Reading, 'timed' | 'signal'>,
  ): Promise<FoundElements> {
    const { words } = this.#senses;
    if (words === null || this.#hidden.hides(active)) return NO_ELEMENTS;
    const visible = active === null ? null : intersection(active.bounds, display.bounds);
    const region = visible === null ? display.bounds : clipped(visible, display.bounds);
    const found = this.#wordsIn(region, words, reading.signal);
    return this.#foundBy([await this.#ask('ocr', found, reading)], false);
  }

  /** To find what must be hidden; null when nobody tells. */
  async fields(active: WindowInfo | null, signal: AbortSignal): Promise<readonly ScreenElement[] | null> {
    const { elements: tree, browser } = this.#senses;
    if (active === null) return null;
    const limited = { signal: AbortSignal.any([signal, AbortSignal.timeout(FACTS_CEILING_MS)]) };
    const ours = browser?.isOurs(active) === true;
    const found = await (ours ? browser.elements(active, limited) : tree?.elements(active, limited))?.catch(
      (error: unknown) => {
        this.#log.warn('a fact about the desktop is missing', { fact: 'fields', ...errorAttributes(error) });
        return [];
      },
    );
    return found === undefined || found.length === 0 ? null : found;
  }

  async #wordsIn(region: Rect, words: WordReader, signal: AbortSignal): Promise<readonly ScreenElement[]> {
    const before = this.#hidden.any ? await this.#hidden.places() : [];
    const image = await this.#senses.capture.grab(region, { signal });
    // Reading takes long and the buffer is shared.
    const kept = keptImage(image);
    if (this.#hidden.any) paintOverAll(kept, region, [...before, ...(await this.#hidden.places())]);
    const found = await words.read(kept, { signal });
    return found.map((word) => ({
      ...word,
      bounds: { ...word.bounds, x: word.bounds.x + region.x, y: word.bounds.y + region.y },
    }));
  }

  /** One source; null when it fails, which is a blind spot and no failed look. */
  async #ask(
    source: ElementSource,
    work: Promise<readonly ScreenElement[]>,
    { timed, signal }: Pick<Reading, 'timed' | 'signal'>,
  ): Promise<Answer | null> {
    try {
      return { source, elements: await timed(source, work) };
    } catch (error) {
      signal.throwIfAborted();
      this.#log.warn('a source of elements failed', { source, ...errorAttributes(error) });
      return null;
    }
  }

  #foundBy(asked: ReadonlyArray<Answer | null>, partial: boolean): FoundElements {
    const answers = asked.filter((answer) => answer !== null);
    const all = answers.flatMap(({ elements }) => elements);
    return {
      elements: all.filter(({ bounds }) => !this.#hidden.hidesPoint(centerOf(bounds))),
      sources: answers.map(({ source }) => source),
      telling: this.#secretScreen.active ? this.#secretScreen.telling(all) : [],
      partial,
    };
  }
}

type Answer = Readonly<{ source: ElementSource; elements: readonly ScreenElement[] }>;
