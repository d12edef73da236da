import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { type Logger, Scope } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import { enableAccessibility } from '../accessibility/accessibility-bus.ts';
import { applicationEnvironment } from '../applications/application-environment.ts';
import { ProcessGroup, type ProcessGroupOptions } from '../applications/process-group.ts';
import { findRequiredPrograms } from './required-programs.ts';
import { type SessionFiles, sessionFilesIn, writeSessionFiles } from './session-files.ts';
import { createDesktopFolder, removeStaleDesktopFolders } from './stale-folders.ts';
import { waitForWindowManager } from './window-manager.ts';
import { XAuthority } from './x-authority.ts';

const START_CEILING_MS = 20_000;
const CLOSE_GRACE_MS = 300;
/** Socket paths end at 107 bytes, and the deepest of ours adds about 55 to the parent folder. */
const LONGEST_PARENT = 50;
const WALLPAPER = '#33475b';

export type VirtualDesktopOptions = Readonly<{
  /** Pixels of its only display. */
  width?: number;
  height?: number;
  /** Dots per inch the X server reports. */
  dpi?: number;
  log: Logger;
  signal?: AbortSignal;
}>;

/** A private X desktop: server, window manager, session bus, accessibility bus. Its owner closes it. */
export interface VirtualDesktop extends AsyncDisposable {
  /** X display name, e.g. `:99`. */
  readonly display: string;
  /** What an application needs to appear here, to be laid over an environment; DISPLAY included. */
  readonly env: Readonly<Record<string, string>>;
  readonly pids: Readonly<{ server: number; bus: number; windowManager: number }>;
  /** Settles with the name of the first part that ended without being asked to; pending while all is well. */
  readonly broken: Promise<string>;
}

/**
 * @throws ProtocolError MISSING_SYSTEM_PACKAGE with the command to run; DISPLAY_UNAVAILABLE when a part
 * does not start; the signal's reason when it aborts. Nothing is left behind in any of these cases.
 */
export async function startVirtualDesktop(options: VirtualDesktopOptions): Promise<VirtualDesktop> {
  const { width = 1280, height = 800, dpi = 96, log } = options;
  const programs = findRequiredPrograms(process.env.PATH ?? '', process.getuid?.() === 0);
  const ceiling = AbortSignal.timeout(START_CEILING_MS);
  const signal = options.signal === undefined ? ceiling : AbortSignal.any([options.signal, ceiling]);
  signal.throwIfAborted();

  const scope = new Scope();
  try {
    const parent = tmpdir().length > LONGEST_PARENT ? '/tmp' : tmpdir();
    await removeStaleDesktopFolders(parent);
    const folder = await createDesktopFolder(parent);
    scope.add('desktop folder', () => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    const files = sessionFilesIn(folder);
    await writeSessionFiles(files);
    const authority = new XAuthority(files.authority);
    await authority.write(null);

    const start = async (name: string, settings: ProcessGroupOptions) => {
      const group = await ProcessGroup.start(settings, CLOSE_GRACE_MS);
      scope.use(name, group);
      return group;
    };

    // SIGTERM, not SIGKILL, on our death: the server removes its socket and lock file itself.
    const server = await start('X server', {
      command: programs.Xvfb,
      args: [
        ...['-displayfd', '3', '-auth', files.authority, '-nolisten', 'tcp', '-noreset', '-s', '0'],
        ...['-screen', '0', `${width}x${height}x24`, '-dpi', String(dpi)],
      ],
      env: applicationEnvironment(process.env, {}),
      onParentDeath: 'SIGTERM',
      pipes: [2, 3],
    });
    const number = await firstLine(server, 3, 'the X server', signal);
    await authority.write(number);
    const display = `:${number}`;
    const env = sessionEnvironment(display, files);
    const environment = applicationEnvironment(process.env, env);

    const bus = await start('session bus', {
      command: programs['dbus-daemon'],
      args: ['--session', '--nofork', '--nopidfile', '--print-address=3', `--address=unix:path=${files.bus}`],
      env: environment,
      onParentDeath: 'SIGKILL',
      pipes: [2, 3],
    });
    const [windowManager] = await Promise.all([
      start('window manager', {
        command: programs.openbox,
        args: ['--sm-disable', '--config-file', files.openboxConfig],
        env: environment,
        onParentDeath: 'SIGKILL',
        pipes: [2],
      }),
      firstLine(bus, 3, 'the session bus', signal)
        .then(() => enableAccessibility(env.DBUS_SESSION_BUS_ADDRESS, { signal }))
        .then((address) => run(programs.xprop, announcing(address), environment, signal)),
      run(programs.xsetroot, ['-solid', WALLPAPER, '-cursor_name', 'left_ptr'], environment, signal),
    ]);
    await waitForWindowManager(programs.xprop, environment, windowManager, { signal });

    // Whoever owns the desktop decides how long this process lives, not the desktop's pipes.
    for (const group of [server, bus, windowManager]) group.unref();
    let closing = false;
    const broken = new Promise<string>((resolve) => {
      for (const [name, group] of Object.entries({ server, bus, windowManager })) {
        void group.ended.then((end) => {
          if (closing) return;
          log.error('part of the virtual desktop ended', { part: name, ...end, lastWords: group.lastWords });
          resolve(name);
        });
      }
    });
    log.info('virtual desktop ready', { display, width, height });
    return {
      display,
      env,
      pids: { server: server.pid, bus: bus.pid, windowManager: windowManager.pid },
      broken,
      async [Symbol.asyncDispose]() {
        closing = true;
        await scope.close();
      },
    };
  } catch (error) {
    await scope.close();
    if (options.signal?.aborted) throw options.signal.reason;
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError(
      'DISPLAY_UNAVAILABLE',
      ceiling.aborted
        ? `The virtual desktop was not ready within ${START_CEILING_MS / 1000} s; the machine may be overloaded.`
        : 'The virtual desktop could not be started; `deskhand doctor` checks each part.',
      {},
      { cause: error },
    );
  }
}

/** What must be set for an application to find this desktop and nothing of the person's own session. */
function sessionEnvironment(display: string, files: SessionFiles) {
  return {
    DISPLAY: display,
    XAUTHORITY: files.authority,
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${files.bus}`,
    XDG_RUNTIME_DIR: files.runtime,
    XDG_CONFIG_HOME: files.config,
    XDG_CACHE_HOME: files.cache,
    XDG_DATA_HOME: files.data,
    XDG_STATE_HOME: files.state,
    XDG_SESSION_TYPE: 'x11',
    XDG_CURRENT_DESKTOP: 'openbox',
    XENVIRONMENT: files.xResources,
    WAYLAND_DISPLAY: '',
    GDK_BACKEND: 'x11',
    QT_QPA_PLATFORM: 'xcb',
    LIBGL_ALWAYS_SOFTWARE: '1',
    // Toolkits build their accessibility tree only when asked to at their start.
    GTK_MODULES: 'gail:atk-bridge',
    NO_AT_BRIDGE: '0',
    GNOME_ACCESSIBILITY: '1',
    ACCESSIBILITY_ENABLED: '1',
    QT_ACCESSIBILITY: '1',
    QT_LINUX_ACCESSIBILITY_ALWAYS_ON: '1',
  };
}

/** The first line a part writes to a descriptor: its way to say that it is ready. */
async function firstLine(
  group: ProcessGroup,
  fd: number,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const stream: Readable = group.output(fd);
  let text = '';
  return new Promise<string>((resolve, reject) => {
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', onAbort);
      stream.off('data', onData);
      act();
    };
    const onAbort = () => settle(() => reject(signal.reason as Error));
    const onData = (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const end = text.indexOf('\n');
      if (end > 0) settle(() => resolve(text.slice(0, end).trim()));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    stream.on('data', onData);
    void group.ended.then(() =>
      settle(() => reject(new Error(`${name} ended at once: ${group.lastWords || 'without a word'}`))),
    );
  });
}

/**
 * Tells X clients where the accessibility bus is. Qt asks the session bus as well, but counts itself as
 * ready before the answer has come and then never registers; this it reads at once.
 */
function announcing(address: string): readonly string[] {
  return ['-root', '-f', 'AT_SPI_BUS', '8s', '-set', 'AT_SPI_BUS', address];
}

function run(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { env, signal }, (error) => (error === null ? resolve() : reject(error)));
  });
}
