import { isDeepStrictEqual } from 'node:util';
import { errorAttributes, type Logger } from '@deskhand/base';
import {
  centerOf,
  type Display,
  desktopToFrame,
  type FrameGeometry,
  type FrameWithBytes,
  fitWithin,
  intersection,
  type Observation,
  type ObserveRequest,
  type OverlayExclusion,
  type PageInfo,
  type Point,
  ProtocolError,
  type Rect,
  type SettleReport,
  type WindowInfo,
} from '@deskhand/protocol';
import { clipped } from '../capture/demand-region.ts';
import {
  displayAt,
  FrameEncoder,
  FrameMemory,
  keptImage,
  layoutIdOf,
  primaryDisplay,
} from '../capture/index.ts';
import { withoutAll } from '../capture/rectangles.ts';
import type { Settled } from '../ports.ts';
import type { SecretScreen } from '../secrets/secret-screen.ts';
import type { DesktopSenses } from './desktop-senses.ts';
import { EarlyLook } from './early-look.ts';
import { ElementReader, type FoundElements, NO_ELEMENTS, type Timed } from './element-reader.ts';
import type { FrameBook } from './frame-book.ts';
import type { PrivatePlaces } from './private-places.ts';
import { Settling } from './settling.ts';
import { elementsToTell, windowsToTell } from './tell.ts';

export type Sight = Readonly<{
  observation: Observation;
  /** The picture's bytes, when one was asked for. */
  bytes: Uint8Array | null;
}>;

/** A grab whose pixels are still there: `encode` must be called before anything is awaited. */
export type Picture = Readonly<{
  region: Rect;
  encode: (wish: { maxSidePx: number; quality: number }) => Promise<FrameWithBytes>;
}>;

/** A grab on its way to a frame: where things lie in it is known before it is encoded. */
type Shot = Readonly<{
  /** As the frame's own, under another id. */
  geometry: FrameGeometry;
  encoding: Promise<FrameWithBytes>;
  changedFraction: number | undefined;
  /** What it shows, for the next one to be compared with; null for a part of the screen. */
  memory: FrameMemory | null;
}>;

/** One look at the desktop that nobody was told about yet. */
type Gathered = Readonly<{
  encoded: FrameWithBytes | null;
  picture: Shot | null;
  geometry: FrameGeometry;
  display: Display;
  pointer: Point | null;
  page: PageInfo | null;
  /** Desktop space. */
  found: FoundElements;
  windows: readonly WindowInfo[];
  active: WindowInfo | null;
  /** Desktop space, as they were before the picture. */
  privatePlaces: readonly Rect[];
  timings: Record<string, number>;
}>;

/** A panel's own word about its place may be off by its rounding. */
const ROUNDING_PX = 2;

/** After this many pictures with a value in a new place the display is painted over whole. */
const SECRET_RETAKES = 3;
/** Pictures that are remembered are large: a buffer that is free is used again. */
const SPARE_MEMORIES = 2;

export type ObserverOptions = Readonly<{
  senses: DesktopSenses;
  frames: FrameBook;
  /**
   * Rectangles of our own windows, desktop space; painted over where the picture shows them.
   * @param picture.composed windows that say what they are were left out by the capture itself.
   */
  covered: (picture: { composed: boolean }) => readonly Rect[];
  /** What the person marked private: in no picture, no words, no elements. */
  hidden: PrivatePlaces;
  onPicture: (picture: Picture) => void;
  secretScreen: SecretScreen;
  log: Logger;
}>;

/** Settle, capture, encode, and the facts that go with the picture, as one consistent answer. */
export class Observer {
  readonly settling: Settling;
  readonly #options: ObserverOptions;
  #lastFrame = new FrameMemory();
  readonly #spare: FrameMemory[] = [];
  readonly #encoder = new FrameEncoder();
  readonly #elements: ElementReader;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#elements = new ElementReader(options);
    this.settling = new Settling(options.senses);
  }

  /** A new lease compares with nothing that an earlier one saw. */
  forget(): void {
    this.#lastFrame.forget();
  }

  /**
   * @param settled what the caller has waited for already.
   * @param early a picture that was taken while it waited.
   * @throws ProtocolError CAPTURE_FAILED, DISPLAY_UNAVAILABLE, FRAME_STALE
   */
  async observe(
    request: ObserveRequest,
    options: {
      signal: AbortSignal;
      settled?: Settled;
      early?: EarlyLook<Gathered>;
    },
  ): Promise<Sight> {
    const { signal, early } = options;
    let { settled } = options;
    if (settled === undefined && request.settle) {
      // What changed since the last action is still being learnt from: its mark stays.
      settled = await this.settling.look(request.settleCeilingMs, signal);
    }
    const settle: SettleReport = settled ?? { settledMs: 0, reason: 'not_asked' };
    const startedMs = performance.now();
    const paintedAtMs = sinceRest(settled?.restedMs);
    const seen = early === undefined ? null : await this.#takeEarly(early, request, paintedAtMs, signal);
    const gathered = seen ?? (await this.#gather(request, { paintedAtMs, whole: true }, signal));
    const timings = { ...gathered.timings, look: sinceMs(startedMs) };
    return this.#sightOf(gathered, settle, timings);
  }

  /**
   * For a wait that may be nearly over: looks as soon as the screen is calm, so that picture and elements are there when
   * it is quiet. Not where secrets were typed: what covers them is asked for at the last moment.
   */
  early(request: ObserveRequest, signal: AbortSignal): EarlyLook<Gathered> | null {
    if (this.#options.secretScreen.active || request.ocr || request.frame === null) return null;
    return new EarlyLook(
      (stop, restedMs) => this.#gather(request, { paintedAtMs: sinceRest(restedMs), whole: false }, stop),
      signal,
    );
  }

  /** What was seen early, if it is still so; what a page did not tell itself is asked for now. Null where it is not so. */
  async #takeEarly(
    look: EarlyLook<Gathered>,
    request: ObserveRequest,
    paintedAtMs: number | null,
    signal: AbortSignal,
  ): Promise<Gathered | null> {
    const { secretScreen } = this.#options;
    if (secretScreen.active) return null;
    const seen = await look.take();
    if (seen === null) return null;
    const timings = { ...seen.timings };
    const again = { paintedAtMs, whole: true, timed: timerOf(timings), signal };
    const [windows, active, privatePlaces, pointer, page, found] = await Promise.all([
      ...this.#windows(),
      this.#privatePlaces(),
      this.#fact('pointer', this.#options.senses.capture.pointer(), null),
      this.#page(seen.active),
      request.elements && seen.found.partial ? this.#elements.read(seen.active, again) : seen.found,
    ]);
    signal.throwIfAborted();
    if (page?.url !== seen.page?.url) return null;
    if (!isDeepStrictEqual([windows, active, privatePlaces], [seen.windows, seen.active, seen.privatePlaces]))
      return null;
    return { ...seen, found, pointer, page, timings };
  }

  async #privatePlaces(): Promise<readonly Rect[]> {
    const { hidden } = this.#options;
    return hidden.any ? hidden.places() : [];
  }

  #windows() {
    const { windows } = this.#options.senses;
    return [
      this.#fact('windows', windows.windows(), []),
      this.#fact('active window', windows.activeWindow(), null),
    ] as const;
  }

  async #gather(
    request: ObserveRequest,
    about: Readonly<{ paintedAtMs: number | null; whole: boolean }>,
    signal: AbortSignal,
  ): Promise<Gathered> {
    const { senses, secretScreen } = this.#options;
    const timings: Record<string, number> = {};
    const timed = timerOf(timings);
    const [windows, active, privatePlaces, displays] = await timed(
      'windows',
      Promise.all([...this.#windows(), this.#privatePlaces(), senses.capture.displays()]),
    );
    const layoutId = layoutIdOf(displays);
    const display = chooseDisplay(displays, request, active);

    secretScreen.forgetWindowsBut(windows);
    let secretPlaces = secretScreen.active
      ? secretScreen.masks(windows, active, await this.#elements.fields(active, signal))
      : [];
    const reading = { ...about, timed, signal };
    const look = async () => {
      const asked = () => (request.elements ? this.#elements.read(active, reading) : NO_ELEMENTS);
      // Whoever is asked is another process: it answers while the picture is made. A secret must not come in between.
      const early = secretScreen.active ? null : Promise.resolve(asked());
      early?.catch(() => {});
      const picture =
        request.frame === null
          ? null
          : await this.#picture(request.frame, display, layoutId, secretPlaces, timed, signal);
      const geometry = picture?.geometry ?? wholeDisplay(display, layoutId);
      const [encoded, pointer, page, told, words] = await Promise.all([
        picture?.encoding ?? null,
        this.#fact('pointer', senses.capture.pointer(), null),
        this.#page(active),
        early ?? asked(),
        request.ocr ? this.#elements.words(active, display, reading) : NO_ELEMENTS,
      ]);
      return { encoded, picture, geometry, pointer, page, found: both(told, words) };
    };
    let looked = await look();
    // A value that turned up elsewhere meanwhile: the picture is taken again with that covered, too.
    for (let again = 0; again < SECRET_RETAKES && looked.found.telling.length > 0; again += 1) {
      const covered = (rect: Rect) => secretPlaces.some((mask) => holdsRect(mask, rect));
      if (looked.found.telling.every(covered)) break;
      const all = again === SECRET_RETAKES - 1 ? [display.bounds] : looked.found.telling;
      secretPlaces = [...secretPlaces, ...all];
      looked = await look();
    }
    signal.throwIfAborted();
    return { ...looked, display, windows, active, privatePlaces, timings };
  }

  /** What was gathered becomes what this lease has seen last. */
  #sightOf(gathered: Gathered, settle: SettleReport, timings: Record<string, number>): Sight {
    const { encoded, picture, geometry, pointer, page, found, windows, active } = gathered;
    if (encoded !== null) this.#options.frames.add(encoded.frame.geometry);
    if (picture?.memory != null) {
      this.#spare.push(this.#lastFrame);
      this.#spare.length = Math.min(this.#spare.length, SPARE_MEMORIES);
      this.#lastFrame = picture.memory;
    }
    const changedFraction = picture?.changedFraction;
    const elements = elementsToTell(found.elements, geometry);
    const allShown = found.allShown === true && elements.length === found.elements.length;
    const observation: Observation = {
      frame: encoded?.frame ?? null,
      ...(changedFraction === undefined ? {} : { changedFraction }),
      windows: windowsToTell(windows, (window) => this.#options.hidden.hides(window)),
      activeWindowId: active?.id ?? null,
      ...(this.#options.senses.windows.untold === true ? { windowsUntold: true } : {}),
      pointer: pointer === null ? null : desktopToFrame(geometry, pointer),
      elements,
      sources: [...found.sources],
      page: page === null || found.allShown === undefined ? page : { ...page, allShown },
      settle: { settledMs: roundMs(settle.settledMs), reason: settle.reason },
      timings,
    };
    return { observation, bytes: encoded?.bytes ?? null };
  }

  async #picture(
    wish: NonNullable<ObserveRequest['frame']>,
    display: Display,
    layoutId: string,
    secretPlaces: readonly Rect[],
    timed: Timed,
    signal: AbortSignal,
  ): Promise<Shot> {
    const { capture } = this.#options.senses;
    const region = wish.region === undefined ? display.bounds : clipped(wish.region, display.bounds);
    const pointer = wish.drawPointer ? ((await capture.pointerImage?.()) ?? null) : null;
    const capturedAt = new Date();
    const { hidden } = this.#options;
    const hiding = hidden.any;
    const privateBefore = await this.#privatePlaces();
    let image = await timed('capture', capture.grab(region, { signal }));
    // The capture's buffer is ours until the next await: the picture is remembered, or kept where it has to wait.
    const memory = wish.region === undefined ? (this.#spare.pop() ?? new FrameMemory()) : null;
    if (memory !== null) image = memory.remember(image);
    else if (hiding) image = keptImage(image);
    // A private window that opened or moved while the picture was taken is in one of the two lists.
    const privatePlaces = hiding ? [...privateBefore, ...(await hidden.places())] : [];
    const changedFraction = memory === null ? undefined : this.#lastFrame.compare(image)?.changedFraction;
    const { left } = image;
    const own = uncovered(this.#options.covered({ composed: left !== undefined }), left ?? [], region);
    const secrets = secretPlaces.filter((rect) => intersection(rect, region) !== null);
    const masks = [...own, ...privatePlaces, ...secrets];
    const common = {
      region,
      display,
      layoutId,
      pointer,
      capturedAt,
      masks,
      exclusion: exclusionOf(own, left ?? []),
    };
    this.#options.onPicture({
      region,
      encode: (small) => this.#encoder.encode(image, { ...common, ...small, mimeType: 'image/jpeg' }),
    });
    const { maxSidePx, mimeType, compact } = wish;
    const encoding = timed(
      'encode',
      this.#encoder.encode(image, { ...common, maxSidePx, mimeType, compact }),
    );
    // Awaited with the elements; a failure of theirs must not leave this one unheard.
    encoding.catch(() => {});
    const geometry = {
      ...wholeDisplay(display, layoutId),
      region,
      image: fitWithin({ width: image.width, height: image.height }, maxSidePx),
    };
    return { geometry, encoding, changedFraction, memory };
  }

  async #page(active: WindowInfo | null): Promise<PageInfo | null> {
    const { browser } = this.#options.senses;
    if (browser === null || active === null || !browser.isOurs(active)) return null;
    if (this.#options.hidden.hides(active)) return null;
    const page = await this.#fact('page', browser.page(), null);
    return page === null ? null : { ...page, url: page.url.slice(0, 8192), title: page.title.slice(0, 2000) };
  }

  /** A blind spot is a fact that is missing, not a failed look. */
  async #fact<T>(name: string, work: Promise<T>, fallback: T): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.#options.log.warn('a fact about the desktop is missing', {
        fact: name,
        ...errorAttributes(error),
      });
      return fallback;
    }
  }
}

/** By `performance.now()`: when it was `restedMs` ago; null when nothing has changed. */
function sinceRest(restedMs: number | null | undefined): number | null {
  return restedMs == null ? null : performance.now() - restedMs;
}

function both(first: FoundElements, second: FoundElements): FoundElements {
  return {
    elements: [...first.elements, ...second.elements],
    sources: [...first.sources, ...second.sources],
    telling: [...first.telling, ...second.telling],
    partial: first.partial || second.partial,
    ...(first.allShown === undefined ? {} : { allShown: first.allShown }),
  };
}

/** What of our own windows the picture may still show. */
function uncovered(covered: readonly Rect[], left: readonly Rect[], region: Rect): Rect[] {
  return covered
    .map((rect) => intersection(rect, region))
    .filter((rect) => rect !== null)
    .flatMap((rect) => withoutAll([rect], left))
    .filter(({ width, height }) => Math.min(width, height) > ROUNDING_PX);
}

function exclusionOf(masks: readonly Rect[], left: readonly Rect[]): OverlayExclusion {
  if (masks.length > 0) return 'mask';
  return left.length > 0 ? 'compose' : 'none_needed';
}

function holdsRect(outer: Rect, inner: Rect): boolean {
  const common = intersection(outer, inner);
  return common !== null && common.width >= inner.width - 1 && common.height >= inner.height - 1;
}

function chooseDisplay(
  displays: readonly Display[],
  request: ObserveRequest,
  active: WindowInfo | null,
): Display {
  if (request.displayId !== undefined) {
    const named = displays.find(({ id }) => id === request.displayId);
    if (named === undefined)
      throw new ProtocolError('DISPLAY_UNAVAILABLE', 'The named display is not connected.');
    return named;
  }
  const region = request.frame?.region;
  const byRegion = region === undefined ? undefined : displayAt(displays, centerOf(region));
  const byWindow = active === null ? undefined : displayAt(displays, centerOf(active.bounds));
  const chosen = byRegion ?? byWindow ?? primaryDisplay(displays);
  if (chosen === undefined) throw new ProtocolError('DISPLAY_UNAVAILABLE', 'No display is connected.');
  return chosen;
}

/** Without a picture, elements and pointer are told in the display's own pixels. */
function wholeDisplay(display: Display, layoutId: string): FrameGeometry {
  return {
    frameId: 'frm_none' as FrameGeometry['frameId'],
    displayId: display.id,
    layoutId,
    region: display.bounds,
    image: { width: display.bounds.width, height: display.bounds.height },
    scale: display.scale,
  };
}

/** Notes under its name how long each work took. */
function timerOf(timings: Record<string, number>): Timed {
  return async (name, work) => {
    const startedMs = performance.now();
    try {
      return await work;
    } finally {
      timings[name] = sinceMs(startedMs);
    }
  };
}

function sinceMs(startedMs: number): number {
  return roundMs(performance.now() - startedMs);
}

function roundMs(value: number): number {
  return Math.round(value * 10) / 10;
}
