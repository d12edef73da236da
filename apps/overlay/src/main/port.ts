import type {
  App,
  BaseWindow,
  BaseWindowConstructorOptions,
  BrowserWindow,
  BrowserWindowConstructorOptions,
  GlobalShortcut,
  IpcMain,
  MenuItemConstructorOptions,
  Protocol,
  Screen,
  Session,
  WebContents,
} from 'electron';

/**
 * Exactly what the overlay uses of Electron, by Electron's own types. Tests hand in a fake of this; when a new
 * Electron drops or changes one of these, the type check says so.
 */

export type PanelContents = Pick<
  WebContents,
  'on' | 'send' | 'setWindowOpenHandler' | 'reload' | 'mainFrame' | 'id' | 'isDestroyed'
>;

export interface PanelWindow
  extends Pick<
    BrowserWindow,
    | 'on'
    | 'loadURL'
    | 'show'
    | 'showInactive'
    | 'focus'
    | 'isVisible'
    | 'isDestroyed'
    | 'destroy'
    | 'getBounds'
    | 'setBounds'
    | 'setPosition'
    | 'setAlwaysOnTop'
    | 'setVisibleOnAllWorkspaces'
    | 'setContentProtection'
    | 'setFocusable'
    | 'setSkipTaskbar'
    | 'getNativeWindowHandle'
  > {
  readonly webContents: PanelContents;
}

/** A bare native window: a background colour, no renderer. */
export type StripWindow = Pick<
  BaseWindow,
  | 'setBounds'
  | 'setBackgroundColor'
  | 'setIgnoreMouseEvents'
  | 'setAlwaysOnTop'
  | 'setVisibleOnAllWorkspaces'
  | 'setContentProtection'
  | 'showInactive'
  | 'hide'
  | 'destroy'
  | 'isDestroyed'
>;

/** The ring at a target: transparent, clicked through, made once. */
export type RingWindow = Pick<
  BrowserWindow,
  | 'loadURL'
  | 'setBounds'
  | 'setIgnoreMouseEvents'
  | 'setAlwaysOnTop'
  | 'setVisibleOnAllWorkspaces'
  | 'setContentProtection'
  | 'showInactive'
  | 'hide'
  | 'destroy'
  | 'isDestroyed'
>;

/** The tray, as far as it is used; made by the entry file, which owns icons. */
export interface PanelTray {
  setToolTip(text: string): void;
  setMenu(items: MenuItemConstructorOptions[]): void;
  onClick(listener: () => void): void;
  destroy(): void;
}

export interface ElectronPort {
  readonly app: Pick<
    App,
    | 'requestSingleInstanceLock'
    | 'enableSandbox'
    | 'whenReady'
    | 'on'
    | 'quit'
    | 'exit'
    | 'relaunch'
    | 'setLoginItemSettings'
    | 'getLoginItemSettings'
    | 'getLocale'
    | 'isPackaged'
  >;
  readonly ipcMain: Pick<IpcMain, 'on'>;
  readonly screen: Pick<
    Screen,
    | 'on'
    | 'getAllDisplays'
    | 'getPrimaryDisplay'
    | 'getDisplayMatching'
    | 'dipToScreenPoint'
    | 'screenToDipPoint'
    | 'dipToScreenRect'
    | 'screenToDipRect'
  >;
  readonly globalShortcut: Pick<GlobalShortcut, 'register' | 'unregister' | 'unregisterAll'>;
  readonly protocol: Pick<Protocol, 'registerSchemesAsPrivileged' | 'handle'>;
  /** The default session; it exists only once the app is ready. */
  session(): Pick<
    Session,
    | 'setPermissionRequestHandler'
    | 'setPermissionCheckHandler'
    | 'setDevicePermissionHandler'
    | 'setDisplayMediaRequestHandler'
  >;
  createPanel(options: BrowserWindowConstructorOptions): PanelWindow;
  createStrip(options: BaseWindowConstructorOptions): StripWindow;
  createRing(options: BrowserWindowConstructorOptions): RingWindow;
  /** Opens a file in the program the person uses for it; the text is empty when that worked. */
  openFile(path: string): Promise<string>;
  createTray(): PanelTray;
  notify(notification: Readonly<{ title: string; body: string }>, onClick: () => void): void;
}
