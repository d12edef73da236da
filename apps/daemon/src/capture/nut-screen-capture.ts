import { type Logger, raceSignal, sleep } from '@deskhand/base';
import { type Display, DisplayId, type Point, ProtocolError, type Rect } from '@deskhand/protocol';
import type { RawImage, ScreenCapture } from '../ports.ts';
import { demandRegion } from './demand-region.ts';
import { layoutIdOf } from './display-layout.ts';

type Nut = typeof import('@nut-tree-fork/nut-js');

/** The library announces nothing: the layout is looked at this often while somebody listens. */
const LAYOUT_POLL_MS = 2000;

/**
 * The screen through nut-js, for macOS and Windows. It shows one picture of all displays, whose scale is known
 * only from a grab. On X11 it works too, but an X error inside it ends the process: use X11ScreenCapture there.
 */
export async function openNutScreenCapture(options: { log: Logger }): Promise<NutScreenCapture> {
  const nut = await import('@nut-tree-fork/nut-js');
  const capture = new NutScreenCapture({ nut, log: options.log });
  await capture.start();
  return capture;
}

export class NutScreenCapture implements ScreenCapture {
  readonly name = 'nut-js';
  readonly #nut: Nut;
  readonly #log: Logger;
  readonly #listeners = new Set<(displays: readonly Display[]) => void>();
  readonly #ended = new AbortController();
  #displays: readonly Display[] = [];
  #watching = false;

  /** Use {@link openNutScreenCapture}. */
  constructor(parts: { nut: Nut; log: Logger }) {
    this.#nut = parts.nut;
    this.#log = parts.log;
  }

  async start(): Promise<void> {
    this.#displays = await this.#readDisplays();
  }

  displays(): Promise<readonly Display[]> {
    return Promise.resolve(this.#displays);
  }

  onDisplaysChanged(listener: (displays: readonly Display[]) => void): () => void {
    this.#listeners.add(listener);
    if (!this.#watching) void this.#watch();
    return () => this.#listeners.delete(listener);
  }

  async pointer(): Promise<Point | null> {
    const scale = this.#displays[0]?.scale ?? 1;
    const { x, y } = await this.#nut.mouse.getPosition();
    return { x: Math.round(x * scale), y: Math.round(y * scale) };
  }

  async grab(region: Rect, options: { signal: AbortSignal }): Promise<RawImage> {
    options.signal.throwIfAborted();
    const { x, y, width, height } = region;
    const screen = this.#displays[0];
    if (screen === undefined || this.#ended.signal.aborted)
      throw new ProtocolError('CAPTURE_FAILED', 'The capture was closed.');
    demandRegion(region, [screen.bounds]);
    const { scale } = screen;
    let image: Awaited<ReturnType<Nut['screen']['grab']>>;
    try {
      const whole = width === screen.bounds.width && height === screen.bounds.height;
      const { Region } = this.#nut;
      const logical = new Region(
        Math.floor(x / scale),
        Math.floor(y / scale),
        Math.ceil(width / scale),
        Math.ceil(height / scale),
      );
      image = await raceSignal(
        whole ? this.#nut.screen.grab() : this.#nut.screen.grabRegion(logical),
        options.signal,
      );
    } catch (cause) {
      options.signal.throwIfAborted();
      throw new ProtocolError('CAPTURE_FAILED', 'The screen could not be captured.', {}, { cause });
    }
    return cropped(
      image,
      { x: x - Math.floor(x / scale) * scale, y: y - Math.floor(y / scale) * scale },
      region,
    );
  }

  /** One display: the library has no notion of several. Physical size = logical size × scale of a grab. */
  async #readDisplays(): Promise<Display[]> {
    const image = await this.#nut.screen.grab();
    const { scaleX } = image.pixelDensity;
    return [
      {
        id: DisplayId.parse('nut:screen'),
        name: 'screen',
        bounds: { x: 0, y: 0, width: image.width, height: image.height },
        scale: scaleX > 0 ? scaleX : 1,
        primary: true,
      },
    ];
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    const { signal } = this.#ended;
    try {
      while (!signal.aborted && this.#listeners.size > 0) {
        await sleep(LAYOUT_POLL_MS, { signal });
        const displays = await this.#readDisplays();
        if (layoutIdOf(displays) === layoutIdOf(this.#displays)) continue;
        this.#displays = displays;
        for (const listener of [...this.#listeners]) listener(displays);
      }
    } catch (error) {
      if (!signal.aborted)
        this.#log.warn('the display layout is no longer watched', { error: String(error) });
    } finally {
      this.#watching = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    this.#listeners.clear();
  }
}

type Grabbed = Readonly<{ width: number; height: number; byteWidth: number; channels: number; data: Buffer }>;

/** Rows without padding, only the wanted part. `offset`: where it begins in the grabbed picture. */
function cropped(image: Grabbed, offset: Point, region: Rect): RawImage {
  const { width, height } = region;
  if (image.channels !== 4 || image.width < offset.x + width || image.height < offset.y + height)
    throw new ProtocolError('CAPTURE_FAILED', 'The library returned another picture than it was asked for.');
  const rowBytes = width * 4;
  if (image.byteWidth === rowBytes && offset.x === 0)
    return {
      width,
      height,
      format: 'bgrx',
      pixels: image.data.subarray(offset.y * rowBytes, (offset.y + height) * rowBytes),
    };
  const pixels = new Uint8Array(rowBytes * height);
  for (let row = 0; row < height; row += 1) {
    const from = (row + offset.y) * image.byteWidth + offset.x * 4;
    pixels.set(image.data.subarray(from, from + rowBytes), row * rowBytes);
  }
  return { width, height, format: 'bgrx', pixels };
}
