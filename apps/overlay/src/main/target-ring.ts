import type { PanelTarget } from '@deskhand/protocol';
import { APP_ORIGIN } from './channels.ts';
import type { DesktopSpace } from './desktop-space.ts';
import type { ElectronPort, RingWindow } from './port.ts';

/** Device-independent pixels. Larger than the ring, so that its edge is smooth on every scale. */
export const RING_WINDOW_PX = 96;

/**
 * The ring at the agent's next target, where guard does not draw it (macOS, Windows): one transparent window that every
 * click goes through, made once and moved. It is small, and gone before the click: transparent windows are what breaks.
 */
export class TargetRing implements Disposable {
  readonly #space: DesktopSpace;
  readonly #window: RingWindow;
  #timer: NodeJS.Timeout | undefined;

  constructor(electron: ElectronPort, space: DesktopSpace) {
    this.#space = space;
    const window = electron.createRing({
      width: RING_WINDOW_PX,
      height: RING_WINDOW_PX,
      show: false,
      frame: false,
      transparent: true,
      hasShadow: false,
      roundedCorners: false,
      focusable: false,
      resizable: false,
      movable: false,
      skipTaskbar: true,
      enableLargerThanScreen: true,
      // A page of its own files without a script: nothing in it can do anything.
      webPreferences: {
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        javascript: false,
        webviewTag: false,
        devTools: false,
      },
    });
    window.setIgnoreMouseEvents(true);
    window.setVisibleOnAllWorkspaces(true, { visibleOnFullScreen: true, skipTransformProcessType: true });
    window.setContentProtection(true);
    void window.loadURL(`${APP_ORIGIN}/ring.html`);
    this.#window = window;
  }

  show({ rect, showMs }: Pick<PanelTarget, 'rect' | 'showMs'>): void {
    if (showMs <= 0 || this.#window.isDestroyed()) return;
    const { x, y, width, height } = this.#space.toElectron(rect);
    this.#window.setBounds({
      x: Math.round(x + (width - RING_WINDOW_PX) / 2),
      y: Math.round(y + (height - RING_WINDOW_PX) / 2),
      width: RING_WINDOW_PX,
      height: RING_WINDOW_PX,
    });
    this.#window.showInactive();
    this.#window.setAlwaysOnTop(true, 'screen-saver');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#window.hide(), showMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (!this.#window.isDestroyed()) this.#window.destroy();
  }
}
