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
        return this.#resized(
          rect,
          this.#screen.dipToScreenPoint({ x: rect.x, y: rect.y }),
          this.#scaleAt(rect),
        );
      case 'macos':
        // Every display has its own scale there, and Electron offers no conversion.
        return scaled(rect, this.#scaleAt(rect));
    }
  }

  /** @returns whole device-independent pixels. */
  toElectron(rect: Rect): Rect {
    switch (this.#platform) {
      case 'windows':
        return this.#screen.screenToDipRect(null, rounded(rect));
      case 'linux': {
        const corner = this.#screen.screenToDipPoint({ x: rect.x, y: rect.y });
        return this.#resized(rect, corner, 1 / this.#scaleAt({ ...corner, width: 1, height: 1 }));
      }
      case 'macos':
        return scaled(rect, 1 / this.#screen.getPrimaryDisplay().scaleFactor);
    }
  }

  /** Linux converts points only; the size follows the scale of the display the rectangle begins on. */
  #resized(rect: Rect, corner: { x: number; y: number }, factor: number): Rect {
    return rounded({ ...corner, width: rect.width * factor, height: rect.height * factor });
  }

  #scaleAt(rect: Rect): number {
    return this.#screen.getDisplayMatching(rounded(rect)).scaleFactor;
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
