import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import type { StopChord } from '../safety/stop-chord.ts';
import { openX11, type RawInputEvent, type X11Connection } from '../x11/index.ts';
import type { GuardDesktop, GuardDesktopEvents, HotkeyStatus } from './guard-desktop.ts';
import { StopGesture } from './stop-gesture.ts';
import { keycodesByName, X11ChordGrab, type X11Keyboard } from './x11-chord-grab.ts';

const ALL_DEVICES = 0;
const ALL_MASTER_DEVICES = 1;
/** Smaller movements may be a bumped table. */
const PERSON_POINTER_PX = 40;
const POINTER_MEMORY_MS = 1000;
const SELF_TEST_MS = 500;
/** The longest that somebody who pressed and still holds counts as present. */
const HELD_COUNTS_MS = 10_000;
/** How often a chord that somebody else holds is asked for again. */
const ASK_AGAIN_MS = 1000;

/** Hears the person through XInput2 raw events and a passive grab, and lets go through XTEST. */
export class X11GuardDesktop implements GuardDesktop {
  readonly #x: X11Connection;
  /**
   * Holds the passive grab, and nothing else: the X server tells a client no raw events while it is that client's
   * own grab that is active. Fingers that leave Ctrl, Alt and Shift before Esc would count as there for ever.
   */
  readonly #grabber: X11Connection;
  readonly #chord: StopChord;
  readonly #events: GuardDesktopEvents;
  readonly #log: Logger;
  readonly #gesture: StopGesture;
  readonly #names = new Map<number, string[]>();
  /** Slave devices that inject; everything else is somebody's hand. */
  #injectors = new Set<number>();
  /** Keys and buttons that real devices hold, as `device code`. */
  readonly #realKeys = new Set<string>();
  readonly #realButtons = new Set<string>();
  /** What was heard going down by injection and not up again, by code: what is to be let go, known beforehand. */
  readonly #injectedKeys = new Set<number>();
  readonly #injectedButtons = new Set<number>();
  /** Not released because a person's finger was on the same key, so injection may hold it, too: `key 50`, `button 1`. */
  readonly #owed = new Set<string>();
  /**
   * Keys of Shift, Ctrl and their like. A person's tap on one hides in the common state that injection holds it,
   * so these are let go without asking; letting go of what is up does nothing.
   */
  #modifierKeycodes: readonly number[] = [];
  #lastRealPressMs = Number.NEGATIVE_INFINITY;
  readonly #grab: X11ChordGrab;
  #asking: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  /** Why raw events are not heard. */
  #earProblem: string | undefined;
  #hotkey: HotkeyStatus = { armed: false, reason: 'The hotkey was not tested yet.' };
  #heardKeycode: ((keycode: number) => void) | undefined;
  #pointer: { x: number; y: number; travelled: number; atMs: number } | undefined;
  #askingPointer = false;

  private constructor(
    connections: Readonly<{ ear: X11Connection; grabber: X11Connection }>,
    chord: StopChord,
    events: GuardDesktopEvents,
    log: Logger,
  ) {
    this.#x = connections.ear;
    this.#grabber = connections.grabber;
    this.#chord = chord;
    this.#events = events;
    this.#log = log;
    this.#gesture = new StopGesture(chord);
    this.#grab = new X11ChordGrab(connections.grabber, chord);
  }

  /** @throws ProtocolError DISPLAY_UNAVAILABLE */
  static async open(options: {
    display: string | undefined;
    chord: StopChord;
    events: GuardDesktopEvents;
    log: Logger;
  }): Promise<X11GuardDesktop> {
    const { display, chord, events, log } = options;
    await using stack = new AsyncDisposableStack();
    const ear = stack.use(await openX11({ display, log }));
    const grabber = stack.use(await openX11({ display, log }));
    const desktop = new X11GuardDesktop({ ear, grabber }, chord, events, log);
    await desktop.#listen();
    stack.move();
    return desktop;
  }

  get hotkey(): HotkeyStatus {
    return this.#hotkey;
  }

  /** Settles when the X server, or one of the two connections to it, is gone. */
  get closed(): Promise<unknown> {
    return Promise.race([this.#x.closed, this.#grabber.closed]);
  }

  personPresent(withinMs: number): boolean {
    const sinceMs = performance.now() - this.#lastRealPressMs;
    // A finger that stays counts too, but not for ever: a release that was never told must be no key to everything.
    const held = this.#realKeys.size > 0 || this.#realButtons.size > 0;
    return sinceMs <= (held ? Math.max(withinMs, HELD_COUNTS_MS) : withinMs);
  }

  async releaseAll(): Promise<void> {
    try {
      const xtest = await this.#x.require('xtest');
      // What is known to be held goes up in the same write as the questions, which wait for answers.
      const [, keys, pointer] = await Promise.all([
        xtest.batch(this.#releasesOf(this.#injectedKeys, this.#injectedButtons)),
        this.#x.keysDown(),
        this.#x.pointer(),
      ]);
      // The state has bits for buttons 1 to 5 only; releasing one that is up does nothing.
      const buttons = [1, 2, 3, 4, 5].filter((button) => (pointer.mask >> (7 + button)) & 1);
      await xtest.batch(
        this.#releasesOf(new Set([...keys, ...this.#modifierKeycodes]), new Set([...buttons, 8, 9])),
      );
    } catch (error) {
      this.#log.error('keys and buttons could not be released', errorAttributes(error));
    }
  }

  /** An injected release would take a key out of the person's fingers, in the middle of the stop chord say: those wait. */
  #releasesOf(keys: ReadonlySet<number>, buttons: ReadonlySet<number>) {
    const realKeys = codesOf(this.#realKeys);
    const realButtons = codesOf(this.#realButtons);
    for (const keycode of realKeys) this.#owed.add(`key ${keycode}`);
    for (const button of realButtons) this.#owed.add(`button ${button}`);
    const up = (kind: 'key' | 'button', codes: ReadonlySet<number>, real: ReadonlySet<number>) =>
      [...codes].filter((detail) => !real.has(detail)).map((detail) => ({ kind, detail, down: false }));
    return [...up('key', keys, realKeys), ...up('button', buttons, realButtons)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#asking);
    await Promise.all([this.#x[Symbol.asyncDispose](), this.#grabber[Symbol.asyncDispose]()]);
  }

  async #listen(): Promise<void> {
    const x = this.#x;
    x.on('MappingNotify', () => void this.#readKeyboard().catch((error) => this.#complain(error)));
    x.on('XIHierarchyChanged', () => {
      // A device that was pulled out never tells of its releases.
      this.#realKeys.clear();
      this.#realButtons.clear();
      this.#gesture.clear();
      void this.#readDevices().catch((error) => this.#complain(error));
    });
    this.#grabber.on('KeyPress', (event) => {
      // The grab's copy: the chord, by definition; raw events are faster unless they are unavailable.
      if (this.#grab.holds(event.keycode)) this.#events.onStopGesture('chord');
    });
    x.on('XIRawKeyPress', (event) => this.#onKey(event, true));
    x.on('XIRawKeyRelease', (event) => this.#onKey(event, false));
    x.on('XIRawButtonPress', (event) => {
      if (!this.#isReal(event)) {
        this.#injectedButtons.add(event.detail);
        return;
      }
      this.#realButtons.add(`${event.sourceId} ${event.detail}`);
      this.#lastRealPressMs = performance.now();
      this.#events.onPersonInput('button');
    });
    x.on('XIRawButtonRelease', (event) => {
      if (!this.#isReal(event)) this.#injectedButtons.delete(event.detail);
      if (this.#realButtons.delete(`${event.sourceId} ${event.detail}`))
        this.#payRelease('button', event.detail);
    });
    x.on('XIRawMotion', (event) => {
      if (this.#isReal(event)) void this.#onMotion();
    });

    await this.#openEar();
    // A server grab of hands that are just killed, or that hang within it, must not make letting go wait.
    const xtest = await x.require('xtest').catch(() => undefined);
    await xtest?.immuneToGrabs(true);
    await this.#readKeyboard();
  }

  async #openEar(): Promise<void> {
    const { root } = this.#x;
    try {
      const xinput = await this.#x.require('xinput');
      const version = xinput.version;
      if (version === null || version.major < 2 || (version.major === 2 && version.minor < 2))
        throw new Error('the X server has no XInput 2.2');
      await this.#readDevices();
      await xinput.select(root, ALL_MASTER_DEVICES, [
        'RawKeyPress',
        'RawKeyRelease',
        'RawButtonPress',
        'RawButtonRelease',
        'RawMotion',
      ]);
      await xinput.select(root, ALL_DEVICES, ['HierarchyChanged']);
      await this.#proveRawEvents();
      this.#earProblem = undefined;
    } catch (error) {
      if (this.#x.isClosed) throw error;
      this.#earProblem = `Key presses cannot be heard: ${(error as Error).message}.`;
    }
  }

  #onKey(event: RawInputEvent, down: boolean): void {
    this.#heardKeycode?.(event.detail);
    const { detail: keycode, sourceId } = event;
    const real = this.#isReal(event);
    if (!real && down) this.#injectedKeys.add(keycode);
    else if (!real) this.#injectedKeys.delete(keycode);
    if (real && down) {
      this.#realKeys.add(`${sourceId} ${keycode}`);
      this.#lastRealPressMs = performance.now();
    } else if (this.#realKeys.delete(`${sourceId} ${keycode}`)) this.#payRelease('key', keycode);
    const names = this.#names.get(event.detail) ?? [];
    const atMs = performance.now();
    const gesture = this.#gesture.key({ keycode, sourceId, names, down, real, atMs });
    if (gesture !== undefined) this.#events.onStopGesture(gesture);
    else if (down && real) this.#events.onPersonInput('key');
  }

  /**
   * The finger that was in the way is gone: a Shift that injection had pressed, too, must not stay. The server
   * forgets it in the common state by then, but not in the injecting device's own, where it comes back from.
   */
  #payRelease(kind: 'key' | 'button', detail: number): void {
    if (!this.#owed.delete(`${kind} ${detail}`)) return;
    this.#x
      .require('xtest')
      .then((xtest) => xtest.batch([{ kind, detail, down: false }]))
      .catch((error) => this.#complain(error));
  }

  async #onMotion(): Promise<void> {
    if (this.#askingPointer) return;
    this.#askingPointer = true;
    try {
      const { x, y } = await this.#x.pointer();
      const atMs = performance.now();
      const last = this.#pointer;
      const travelled =
        last === undefined || atMs - last.atMs > POINTER_MEMORY_MS
          ? 0
          : last.travelled + Math.hypot(x - last.x, y - last.y);
      this.#pointer = { x, y, travelled, atMs };
      if (travelled > PERSON_POINTER_PX) {
        this.#pointer = undefined;
        this.#events.onPersonInput('pointer');
      }
    } catch (error) {
      this.#complain(error);
    } finally {
      this.#askingPointer = false;
    }
  }

  #isReal(event: RawInputEvent): boolean {
    return !this.#injectors.has(event.sourceId);
  }

  async #readDevices(): Promise<void> {
    const xinput = await this.#x.require('xinput');
    const devices = await xinput.devices();
    // The server names its injection devices after the master: "Virtual core XTEST pointer".
    this.#injectors = new Set(devices.filter(({ name }) => / XTEST /.test(name)).map(({ id }) => id));
  }

  /** One at a time: changes of the keyboard come in bursts. */
  #readKeyboard(): Promise<void> {
    this.#reading = this.#reading.catch(() => {}).then(() => this.#readKeyboardOnce());
    return this.#reading;
  }

  /** Learns the keys, takes the chord on them, and says what that means for the person. */
  async #readKeyboardOnce(): Promise<void> {
    clearTimeout(this.#asking);
    const [rows, modifierRows] = await Promise.all([this.#x.keyboardMapping(), this.#x.modifierMapping()]);
    const keyboard: X11Keyboard = { minKeycode: this.#x.minKeycode, rows, modifierRows };
    this.#modifierKeycodes = modifierRows.flat().filter((keycode) => keycode !== 0);
    const wanted = [...this.#chord.modifiers, this.#chord.key, 'escape'];
    this.#names.clear();
    for (const [keycode, names] of keycodesByName(keyboard, wanted)) this.#names.set(keycode, names);
    const problems = [this.#earProblem, await this.#grab.take(keyboard)].filter((one) => one !== undefined);
    const hotkey = problems.length === 0 ? { armed: true } : { armed: false, reason: problems.join(' ') };
    const changed = hotkey.armed !== this.#hotkey.armed || hotkey.reason !== this.#hotkey.reason;
    this.#hotkey = hotkey;
    if (changed) this.#events.onHotkeyChanged();
    // The other program may end, and nobody tells: X has no event for a chord that becomes free.
    if (!hotkey.armed && !this.#x.isClosed)
      this.#asking = setTimeout(() => {
        const heard = this.#earProblem === undefined ? Promise.resolve() : this.#openEar();
        heard.then(() => this.#readKeyboard()).catch((error) => this.#complain(error));
      }, ASK_AGAIN_MS);
  }

  /** Presses a key that means nothing and listens for it: an ear that hears nothing must not claim to be one. */
  async #proveRawEvents(): Promise<void> {
    const rows = await this.#x.keyboardMapping();
    const index = rows.findLastIndex((keysyms) => keysyms.every((keysym) => keysym === 0));
    if (index === -1) throw new Error('this keyboard has no unused key to test with');
    const keycode = this.#x.minKeycode + index;
    const xtest = await this.#x.require('xtest');
    const heard = new Promise<boolean>((resolve) => {
      this.#heardKeycode = (found) => {
        if (found === keycode) resolve(true);
      };
    });
    await xtest.batch([
      { kind: 'key', detail: keycode, down: true },
      { kind: 'key', detail: keycode, down: false },
    ]);
    const proven = await Promise.race([heard, sleep(SELF_TEST_MS).then(() => false)]);
    this.#heardKeycode = undefined;
    if (!proven) throw new Error('a test key press was not heard');
  }

  #complain(error: unknown): void {
    if (!this.#x.isClosed) this.#log.warn('guard lost sight of the keyboard', errorAttributes(error));
  }
}

function codesOf(held: ReadonlySet<string>): Set<number> {
  return new Set([...held].map((entry) => Number(entry.split(' ')[1])));
}
