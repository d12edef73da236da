import { errorAttributes, type Logger, type Scope } from '@deskhand/base';
import type { Rect } from '@deskhand/protocol';
import {
  OverlayExclusion,
  type OwnWindows,
  openX11ScreenActivity,
  openX11ScreenCapture,
  X11ProbeWindow,
} from '../capture/index.ts';
import type { DisplayServer } from '../display-server.ts';
import type { ScreenActivity } from '../ports.ts';
import { openX11 } from '../x11/index.ts';
import type { Eyes } from './eyes.ts';
import { pollingActivity } from './polling-activity.ts';

type EyesOptions = Readonly<{
  covered: () => readonly Rect[];
  ownWindows: () => OwnWindows;
  probePanel: (nonce: string, options: { showMs: number; ceilingMs: number }) => Promise<Rect | null>;
  log: Logger;
}>;

/** @throws ProtocolError DISPLAY_UNAVAILABLE, CAPTURE_FAILED */
export async function openEyes(scope: Scope, server: DisplayServer, options: EyesOptions): Promise<Eyes> {
  if (server.kind === 'x11') return openX11Eyes(scope, server.display, options);
  // Loaded only where it is used: the usual desktop does without its memory.
  const { openOtherEyes } = await import('./open-other-eyes.ts');
  return openOtherEyes(scope, server, options.log);
}

async function openX11Eyes(scope: Scope, display: string, options: EyesOptions): Promise<Eyes> {
  const { covered, ownWindows, probePanel, log } = options;
  const connection = scope.use('X connection of the eyes', await openX11({ display, log }));
  const capture = scope.use('capture', await openX11ScreenCapture({ connection, log, ownWindows }));
  const exclusion = new OverlayExclusion({
    capture,
    probeWindow: new X11ProbeWindow(() => openX11({ display, log })),
    probePanel,
    log,
  });
  const activity: ScreenActivity = scope.use(
    'screen activity',
    await openX11ScreenActivity({ connection, log, ignored: covered }).catch((error) => {
      log.warn('no damage events: the screen is looked at instead', errorAttributes(error));
      return pollingActivity(capture);
    }),
  );
  const lost = connection.closed.then((why) => (why === null ? new Promise<never>(() => {}) : undefined));
  return { capture, activity, lost, exclusion };
}
