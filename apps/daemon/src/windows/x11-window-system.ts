import { readFile } from 'node:fs/promises';
import { sleep } from '@deskhand/base';
import { type Point, ProtocolError, type Rect, type WindowInfo } from '@deskhand/protocol';
import type { WindowIdentity } from '../ports.ts';
import { type X11Connection, X11Error } from '../x11/index.ts';
import { identityOf } from './process-identity.ts';
import { untilFocused } from './until-focused.ts';
import type { WindowControl } from './window-control.ts';
import { X11Toplevels } from './x11-toplevels.ts';

const POLL_MS = 10;
/** A window with sizes of its own (a terminal's lines) never gets just what was asked: it is looked at this long. */
const MOVE_LOOK_MS = 300;
const MOVE_ATTEMPTS = 3;
const CHANGE_CEILING_MS = 1000;

/** EWMH "source indication": we act for the person, like a pager. */
const SOURCE_PAGER = 2;
const ICONIC_STATE = 3;
const STATE_REMOVE = 0;
const STATE_ADD = 1;

const ATOMS = [
  '_NET_ACTIVE_WINDOW',
  '_NET_CLOSE_WINDOW',
  '_NET_FRAME_EXTENTS',
  '_NET_MOVERESIZE_WINDOW',
  '_NET_WM_NAME',
  '_NET_WM_PID',
  '_NET_WM_STATE',
  '_NET_WM_STATE_ABOVE',
  '_NET_WM_STATE_HIDDEN',
  '_NET_WM_STATE_MAXIMIZED_HORZ',
  '_NET_WM_STATE_MAXIMIZED_VERT',
  '_NET_WM_STATE_STICKY',
  '_NET_WM_WINDOW_TYPE',
  '_NET_WM_WINDOW_TYPE_DESKTOP',
  '_NET_WM_WINDOW_TYPE_DOCK',
  '_GTK_FRAME_EXTENTS',
  'WM_CHANGE_STATE',
  'WM_CLASS',
  'WM_NAME',
  'WM_STATE',
  'WM_TRANSIENT_FOR',
] as const;
type Atoms = Readonly<Record<(typeof ATOMS)[number], number>>;

type Facts = WindowInfo & Readonly<{ decorative: boolean }>;

/**
 * Windows of an X11 desktop by EWMH. A window's id is its X id in hexadecimal (`0x1a00003`);
 * lists are topmost first. The connection belongs to whoever made this.
 */
export class X11WindowSystem implements WindowControl {
  readonly #connect: () => Promise<X11Connection>;

  /** @param connect hands out the live connection, opening a new one after the server came back. */
  constructor(connect: () => Promise<X11Connection>) {
    this.#connect = connect;
  }

  async windows(): Promise<readonly WindowInfo[]> {
    const { x, atoms, toplevels } = await this.#session();
    const [clients, active] = await Promise.all([toplevels.managed(), toplevels.focused()]);
    const facts = await Promise.all(clients.map((id) => this.#facts(x, atoms, id, active)));
    return facts
      .filter((window): window is Facts => window !== null && !window.decorative)
      .map(withoutKind)
      .reverse();
  }

  async activeWindow(): Promise<WindowInfo | null> {
    const { x, atoms, toplevels } = await this.#session();
    const active = await toplevels.focused();
    if (active === null) return null;
    const facts = await this.#facts(x, atoms, active, active);
    return facts === null ? null : withoutKind(facts);
  }

  async windowAt(point: Point): Promise<WindowInfo | null> {
    const { x, atoms, toplevels } = await this.#session();
    const [found, active] = await Promise.all([toplevels.at(point), toplevels.focused()]);
    if (found === null) return null;
    const facts = await this.#facts(x, atoms, found, active);
    return facts === null ? null : withoutKind(facts);
  }

  /** The window's own area in desktop space, without its frame and shadow; null when it has gone. */
  async clientArea(windowId: string): Promise<Rect | null> {
    const { x, atoms } = await this.#session();
    const id = idOf(windowId);
    try {
      const [geometry, origin, shadow] = await Promise.all([
        x.geometry(id),
        x.translate(id, x.root, 0, 0),
        x.getNumbers(id, atoms._GTK_FRAME_EXTENTS),
      ]);
      return outerBounds({ ...geometry, x: origin.x, y: origin.y }, [], shadow);
    } catch (error) {
      if (error instanceof X11Error) return null;
      throw error;
    }
  }

  /** The class is the window's own word; the process is the X server's. */
  async identity(windowId: string): Promise<WindowIdentity> {
    const { x, atoms } = await this.#session();
    const id = idOf(windowId);
    const [className, pid] = await Promise.all([
      x.getText(id, atoms.WM_CLASS).catch(() => null),
      x.require('res').then(
        (res) => res.processOf(id).catch(() => null),
        () => null,
      ),
    ]);
    return identityOf(pid, (className ?? '').split('\0'));
  }

  async focus(windowId: string): Promise<void> {
    const { x, atoms, toplevels } = await this.#session();
    const id = await this.#existing(x, windowId);
    await x.sendClientMessage({
      window: id,
      type: atoms._NET_ACTIVE_WINDOW,
      data: [SOURCE_PAGER, 0, 0, 0, 0],
    });
    // Who has the focus may be a window that goes while it is asked about.
    const isFocused = async () => (await toplevels.focused()) === id;
    await untilFocused(windowId, () => isFocused().catch(() => false), POLL_MS);
  }

  /** Asks; an application may answer with a question of its own. */
  async close(windowId: string): Promise<void> {
    const { x, atoms } = await this.#session();
    const id = await this.#existing(x, windowId);
    await x.sendClientMessage({
      window: id,
      type: atoms._NET_CLOSE_WINDOW,
      data: [0, SOURCE_PAGER, 0, 0, 0],
    });
  }

  /** Moves and resizes the client area's frame to `bounds` (desktop space, decorations included). */
  async move(windowId: string, bounds: Rect): Promise<void> {
    const { x, atoms } = await this.#session();
    const id = await this.#existing(x, windowId);
    const frameOf = () => x.getNumbers(id, atoms._NET_FRAME_EXTENTS);
    const gravityNorthWest = 1;
    const allFour = 0xf << 8;
    for (let attempt = 0; attempt < MOVE_ATTEMPTS; attempt += 1) {
      const frame = await frameOf();
      const [left = 0, right = 0, top = 0, bottom = 0] = frame;
      await x.sendClientMessage({
        window: id,
        type: atoms._NET_MOVERESIZE_WINDOW,
        data: [
          gravityNorthWest | allFour | (SOURCE_PAGER << 12),
          Math.round(bounds.x),
          Math.round(bounds.y),
          Math.max(1, Math.round(bounds.width - left - right)),
          Math.max(1, Math.round(bounds.height - top - bottom)),
        ],
      });
      // A window that was just restored gets its frame back while we ask: then it was another frame we counted with.
      const reframed = async () => String(await frameOf()) !== String(frame);
      const arrived = async () => {
        const [geometry, origin] = await Promise.all([x.geometry(id), x.translate(id, x.root, 0, 0)]);
        const { width, height } = outerBounds({ ...geometry, x: origin.x, y: origin.y }, frame, []);
        return width === bounds.width && height === bounds.height;
      };
      await becomesTrue(async () => (await reframed()) || (await arrived()), MOVE_LOOK_MS);
      if (!(await reframed())) return;
    }
  }

  async minimize(windowId: string): Promise<void> {
    const { x, atoms } = await this.#session();
    const id = await this.#existing(x, windowId);
    await x.sendClientMessage({
      window: id,
      type: atoms.WM_CHANGE_STATE,
      data: [ICONIC_STATE, 0, 0, 0, 0],
    });
    await this.#reaches(x, atoms, windowId, atoms._NET_WM_STATE_HIDDEN, true);
  }

  async maximize(windowId: string, maximized = true): Promise<void> {
    const { x, atoms } = await this.#session();
    const id = await this.#existing(x, windowId);
    await x.sendClientMessage({
      window: id,
      type: atoms._NET_WM_STATE,
      data: [
        maximized ? STATE_ADD : STATE_REMOVE,
        atoms._NET_WM_STATE_MAXIMIZED_HORZ,
        atoms._NET_WM_STATE_MAXIMIZED_VERT,
        SOURCE_PAGER,
        0,
      ],
    });
    await this.#reaches(x, atoms, windowId, atoms._NET_WM_STATE_MAXIMIZED_VERT, maximized);
  }

  async keepAbove(windowId: string): Promise<void> {
    const { x, atoms } = await this.#session();
    const id = await this.#existing(x, windowId);
    if ((await x.getNumbers(id, atoms._NET_WM_STATE)).includes(atoms._NET_WM_STATE_ABOVE)) return;
    await x.sendClientMessage({
      window: id,
      type: atoms._NET_WM_STATE,
      data: [STATE_ADD, atoms._NET_WM_STATE_ABOVE, atoms._NET_WM_STATE_STICKY, SOURCE_PAGER, 0],
    });
    await this.#reaches(x, atoms, windowId, atoms._NET_WM_STATE_ABOVE, true);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #session(): Promise<{ x: X11Connection; atoms: Atoms; toplevels: X11Toplevels }> {
    const x = await this.#connect();
    return { x, atoms: await x.atoms(ATOMS), toplevels: new X11Toplevels(x) };
  }

  /** Null when the window has gone in the meantime. */
  async #facts(x: X11Connection, atoms: Atoms, id: number, active: number | null): Promise<Facts | null> {
    try {
      const [title, legacyTitle, className, pids, frame, shadow, states, types, geometry, origin, owners] =
        await Promise.all([
          x.getText(id, atoms._NET_WM_NAME),
          x.getText(id, atoms.WM_NAME),
          x.getText(id, atoms.WM_CLASS),
          x.getNumbers(id, atoms._NET_WM_PID),
          x.getNumbers(id, atoms._NET_FRAME_EXTENTS),
          x.getNumbers(id, atoms._GTK_FRAME_EXTENTS),
          x.getNumbers(id, atoms._NET_WM_STATE),
          x.getNumbers(id, atoms._NET_WM_WINDOW_TYPE),
          x.geometry(id),
          x.translate(id, x.root, 0, 0),
          x.getNumbers(id, atoms.WM_TRANSIENT_FOR),
        ]);
      const pid = pids[0];
      const name = (title ?? legacyTitle ?? '').slice(0, 2000);
      return {
        id: windowId(id),
        title: name,
        application: await this.#applicationOf(x, atoms, { id, className, pid, owner: owners[0] }),
        ...(pid === undefined ? {} : { pid }),
        bounds: outerBounds({ ...geometry, x: origin.x, y: origin.y }, frame, shadow),
        active: id === active,
        minimized: states.includes(atoms._NET_WM_STATE_HIDDEN),
        decorative:
          types.includes(atoms._NET_WM_WINDOW_TYPE_DESKTOP) || types.includes(atoms._NET_WM_WINDOW_TYPE_DOCK),
      };
    } catch (error) {
      if (error instanceof X11Error) return null;
      throw error;
    }
  }

  async #applicationOf(
    x: X11Connection,
    atoms: Atoms,
    facts: Readonly<{
      className: string | null;
      id: number;
      pid: number | undefined;
      owner: number | undefined;
    }>,
  ): Promise<string> {
    const own = classOf(facts.className);
    if (own !== null) return own;
    // Menus often carry no class of their own but name the window they belong to; only a window of the same
    // client can be that.
    if (facts.owner !== undefined && facts.owner !== x.root && x.sameClient(facts.owner, facts.id)) {
      const owner = classOf(await x.getText(facts.owner, atoms.WM_CLASS).catch(() => null));
      if (owner !== null) return owner;
    }
    const told = await x.require('res').then(
      (res) => res.processOf(facts.id).catch(() => null),
      () => null,
    );
    const pid = told ?? facts.pid;
    const command = pid === undefined ? '' : await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    // A title is anybody's to choose: it names no application.
    return command.trim() === '' ? 'unknown' : command.trim().slice(0, 200);
  }

  async #existing(x: X11Connection, windowId: string): Promise<number> {
    const id = idOf(windowId);
    const clients = await new X11Toplevels(x).managed();
    if (!clients.includes(id)) {
      throw new ProtocolError(
        'WINDOW_NOT_FOUND',
        `There is no window ${windowId}; look again, it may have closed.`,
      );
    }
    return id;
  }

  async #reaches(
    x: X11Connection,
    atoms: Atoms,
    windowId: string,
    state: number,
    present: boolean,
  ): Promise<void> {
    const id = Number(windowId);
    const reached = await becomesTrue(
      async () => (await x.getNumbers(id, atoms._NET_WM_STATE)).includes(state) === present,
      CHANGE_CEILING_MS,
    );
    if (!reached) throw new ProtocolError('INVALID_STATE', `Window ${windowId} did not change as asked.`);
  }
}

export function windowId(id: number): string {
  return `0x${id.toString(16)}`;
}

function idOf(windowId: string): number {
  return /^0x[0-9a-f]{1,8}$/.test(windowId) ? Number(windowId) : 0;
}

/** WM_CLASS is two strings; the second is the class, which is how people know the application. */
function classOf(text: string | null): string | null {
  if (text === null) return null;
  const [instance = '', className = ''] = text.split('\0');
  const name = className.trim() || instance.trim();
  return name === '' ? null : name.slice(0, 200);
}

/** @param frame decoration outside the client, @param shadow margin inside it; both left, right, top, bottom. */
function outerBounds(client: Rect, frame: readonly number[], shadow: readonly number[]): Rect {
  const [left = 0, right = 0, top = 0, bottom = 0] = frame;
  const [shadowLeft = 0, shadowRight = 0, shadowTop = 0, shadowBottom = 0] = shadow;
  return {
    x: client.x - left + shadowLeft,
    y: client.y - top + shadowTop,
    width: Math.max(0, client.width + left + right - shadowLeft - shadowRight),
    height: Math.max(0, client.height + top + bottom - shadowTop - shadowBottom),
  };
}

function withoutKind({ decorative: _decorative, ...window }: Facts): WindowInfo {
  return window;
}

async function becomesTrue(check: () => Promise<boolean>, ceilingMs: number): Promise<boolean> {
  const deadline = performance.now() + ceilingMs;
  for (;;) {
    if (await check().catch(() => false)) return true;
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
}
