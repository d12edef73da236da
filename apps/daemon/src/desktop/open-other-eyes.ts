import { errorAttributes, type Logger, type Scope } from '@deskhand/base';
import { openNutScreenCapture, openScreenshotDesktopCapture } from '../capture/index.ts';
import { openWaylandScreenCapture } from '../capture/wayland-screen-capture.ts';
import type { DisplayServer } from '../display-server.ts';
import { openPortalScreenCapture } from '../portal/portal-screen-capture.ts';
import type { ScreenCapture } from '../ports.ts';
import { toDesktop, toLogical } from '../wayland/index.ts';
import { NativeWindowSystem, nativeWindowHelper } from '../windows/native-window-system.ts';
import { SwayWindowSystem } from '../windows/sway-window-system.ts';
import type { Eyes } from './eyes.ts';
import { pollingActivity } from './polling-activity.ts';

type Other = Exclude<DisplayServer, { kind: 'x11' }>;
type Of<Kind> = Extract<DisplayServer, { kind: Kind }>;

/** Eyes of whatever is not an X server. */
export function openOtherEyes(scope: Scope, server: Other, log: Logger): Promise<Eyes> {
  switch (server.kind) {
    case 'wlroots':
      return openWlrootsEyes(scope, server, log);
    case 'portal':
      return openPortalEyes(scope, server, log);
    case 'native':
      return openNativeEyes(scope, log);
  }
}

async function openWlrootsEyes(scope: Scope, server: Of<'wlroots'>, log: Logger): Promise<Eyes> {
  const capture = scope.use('capture', await openWaylandScreenCapture({ socket: server.socket, log }));
  const activity = scope.use('screen activity', pollingActivity(capture));
  const lost = capture.lost.then(() => undefined);
  const eyes = { capture, activity, lost, exclusion: null };
  if (server.sway === null) return eyes;
  const windows = new SwayWindowSystem({
    socket: server.sway,
    toDesktop: (rect) => toDesktop(capture.outputs, rect),
    toLogical: (rect) => toLogical(capture.outputs, rect),
  });
  return { ...eyes, windows: scope.use('windows', windows) };
}

async function openPortalEyes(scope: Scope, server: Of<'portal'>, log: Logger): Promise<Eyes> {
  const capture = scope.use('capture', await openPortalScreenCapture({ ...server, log }));
  const activity = scope.use('screen activity', pollingActivity(capture));
  return { capture, activity, lost: capture.lost, exclusion: null };
}

/** Windows and macOS. Written against their libraries and never run there; see docs. */
async function openNativeEyes(scope: Scope, log: Logger): Promise<Eyes> {
  const capture: ScreenCapture = scope.use(
    'capture',
    await openNutScreenCapture({ log }).catch((error) => {
      log.warn('nut-js cannot capture here: screenshot programs are used', errorAttributes(error));
      return openScreenshotDesktopCapture();
    }),
  );
  const activity = scope.use('screen activity', pollingActivity(capture));
  // macOS counts in points, Windows in pixels.
  const [display] = process.platform === 'darwin' ? await capture.displays() : [];
  const helper = nativeWindowHelper(process.platform);
  const windows = new NativeWindowSystem({ helper, scale: () => display?.scale ?? 1 });
  return {
    capture,
    activity,
    lost: new Promise<never>(() => {}),
    exclusion: null,
    windows: scope.use('windows', windows),
  };
}
