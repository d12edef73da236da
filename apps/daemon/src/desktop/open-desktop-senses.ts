import { errorAttributes, type Logger, Scope } from '@deskhand/base';
import { type Capabilities, type ExclusionState, ProtocolError, type Rect } from '@deskhand/protocol';
import {
  OverlayExclusion,
  type OwnWindows,
  openNutScreenCapture,
  openScreenshotDesktopCapture,
  openWaylandScreenCapture,
  openX11ScreenActivity,
  openX11ScreenCapture,
  PollScreenActivity,
  primaryDisplay,
  X11ProbeWindow,
} from '../capture/index.ts';
import type { DisplayServer } from '../display-server.ts';
import { openPortalScreenCapture } from '../portal/portal-screen-capture.ts';
import type { ScreenActivity, ScreenCapture } from '../ports.ts';
import { openSenses } from '../senses.ts';
import { toDesktop, toLogical } from '../wayland/index.ts';
import { NativeWindowSystem, nativeWindowHelper } from '../windows/native-window-system.ts';
import { SwayWindowSystem } from '../windows/sway-window-system.ts';
import type { WindowControl } from '../windows/window-control.ts';
import { openX11 } from '../x11/index.ts';
import type { DesktopSenses } from './desktop-senses.ts';

export type OpenedSenses = Readonly<{
  senses: DesktopSenses;
  /** `input` is what hands say. */
  capabilities: Capabilities;
  /** Settles when the display server is gone: nothing can be seen any more. Pending for ever elsewhere. */
  lost: Promise<void>;
  /** What is known about keeping our own windows out of pictures. */
  exclusion: () => ExclusionState;
  /** Tests it anew: our windows or the displays have changed. */
  testExclusion: () => Promise<void>;
}> &
  AsyncDisposable;

/**
 * Opens what this operating system offers.
 * @param options.covered rectangles of our own panel: their changes are not the screen's.
 * @throws ProtocolError NO_DISPLAY, DISPLAY_UNAVAILABLE, CAPTURE_FAILED
 */
export async function openDesktopSenses(options: {
  server: DisplayServer;
  dataDir: string;
  virtual: boolean;
  covered: () => readonly Rect[];
  /** Whose windows belong to no picture. */
  ownWindows: () => OwnWindows;
  /** Makes the panel paint the patch of a nonce; null when there is no panel or it could not. */
  probePanel: (nonce: string, options: { showMs: number; ceilingMs: number }) => Promise<Rect | null>;
  /** Folders whose files may be read, as policy has them now. */
  policyRoots: () => readonly string[];
  log: Logger;
  signal: AbortSignal;
}): Promise<OpenedSenses> {
  const { server, log, virtual } = options;
  const scope = new Scope();
  try {
    const { capture, activity, lost, exclusion, windows } = await openEyes(scope, server, options);
    const testExclusion = () => exclusion?.test(options.signal) ?? Promise.resolve();
    if (exclusion !== null) {
      capture.onDisplaysChanged(() => void testExclusion());
      await testExclusion();
    }
    const others = scope.use(
      'senses',
      await openSenses({
        display: server.kind === 'x11' ? server.display : null,
        ...(windows === undefined ? {} : { windows }),
        env: desktopEnvironment(process.env),
        dataDir: options.dataDir,
        virtual,
        policyRoots: options.policyRoots,
        log,
      }),
    );
    return {
      senses: {
        capture,
        activity,
        windows: others.windows,
        elements: others.accessibility,
        words: others.words,
        browser: others.browser,
        launcher: others.applications,
        terminal: others.terminal,
        files: others.files,
      },
      capabilities: {
        capture: capture.name,
        input: 'none',
        accessibility: others.accessibility.name,
        ocr: others.words.name,
        browser: others.browser.name,
        os: process.platform === 'darwin' ? 'macos' : process.platform === 'win32' ? 'windows' : 'linux',
        virtual,
      },
      lost,
      exclusion: () => exclusion?.state ?? (server.kind === 'native' ? UNTESTED : NOT_ON_WAYLAND),
      testExclusion,
      [Symbol.asyncDispose]: () => scope.close(),
    };
  } catch (error) {
    await scope.close().catch(() => {});
    throw error;
  }
}

type Eyes = {
  capture: ScreenCapture;
  activity: ScreenActivity;
  lost: Promise<void>;
  exclusion: OverlayExclusion | null;
  windows?: WindowControl;
};

const UNTESTED: ExclusionState = {
  strategy: 'mask',
  reason: 'Leaving our own windows out of pictures is only proven on X11; here they are painted over.',
  testedAt: null,
};

const NOT_ON_WAYLAND: ExclusionState = {
  strategy: 'mask',
  reason: 'A Wayland compositor leaves no window out of its pictures, so the panel is painted over.',
  testedAt: null,
};

type EyesOptions = Readonly<{
  covered: () => readonly Rect[];
  ownWindows: () => OwnWindows;
  probePanel: (nonce: string, options: { showMs: number; ceilingMs: number }) => Promise<Rect | null>;
  log: Logger;
}>;

function openEyes(scope: Scope, server: DisplayServer, options: EyesOptions): Promise<Eyes> {
  switch (server.kind) {
    case 'x11':
      return openX11Eyes(scope, server.display, options);
    case 'wlroots':
      return openWlrootsEyes(scope, server, options.log);
    case 'portal':
      return openPortalEyes(scope, server);
    case 'native':
      return openOtherEyes(scope, options.log);
  }
}

async function openWlrootsEyes(
  scope: Scope,
  server: Extract<DisplayServer, { kind: 'wlroots' }>,
  log: Logger,
): Promise<Eyes> {
  const capture = scope.use('capture', await openWaylandScreenCapture({ socket: server.socket, log }));
  const activity = scope.use('screen activity', pollingActivity(capture));
  const eyes = { capture, activity, lost: capture.lost, exclusion: null };
  if (server.sway === null) return eyes;
  const windows = new SwayWindowSystem({
    socket: server.sway,
    toDesktop: (rect) => toDesktop(capture.outputs, rect),
    toLogical: (rect) => toLogical(capture.outputs, rect),
  });
  return { ...eyes, windows: scope.use('windows', windows) };
}

async function openPortalEyes(
  scope: Scope,
  server: Extract<DisplayServer, { kind: 'portal' }>,
): Promise<Eyes> {
  const capture = scope.use('capture', await openPortalScreenCapture(server));
  const activity = scope.use('screen activity', pollingActivity(capture));
  return { capture, activity, lost: capture.lost, exclusion: null };
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
  const lost = connection.closed.then((why) => (why === null ? new Promise<void>(() => {}) : undefined));
  return { capture, activity, lost, exclusion };
}

/** Windows and macOS. Written against their libraries and never run there; see docs. */
async function openOtherEyes(scope: Scope, log: Logger): Promise<Eyes> {
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
    lost: new Promise<void>(() => {}),
    exclusion: null,
    windows: scope.use('windows', windows),
  };
}

function pollingActivity(capture: ScreenCapture): ScreenActivity {
  return new PollScreenActivity({ capture, region: () => primaryBounds(capture.displays()) });
}

async function primaryBounds(displays: Promise<Parameters<typeof primaryDisplay>[0]>): Promise<Rect> {
  const primary = primaryDisplay(await displays);
  if (primary === undefined) throw new ProtocolError('DISPLAY_UNAVAILABLE', 'No display is connected.');
  return primary.bounds;
}

/** What makes an application appear on this desktop. */
function desktopEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = [
    'DISPLAY',
    'XAUTHORITY',
    'WAYLAND_DISPLAY',
    'SWAYSOCK',
    'DBUS_SESSION_BUS_ADDRESS',
    'XDG_RUNTIME_DIR',
  ];
  return Object.fromEntries(
    names.map((name) => [name, env[name]] as const).filter((entry): entry is [string, string] => !!entry[1]),
  );
}
