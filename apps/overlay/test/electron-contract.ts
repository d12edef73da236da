import type {
  App,
  BaseWindow,
  BrowserWindow,
  BrowserWindowConstructorOptions,
  GlobalShortcut,
  Protocol,
  Screen,
} from 'electron';
import type { ElectronPort, PanelWindow, RingWindow, StripWindow } from '../src/main/port.ts';

/**
 * What the type checker holds against Electron's own declarations, without its binary. Nothing here runs: an Electron
 * that drops or renames something breaks the type check, not people's panels.
 */
export type Holds = [
  BrowserWindow extends PanelWindow ? true : never,
  BrowserWindow extends RingWindow ? true : never,
  BaseWindow extends StripWindow ? true : never,
  App extends ElectronPort['app'] ? true : never,
  Screen extends ElectronPort['screen'] ? true : never,
  GlobalShortcut extends ElectronPort['globalShortcut'] ? true : never,
  Protocol extends ElectronPort['protocol'] ? true : never,
];
export const holds: Holds = [true, true, true, true, true, true, true];

// Mistakes that must not pass: without an error here, the declarations check nothing.
export function mistakes(window: BrowserWindow): void {
  // @ts-expect-error no such option
  ({ alwaysOnTopp: true }) satisfies BrowserWindowConstructorOptions;
  // @ts-expect-error no such level
  window.setAlwaysOnTop(true, 'screensaver');
  // @ts-expect-error no such method
  window.setAlwaysOnTopp(true);
  // @ts-expect-error no such window type
  ({ type: 7 }) satisfies BrowserWindowConstructorOptions;
  // @ts-expect-error no such event of a window
  window.on('unresponsiv', () => {});
}
