import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorAttributes, type Logger, Scope } from '@deskhand/base';
import type { RuntimePaths } from '@deskhand/base/runtime-paths';
import type { StaticFile } from '../browser/static-files.ts';
import type { Platform } from '../core/hotkey-name.ts';
import type { PanelMode, PanelView } from '../core/panel-view.ts';
import { PanelHost, type Renderer } from '../host/panel-host.ts';
import { RunHistory } from '../host/run-history.ts';
import { serveApp } from './app-protocol.ts';
import { isAutostart, setAutostart } from './autostart.ts';
import { BorderStrips } from './border-strips.ts';
import { APP_SCHEME } from './channels.ts';
import { DesktopSpace } from './desktop-space.ts';
import { PanelController } from './panel-controller.ts';
import { listenToPanel } from './panel-ipc.ts';
import type { ElectronPort, PanelTray } from './port.ts';
import { Shortcuts } from './shortcuts.ts';
import { TargetRing } from './target-ring.ts';
import { Updates, type UpdatesOptions } from './updates.ts';
import { type MessageKey, type Translate, wordsFor } from './words.ts';

export type OverlayOptions = Readonly<{
  electron: ElectronPort;
  paths: RuntimePaths;
  /** The data folder; replays are written beneath it. */
  dataDir: string;
  platform: Platform;
  /** For autostart: what is started, and where Linux keeps such entries. */
  executable: string;
  configHome: string;
  updates: Pick<UpdatesOptions, 'feedUrl' | 'load'>;
  /** What this process was started with, its own program first. */
  argv: readonly string[];
  /** The session type says `wayland`, and there is an X server in it. */
  wayland: boolean;
  files: ReadonlyMap<string, StaticFile>;
  preload: string;
  log: Logger;
  nowMs: () => number;
}>;

const MODE_NOTES: Partial<Record<PanelMode, MessageKey>> = {
  awaiting_human: 'notify.awaiting_human',
  stopped: 'notify.stopped',
  controls_lost: 'notify.controls_lost',
};

const USE_X = '--ozone-platform=x11';

/** The Electron panel, wired over the port: everything it opens is closed by `close`. */
export class Overlay {
  readonly #options: OverlayOptions;
  readonly #scope = new Scope();
  #panel: PanelController | undefined;

  constructor(options: OverlayOptions) {
    this.#options = options;
  }

  /** @returns false when another overlay runs already; it has been asked to show itself. */
  async start(): Promise<boolean> {
    const { electron, log } = this.#options;
    if (this.#relaunchedForX()) return false;
    if (!electron.app.requestSingleInstanceLock()) {
      electron.app.quit();
      return false;
    }
    electron.app.enableSandbox();
    electron.protocol.registerSchemesAsPrivileged([
      { scheme: APP_SCHEME, privileges: { standard: true, secure: true } },
    ]);
    // Registered before ready: the default is to quit with the last window, and the panel may crash.
    electron.app.on('window-all-closed', () => {});
    electron.app.on('before-quit', () => {
      this.#panel?.letClose();
      void this.close();
    });
    electron.app.on('child-process-gone', (_event, details) =>
      log.warn('a helper process of the overlay ended', { type: details.type, reason: details.reason }),
    );
    await electron.app.whenReady();
    this.#denyEverything();
    electron.protocol.handle(APP_SCHEME, serveApp(this.#options.files, [electron.app.getLocale()]));
    this.#openPanel();
    return true;
  }

  /**
   * No client may place, raise or pin a window on Wayland; through XWayland it can. Electron has chosen before any of
   * our code runs, so the choice must stand on the command line.
   */
  #relaunchedForX(): boolean {
    const { electron, argv, executable, wayland } = this.#options;
    if (!wayland || argv.some((arg) => /^--ozone-platform(=|$)/.test(arg))) return false;
    electron.app.relaunch({ execPath: executable, args: [...argv.slice(1), USE_X] });
    electron.app.exit(0);
    return true;
  }

  close(): Promise<void> {
    return this.#scope.close();
  }

  #openPanel(): void {
    const { electron, platform, log, nowMs, paths, dataDir, preload } = this.#options;
    const t = wordsFor(electron.app.getLocale());
    const space = new DesktopSpace(electron.screen, platform);
    const panel: PanelController = new PanelController({
      electron,
      platform,
      space,
      preload,
      log,
      nowMs,
      onMoved: (rects, of) => host.reportRects(rects, undefined, of),
      onGivenUp: () => electron.notify({ title: 'Deskhand', body: t('notify.crashed') }, () => {}),
    });
    this.#panel = panel;
    this.#scope.use('panel window', panel);
    const ring = platform === 'linux' ? null : this.#scope.use('ring', new TargetRing(electron, space));
    const history = new RunHistory(dataDir);
    const host: PanelHost = new PanelHost({
      ...{ kind: 'electron', paths, platform, log, nowMs, history },
      mover: panel,
      onTarget: (target) => ring?.show(target),
    });
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
        painted: (probeId) => host.painted(probeId, panel.patch()),
        replay: (runId) => void this.#openReplay(history, runId),
        command: (command) => void host.command(renderer, command),
        collapse: (collapsed) => panel.setCollapsed(collapsed),
      },
      log,
    );
    electron.app.on('second-instance', () => panel.focus());

    const stop = () => {
      host.stop('tray').catch((error) => log.error('stop failed', errorAttributes(error)));
    };
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

    const updates = this.#scope.use(
      'updates',
      new Updates({
        ...this.#options.updates,
        log,
        onInstall: () => panel.letClose(),
        onReady: () => {
          electron.notify({ title: 'Deskhand', body: t('notify.update') }, () => panel.focus());
          this.#showTray(host.view, tray, updates, t, { stop, show: () => panel.focus() });
        },
      }),
    );
    updates.start().catch((error) => log.warn('updates are off', errorAttributes(error)));

    host.start();
    panel.open();
    let lastMode: PanelMode | null = null;
    const unsubscribe = host.onView((view) => {
      shortcuts.standInForGuard(view.stop.chordArmed !== true, view.stop.chord.replaceAll('-', '+'), stop);
      if (view.mode === lastMode) return;
      updates.onMode(view.mode);
      this.#showTray(view, tray, updates, t, { stop, show: () => panel.focus() });
      strips?.show(view.mode);
      const note = MODE_NOTES[view.mode];
      // The first mode is where things stood before anybody looked: no news.
      if (note !== undefined && lastMode !== null)
        electron.notify({ title: 'Deskhand', body: t(note) }, () => panel.focus());
      lastMode = view.mode;
    });
    this.#scope.add('view listener', () => {
      unsubscribe();
      detach?.();
    });
  }

  #showTray(
    view: PanelView,
    tray: PanelTray,
    updates: Updates,
    t: Translate,
    act: { stop: () => void; show: () => void },
  ): void {
    const { electron, platform, executable, configHome } = this.#options;
    const { app } = electron;
    tray.setToolTip(`Deskhand: ${t(`mode.${view.mode}`)}`);
    tray.setMenu([
      { label: t('stop'), click: act.stop },
      { type: 'separator' },
      { label: t('tray.show'), click: act.show },
      {
        label: t('tray.autostart'),
        type: 'checkbox',
        checked: isAutostart({ app, platform, configHome }),
        click: (item) => setAutostart(item.checked, { app, platform, configHome, executable }),
      },
      ...(updates.ready
        ? [{ label: t('tray.update'), enabled: updates.mayInstall, click: () => updates.install() }]
        : []),
      { label: t('tray.close'), click: () => app.quit() },
    ]);
  }

  /** The page goes into a private file and from there into the person's browser: nothing is shown of it in here. */
  async #openReplay(history: RunHistory, runId: string): Promise<void> {
    const { dataDir, electron, log } = this.#options;
    try {
      const page = await history.replay(runId);
      const folder = join(dataDir, 'replays');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const file = join(folder, `${runId}.html`);
      writeFileSync(file, page, { mode: 0o600 });
      const problem = await electron.openFile(file);
      if (problem !== '') log.warn('the replay could not be opened', { problem });
    } catch (error) {
      log.warn('the replay could not be made', errorAttributes(error));
    }
  }

  #denyEverything(): void {
    const session = this.#options.electron.session();
    session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
    session.setPermissionCheckHandler(() => false);
    session.setDevicePermissionHandler(() => false);
    session.setDisplayMediaRequestHandler((_request, answer) => answer({}));
  }
}
