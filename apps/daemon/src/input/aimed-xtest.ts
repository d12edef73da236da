import { sleep } from '@deskhand/base';
import { type Point, ProtocolError } from '@deskhand/protocol';
import type { Aim } from '../ports.ts';
import { X11Toplevels } from '../windows/x11-toplevels.ts';
import { type X11Connection, X11Error, type XTest } from '../x11/index.ts';
import { X11Grabs } from './x11-grabs.ts';

/** Window managers move the focus by way of a window of their own: nobody gets a key meanwhile. */
const FOCUS_BACK_WITHIN_MS = 500;
const FOCUS_POLL_MS = 10;

/**
 * XTEST that hits its aim or nothing. Whether the right window would get an event is asked while the X server
 * serves nobody else (a server grab of one round trip), so that no other program can take the focus or slip a
 * window under the pointer between the answer and the event. Letting go is never held back.
 *
 * A window of the same X client counts as the same: an application's own dialogs and menus.
 */
export class AimedXTest implements XTest {
  readonly #xtest: XTest;
  readonly #connection: X11Connection;
  readonly #toplevels: X11Toplevels;
  readonly #grabs: X11Grabs;
  #aim: Aim | null = null;
  /** Focus windows known to lie in a window that may get keys; for this aim only. */
  #known = new Set<number>();
  #pointerWasHeld: boolean | null = null;

  constructor(connection: X11Connection, xtest: XTest) {
    this.#connection = connection;
    this.#xtest = xtest;
    this.#toplevels = new X11Toplevels(connection);
    this.#grabs = new X11Grabs(connection);
  }

  /** Whatever can be made ready before the first event. */
  prepare(): Promise<void> {
    return this.#grabs.prepare();
  }

  /**
   * Whether another program held the pointer when the first button of this aim was pressed, and the press was not
   * meant for its menu: it, not the window below, got the press. Null when nothing was pressed.
   */
  get pointerWasHeld(): boolean | null {
    return this.#pointerWasHeld;
  }

  /** What the following events must reach; null for no demand. */
  aim(aim: Aim | null): void {
    this.#aim = aim;
    this.#pointerWasHeld = null;
    this.#known = new Set();
  }

  key(keycode: number, down: boolean): Promise<void> {
    return this.batch([{ kind: 'key', detail: keycode, down }]);
  }

  button(button: number, down: boolean): Promise<void> {
    return this.batch([{ kind: 'button', detail: button, down }]);
  }

  async motion(x: number, y: number): Promise<void> {
    const place = this.#aim?.points.find(({ point }) => samePixel(point, { x, y }));
    // Points on the way of a drag: the window that was pressed gets them, whatever lies below.
    if (place === undefined) return this.#xtest.motion(x, y);
    await this.#whileNobodyElse(
      () => this.#demandAt(place.point, place.windowId),
      () => this.#xtest.motion(x, y),
    );
  }

  async batch(events: Parameters<XTest['batch']>[0]): Promise<void> {
    const presses = (kind: 'key' | 'button') => events.some((event) => event.kind === kind && event.down);
    const aim = this.#aim;
    const keys = aim?.keys !== undefined && presses('key');
    const place = presses('button') ? aim?.points[0] : undefined;
    if (!keys && place === undefined) return this.#xtest.batch(events);
    await this.#whileNobodyElse(
      async () => {
        if (place !== undefined) {
          const held = this.#pointerWasHeld === null ? this.#grabs.pointerHeld() : Promise.resolve(null);
          const [pointer, isHeld] = await Promise.all([this.#connection.pointer(), held]);
          await this.#demandAt(pointer, place.windowId);
          if (isHeld !== null) this.#pointerWasHeld = isHeld && !(await this.#isPopupAt(pointer));
        }
        return !keys || (await this.#hasFocus(aim.keys ?? null));
      },
      () => this.#xtest.batch(events),
    );
  }

  /**
   * Presses these keys in order and lets them go in the opposite one while the server serves nobody else: no other
   * window gets the releases. Where the press woke another program's key binding (a window manager's Alt+Tab),
   * letting go waits for `untilRead`: such a program may take the keyboard only when it reads the press, and would
   * wait for ever for a release that came before.
   */
  async stroke(keycodes: readonly number[], untilRead: () => Promise<void>): Promise<void> {
    const all = (down: boolean) =>
      (down ? keycodes : keycodes.toReversed()).map((detail) => ({ kind: 'key', detail, down }) as const);
    let down = false;
    const pressAndLetGo = async () => {
      const aim = this.#aim;
      const held = this.#grabs.keyboardHeld();
      // Asked once for both: nothing changes while the server serves nobody else.
      if (aim?.keys !== undefined && !(await this.#hasFocus(aim.keys, held))) return false;
      const wasHeld = await held;
      down = true;
      // One round trip: the server answers the second after the first is done.
      const [, isHeld] = await Promise.all([this.#xtest.batch(all(true)), this.#grabs.keyboardHeld()]);
      if (!wasHeld && isHeld) return true;
      await this.#xtest.batch(all(false));
      down = false;
      return true;
    };
    try {
      await this.#whileNobodyElse(pressAndLetGo, async () => {});
      if (down) await untilRead();
    } finally {
      if (down) await this.#xtest.batch(all(false));
    }
  }

  immuneToGrabs(immune: boolean): Promise<void> {
    return this.#xtest.immuneToGrabs(immune);
  }

  /** @param ready false: not now, ask again; what it throws comes out. */
  async #whileNobodyElse(ready: () => Promise<boolean>, send: () => Promise<void>): Promise<void> {
    const giveUpMs = performance.now() + FOCUS_BACK_WITHIN_MS;
    for (;;) {
      const sent = await this.#grabbed(ready, send);
      if (sent) return;
      if (performance.now() > giveUpMs) throw changed('No window has the focus.');
      await sleep(FOCUS_POLL_MS);
    }
  }

  async #grabbed(ready: () => Promise<boolean>, send: () => Promise<void>): Promise<boolean> {
    const connection = this.#connection;
    connection.unchecked((client) => client.GrabServer());
    let sending: Promise<void> | undefined;
    try {
      if (await ready()) sending = send();
    } catch (error) {
      if (error instanceof X11Error) throw changed('The window went away.', error);
      throw error;
    } finally {
      // In the same write as the events.
      connection.unchecked((client) => client.UngrabServer());
    }
    await sending;
    return sending !== undefined;
  }

  async #demandAt(point: Point, wanted: string | null): Promise<true> {
    const found = await this.#toplevels.at(point);
    if (this.#fits(found, wanted)) return true;
    throw changed('Another window lies there now.');
  }

  async #hasFocus(wanted: string | null, asked = this.#grabs.keyboardHeld()): Promise<boolean> {
    const x = this.#connection;
    // All in one round trip, also what only a focus not known yet needs: the server waits for us.
    const [focus, held, about] = await Promise.all([
      x.inputFocus(),
      asked,
      this.#known.size > 0 ? null : this.#announced(),
    ]);
    if (held && !(await this.#hasPopup(wanted)))
      throw changed('Another program holds the keyboard: an open menu, a screen locker, a password prompt.');
    if (this.#known.has(focus)) return true;
    const { managed, active } = about ?? (await this.#announced());
    const found = await this.#toplevels.ofFocus(focus, managed, active);
    if (this.#fits(found, wanted)) {
      // 0, 1 and the root mean nobody or whatever lies below the pointer: never known in advance. Nor is the
      // window manager's own window, which stands for the announced one only for the moment.
      if (focus > 1 && focus !== x.root && found !== null && x.sameClient(focus, found))
        this.#known.add(focus);
      return true;
    }
    if (found === null) return false;
    throw changed('Another window has the focus now.');
  }

  /** What the window manager tells. */
  async #announced(): Promise<{ managed: ReadonlySet<number>; active: number }> {
    const x = this.#connection;
    const [managed, [active = 0]] = await Promise.all([
      this.#toplevels.managed(),
      x.getNumbers(x.root, '_NET_ACTIVE_WINDOW'),
    ]);
    return { managed: new Set(managed), active };
  }

  /** A menu that holds the pointer is what a press on it is for. */
  async #isPopupAt(point: Point): Promise<boolean> {
    const { child } = await this.#connection.translate(
      this.#connection.root,
      this.#connection.root,
      Math.floor(point.x),
      Math.floor(point.y),
    );
    return child !== 0 && (await this.#connection.windowAttributes(child)).overrideRedirect;
  }

  /** An application's own menu or list of suggestions holds the keyboard and hands it on. */
  async #hasPopup(wanted: string | null): Promise<boolean> {
    if (wanted === null) return false;
    const x = this.#connection;
    const { children } = await x.queryTree(x.root);
    const own = children.filter((child) => x.sameClient(child, Number(wanted)));
    const attributes = await Promise.all(own.map((child) => x.windowAttributes(child).catch(() => null)));
    return attributes.some((found) => found?.viewable && found.overrideRedirect && !found.inputOnly);
  }

  #fits(found: number | null, wanted: string | null): boolean {
    if (found === null || wanted === null) return found === null && wanted === null;
    return this.#connection.sameClient(found, Number(wanted));
  }
}

function samePixel(a: Point, b: Point): boolean {
  return Math.round(a.x) === Math.round(b.x) && Math.round(a.y) === Math.round(b.y);
}

function changed(message: string, cause?: unknown): ProtocolError {
  return new ProtocolError(
    'RECEIVER_CHANGED',
    `${message} The input was meant for the one that was decided about, so the rest was not sent.`,
    {},
    cause === undefined ? {} : { cause },
  );
}
