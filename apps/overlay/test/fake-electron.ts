import { EventEmitter } from 'node:events';
import type {
  BaseWindow,
  BaseWindowConstructorOptions,
  BrowserWindow,
  BrowserWindowConstructorOptions,
  Display,
  MenuItemConstructorOptions,
  Rectangle,
  WebContents,
  WindowOpenHandlerResponse,
} from 'electron';
import type {
  ElectronPort,
  PanelContents,
  PanelTray,
  PanelWindow,
  RingWindow,
  StripWindow,
} from '../src/main/port.ts';

/**
 * Electron as far as the overlay uses it, without its binary. `implements` ties every member to Electron's own
 * types; the assertions below tie the port to the real classes. It records, and plays events when told to.
 */

type Satisfies<Real extends Port, Port> = Real;
/** The real classes fit the port: an Electron that drops or renames one of these does not compile here. */
export type RealClassesFit = [
  Satisfies<BrowserWindow, PanelWindow>,
  Satisfies<BrowserWindow, RingWindow>,
  Satisfies<BaseWindow, StripWindow>,
  Satisfies<WebContents, PanelContents>,
  Satisfies<typeof Electron.app, ElectronPort['app']>,
  Satisfies<typeof Electron.screen, ElectronPort['screen']>,
  Satisfies<typeof Electron.ipcMain, ElectronPort['ipcMain']>,
  Satisfies<typeof Electron.protocol, ElectronPort['protocol']>,
  Satisfies<typeof Electron.globalShortcut, ElectronPort['globalShortcut']>,
  Satisfies<Electron.Session, ReturnType<ElectronPort['session']>>,
];

// Electron's `on` is a list of overloads per event; a fake takes any name and any listener.
// biome-ignore lint/suspicious/noExplicitAny: overloads of dozens of events cannot be written out again here
type Any = any;

class Emitter {
  readonly events = new EventEmitter();
  on(event: Any, listener: Any): Any {
    this.events.on(event, listener);
    return this;
  }
}

let nextContentsId = 1;

export class FakeContents extends Emitter implements PanelContents {
  readonly id = nextContentsId++;
  readonly mainFrame = { origin: 'app://panel' } as unknown as WebContents['mainFrame'];
  readonly sent: Array<{ channel: string; message: unknown }> = [];
  reloads = 0;
  openHandler: ((details: Electron.HandlerDetails) => WindowOpenHandlerResponse) | undefined;
  destroyed = false;
  send(channel: string, ...args: unknown[]): void {
    this.sent.push({ channel, message: args[0] });
  }
  setWindowOpenHandler(handler: (details: Electron.HandlerDetails) => WindowOpenHandlerResponse): void {
    this.openHandler = handler;
  }
  reload(): void {
    this.reloads += 1;
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
}

export class FakePanel extends Emitter implements PanelWindow {
  readonly webContents = new FakeContents();
  readonly options: BrowserWindowConstructorOptions;
  readonly calls: string[] = [];
  bounds: Rectangle;
  visible = false;
  destroyed = false;
  url = '';
  constructor(options: BrowserWindowConstructorOptions) {
    super();
    this.options = options;
    this.bounds = { x: 0, y: 0, width: options.width ?? 0, height: options.height ?? 0 };
  }
  async loadURL(url: string): Promise<void> {
    this.url = url;
  }
  show(): void {
    this.visible = true;
    this.calls.push('show');
    this.events.emit('show');
  }
  showInactive(): void {
    this.visible = true;
    this.calls.push('showInactive');
    this.events.emit('show');
  }
  focus(): void {
    this.calls.push('focus');
  }
  setFocusable(focusable: boolean): void {
    this.calls.push(`focusable ${focusable}`);
  }
  setSkipTaskbar(skip: boolean): void {
    this.calls.push(`skipTaskbar ${skip}`);
  }
  isVisible(): boolean {
    return this.visible;
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
  destroy(): void {
    this.destroyed = true;
    this.visible = false;
    this.webContents.destroyed = true;
  }
  getBounds(): Rectangle {
    return { ...this.bounds };
  }
  setBounds(bounds: Partial<Rectangle>): void {
    this.bounds = { ...this.bounds, ...bounds };
    this.events.emit('resize');
  }
  setPosition(x: number, y: number): void {
    this.bounds = { ...this.bounds, x, y };
    this.events.emit('move');
  }
  setAlwaysOnTop(flag: boolean, level?: string): void {
    this.calls.push(`alwaysOnTop ${flag} ${level}`);
  }
  setVisibleOnAllWorkspaces(visible: boolean): void {
    this.calls.push(`allWorkspaces ${visible}`);
  }
  setContentProtection(enable: boolean): void {
    this.calls.push(`contentProtection ${enable}`);
  }
  getNativeWindowHandle(): Buffer {
    return Buffer.from([7, 0, 64, 0, 0, 0, 0, 0]);
  }
}

export class FakeRing implements RingWindow {
  readonly options: BrowserWindowConstructorOptions;
  bounds: Partial<Rectangle> = {};
  visible = false;
  clickThrough = false;
  destroyed = false;
  url = '';
  constructor(options: BrowserWindowConstructorOptions) {
    this.options = options;
  }
  async loadURL(url: string): Promise<void> {
    this.url = url;
  }
  setBounds(bounds: Partial<Rectangle>): void {
    this.bounds = bounds;
  }
  setIgnoreMouseEvents(ignore: boolean): void {
    this.clickThrough = ignore;
  }
  setAlwaysOnTop(): void {}
  setVisibleOnAllWorkspaces(): void {}
  setContentProtection(): void {}
  showInactive(): void {
    this.visible = true;
  }
  hide(): void {
    this.visible = false;
  }
  destroy(): void {
    this.destroyed = true;
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
}

export class FakeStrip implements StripWindow {
  readonly options: BaseWindowConstructorOptions;
  bounds: Partial<Rectangle> = {};
  color = '';
  visible = false;
  clickThrough = false;
  destroyed = false;
  constructor(options: BaseWindowConstructorOptions) {
    this.options = options;
  }
  setBounds(bounds: Partial<Rectangle>): void {
    this.bounds = bounds;
  }
  setBackgroundColor(color: string): void {
    this.color = color;
  }
  setIgnoreMouseEvents(ignore: boolean): void {
    this.clickThrough = ignore;
  }
  setAlwaysOnTop(): void {}
  setVisibleOnAllWorkspaces(): void {}
  setContentProtection(): void {}
  showInactive(): void {
    this.visible = true;
  }
  hide(): void {
    this.visible = false;
  }
  destroy(): void {
    this.destroyed = true;
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
}

export class FakeTray implements PanelTray {
  toolTip = '';
  menu: MenuItemConstructorOptions[] = [];
  destroyed = false;
  setToolTip(text: string): void {
    this.toolTip = text;
  }
  setMenu(items: MenuItemConstructorOptions[]): void {
    this.menu = items;
  }
  onClick(): void {}
  destroy(): void {
    this.destroyed = true;
  }
}

/** A display of the given place and scale, with a 40-pixel bar at its bottom; device-independent pixels. */
export function fakeDisplay(id: number, bounds: Rectangle, scaleFactor = 1): Display {
  return {
    id,
    bounds,
    workArea: { ...bounds, height: bounds.height - 40 },
    scaleFactor,
  } as Display;
}

class FakeApp extends Emitter implements Pick<ElectronPort['app'], 'on'> {
  readonly calls: string[] = [];
  isPackaged = false;
  lock = true;
  loginItem: Electron.Settings | undefined;
  locale = 'en-US';
  getLocale(): string {
    return this.locale;
  }
  getLoginItemSettings(): Electron.LoginItemSettings {
    return { openAtLogin: this.loginItem?.openAtLogin ?? false } as Electron.LoginItemSettings;
  }
  requestSingleInstanceLock(): boolean {
    this.calls.push('lock');
    return this.lock;
  }
  enableSandbox(): void {
    this.calls.push('sandbox');
  }
  async whenReady(): Promise<void> {
    this.calls.push('ready');
  }
  relaunched: Electron.RelaunchOptions | undefined;
  windows: () => readonly FakePanel[] = () => [];
  /** As Electron does it, in one go: asks every window, and goes on only when none refused. */
  quit(): void {
    this.calls.push('quit');
    this.events.emit('before-quit', { preventDefault() {} });
    for (const window of this.windows()) {
      if (window.destroyed) continue;
      let refused = false;
      window.events.emit('close', { preventDefault: () => (refused = true) });
      if (refused) return;
      window.destroy();
    }
    this.calls.push('will-quit');
  }
  exit(): void {
    this.calls.push('exit');
  }
  relaunch(options?: Electron.RelaunchOptions): void {
    this.calls.push('relaunch');
    this.relaunched = options;
  }
  setLoginItemSettings(settings: Electron.Settings): void {
    this.loginItem = settings;
  }
}

class FakeScreen extends Emitter {
  displays: Display[] = [fakeDisplay(1, { x: 0, y: 0, width: 1280, height: 800 })];
  /** Physical pixels per device-independent pixel, everywhere. */
  scale = 1;
  getAllDisplays(): Display[] {
    return this.displays;
  }
  getPrimaryDisplay(): Display {
    return this.displays[0] as Display;
  }
  getDisplayMatching(): Display {
    return this.displays[0] as Display;
  }
  dipToScreenPoint(point: Electron.Point): Electron.Point {
    return { x: point.x * this.scale, y: point.y * this.scale };
  }
  screenToDipPoint(point: Electron.Point): Electron.Point {
    return { x: point.x / this.scale, y: point.y / this.scale };
  }
  dipToScreenRect(_window: null, rect: Rectangle): Rectangle {
    return {
      x: rect.x * this.scale,
      y: rect.y * this.scale,
      width: rect.width * this.scale,
      height: rect.height * this.scale,
    };
  }
  screenToDipRect(_window: null, rect: Rectangle): Rectangle {
    return {
      x: rect.x / this.scale,
      y: rect.y / this.scale,
      width: rect.width / this.scale,
      height: rect.height / this.scale,
    };
  }
}

class FakeShortcut {
  readonly registered = new Map<string, () => void>();
  register(accelerator: string, callback: () => void): boolean {
    if (this.registered.has(accelerator)) return false;
    this.registered.set(accelerator, callback);
    return true;
  }
  unregister(accelerator: string): void {
    this.registered.delete(accelerator);
  }
  unregisterAll(): void {
    this.registered.clear();
  }
}

class FakeSession {
  request: Any;
  check: Any;
  device: Any;
  media: Any;
  setPermissionRequestHandler(handler: Any): void {
    this.request = handler;
  }
  setPermissionCheckHandler(handler: Any): void {
    this.check = handler;
  }
  setDevicePermissionHandler(handler: Any): void {
    this.device = handler;
  }
  setDisplayMediaRequestHandler(handler: Any): void {
    this.media = handler;
  }
}

export class FakeElectron implements ElectronPort {
  readonly app = new FakeApp();
  readonly ipcMain = new Emitter() as Emitter & ElectronPort['ipcMain'];
  readonly screen = new FakeScreen();
  readonly globalShortcut = new FakeShortcut();
  readonly schemes: Electron.CustomScheme[] = [];
  readonly handlers = new Map<string, (request: Any) => Response | Promise<Response>>();
  readonly protocol = {
    registerSchemesAsPrivileged: (schemes: Electron.CustomScheme[]) => {
      this.schemes.push(...schemes);
    },
    handle: (scheme: string, handler: (request: Any) => Response | Promise<Response>) => {
      this.handlers.set(scheme, handler);
    },
  };
  readonly theSession = new FakeSession();
  readonly panels: FakePanel[] = [];
  readonly strips: FakeStrip[] = [];
  readonly rings: FakeRing[] = [];
  readonly opened: string[] = [];
  readonly trays: FakeTray[] = [];
  readonly notifications: Array<{ title: string; body: string }> = [];
  session(): FakeSession {
    return this.theSession;
  }
  createPanel(options: BrowserWindowConstructorOptions): FakePanel {
    const panel = new FakePanel(options);
    this.panels.push(panel);
    this.app.windows = () => this.panels;
    return panel;
  }
  createStrip(options: BaseWindowConstructorOptions): FakeStrip {
    const strip = new FakeStrip(options);
    this.strips.push(strip);
    return strip;
  }
  createRing(options: BrowserWindowConstructorOptions): FakeRing {
    const ring = new FakeRing(options);
    this.rings.push(ring);
    return ring;
  }
  async openFile(path: string): Promise<string> {
    this.opened.push(path);
    return '';
  }
  createTray(): FakeTray {
    const tray = new FakeTray();
    this.trays.push(tray);
    return tray;
  }
  notify(notification: { title: string; body: string }): void {
    this.notifications.push(notification);
  }

  get panel(): FakePanel {
    const panel = this.panels.at(-1);
    if (panel === undefined) throw new Error('no panel window was made');
    return panel;
  }

  /** What the page's preload does: an IPC message from the panel's own main frame, unless `from` says otherwise. */
  fromPage(
    channel: string,
    args: unknown[],
    from: { sender?: { id: number }; senderFrame?: unknown } = {},
  ): void {
    const contents = this.panel.webContents;
    this.ipcMain.events.emit(
      channel,
      { sender: contents, senderFrame: contents.mainFrame, ...from },
      ...args,
    );
  }
}
