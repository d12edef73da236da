import { intersection, type Rect, type ScreenElement, union } from '@deskhand/protocol';
import { keptImage } from '../capture/kept-image.ts';
import type { RawImage, WordReader } from '../ports.ts';
import { changedPart, cutOut } from './changed-part.ts';

const KEPT_PICTURES = 3;
/** All kept pictures together; the latest is kept whatever its size. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** Reading most of a picture again costs as much as all of it, and gives one reading instead of two glued. */
const WORTH_GLUING = 0.5;
/** Room around a change, so that letters at its edge are read whole. */
const MARGIN_PX = 12;

type Reading = Readonly<{ image: RawImage; elements: readonly ScreenElement[] }>;

/**
 * Reads again only what has changed since one of the last pictures of the same size: nothing where nothing
 * did, a part where little did. Pictures stay in memory only, and few of them.
 */
export class RememberingWordReader implements WordReader {
  readonly #reader: WordReader;
  /** Latest first. */
  #readings: Reading[] = [];

  /** Owns `reader` from now on. */
  constructor(reader: WordReader) {
    this.#reader = reader;
  }

  get name(): string {
    return this.#reader.name;
  }

  async read(image: RawImage, options: { signal: AbortSignal }): Promise<readonly ScreenElement[]> {
    options.signal.throwIfAborted();
    // The capture's buffer is used again by the next grab, while this goes on and is kept.
    const own = keptImage(image);
    const elements = await this.#readOwn(own, options);
    this.#readings = withinMemory([{ image: own, elements }, ...this.#readings]);
    return elements;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#readings = [];
    await this.#reader[Symbol.asyncDispose]();
  }

  async #readOwn(image: RawImage, options: { signal: AbortSignal }): Promise<readonly ScreenElement[]> {
    let best: { reading: Reading; part: Rect } | null = null;
    for (const reading of this.#readings) {
      const known = reading.image;
      if (known.width !== image.width || known.height !== image.height || known.format !== image.format)
        continue;
      const part = changedPart(known, image);
      if (part === null) {
        this.#readings = this.#readings.filter((other) => other !== reading);
        return reading.elements;
      }
      if (best === null || areaOf(part) < areaOf(best.part)) best = { reading, part };
    }
    if (best === null) return this.#reader.read(image, options);
    const part = wholeThings(best.part, best.reading.elements, image);
    if (areaOf(part) > WORTH_GLUING * image.width * image.height) return this.#reader.read(image, options);
    const fresh = await this.#reader.read(cutOut(image, part), options);
    const kept = best.reading.elements.filter((element) => intersection(element.bounds, part) === null);
    const moved = fresh.map((element) => ({
      ...element,
      bounds: { ...element.bounds, x: element.bounds.x + part.x, y: element.bounds.y + part.y },
    }));
    return [...kept, ...moved].map((element, index) => ({ ...element, id: `ocr${index}` }));
  }
}

/** The latest readings whose pictures fit. */
function withinMemory(readings: readonly Reading[]): Reading[] {
  let bytes = 0;
  return readings.slice(0, KEPT_PICTURES).filter(({ image }, index) => {
    bytes += image.pixels.length;
    return index === 0 || bytes <= KEPT_BYTES;
  });
}

/** Grows a changed part until no known word or line lies across its edge. */
function wholeThings(part: Rect, elements: readonly ScreenElement[], image: RawImage): Rect {
  let grown = withMargin(part, image);
  for (;;) {
    let next = grown;
    for (const { bounds } of elements) if (intersection(bounds, next) !== null) next = union(next, bounds);
    next = insideOf(next, image);
    if (next.width === grown.width && next.height === grown.height) return grown;
    grown = next;
  }
}

function withMargin(part: Rect, image: RawImage): Rect {
  return insideOf(
    {
      x: part.x - MARGIN_PX,
      y: part.y - MARGIN_PX,
      width: part.width + 2 * MARGIN_PX,
      height: part.height + 2 * MARGIN_PX,
    },
    image,
  );
}

/** Whole pixels, none outside the image. */
function insideOf(rect: Rect, image: RawImage): Rect {
  const x = Math.max(0, Math.floor(rect.x));
  const y = Math.max(0, Math.floor(rect.y));
  const right = Math.min(image.width, Math.ceil(rect.x + rect.width));
  const bottom = Math.min(image.height, Math.ceil(rect.y + rect.height));
  return { x, y, width: right - x, height: bottom - y };
}

function areaOf(rect: Rect): number {
  return rect.width * rect.height;
}
