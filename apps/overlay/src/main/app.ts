import { errorAttributes, type Logger, Scope } from '@deskhand/base';
import type { RuntimePaths } from '@deskhand/base/runtime-paths';
import type { StaticFile } from '../browser/static-files.ts';
import type { Platform } from '../core/hotkey-name.ts';
import type { PanelMode, PanelView } from '../core/panel-view.ts';
import { PanelHost, type Renderer } from '../host/panel-host.ts';
import { serveApp } from './app-protocol.ts';
import { BorderStrips } from './border-strips.ts';
import { APP_SCHEME } from './channels.ts';
import { DesktopSpace } from './desktop-space.ts';
import { PanelController } from './panel-controller.ts';
import { listenToPanel } from './panel-ipc.ts';
import type { ElectronPort, PanelTray } from './port.ts';
import { Shortcuts } from './shortcuts.ts';

export type OverlayOptions = Readonly<{
  electron: ElectronPort;
  paths: RuntimePaths;
  platform: Platform;
  /** The session type says `wayland`. */
  wayland: boolean;
  files: ReadonlyMap<string, StaticFile>;
  preload: string;
  log: Logger;
  nowMs: () => number;
}>;

const MODE_NOTES: Partial<Record<PanelMode, string>> = {
  awaiting_human: 'The agent waits for your decision.',
  stopped: 'Stopped. Nothing will run until you reset.',
  controls_lost: 'The controls are not connected.',
};

/** The Electron panel, wired over the port: everything it opens is closed by `close`. */
export class Overlay {
  readonly #options: OverlayOptions;
  readonly #scope = new Scope();

  constructor(options: OverlayOptions) {
    this.#options = options;
  }

  /** @returns false when another overlay runs already; it has been asked to show itself. */
  async start(): Promise<boolean> {
    const { electron, log } = this.#options;
    if (!electron.app.requestSingleInstanceLock()) {
      electron.app.quit();
      return false;
    }
    electron.app.enableSandbox();
    // No client may place, raise or pin a window on Wayland; through XWayland it can.
    if (this.#options.wayland) electron.commandLine.appendSwitch('ozone-platform', 'x11');
    electron.protocol.registerSchemesAsPrivileged([
      { scheme: APP_SCHEME, privileges: { standard: true, secure: true } },
    ]);
    // Registered before ready: the default is to quit with the last window, and the panel may crash.
    electron.app.on('window-all-closed', () => {});
    electron.app.on('before-quit', () => void this.close());
    electron.app.on('child-process-gone', (_event, details) =>
      log.warn('a helper process of the overlay ended', { type: details.type, reason: details.reason }),
    );
    await electron.app.whenReady();
    this.#denyEverything();
    electron.protocol.handle(APP_SCHEME, serveApp(this.#options.files));
    this.#openPanel();
    return true;
  }

  close(): Promise<void> {
    return this.#scope.close();
  }

  #openPanel(): void {
    const { electron, platform, log, nowMs, paths, preload } = this.#options;
    const space = new DesktopSpace(electron.screen, platform);
    const panel: PanelController = new PanelController({
      electron,
      platform,
      space,
      preload,
      log,
      nowMs,
      onMoved: (rects) => host.reportRects(rects),
      onGivenUp: () =>
        electron.notify(
          { title: 'Deskhand', body: 'The panel keeps crashing. Stop with the hotkey.' },
          () => {},
        ),
    });
    this.#scope.use('panel window', panel);
    const host: PanelHost = new PanelHost({ paths, platform, log, nowMs, mover: panel });
    this.#scope.use('panel host', host);

    const renderer: Renderer = {
      role: 'controller',
      send: (message) => panel.send(message),
      isBehind: () => false,
    };
    let detach: (() => void) | undefined;
    listenToPanel(
      electron.ipcMain,
      () => panel.contents,
      {
        ready: () => {
          detach?.();
          detach = host.attach(renderer);
          panel.reveal();
        },
        command: (command) => void host.command(renderer, command),
        collapse: (collapsed) => panel.setCollapsed(collapsed),
      },
      log,
    );
    electron.app.on('second-instance', () => panel.focus());

    const tray = electron.createTray();
    this.#scope.add('tray', () => tray.destroy());
    tray.onClick(() => panel.focus());
    const shortcuts = this.#scope.use('shortcuts', new Shortcuts(electron.globalShortcut, log));
    shortcuts.onFocus(() => panel.focus());
    const strips = platform === 'linux' ? null : this.#scope.use('border', new BorderStrips(electron, space));
    for (const change of ['display-added', 'display-removed', 'display-metrics-changed'] as const)
      electron.screen.on(change as 'display-added', () => {
        panel.returnToDisplays();
        strips?.refresh();
      });

    host.start();
    panel.open();
    const stop = () => {
      host.stop('tray').catch((error) => log.error('stop failed', errorAttributes(error)));
    };
    let lastMode: PanelMode | null = null;
    const unsubscribe = host.onView((view) => {
      shortcuts.standInForGuard(view.stop.chordArmed !== true, view.stop.chord.replaceAll('-', '+'), stop);
      if (view.mode === lastMode) return;
      this.#showMode(view, tray, stop, () => panel.focus());
      strips?.show(view.mode);
      const note = MODE_NOTES[view.mode];
      // The first mode is where things stood before anybody looked: no news.
      if (note !== undefined && lastMode !== null)
        electron.notify({ title: 'Deskhand', body: note }, () => panel.focus());
      lastMode = view.mode;
    });
    this.#scope.add('view listener', () => {
      unsubscribe();
      detach?.();
    });
  }

  #showMode(view: PanelView, tray: PanelTray, stop: () => void, show: () => void): void {
    tray.setToolTip(`Deskhand: ${view.mode.replaceAll('_', ' ')}`);
    tray.setMenu([
      { label: 'STOP', click: stop },
      { type: 'separator' },
      { label: 'Show panel', click: show },
      { label: 'Close the panel', click: () => this.#options.electron.app.quit() },
    ]);
  }

  #denyEverything(): void {
    const session = this.#options.electron.session();
    session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
    session.setPermissionCheckHandler(() => false);
    session.setDevicePermissionHandler(() => false);
    session.setDisplayMediaRequestHandler((_request, answer) => answer({}));
  }
}
