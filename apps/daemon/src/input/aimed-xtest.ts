import { sleep } from '@deskhand/base';
import { type Point, ProtocolError } from '@deskhand/protocol';
import type { Aim } from '../ports.ts';
import { X11Toplevels } from '../windows/x11-toplevels.ts';
import { type X11Connection, X11Error, type XTest } from '../x11/index.ts';
import { FreshAnswers } from './fresh-answers.ts';
import { X11Grabs } from './x11-grabs.ts';

/** Window managers move the focus by way of a window of their own: nobody gets a key meanwhile. */
const FOCUS_BACK_WITHIN_MS = 500;
const FOCUS_POLL_MS = 10;
/** Dialogs of dialogs; a loop would be a broken application's. */
const MAX_DIALOGS = 8;

/**
 * XTEST that hits its aim or nothing. Whether the right window would get an event is asked while the X server
 * serves nobody else (a server grab of one round trip), so that no other program can take the focus or slip a
 * window under the pointer between the answer and the event. Letting go is never held back.
 *
 * An application's own menus, and dialogs that say which window they belong to, count as that window. Another window of
 * the same application does not: a rule of the person may be about it.
 */
export class AimedXTest implements XTest {
  readonly #xtest: XTest;
  readonly #connection: X11Connection;
  readonly #fresh: FreshAnswers;
  readonly #toplevels: X11Toplevels;
  readonly #grabs: X11Grabs;
  #aim: Aim | null = null;
  /** Focus windows found to lie where keys may go; for this aim only. */
  #known = new Set<number>();
  #pointerWasHeld: boolean | null = null;

  constructor(connection: X11Connection, xtest: XTest) {
    this.#connection = connection;
    this.#xtest = xtest;
    this.#fresh = new FreshAnswers(connection);
    this.#toplevels = new X11Toplevels(this.#fresh);
    this.#grabs = new X11Grabs(connection);
  }

  /** Whatever can be made ready before the first event. */
  async prepare(): Promise<void> {
    await Promise.all([this.#grabs.prepare(), this.#fresh.prepare()]);
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
    this.#known = new Set();
    this.#pointerWasHeld = null;
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
      `motion ${place.windowId}`,
      () => this.#demandAt({ x, y }, place.windowId),
      () => this.#xtest.motion(x, y),
    );
  }

  async batch(events: Parameters<XTest['batch']>[0]): Promise<void> {
    const presses = (kind: 'key' | 'button') => events.some((event) => event.kind === kind && event.down);
    const aim = this.#aim;
    const keys = aim?.keys !== undefined && presses('key');
    const place = presses('button') ? aim?.points[0] : undefined;
    if (!keys && place === undefined) return this.#xtest.batch(events);
    const x = this.#fresh;
    await this.#whileNobodyElse(
      keys ? this.#occasionOfKeys() : `button ${place?.windowId}`,
      async () => {
        const focused = keys ? Promise.all([x.inputFocus(), this.#grabs.keyboardHeld()]) : null;
        // The pointer's place may be refused first.
        focused?.catch(() => {});
        if (place !== undefined) {
          // Where the pointer was sent; if it lies elsewhere by now, that place is asked about.
          void x.translate(x.root, x.root, Math.round(place.point.x), Math.round(place.point.y));
          const [pointer, isHeld] = await Promise.all([
            x.pointer(),
            this.#pointerWasHeld === null ? this.#grabs.pointerHeld() : null,
          ]);
          await this.#demandAt(pointer, place.windowId);
          if (isHeld !== null) this.#pointerWasHeld = isHeld && !(await this.#isPopupAt(pointer));
        }
        if (focused === null) return true;
        const [focus, held] = await focused;
        return this.#getsKeys(aim?.keys ?? null, focus, held);
      },
      () => this.#xtest.batch(events),
    );
  }

  /**
   * Presses keys in order and lets them go in the opposite one while the server serves nobody else: no other window
   * gets the releases. Where the press woke another program's key binding (a window manager's Alt+Tab), letting go
   * waits for `untilRead`: such a program may take the keyboard only when it reads the press, and would wait for ever
   * for a release that came before. Three round trips: what is so, the press and what it did, the release. A key
   * `alone`, no modifier among what is down, has nothing anybody could wait for: two.
   * @param strokeFor what to press, given the keycodes that are down.
   */
  async stroke(
    strokeFor: (down: ReadonlySet<number>) => Readonly<{ keycodes: readonly number[]; alone: boolean }>,
    untilRead: () => Promise<void>,
  ): Promise<void> {
    const x = this.#connection;
    const aim = this.#aim;
    let down: readonly number[] = [];
    let isPressed = false;
    let wokeSomebody = false;
    const eventsOf = (keycodes: readonly number[], press: boolean) =>
      keycodes.map((detail) => ({ kind: 'key', detail, down: press }) as const);
    const ready = async () => {
      const [focus, wasHeld, keysDown] = await Promise.all([
        this.#fresh.inputFocus(),
        this.#grabs.keyboardHeld(),
        x.keysDown(),
      ]);
      if (aim?.keys !== undefined && !(await this.#getsKeys(aim.keys, focus, wasHeld))) return false;
      const stroke = strokeFor(new Set(keysDown));
      down = stroke.keycodes;
      if (stroke.alone) return true;
      isPressed = true;
      const [, isHeld] = await x.together(() =>
        Promise.all([this.#xtest.batch(eventsOf(down, true)), this.#grabs.keyboardHeld()]),
      );
      wokeSomebody = !wasHeld && isHeld;
      return true;
    };
    const letGo = async () => {
      const events = [...(isPressed ? [] : eventsOf(down, true)), ...eventsOf(down.toReversed(), false)];
      await this.#xtest.batch(events);
      down = [];
    };
    try {
      await this.#whileNobodyElse(this.#occasionOfKeys(), ready, async () => {
        if (!wokeSomebody) await letGo();
      });
      if (down.length > 0) await untilRead();
    } finally {
      if (down.length > 0 && isPressed) await letGo();
    }
  }

  immuneToGrabs(immune: boolean): Promise<void> {
    return this.#xtest.immuneToGrabs(immune);
  }

  /** Who gets keys is found out once an aim; what is asked later is less. */
  #occasionOfKeys(): string {
    return `${this.#known.size === 0 ? 'first keys' : 'keys'} ${this.#aim?.keys}`;
  }

  /**
   * @param occasion what asks the same questions next time.
   * @param ready asks all it can before its first await; false: not now, ask again; what it throws comes out.
   */
  async #whileNobodyElse(
    occasion: string,
    ready: () => Promise<boolean>,
    send: () => Promise<void>,
  ): Promise<void> {
    const giveUpMs = performance.now() + FOCUS_BACK_WITHIN_MS;
    for (;;) {
      const sent = await this.#grabbed(occasion, ready, send);
      if (sent) return;
      if (performance.now() > giveUpMs) throw changed('No window has the focus.');
      await sleep(FOCUS_POLL_MS);
    }
  }

  async #grabbed(
    occasion: string,
    ready: () => Promise<boolean>,
    send: () => Promise<void>,
  ): Promise<boolean> {
    const connection = this.#connection;
    let isReady = false;
    let sending: Promise<void> | undefined;
    try {
      isReady = await connection.together(() => {
        connection.unchecked((client) => client.GrabServer());
        this.#fresh.begin(occasion);
        return ready();
      });
    } catch (error) {
      if (error instanceof X11Error) throw changed('The window went away.', error);
      throw error;
    } finally {
      this.#fresh.end();
      connection.together(() => {
        if (isReady) sending = send();
        connection.unchecked((client) => client.UngrabServer());
      });
    }
    await sending;
    return isReady;
  }

  async #demandAt(point: Point, wanted: string | null): Promise<true> {
    const found = await this.#toplevels.at(point);
    if (await this.#fits(found, wanted)) return true;
    throw changed('Another window lies there now.');
  }

  /** @param focus and `held`: what the server says while it serves nobody else. @returns false: nobody does now. */
  async #getsKeys(wanted: string | null, focus: number, held: boolean): Promise<boolean> {
    const x = this.#connection;
    if (held && !(await this.#hasPopup(wanted)))
      throw changed('Another program holds the keyboard: an open menu, a screen locker, a password prompt.');
    if ((wanted !== null && focus === Number(wanted)) || this.#known.has(focus)) return true;
    const { managed, active } = await this.#announced();
    const found = await this.#toplevels.ofFocus(focus, managed, active);
    if (await this.#fits(found, wanted, managed)) {
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
    const x = this.#fresh;
    const [managed, [active = 0]] = await Promise.all([
      this.#toplevels.managed(),
      x.getNumbers(x.root, '_NET_ACTIVE_WINDOW'),
    ]);
    return { managed: new Set(managed), active };
  }

  /** A menu that holds the pointer is what a press on it is for. */
  async #isPopupAt(point: Point): Promise<boolean> {
    const x = this.#fresh;
    const { child } = await x.translate(x.root, x.root, Math.floor(point.x), Math.floor(point.y));
    return child !== 0 && (await x.windowAttributes(child)).overrideRedirect;
  }

  /** An application's own menu or list of suggestions holds the keyboard and hands it on. */
  async #hasPopup(wanted: string | null): Promise<boolean> {
    if (wanted === null) return false;
    const x = this.#fresh;
    const { children } = await x.queryTree(x.root);
    const own = children.filter((child) => this.#connection.sameClient(child, Number(wanted)));
    const attributes = await Promise.all(own.map((child) => x.windowAttributes(child).catch(() => null)));
    return attributes.some((found) => found?.viewable && found.overrideRedirect && !found.inputOnly);
  }

  async #fits(found: number | null, wanted: string | null, known?: ReadonlySet<number>): Promise<boolean> {
    if (found === null || wanted === null) return found === null && wanted === null;
    const decided = Number(wanted);
    if (found === decided) return true;
    if (!this.#connection.sameClient(found, decided)) return false;
    const managed = known ?? new Set(await this.#toplevels.managed());
    // Menus and hints come and go without a manager, over their window or in its place.
    if (!managed.has(found) || !managed.has(decided)) return true;
    return this.#belongsTo(found, decided);
  }

  /** Whether a dialog says, itself or through the dialogs it came from, that it is this window's. */
  async #belongsTo(dialog: number, window: number): Promise<boolean> {
    const x = this.#fresh;
    let current = dialog;
    for (let depth = 0; depth < MAX_DIALOGS; depth += 1) {
      const [owner = 0] = await x.getNumbers(current, 'WM_TRANSIENT_FOR');
      // The root stands for all windows of its group.
      if (owner === window || owner === x.root) return true;
      if (owner === 0 || owner === current) return false;
      current = owner;
    }
    return false;
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
