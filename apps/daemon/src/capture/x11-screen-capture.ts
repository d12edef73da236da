import { errorAttributes, type Logger } from '@deskhand/base';
import { type Display, type Point, ProtocolError, type Rect } from '@deskhand/protocol';
import type { PointerImage, RawImage, ScreenCapture } from '../ports.ts';
import type { Randr, Shm, ShmSegment, X11Connection, XFixes } from '../x11/index.ts';
import { layoutIdOf } from './display-layout.ts';
import { readX11Displays } from './x11-displays.ts';

const BYTES_PER_PIXEL = 4;

/**
 * Opens capture on a connection that stays the caller's.
 * @param sharedMemory false forces core GetImage, as a remote or locked-down server would.
 * @throws ProtocolError CAPTURE_FAILED when the screen's pixels are not 32 bits wide.
 */
export async function openX11ScreenCapture(options: {
  connection: X11Connection;
  log: Logger;
  sharedMemory?: boolean;
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
  const [shm, randr, fixes] = await Promise.all([
    options.sharedMemory === false ? null : optional('MIT-SHM', usableShm(connection)),
    optional('RANDR', connection.require('randr')),
    optional('XFIXES', connection.require('fixes')),
  ]);
  const capture = new X11ScreenCapture({ connection, log, shm, randr, fixes });
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
  readonly #shm: Shm | null;
  readonly #randr: Randr | null;
  readonly #fixes: XFixes | null;
  readonly #listeners = new Set<(displays: readonly Display[]) => void>();
  readonly #unsubscribe: Array<() => void> = [];
  #displays: readonly Display[] = [];
  #desktop: Rect = { x: 0, y: 0, width: 0, height: 0 };
  #segment: ShmSegment | null = null;
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
  }) {
    this.#connection = parts.connection;
    this.#log = parts.log;
    this.#shm = parts.shm;
    this.#randr = parts.randr;
    this.#fixes = parts.fixes;
    this.name = parts.shm === null ? 'x11-getimage' : 'x11-shm';
  }

  async start(): Promise<void> {
    if (this.#randr !== null) {
      this.#unsubscribe.push(this.#connection.on('RRScreenChangeNotify', () => this.#refreshLater()));
      await this.#randr.watch();
    }
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

  grab(region: Rect, options: { signal: AbortSignal }): Promise<RawImage> {
    const grab = this.#tail.then(() => this.#grab(region, options.signal));
    this.#tail = grab.catch(() => {});
    return grab;
  }

  async #grab(region: Rect, signal: AbortSignal): Promise<RawImage> {
    signal.throwIfAborted();
    if (this.#disposed) throw new ProtocolError('CAPTURE_FAILED', 'The capture was closed.');
    const { x, y, width, height } = region;
    if (![x, y, width, height].every(Number.isInteger) || width < 1 || height < 1)
      throw new ProtocolError('CAPTURE_FAILED', 'A capture region must be whole pixels and not empty.');
    const desktop = this.#desktop;
    if (x < desktop.x || y < desktop.y || x + width > desktop.width || y + height > desktop.height)
      throw new ProtocolError(
        'DISPLAY_UNAVAILABLE',
        `The region ${width}x${height}+${x}+${y} is outside the desktop of ${desktop.width}x${desktop.height}.`,
      );
    try {
      const pixels =
        this.#shm === null
          ? await this.#connection.getImage(this.#connection.root, region)
          : await this.#grabShared(this.#shm, region);
      signal.throwIfAborted();
      if (pixels.length < width * height * BYTES_PER_PIXEL)
        throw new ProtocolError('CAPTURE_FAILED', 'The X server sent fewer pixels than asked for.');
      return { width, height, format: 'bgrx', pixels };
    } catch (cause) {
      if (cause instanceof ProtocolError || signal.aborted) throw cause;
      // The desktop may have shrunk between the check and the request.
      throw new ProtocolError('CAPTURE_FAILED', 'The X server refused the capture.', {}, { cause });
    }
  }

  async #grabShared(shm: Shm, region: Rect): Promise<Uint8Array> {
    const needed = region.width * region.height * BYTES_PER_PIXEL;
    if (this.#segment === null || this.#segment.sizeBytes < needed) {
      const old = this.#segment;
      this.#segment = null;
      await old?.detach();
      // Room for the whole desktop at once, so that it seldom grows again.
      const whole = this.#desktop.width * this.#desktop.height * BYTES_PER_PIXEL;
      this.#segment = await shm.createSegment(Math.max(needed, whole));
    }
    const segment = this.#segment;
    const size = await segment.getImage(
      this.#connection.root,
      region.x,
      region.y,
      region.width,
      region.height,
    );
    return segment.buffer.subarray(0, size);
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
    const segment = this.#segment;
    this.#segment = null;
    if (segment !== null && !this.#connection.isClosed) await segment.detach().catch(() => {});
  }
}

async function usableShm(connection: X11Connection): Promise<Shm> {
  const shm = await connection.require('shm');
  if (!(await shm.usable())) throw new Error('a shared segment does not attach');
  return shm;
}
