import type { BrowserWindowConstructorOptions } from 'electron';
import type { Platform } from '../core/hotkey-name.ts';

/** Device-independent pixels. */
export const PANEL_SIZE = { width: 376, height: 640 } as const;
export const COLLAPSED_HEIGHT = 160;

/**
 * Small and opaque: a transparent or full-screen window is what breaks on Linux and flickers on Windows.
 * @param preload absolute path of the built preload, a .cjs file: a sandboxed one cannot import.
 */
export function panelOptions(
  platform: Platform,
  preload: string,
  devTools: boolean,
): BrowserWindowConstructorOptions {
  return {
    ...PANEL_SIZE,
    title: 'Deskhand',
    frame: false,
    transparent: false,
    resizable: false,
    maximizable: false,
    fullscreenable: false,
    skipTaskbar: true,
    show: false,
    backgroundColor: '#12161c',
    type: platform === 'macos' ? 'panel' : 'toolbar',
    acceptFirstMouse: true,
    // On Linux an unfocusable window leaves the window manager and can never be used from the keyboard.
    ...(platform === 'windows' ? { focusable: false } : {}),
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      // Deadlines and heartbeats go on while another window covers the panel.
      backgroundThrottling: false,
      devTools,
    },
  };
}
