import { setImmediate } from 'node:timers/promises';
import { errorAttributes, type Logger } from '@deskhand/base';
import { type Display, intersection, type Point, ProtocolError, type Rect } from '@deskhand/protocol';
import type { PointerImage, RawImage, ScreenCapture } from '../ports.ts';
import { EVENT_MASK, type Randr, type Shm, type X11Connection, X11Error, type XFixes } from '../x11/index.ts';
import { demandRegion } from './demand-region.ts';
import { layoutIdOf } from './display-layout.ts';
import { OverlayComposer } from './overlay-composer.ts';
import { NO_OWN_WINDOWS, type OwnWindows } from './own-windows.ts';
import { readX11Displays } from './x11-displays.ts';
import { X11Grab } from './x11-grab.ts';
import { BYTES_PER_PIXEL, type PartPixels, X11PixelReader } from './x11-pixel-reader.ts';

/** Windows that are opened or moved settle within this many pictures; a dragged one may not. */
const UNDISTURBED_ATTEMPTS = 4;

/**
 * Opens capture on a connection that stays the caller's.
 * @param sharedMemory false forces core GetImage, as a remote or locked-down server would.
 * @throws ProtocolError CAPTURE_FAILED when the screen's pixels are not 32 bits wide.
 */
export async function openX11ScreenCapture(options: {
  connection: X11Connection;
  log: Logger;
  sharedMemory?: boolean;
  /** What belongs to no picture, as it is now; windows with `_DESKHAND_OVERLAY` never do. */
  ownWindows?: () => OwnWindows;
}): Promise<X11ScreenCapture> {
  const { connection, log } = options;
  if (connection.screen.bitsPerPixel !== 32)
    throw new ProtocolError(
      'CAPTURE_FAILED',
      `The screen has ${connection.screen.bitsPerPixel} bits per pixel; 24 or 32 bits of depth are needed.`,
    );
  const optional = async <T>(name: string, promise: Promise<T>): Promise<T | null> => {
    try {
      return await promise;
    } catch (error) {
      if (connection.isClosed) throw error;
      log.info('the X server lacks an extension', { extension: name });
      return null;
    }
  };
  const own = options.ownWindows ?? (() => NO_OWN_WINDOWS);
  let whyNotComposed: string | null = null;
  const composing = OverlayComposer.open({ connection, own, log }).catch((error: Error) => {
    if (connection.isClosed) throw error;
    whyNotComposed = error.message;
    return null;
  });
  const [shm, randr, fixes, composer] = await Promise.all([
    options.sharedMemory === false ? null : optional('MIT-SHM', usableShm(connection)),
    optional('RANDR', connection.require('randr')),
    optional('XFIXES', connection.require('fixes')),
    composing,
  ]);
  const capture = new X11ScreenCapture({ connection, log, shm, randr, fixes, composer, whyNotComposed });
  await capture.start();
  return capture;
}

/**
 * The screen of an X server. One grab at a time; the pixels of a grab are valid until the next one,
 * so a caller uses them (or copies them) before it awaits anything else.
 */
export class X11ScreenCapture implements ScreenCapture {
  readonly name: string;
  readonly #connection: X11Connection;
  readonly #log: Logger;
  readonly #reader: X11PixelReader;
  readonly #randr: Randr | null;
  readonly #fixes: XFixes | null;
  readonly #listeners = new Set<(displays: readonly Display[]) => void>();
  readonly #unsubscribe: Array<() => void> = [];
  #displays: readonly Display[] = [];
  #desktop: Rect = { x: 0, y: 0, width: 0, height: 0 };
  readonly #composer: OverlayComposer | null;
  readonly #whyNotComposed: string | null;
  #composing = true;
  /** Grabs run one after another: they share the buffer. */
  #tail: Promise<unknown> = Promise.resolve();
  #refreshing: Promise<void> | null = null;
  #stale = false;
  #disposed = false;

  /** Use {@link openX11ScreenCapture}. */
  constructor(parts: {
    connection: X11Connection;
    log: Logger;
    shm: Shm | null;
    randr: Randr | null;
    fixes: XFixes | null;
    composer: OverlayComposer | null;
    whyNotComposed: string | null;
  }) {
    this.#connection = parts.connection;
    this.#log = parts.log;
    this.#reader = new X11PixelReader(parts.connection, parts.shm, parts.log);
    this.#composer = parts.composer;
    this.#whyNotComposed = parts.whyNotComposed;
    this.#randr = parts.randr;
    this.#fixes = parts.fixes;
    this.name = parts.shm === null ? 'x11-getimage' : 'x11-shm';
  }

  async start(): Promise<void> {
    if (this.#randr !== null) {
      this.#unsubscribe.push(this.#connection.on('RRScreenChangeNotify', () => this.#refreshLater()));
      await this.#randr.watch();
    }
    // Toolkits take their scale from a property; the composer, where there is one, has selected its events already.
    const resources = await this.#connection.atom('RESOURCE_MANAGER');
    this.#unsubscribe.push(
      this.#connection.on('PropertyNotify', ({ wid, atom }) => {
        if (wid === this.#connection.root && atom === resources) this.#refreshLater();
      }),
    );
    if (this.#composer === null)
      await this.#connection.selectInput(this.#connection.root, EVENT_MASK.PropertyChange ?? 0);
    await this.#refresh();
  }

  displays(): Promise<readonly Display[]> {
    return Promise.resolve(this.#displays);
  }

  onDisplaysChanged(listener: (displays: readonly Display[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async pointer(): Promise<Point | null> {
    const { x, y } = await this.#connection.pointer();
    return { x, y };
  }

  async pointerImage(): Promise<PointerImage | null> {
    if (this.#fixes === null) return null;
    const image = await this.#fixes.cursorImage();
    return {
      x: image.x - image.hotX,
      y: image.y - image.hotY,
      width: image.width,
      height: image.height,
      pixels: image.pixels,
    };
  }

  /** Why our own windows cannot be left out of pictures on this server; null when they can. */
  get whyComposingIsImpossible(): string | null {
    return this.#whyNotComposed;
  }

  /** Whether pictures leave our own windows out from now on; without, the caller paints over what is ours. */
  async compose(on: boolean): Promise<void> {
    this.#composing = on;
    await this.#tail;
  }

  /** What of a place lies on the desktop; null when none of it does. */
  clip(place: Rect): Rect | null {
    return intersection(this.#desktop, place);
  }

  /** What a person sees, our own windows included; for the self-test. */
  grabEverything(region: Rect, options: { signal: AbortSignal }): Promise<RawImage> {
    return this.#next(() => this.#checked(region, options.signal, () => this.#whole(region)));
  }

  grab(region: Rect, options: { signal: AbortSignal }): Promise<RawImage> {
    return this.#next(() =>
      this.#checked(region, options.signal, () =>
        this.#composer === null || !this.#composing
          ? this.#whole(region)
          : this.#withoutOwn(this.#composer, region),
      ),
    );
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const grab = this.#tail.then(work);
    // Whoever asked reads the shared pixels before the server may write the next ones.
    this.#tail = grab.then(
      () => setImmediate(),
      () => {},
    );
    return grab;
  }

  async #checked(region: Rect, signal: AbortSignal, take: () => Promise<X11Grab>): Promise<X11Grab> {
    signal.throwIfAborted();
    if (this.#disposed) throw new ProtocolError('CAPTURE_FAILED', 'The capture was closed.');
    demandRegion(region, [this.#desktop]);
    try {
      const image = await take();
      signal.throwIfAborted();
      if (image.sizeBytes < region.width * region.height * BYTES_PER_PIXEL)
        throw new ProtocolError('CAPTURE_FAILED', 'The X server sent fewer pixels than asked for.');
      return image;
    } catch (cause) {
      if (cause instanceof ProtocolError || signal.aborted) throw cause;
      // The desktop may have shrunk between the check and the request.
      throw new ProtocolError('CAPTURE_FAILED', 'The X server refused the capture.', {}, { cause });
    }
  }

  /** Everything on the screen, our own windows too. */
  async #whole(region: Rect, left?: readonly Rect[]): Promise<X11Grab> {
    await this.#reserve([region]);
    const [base] = await this.#reader.read([{ drawable: this.#connection.root, rect: region }]);
    return this.#grabbed({ region, base: base as PartPixels, ...(left === undefined ? {} : { left }) });
  }

  #grabbed(parts: Omit<ConstructorParameters<typeof X11Grab>[0], 'room'>): X11Grab {
    return new X11Grab({ ...parts, room: (bytes) => this.#reader.room(bytes) });
  }

  /**
   * The screen without our own windows. A picture that was drawn while windows changed is drawn again; if they never
   * rest, the last one is drawn while nothing else may happen.
   */
  async #withoutOwn(composer: OverlayComposer, region: Rect): Promise<X11Grab> {
    for (let attempt = 1; attempt <= UNDISTURBED_ATTEMPTS; attempt += 1) {
      const image = await this.#attempt(composer, region);
      if (image !== null) return image;
    }
    const image = await this.#connection.withServerGrabbed(() => this.#attempt(composer, region));
    if (image !== null) return image;
    throw new ProtocolError('CAPTURE_FAILED', 'The windows of the screen change too fast to take a picture.');
  }

  async #attempt(composer: OverlayComposer, region: Rect): Promise<X11Grab | null> {
    const { composition, revision } = await composer.plan(region, this.#desktop);
    if (composition === null) {
      const image = await this.#whole(region, []);
      return composer.revision === revision ? image : null;
    }
    const { holes, left, canvas } = composition;
    const [first] = holes;
    const all = holes.length === 1 && first !== undefined && sameSize(first, region);
    await this.#reserve(all ? [region] : [region, ...holes]);
    const composed = holes.map((rect) => ({ drawable: canvas, rect }));
    try {
      // The drawing goes out first, and everything in one write.
      const [holds, parts] = await Promise.all([
        composer.paint(composition),
        this.#reader.read(all ? composed : [{ drawable: this.#connection.root, rect: region }, ...composed]),
      ]);
      if (!holds || composer.revision !== revision) return null;
      const [base, ...rest] = parts as [PartPixels, ...PartPixels[]];
      const patches = rest.map((pixels, index) => ({ place: holes[index] as Rect, pixels }));
      return this.#grabbed({ region, base, patches, left });
    } catch (error) {
      if (!(error instanceof X11Error)) throw error;
      // A window went between the plan and the drawing.
      composer.forget();
      return null;
    }
  }

  #reserve(rects: readonly Rect[]): Promise<void> {
    const pixels = rects.reduce((sum, { width, height }) => sum + width * height, 0);
    // Room for the whole desktop at once, so that it seldom grows again.
    const whole = this.#desktop.width * this.#desktop.height;
    return this.#reader.reserve(Math.max(pixels, whole) * BYTES_PER_PIXEL);
  }

  /** Several notifications announce one change; one that comes while the displays are being read asks again. */
  #refreshLater(): void {
    this.#stale = true;
    this.#refreshing ??= this.#refreshWhileStale().finally(() => {
      this.#refreshing = null;
    });
  }

  async #refreshWhileStale(): Promise<void> {
    while (this.#stale && !this.#disposed) {
      this.#stale = false;
      await this.#refresh().catch((error) => {
        if (!this.#connection.isClosed) this.#log.warn('displays could not be read', errorAttributes(error));
      });
    }
  }

  async #refresh(): Promise<void> {
    const before = layoutIdOf(this.#displays);
    const [displays, desktop] = await Promise.all([
      readX11Displays(this.#connection, this.#randr),
      this.#connection.geometry(this.#connection.root),
    ]);
    this.#desktop = { x: 0, y: 0, width: desktop.width, height: desktop.height };
    const known = this.#displays.length > 0;
    this.#displays = displays;
    if (!known || layoutIdOf(displays) === before) return;
    for (const listener of [...this.#listeners]) {
      try {
        listener(displays);
      } catch (error) {
        this.#log.error('a listener for display changes failed', errorAttributes(error));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#listeners.clear();
    await this.#tail;
    await this.#composer?.[Symbol.asyncDispose]();
    await this.#reader[Symbol.asyncDispose]();
  }
}

function sameSize(a: Rect, b: Rect): boolean {
  return a.width === b.width && a.height === b.height;
}

async function usableShm(connection: X11Connection): Promise<Shm> {
  const shm = await connection.require('shm');
  if (!(await shm.usable())) throw new Error('a shared segment does not attach');
  return shm;
}
