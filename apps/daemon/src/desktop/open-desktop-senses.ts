import { type Logger, Scope } from '@deskhand/base';
import type { Capabilities, ExclusionState, ProtocolError, Rect } from '@deskhand/protocol';
import type { OwnWindows } from '../capture/index.ts';
import type { DisplayServer } from '../display-server.ts';
import { openSenses } from '../senses.ts';
import type { DesktopSenses } from './desktop-senses.ts';
import { openEyes } from './open-eyes.ts';

export type OpenedSenses = Readonly<{
  senses: DesktopSenses;
  /** `input` is what hands say. */
  capabilities: Capabilities;
  /** Settles when nothing can be seen any more, with the reason where it is another than that the display server is gone. */
  lost: Promise<ProtocolError | undefined>;
  /** What is known about keeping our own windows out of pictures. */
  exclusion: () => ExclusionState;
  /** Tests it anew: our windows or the displays have changed. */
  testExclusion: () => Promise<void>;
}> &
  AsyncDisposable;

/**
 * Opens what this operating system offers.
 * @param options.covered rectangles of our own panel: their changes are not the screen's.
 * @throws ProtocolError NO_DISPLAY, DISPLAY_UNAVAILABLE, SHARING_DECLINED, CAPTURE_FAILED
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
