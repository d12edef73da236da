import { borderLook, stripsOf } from '../core/border.ts';
import type { PanelMode } from '../core/panel-view.ts';
import type { DesktopSpace } from './desktop-space.ts';
import type { ElectronPort, StripWindow } from './port.ts';

/**
 * Four thin windows around each display. Only where guard does not draw the border itself (macOS, Windows): on
 * X11 the process that knows who is in control draws it, and on Wayland no client may place a window.
 */
export class BorderStrips implements Disposable {
  readonly #electron: ElectronPort;
  readonly #space: DesktopSpace;
  readonly #strips: StripWindow[] = [];
  #mode: PanelMode = 'idle';

  constructor(electron: ElectronPort, space: DesktopSpace) {
    this.#electron = electron;
    this.#space = space;
  }

  show(mode: PanelMode): void {
    this.#mode = mode;
    this.refresh();
  }

  /** Also after displays changed. */
  refresh(): void {
    const look = borderLook(this.#mode);
    const rects =
      look === null
        ? []
        : this.#space.displayBounds().flatMap((display) => stripsOf(display, look.thicknessPx));
    while (this.#strips.length < rects.length) this.#strips.push(this.#create());
    for (const [index, strip] of this.#strips.entries()) {
      const rect = rects[index];
      if (rect === undefined || look === null) {
        strip.hide();
        continue;
      }
      strip.setBackgroundColor(look.color);
      strip.setBounds(rect);
      strip.showInactive();
      strip.setAlwaysOnTop(true, 'screen-saver');
    }
  }

  [Symbol.dispose](): void {
    for (const strip of this.#strips.splice(0)) if (!strip.isDestroyed()) strip.destroy();
  }

  #create(): StripWindow {
    const strip = this.#electron.createStrip({
      show: false,
      frame: false,
      transparent: false,
      focusable: false,
      resizable: false,
      movable: false,
      skipTaskbar: true,
      hasShadow: false,
      roundedCorners: false,
      enableLargerThanScreen: true,
      width: 1,
      height: 1,
    });
    strip.setIgnoreMouseEvents(true);
    strip.setVisibleOnAllWorkspaces(true, { visibleOnFullScreen: true, skipTransformProcessType: true });
    strip.setContentProtection(true);
    return strip;
  }
}
