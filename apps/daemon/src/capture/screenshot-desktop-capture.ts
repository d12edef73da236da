/// <reference path="./screenshot-desktop-package.d.ts" />
import { raceSignal } from '@deskhand/base';
import { type Display, DisplayId, type Point, ProtocolError, type Rect } from '@deskhand/protocol';
import screenshot from 'screenshot-desktop';
import type { RawImage, ScreenCapture } from '../ports.ts';
import { demandRegion } from './demand-region.ts';

/**
 * The screen through the system's own screenshot program, one process per picture: slow, but it works where
 * nothing else does.
 */
export async function openScreenshotDesktopCapture(): Promise<ScreenshotDesktopCapture> {
  const capture = new ScreenshotDesktopCapture();
  await capture.start();
  return capture;
}

type Known = Readonly<{ display: Display; screen: number | string }>;

export class ScreenshotDesktopCapture implements ScreenCapture {
  readonly name = 'screenshot-desktop';
  #known: readonly Known[] = [];
  #closed = false;

  async start(): Promise<void> {
    this.#known = await this.#readDisplays();
  }

  async displays(): Promise<readonly Display[]> {
    return this.#known.map(({ display }) => display);
  }

  /** Nothing announces changes here; a grab of a vanished display fails. */
  onDisplaysChanged(_listener: (displays: readonly Display[]) => void): () => void {
    return () => {};
  }

  async pointer(): Promise<Point | null> {
    return null;
  }

  async grab(region: Rect, options: { signal: AbortSignal }): Promise<RawImage> {
    options.signal.throwIfAborted();
    if (this.#closed) throw new ProtocolError('CAPTURE_FAILED', 'The capture was closed.');
    const { x, y, width, height } = region;
    demandRegion(
      region,
      this.#known.map(({ display: { bounds } }) => bounds),
    );
    const known = this.#known.find(
      ({ display: { bounds } }) =>
        x >= bounds.x &&
        y >= bounds.y &&
        x + width <= bounds.x + bounds.width &&
        y + height <= bounds.y + bounds.height,
    );
    if (known === undefined)
      throw new ProtocolError('DISPLAY_UNAVAILABLE', 'The region does not lie on one display.');
    const { bounds } = known.display;
    try {
      const png = await raceSignal(screenshot({ screen: known.screen, format: 'png' }), options.signal);
      const { data, info } = await (await import('sharp'))
        .default(png)
        .extract({ left: x - bounds.x, top: y - bounds.y, width, height })
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      if (info.channels !== 3) throw new Error(`${info.channels} channels`);
      return { width: info.width, height: info.height, format: 'rgb', pixels: data };
    } catch (cause) {
      options.signal.throwIfAborted();
      throw new ProtocolError('CAPTURE_FAILED', 'The screenshot program failed.', {}, { cause });
    }
  }

  async #readDisplays(): Promise<Known[]> {
    try {
      const listed = await screenshot.listDisplays();
      const known: Known[] = [];
      for (const found of listed) {
        // macOS lists no sizes: a picture tells.
        const size =
          found.width !== undefined && found.height !== undefined
            ? { width: found.width, height: found.height }
            : await (await import('sharp'))
                .default(await screenshot({ screen: found.id, format: 'png' }))
                .metadata();
        known.push({
          screen: found.id,
          display: {
            id: DisplayId.parse(`screenshot:${found.id}`.slice(0, 128)),
            name: String(found.name ?? found.id).slice(0, 200),
            bounds: {
              x: found.offsetX ?? found.left ?? 0,
              y: found.offsetY ?? found.top ?? 0,
              width: size.width,
              height: size.height,
            },
            scale: found.dpiScale ?? 1,
            primary: found.primary === true,
          },
        });
      }
      const [first] = known;
      // Some systems name none.
      if (first !== undefined && !known.some(({ display }) => display.primary))
        known[0] = { ...first, display: { ...first.display, primary: true } };
      return known;
    } catch (cause) {
      throw new ProtocolError(
        'CAPTURE_FAILED',
        'The screenshot program cannot list displays.',
        {},
        { cause },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
  }
}
