import type { Rect } from '@deskhand/protocol';
import type { Platform } from '../core/hotkey-name.ts';
import type { ElectronPort } from './port.ts';

/**
 * Electron speaks device-independent pixels, the daemon physical ones. This is the only place that converts;
 * a plain multiplication by the scale factor is wrong as soon as two monitors differ.
 */
export class DesktopSpace {
  readonly #screen: ElectronPort['screen'];
  readonly #platform: Platform;

  constructor(screen: ElectronPort['screen'], platform: Platform) {
    this.#screen = screen;
    this.#platform = platform;
  }

  /** @returns whole physical pixels, desktop space. */
  toDesktop(rect: Rect): Rect {
    switch (this.#platform) {
      case 'windows':
        return this.#screen.dipToScreenRect(null, rounded(rect));
      case 'linux':
        return fromCorners(rect, (point) => this.#screen.dipToScreenPoint(point));
      case 'macos':
        // Every display has its own scale there, and Electron offers no conversion.
        return scaled(rect, this.#screen.getDisplayMatching(rounded(rect)).scaleFactor);
    }
  }

  /** @returns whole device-independent pixels. */
  toElectron(rect: Rect): Rect {
    switch (this.#platform) {
      case 'windows':
        return this.#screen.screenToDipRect(null, rounded(rect));
      case 'linux':
        return fromCorners(rect, (point) => this.#screen.screenToDipPoint(point));
      case 'macos':
        return scaled(rect, 1 / this.#screen.getPrimaryDisplay().scaleFactor);
    }
  }

  /** Areas free of bars and docks, one per display, device-independent pixels; the primary display's first. */
  workAreas(): Rect[] {
    const primary = this.#screen.getPrimaryDisplay();
    const others = this.#screen.getAllDisplays().filter((display) => display.id !== primary.id);
    return [primary, ...others].map((display) => ({ ...display.workArea }));
  }

  /** Whole displays, device-independent pixels. */
  displayBounds(): Rect[] {
    return this.#screen.getAllDisplays().map((display) => ({ ...display.bounds }));
  }
}

type Point = { x: number; y: number };

function fromCorners(rect: Rect, convert: (point: Point) => Point): Rect {
  const topLeft = convert({ x: rect.x, y: rect.y });
  // The last pixel, not the one after it: that may lie on the next display, which has another scale.
  const last = convert({ x: rect.x + Math.max(0, rect.width - 1), y: rect.y + Math.max(0, rect.height - 1) });
  return {
    x: Math.round(topLeft.x),
    y: Math.round(topLeft.y),
    width: Math.round(last.x - topLeft.x) + 1,
    height: Math.round(last.y - topLeft.y) + 1,
  };
}

function scaled(rect: Rect, factor: number): Rect {
  return rounded({
    x: rect.x * factor,
    y: rect.y * factor,
    width: rect.width * factor,
    height: rect.height * factor,
  });
}

function rounded(rect: Rect): Rect {
  return {
    x: Math.round(rect.x),
    y: Math.round(rect.y),
    width: Math.round(rect.width),
    height: Math.round(rect.height),
  };
}
