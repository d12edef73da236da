import { type FSWatcher, watch } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { uptime } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { errorAttributes, type Logger, Secret, sleep } from '@deskhand/base';
import { decodeText, type FromGuard, LineDecoder, ProtocolError, ToGuard } from '@deskhand/protocol';
import {
  clearLatchFile,
  readLatchFile,
  reserveLatchRoom,
  writeLatchFile,
} from '@deskhand/protocol/latch-file';
import { LocalServer } from '../local/local-server.ts';
import { logLevelFrom, processLog } from '../process-log.ts';
import { parseStopChord, type StopChord } from '../safety/stop-chord.ts';
import { Guard } from './guard.ts';
import { GUARD_READY_LINE, GuardBoot } from './guard-boot.ts';
import { type GuardDesktop, type GuardDesktopEvents, NoNativeDesktop } from './guard-desktop.ts';
import { type GuardDrawing, NoDrawing } from './guard-drawing.ts';
import { HeldFolder } from './held-folder.ts';
import { ReleaseKeeper } from './release-keeper.ts';
import { SleepDetector } from './sleep-detector.ts';
import { StopKeyRecord } from './stop-key-record.ts';
import { X11GuardDesktop } from './x11-guard-desktop.ts';
import { X11GuardDrawing } from './x11-guard-drawing.ts';

/**
 * The guard process: stop hotkey, latch, lease, release-all. It opens no network connection and knows no
 * model; it must keep working while every other process hangs.
 */
const DESKTOP_RETRY_MS = 1000;
const DRAWING_RETRY_MS = 2000;
const PREDECESSOR_CEILING_MS = 3000;
/** Letting go asks the display server, and that may hang: guard ends all the same, and its keeper lets go after it. */
const LET_GO_CEILING_MS = 3000;
/** How often a stop that no disk has is tried to be written after the daemon's end. */
const UNWRITTEN_RETRY_MS = 200;

async function main(): Promise<void> {
  const log = processLog('guard', logLevelFrom(process.env.DESKHAND_LOG));
  // A broken pipe of the log, or any fault in one listener, must not take the stop away.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => {});
  process.on('uncaughtException', (error) => log.error('guard goes on after', errorAttributes(error)));
  process.on('unhandledRejection', (error) => log.error('guard goes on after', errorAttributes(error)));
  // Ctrl-C reaches the whole foreground group; the daemon decides what it means.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});

  const { boot, daemonGone } = await readBoot();
  let told = false;
  const terminated = new Promise<void>((resolve) =>
    process.once('SIGTERM', () => {
      told = true;
      resolve();
    }),
  );
  // From the first moment on: whatever hangs below, no guard stays behind when its daemon is gone.
  const over = Promise.race([daemonGone, terminated]);
  const dataFolder = new HeldFolder(dirname(boot.latchFile));
  const latchFile = () => join(dataFolder.path, basename(boot.latchFile));
  const chord = parseStopChord(boot.chord);
  const record = new StopKeyRecord(join(dirname(boot.latchFile), 'stop-key.json'), chord.label);
  let desktop: GuardDesktop = new NoNativeDesktop('The hotkey is being set up.');
  let drawing: GuardDrawing = new NoDrawing();
  let guard: Guard | undefined;
  let ticking: NodeJS.Timeout | undefined;
  let everyMs = 0;
  /** As often as guard wants, which changes with what it is told. */
  let keepTicking = () => {};
  const events: GuardDesktopEvents = {
    onStopGesture: (gesture) => {
      const what = gesture === 'chord' ? chord.label : 'Esc, three times,';
      void guard?.stop('hotkey', `${what} was pressed.`).then(() => {
        if (gesture === 'chord') record.pressed(new Date().toISOString());
        guard?.announce();
      });
    },
    onPersonInput: (kind) => guard?.onPersonInput(kind),
    onHotkeyChanged: () => guard?.announce(),
  };

  const person = new Secret(boot.tokens.person);
  const server = new LocalServer<ToGuard, FromGuard>({
    path: boot.socket,
    tokens: {
      panel: person,
      cli: person,
      daemon: new Secret(boot.tokens.daemon),
      hands: new Secret(boot.tokens.hands),
    },
    schema: ToGuard,
    onAttach: (peer) => guard?.attach(peer),
    onDetach: (peer) => guard?.detach(peer),
    onMessage: (peer, message) => {
      guard?.handle(peer, message);
      keepTicking();
    },
    log,
  });
  guard = new Guard(
    {
      kill: killQuietly,
      releaseAll: () => desktop.releaseAll(),
      sleep: (ms) => sleep(ms),
      latch: {
        read: () => readLatchFile(latchFile()),
        write: (latch) => writeLatchFile(latchFile(), latch),
        clear: () => {
          clearLatchFile(latchFile());
          reserveLatchRoom(latchFile());
        },
      },
      hotkey: () => {
        const { pressedAt } = record;
        return pressedAt === undefined ? desktop.hotkey : { ...desktop.hotkey, pressedAt };
      },
      drawing: {
        border: (state) => drawing.border(state),
        ring: (rect, showMs) => drawing.ring(rect, showMs),
        drawn: () => drawing.drawn,
      },
      personPresent: (withinMs) => desktop.personPresent(withinMs),
      broadcast: (message, to) => server.broadcast(message, to),
      now: () => performance.now(),
    },
    chord.label,
    log,
    boot.stopped,
  );
  const running = guard;
  const ending = new AbortController();
  const keepDesktop = keepDesktopOpen(boot, chord, events, log, ending.signal, (opened) => {
    desktop = opened;
    running.announce();
  });
  const onDrawn = () => running.announce();
  keepDrawing(boot, onDrawn, log, ending.signal, (opened) => {
    drawing = opened;
    onDrawn();
  });
  const latchName = basename(boot.latchFile);
  let watcher: FSWatcher | undefined;
  let keeper: ReleaseKeeper | undefined;
  const slept = new SleepDetector({ awakeMs: () => performance.now(), everMs: () => uptime() * 1000 });
  const tick = () => {
    // Before the next lease: what was granted before a night's sleep is not granted for the morning.
    if (slept.look()) running.onAwake();
    running.tick();
  };
  const begin = async () => {
    await startAfterPredecessor(server, ending.signal);
    if (ending.signal.aborted) return server[Symbol.asyncDispose]();
    watcher = watch(dirname(boot.latchFile), (_kind, name) => {
      if (name === null || name === latchName) running.lookAtLatchFile();
    });
    // The folder may be taken away under us; the tick still looks.
    watcher.on('error', () => watcher?.close());
    keepTicking = () => {
      if (everyMs === running.tickMs) return;
      everyMs = running.tickMs;
      clearInterval(ticking);
      ticking = setInterval(tick, everyMs);
    };
    keepTicking();
    reserveLatchRoom(boot.latchFile);
    keeper = ReleaseKeeper.start(boot.server, log);
    await keepDesktop.first;
    // Whatever a guard before us could not let go any more.
    await desktop.releaseAll();
    process.stdout.write(`${GUARD_READY_LINE}\n`);
    // Now, because most guards are killed: what is kept at the end would never be kept.
    flushCompileCache();
  };
  await Promise.race([begin(), over]);
  await over;
  ending.abort();
  keepTicking = () => {};
  clearInterval(ticking);
  watcher?.close();
  const letGo = async () => {
    await running.end();
    keeper?.[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
    await desktop[Symbol.asyncDispose]();
    await drawing[Symbol.asyncDispose]();
  };
  await Promise.race([letGo(), sleep(LET_GO_CEILING_MS)]);
  // Nobody else may know of it: the next start must find it on the disk. There is none from a folder that is removed.
  while (!told && running.holdsUnwrittenStop && !dataFolder.isRemoved) {
    running.lookAtLatchFile();
    await Promise.race([terminated, sleep(UNWRITTEN_RETRY_MS)]);
  }
  process.exit(0);
}

/** The guard of a daemon that was killed a moment ago may still be letting go. */
async function startAfterPredecessor(
  server: LocalServer<ToGuard, FromGuard>,
  signal: AbortSignal,
): Promise<void> {
  const giveUpMs = performance.now() + PREDECESSOR_CEILING_MS;
  while (!signal.aborted) {
    try {
      return await server.start();
    } catch (error) {
      const inUse = error instanceof ProtocolError && error.code === 'DATA_FOLDER_IN_USE';
      if (!inUse || performance.now() > giveUpMs) throw error;
      await sleep(50);
    }
  }
}

/** Opens the desktop, and again after the display server was restarted. `first` settles after the first attempt. */
function keepDesktopOpen(
  boot: GuardBoot,
  chord: StopChord,
  events: GuardDesktopEvents,
  log: Logger,
  signal: AbortSignal,
  use: (desktop: GuardDesktop) => void,
): { first: Promise<void> } {
  const { server } = boot;
  if (server.kind === 'native' || server.kind === 'portal') {
    const system = server.kind === 'portal' ? 'Wayland' : process.platform;
    use(
      new NoNativeDesktop(
        `The stop hotkey is not built for ${system} yet; use the panel or "deskhand stop".`,
      ),
    );
    return { first: Promise.resolve() };
  }
  const open = async () => {
    if (server.kind === 'x11') return X11GuardDesktop.open({ display: server.display, chord, events, log });
    const { WaylandGuardDesktop } = await import('./wayland-guard-desktop.ts');
    return WaylandGuardDesktop.open({ socket: server.socket, log });
  };
  let tried: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    tried = resolve;
  });
  void (async () => {
    while (!signal.aborted) {
      try {
        const opened = await open();
        use(opened);
        tried();
        await opened.closed;
        use(new NoNativeDesktop('The connection to the display server is lost.'));
        // One of its two connections may live on, and would hear everything a second time.
        await opened[Symbol.asyncDispose]();
      } catch (error) {
        use(new NoNativeDesktop('The display server cannot be reached.'));
        log.warn('guard cannot reach the display server', errorAttributes(error));
      }
      tried();
      await sleep(DESKTOP_RETRY_MS, { signal }).catch(() => {});
    }
  })();
  return { first };
}

/** Draws as long as there is an X server to draw on. Nothing waits for it and nothing depends on it. */
function keepDrawing(
  boot: GuardBoot,
  onDrawn: () => void,
  log: Logger,
  signal: AbortSignal,
  use: (drawing: GuardDrawing) => void,
): void {
  if (boot.server.kind !== 'x11' || !boot.draw) return;
  const { display } = boot.server;
  void (async () => {
    while (!signal.aborted) {
      try {
        const opened = await X11GuardDrawing.open({ display, onDrawn, log });
        use(opened);
        await opened.closed;
      } catch (error) {
        log.warn('no border is drawn', errorAttributes(error));
      }
      use(new NoDrawing());
      await sleep(DRAWING_RETRY_MS, { signal }).catch(() => {});
    }
  })();
}

/** First line of standard input, then its end. */
async function readBoot(): Promise<{ boot: GuardBoot; daemonGone: Promise<void> }> {
  const decoder = new LineDecoder(65_536);
  let gone: () => void = () => {};
  const daemonGone = new Promise<void>((resolve) => {
    gone = resolve;
  });
  const line = await new Promise<string>((resolve, reject) => {
    process.stdin.on('data', (chunk) => {
      const [text] = decoder.push(chunk);
      if (text !== undefined) resolve(text);
    });
    const ended = () => {
      gone();
      reject(new Error('guard was started without its settings'));
    };
    process.stdin.once('end', ended);
    process.stdin.once('close', ended);
    process.stdin.once('error', ended);
  });
  return { boot: decodeText(GuardBoot, line), daemonGone };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

main().catch((error) => {
  process.stderr.write(
    `${JSON.stringify({ level: 60, part: 'guard', msg: 'guard could not start', ...errorAttributes(error) })}\n`,
  );
  process.exit(1);
});
