import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { runtimePaths } from '@deskhand/base/runtime-paths';
import * as electron from 'electron';
import { jsonLogger } from '../browser/json-logger.ts';
import { readStaticFiles } from '../browser/static-files.ts';
import { platformOf } from '../host/host-platform.ts';
import { Overlay } from './app.ts';
import { dataDirOf } from './data-dir.ts';

/** The only file that loads Electron. It makes the real port, reads the environment, and starts; no decisions here. */
const { app, BaseWindow, BrowserWindow, Menu, nativeImage, Notification, Tray } = electron;
const log = jsonLogger((line) => process.stderr.write(line), { name: 'overlay' });
const dataDir = resolve(dataDirOf(process.env, process.platform, homedir()));
const icon = join(import.meta.dirname, 'tray.png');

const overlay = new Overlay({
  electron: {
    app,
    ipcMain: electron.ipcMain,
    // A getter, because Electron has no screen before it is ready.
    get screen() {
      return electron.screen;
    },
    globalShortcut: electron.globalShortcut,
    protocol: electron.protocol,
    session: () => electron.session.defaultSession,
    createPanel: (options) => new BrowserWindow(options),
    createStrip: (options) => new BaseWindow(options),
    createRing: (options) => new BrowserWindow(options),
    openFile: (path) => electron.shell.openPath(path),
    createTray: () => {
      const tray = new Tray(nativeImage.createFromPath(icon));
      return {
        setToolTip: (text) => tray.setToolTip(text),
        setMenu: (items) => tray.setContextMenu(Menu.buildFromTemplate(items)),
        onClick: (listener) => tray.on('click', listener),
        destroy: () => tray.destroy(),
      };
    },
    notify: (options, onClick) => new Notification(options).on('click', onClick).show(),
  },
  paths: runtimePaths(dataDir),
  dataDir,
  platform: platformOf(process.platform),
  executable: process.env.APPIMAGE ?? process.execPath,
  configHome: process.env.XDG_CONFIG_HOME || join(homedir(), '.config'),
  updates: {
    feedUrl: process.env.DESKHAND_UPDATE_URL || null,
    load: async () => (await import('electron-updater')).autoUpdater,
  },
  argv: process.argv,
  wayland: process.env.XDG_SESSION_TYPE === 'wayland' && Boolean(process.env.DISPLAY),
  files: readStaticFiles(join(import.meta.dirname, '..', 'renderer')),
  preload: join(import.meta.dirname, '..', 'preload', 'preload.cjs'),
  log,
  nowMs: () => performance.now(),
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => app.quit());
void overlay.start();
