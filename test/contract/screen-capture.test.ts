import { silentLogger } from '@deskhand/base';
import {
  openNutScreenCapture,
  openScreenshotDesktopCapture,
  openX11ScreenCapture,
} from '@deskhand/daemon/capture';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import { afterAll, beforeAll } from 'vitest';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';
import { type KnownScreen, screenCaptureContract } from './screen-capture.contract.ts';

let desktop: XDesktop;
let connection: X11Connection;
let displayBefore: string | undefined;

const screen: KnownScreen = {
  width: 1000,
  height: 700,
  patches: [
    { x: 101, y: 53, width: 77, height: 31, color: [250, 10, 20] },
    { x: 600, y: 400, width: 333, height: 299, color: [1, 200, 99] },
    { x: 998, y: 0, width: 2, height: 3, color: [0, 0, 255] },
  ],
};

beforeAll(async () => {
  desktop = await startXDesktop({ width: screen.width, height: screen.height });
  // nut-js and the screenshot program read the display from this process.
  displayBefore = process.env.DISPLAY;
  process.env.DISPLAY = desktop.display;
  connection = await openX11({ display: desktop.display, log: silentLogger });
  for (const { color, ...rect } of screen.patches) {
    const [red = 0, green = 0, blue = 0] = color;
    const window = await connection.createWindow(rect, {
      overrideRedirect: 1,
      backgroundPixel: (red << 16) | (green << 8) | blue,
    });
    await connection.mapWindow(window);
  }
});

afterAll(async () => {
  if (displayBefore === undefined) delete process.env.DISPLAY;
  else process.env.DISPLAY = displayBefore;
  await connection?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

screenCaptureContract('X11, shared memory', async () => ({
  capture: await openX11ScreenCapture({ connection, log: silentLogger }),
  screen,
}));
screenCaptureContract('X11, core requests', async () => ({
  capture: await openX11ScreenCapture({ connection, log: silentLogger, sharedMemory: false }),
  screen,
}));
screenCaptureContract('nut-js', async () => ({
  capture: await openNutScreenCapture({ log: silentLogger }),
  screen,
}));
screenCaptureContract('screenshot-desktop', async () => ({
  capture: await openScreenshotDesktopCapture(),
  screen,
}));
