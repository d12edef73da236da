import type { Logger } from '@deskhand/base';
import { PROBE_SIDE_PX, type Rect } from '@deskhand/protocol';
import { clampInto, farthestCorner, homeCorner } from '../core/dodge.ts';
import type { Platform } from '../core/hotkey-name.ts';
import type { HostMessage } from '../core/panel-view.ts';
import type { PanelMover, PanelWindows } from '../host/panel-host.ts';
import { APP_ORIGIN, CHANNELS } from './channels.ts';
import type { DesktopSpace } from './desktop-space.ts';
import { COLLAPSED_HEIGHT, PANEL_SIZE, panelOptions } from './panel-options.ts';
import type { ElectronPort, PanelContents, PanelWindow } from './port.ts';

const CRASHES_PER_MINUTE = 3;
/** How long a page may hang before it is loaded anew. */
const UNRESPONSIVE_MS = 3000;
/** `.patch` in panel.css; device-independent pixels from the window's corner. */
const PATCH_AT_PX = 12;

export type PanelControllerOptions = Readonly<{
  electron: ElectronPort;
  platform: Platform;
  space: DesktopSpace;
  preload: string;
  log: Logger;
  nowMs: () => number;
  /** The panel covers other rectangles now; desktop space. */
  onMoved: (rects: readonly Rect[], of: PanelWindows) => void;
  /** The page crashed too often to be made again. */
  onGivenUp: () => void;
}>;

/** Owns the panel's window: makes it, keeps it on top and on a display, moves it aside, makes it again after a crash. */
export class PanelController implements PanelMover, Disposable {
  readonly #options: PanelControllerOptions;
  readonly #crashesAtMs: number[] = [];
  #window: PanelWindow | null = null;
  #hangTimer: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(options: PanelControllerOptions) {
    this.#options = options;
  }

  get contents(): PanelContents | null {
    return this.#window?.webContents ?? null;
  }

  open(): void {
    const { electron, platform, preload, space } = this.#options;
    const window = electron.createPanel(panelOptions(platform, preload, !electron.app.isPackaged));
    this.#window = window;
    const [home] = space.workAreas();
    if (home !== undefined) {
      const corner = homeCorner(home, PANEL_SIZE);
      window.setPosition(Math.round(corner.x), Math.round(corner.y));
    }
    this.#guardContents(window);
    window.on('show', () => this.#stayOnTop(window));
    window.on('move', () => this.#report());
    window.on('resize', () => this.#report());
    window.on('close', (event) => {
      // The panel ends with the application, not by Alt+F4: it is where STOP is.
      if (!this.#closing) event.preventDefault();
    });
    if (platform === 'windows') window.on('blur', () => window.setFocusable(false));
    window.on('unresponsive', () => {
      this.#hangTimer ??= setTimeout(() => {
        this.#hangTimer = undefined;
        window.webContents.reload();
      }, UNRESPONSIVE_MS);
    });
    window.on('responsive', () => {
      clearTimeout(this.#hangTimer);
      this.#hangTimer = undefined;
    });
    void window.loadURL(`${APP_ORIGIN}/index.html`);
  }

  /** The page is there: show it without taking the focus from what the person does. */
  reveal(): void {
    const window = this.#window;
    if (window === null) return;
    this.#stayOnTop(window);
    window.showInactive();
    this.#report();
  }

  /** For the hotkey, the tray and a second start: shows the panel and gives it the keyboard. */
  focus(): void {
    const window = this.#window;
    if (window === null) return;
    if (this.#options.platform === 'windows') {
      // Until it is left: a click alone takes the keyboard from nobody. A focusable window would show in the taskbar.
      window.setFocusable(true);
      window.setSkipTaskbar(true);
    }
    window.show();
    window.focus();
  }

  /** From now on the window may close: Electron asks it while it quits, and one that refuses ends the quitting. */
  letClose(): void {
    this.#closing = true;
  }

  send(message: HostMessage): void {
    const contents = this.contents;
    if (contents !== null && !contents.isDestroyed()) contents.send(CHANNELS.message, message);
  }

  /** Grows and shrinks upwards: STOP at the bottom stays where it is. */
  setCollapsed(collapsed: boolean): void {
    const window = this.#window;
    if (window === null) return;
    const bounds = window.getBounds();
    const height = collapsed ? COLLAPSED_HEIGHT : PANEL_SIZE.height;
    window.setBounds({ ...bounds, y: bounds.y + bounds.height - height, height });
  }

  async dodge(target: Rect): Promise<readonly Rect[]> {
    const window = this.#window;
    if (window === null || !window.isVisible()) return [];
    const { space } = this.#options;
    const bounds = window.getBounds();
    const corner = farthestCorner(space.workAreas(), bounds, space.toElectron(target));
    // No free corner: say where it is, and the daemon refuses the click.
    if (corner !== null) window.setPosition(Math.round(corner.x), Math.round(corner.y));
    return this.rects();
  }

  /** Where the patch of a probe is: its place in the page is fixed by the style sheet. Desktop space. */
  patch(): Rect | null {
    const window = this.#window;
    if (window === null || window.isDestroyed() || !window.isVisible()) return null;
    const { x, y } = window.getBounds();
    const corner = this.#options.space.toDesktop({
      x: x + PATCH_AT_PX,
      y: y + PATCH_AT_PX,
      width: 1,
      height: 1,
    });
    return { x: corner.x, y: corner.y, width: PROBE_SIDE_PX, height: PROBE_SIDE_PX };
  }

  /** X window id of the panel; none on other systems. */
  windows(): PanelWindows {
    const window = this.#window;
    if (this.#options.platform !== 'linux' || window === null || window.isDestroyed()) return {};
    const handle = window.getNativeWindowHandle();
    return handle.length < 4 ? {} : { windows: [handle.readUInt32LE(0)] };
  }

  /** What the panel covers, desktop space. */
  rects(): Rect[] {
    const window = this.#window;
    if (window === null || window.isDestroyed() || !window.isVisible()) return [];
    return [this.#options.space.toDesktop(window.getBounds())];
  }

  /** After a display came, went or changed: back onto a display that exists. */
  returnToDisplays(): void {
    const window = this.#window;
    if (window === null) return;
    const corner = clampInto(this.#options.space.workAreas(), window.getBounds());
    window.setPosition(Math.round(corner.x), Math.round(corner.y));
    this.#report();
  }

  [Symbol.dispose](): void {
    this.#closing = true;
    clearTimeout(this.#hangTimer);
    if (this.#window !== null && !this.#window.isDestroyed()) this.#window.destroy();
    this.#window = null;
  }

  #report(): void {
    this.#options.onMoved(this.rects(), this.windows());
  }

  /** Said again at every show: systems forget it. */
  #stayOnTop(window: PanelWindow): void {
    window.setAlwaysOnTop(true, 'screen-saver');
    window.setVisibleOnAllWorkspaces(true, { visibleOnFullScreen: true, skipTransformProcessType: true });
    window.setContentProtection(true);
  }

  #guardContents(window: PanelWindow): void {
    const { webContents } = window;
    webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
    webContents.on('will-navigate', (event) => event.preventDefault());
    webContents.on('will-frame-navigate', (event) => event.preventDefault());
    webContents.on('will-attach-webview', (event) => event.preventDefault());
    webContents.on('render-process-gone', (_event, details) => {
      if (this.#closing) return;
      this.#options.log.error('the panel’s page ended', {
        reason: details.reason,
        exitCode: details.exitCode,
      });
      this.#replace(window);
    });
  }

  #replace(window: PanelWindow): void {
    const now = this.#options.nowMs();
    this.#crashesAtMs.push(now);
    while (this.#crashesAtMs[0] !== undefined && now - this.#crashesAtMs[0] > 60_000)
      this.#crashesAtMs.shift();
    window.destroy();
    this.#window = null;
    this.#report();
    if (this.#crashesAtMs.length > CRASHES_PER_MINUTE) this.#options.onGivenUp();
    else this.open();
  }
}
