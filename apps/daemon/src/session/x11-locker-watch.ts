import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import { X11Grabs } from '../input/x11-grabs.ts';
import { EVENT_MASK, openX11, type X11Connection } from '../x11/index.ts';
import type { SessionChange } from './session-change.ts';

/** Window classes of programs that do nothing but lock; lower case. */
const LOCKERS: ReadonlySet<string> = new Set([
  'i3lock',
  'slock',
  'xlock',
  'xsecurelock',
  'xscreensaver',
  'xtrlock',
  'light-locker',
  'betterlockscreen',
]);
const REASON = 'The screen was locked.';
/** A locker shows its window and takes the keyboard in either order. */
const PROBE_EVERY_MS = 150;
const PROBES = 20;
/** A menu, or guard's own grab of the stop chord, holds the keyboard for a moment only. */
const HELD_PROBES = 3;
const LET_GO_LOOK_MS = 1000;

/**
 * Lockers that tell no bus: a window over the whole screen that no window manager handles, while somebody holds
 * the keyboard; or one with the class of a known locker.
 */
export async function watchX11Lockers(options: {
  display: string;
  onChange: (change: SessionChange) => void;
  log: Logger;
}): Promise<AsyncDisposable> {
  const { display, onChange, log } = options;
  const x = await openX11({ display, log });
  const grabs = new X11Grabs(x);
  /** Windows that no window manager handles, while they are on the screen. */
  const shown = new Set<number>();
  const locked = new Set<number>();
  const unlock = (window: number) => {
    if (locked.delete(window) && locked.size === 0)
      onChange({ source: 'locker', away: false, reason: 'The screen was unlocked.' });
  };
  const look = async (window: number) => {
    let held = 0;
    for (let probe = 0; probe < PROBES && !x.isClosed; probe += 1) {
      const known = await isKnownLocker(x, window);
      held = (await grabs.keyboardHeld()) ? held + 1 : 0;
      // Gone while it was looked at, like the one that copies the background: nothing would ever unlock it.
      if (!shown.has(window)) return;
      if (known || held >= HELD_PROBES) {
        locked.add(window);
        onChange({ source: 'locker', away: true, reason: REASON });
        if (!known) await untilLetGo(window);
        return;
      }
      await sleep(PROBE_EVERY_MS);
    }
  };
  /** What covers the screen and lets go of the keyboard was no locker: the server's own screen saver, say. */
  const untilLetGo = async (window: number) => {
    while (locked.has(window) && !x.isClosed) {
      if (!(await grabs.keyboardHeld())) return unlock(window);
      await sleep(LET_GO_LOOK_MS);
    }
  };
  x.on('MapNotify', ({ wid, overrideRedirect }) => {
    if (!overrideRedirect) return;
    shown.add(wid);
    coversAll(x, wid)
      .then((covers) => (covers ? look(wid) : undefined))
      .catch((error) => {
        // Windows come and go faster than one can ask about them.
        if (!x.isClosed) log.debug('a window could not be looked at', errorAttributes(error));
      });
  });
  const gone = (window: number) => {
    shown.delete(window);
    unlock(window);
  };
  x.on('UnmapNotify', ({ wid }) => gone(wid));
  x.on('DestroyNotify', ({ wid }) => gone(wid));
  await x.selectInput(x.root, EVENT_MASK.SubstructureNotify ?? 0);
  return x;
}

async function coversAll(x: X11Connection, window: number): Promise<boolean> {
  const [own, root] = await Promise.all([x.geometry(window), x.geometry(x.root)]);
  return own.x <= 0 && own.y <= 0 && own.width + own.x >= root.width && own.height + own.y >= root.height;
}

async function isKnownLocker(x: X11Connection, window: number): Promise<boolean> {
  const text = await x.getText(window, 'WM_CLASS').catch(() => null);
  return (text ?? '').split('\0').some((name) => LOCKERS.has(name.toLowerCase()));
}
