import type {
  Action,
  Display,
  MouseButton,
  Outcome,
  PageInfo,
  Point,
  Rect,
  ScreenElement,
  ScrollDirection,
  SettleReport,
  WindowInfo,
} from '@deskhand/protocol';
import type { z } from 'zod';

/**
 * What the daemon needs from an operating system. Small on purpose: a fake of any of these fits on a page.
 * All coordinates here are desktop space (physical pixels); frames are mapped before they get here.
 */

/** Whole rows of a picture. */
export type Rows = Readonly<{ top: number; count: number }>;

/** Pixels of one grab; rows top to bottom without padding. The buffer is reused by the next grab of the same source. */
export type RawImage = Readonly<{
  width: number;
  height: number;
  /** `bgrx`: 4 bytes per pixel, the fourth meaningless. `rgb`: 3 bytes per pixel. */
  format: 'bgrx' | 'rgb';
  pixels: Uint8Array;
  /**
   * Where windows of ours were left out, desktop space: the picture shows what lies beneath them. Absent when the
   * source can't leave any out.
   */
  left?: readonly Rect[];
  /**
   * Fills `into` with whole rows as `pixels` holds them, for who goes through the picture once: where pixels come from
   * elsewhere, rows that are used at once cost half of what all of them cost. As long valid as `pixels`, whose copies
   * must not keep it.
   */
  readRows?(rows: Rows, into: Uint8Array): void;
}>;

/** Eyes. */
export interface ScreenCapture extends AsyncDisposable {
  /** Backend name for status and doctor, e.g. `x11-shm`, `x11-getimage`, `nut-js`, `screenshot-desktop`. */
  readonly name: string;
  displays(): Promise<readonly Display[]>;
  /** @returns its own unsubscribe. */
  onDisplaysChanged(listener: (displays: readonly Display[]) => void): () => void;
  /** @throws ProtocolError CAPTURE_FAILED, DISPLAY_UNAVAILABLE */
  grab(region: Rect, options: { signal: AbortSignal }): Promise<RawImage>;
  pointer(): Promise<Point | null>;
  /** The pointer's picture, for frames that show it; absent where the system does not tell. */
  pointerImage?(): Promise<PointerImage | null>;
}

/** The mouse pointer as drawn: its top-left corner in desktop space, premultiplied BGRA rows. */
export type PointerImage = Readonly<{
  x: number;
  y: number;
  width: number;
  height: number;
  pixels: Uint8Array;
}>;

/** Whoever wants to look at the screen while the wait for its quiet still goes on. */
export type EarlyListener = Readonly<{
  /**
   * It will be quiet soon, unless something changes: what is seen from now on is what will be seen then.
   * @param restedMs how long ago the last change was; null when there was none.
   */
  calm(restedMs: number | null): void;
  /** Something did change: what was seen since `calm` is worth nothing. `calm` may come again. */
  stirred(): void;
}>;

/** Knows when the screen last changed; damage events on X11, frame differences elsewhere. */
export interface ScreenActivity extends AsyncDisposable {
  /** Starts counting from now. */
  mark(): void;
  /**
   * Waits until the screen is quiet: at least `floorMs` from this call on, `answerMs` while nothing but feedback
   * at `target` was seen, `quietMs` without a change that is not ambient (caret, clock, spinner, film), at most
   * `ceilingMs`. Changes count from the mark. `stillLoading` may veto quiet (a page that loads); `arrived` ends it,
   * before the floor too; `told` shortens `answerMs`.
   */
  settle(
    options: {
      floorMs: number;
      answerMs?: number;
      quietMs: number;
      ceilingMs: number;
      target?: Point | null;
      stillLoading?: () => Promise<boolean>;
      arrived?: () => Promise<boolean>;
      told?: () => Promise<boolean>;
      early?: EarlyListener;
    },
    stop: { signal: AbortSignal },
  ): Promise<Settled>;
  /**
   * How long after the last decision something changed after all, milliseconds; null when nothing has, or nothing
   * was decided since the mark.
   */
  changedAfterMs(): number | null;
  /** What `changedAfterMs` told last has proved since to move on its own: nothing is to be learnt from it. */
  tookClockForAnswer(): boolean;
}

/**
 * The windows that were decided about, by id; null stands for none. Input that would reach another one is not sent.
 * `keys` absent: whatever has the focus. `points[0]` is where buttons and wheel act.
 */
export type Aim = Readonly<{
  keys?: string | null;
  points: ReadonlyArray<Readonly<{ point: Point; windowId: string | null }>>;
}>;

/** How a wait for quiet ended, with what the next one can learn from it. */
export type Settled = SettleReport &
  Readonly<{
    /** Sum of the rectangles that changed. */
    changedArea: number;
    /** How long before the end the last change was; null when there was none. */
    restedMs: number | null;
    /** When the first change came that was more than feedback; null when none did. */
    answerMs: number | null;
    /** The longest time between two changes from then on. */
    longestGapMs: number;
    /** Where, desktop space; what changed only where something had been moving on its own is left out. */
    places: readonly Rect[];
    /** Where something moves on its own. */
    moving: readonly Rect[];
  }>;

/** Raw hands: one primitive each, no policy, no timing. Lives in the hands process only. */
export interface InputBackend extends AsyncDisposable {
  readonly name: string;
  /**
   * What every press that follows must reach, until the next call; absent where the system can't tell. Such a
   * press then throws ProtocolError RECEIVER_CHANGED and nothing is sent.
   */
  aim?(aim: Aim | null): void;
  /** Whether another program held the pointer at the first press of this aim and got it; null: nothing was pressed. */
  pointerWasHeld?(): boolean | null;
  /** Where the pointer is; with `pointerIsUntold` where these hands put it last. */
  pointer(): Promise<Point>;
  /** The system tells nobody where the pointer is, so that a move proves nothing. */
  readonly pointerIsUntold?: boolean;
  moveTo(point: Point): Promise<void>;
  button(button: MouseButton, down: boolean): Promise<void>;
  wheel(direction: z.infer<typeof ScrollDirection>): Promise<void>;
  /** Presses nothing. @throws ProtocolError UNKNOWN_KEY when `key` could not press this key. */
  checkKey?(key: string): Promise<void>;
  /** Canonical key name. @throws ProtocolError UNKNOWN_KEY before anything is pressed. */
  key(key: string, down: boolean): Promise<void>;
  /**
   * Presses these in order and releases them in the opposite one, all of it or nothing: no other window gets
   * the releases. Absent where that can't be had.
   */
  stroke?(keys: readonly string[]): Promise<void>;
  /**
   * Types exactly `text` or throws TEXT_NOT_TYPEABLE before the first character; with `keysOnly` never by way of the
   * clipboard. Calls `gate` between
   * characters; when it throws, nothing stays pressed and the keyboard map is restored.
   */
  typeText(
    text: string,
    gate: () => void,
    options: { signal: AbortSignal; keysOnly?: boolean },
  ): Promise<void>;
  /** Releases every key and button the server says is down, whoever pressed it. Never throws. */
  releaseAll(): Promise<void>;
}

/** Action with points already in desktop space; what hands receive. */
export type DesktopAction = Action;

/** What the daemon asks of the hands process. */
export interface Hands extends AsyncDisposable {
  readonly backend: string;
  readonly pid: number | null;
  /** At most once; a gate (latch, lease, epoch, abort) between any two primitives. Never throws for an expected "no". */
  perform(
    action: DesktopAction,
    fence: { epoch: number; leaseId: string },
    options: { signal: AbortSignal; aim?: Aim | null; keysOnly?: boolean },
  ): Promise<Outcome>;
  releaseAll(): Promise<void>;
}

/** Who a window really belongs to, as far as the system itself can tell; what the window says may lie. */
export type WindowIdentity = Readonly<{
  /** All names it goes by, its program's file name among them. */
  names: readonly string[];
  pid: number | null;
  /** Absolute path of its program; null where that can't be known. */
  program: string | null;
}>;

/** The element that a key press would go to. */
export type FocusedField = Readonly<{
  editable: boolean;
  /** Its content is hidden: a password field. */
  protected: boolean;
  /** Desktop space; null when its place is not known. */
  bounds: Rect | null;
  /** Origin of the page or frame it lies in, as the browser says; null outside our browser. */
  origin: string | null;
}>;

/** Windows of the desktop and applications that can be opened. */
export interface WindowSystem extends AsyncDisposable {
  /** This desktop lets nobody list its windows: an empty list says nothing. */
  readonly untold?: true;
  windows(): Promise<readonly WindowInfo[]>;
  /** The window that would receive a key press now. */
  activeWindow(): Promise<WindowInfo | null>;
  /** The topmost window under a desktop point: the one a click would reach. */
  windowAt(point: Point): Promise<WindowInfo | null>;
  /** Absent where the system does not tell more than WindowInfo. */
  identity?(windowId: string): Promise<WindowIdentity>;
  focus(windowId: string): Promise<void>;
  close(windowId: string): Promise<void>;
  /** Above the others, on every workspace, without the focus; absent where no program may do that. */
  keepAbove?(windowId: string): Promise<void>;
}

export type ElementWish = Readonly<{
  signal: AbortSignal;
  /**
   * When the screen last changed, by `performance.now()`: who tells of changes later than they are painted is asked
   * when that time is over. Absent or null: nothing has changed lately.
   */
  paintedAtMs?: number | null;
  /** False leaves out what lies inside web pages: somebody else tells it. */
  pages?: boolean;
}>;

/** Elements with bounds in desktop space (the daemon converts them to frame pixels). */
export interface ElementSourcePort extends AsyncDisposable {
  readonly name: string;
  /** Never throws for a blind spot: an application that exposes nothing yields an empty list. */
  elements(window: WindowInfo | null, options: ElementWish): Promise<readonly ScreenElement[]>;
  /** Whether the window says of itself that it is loading or busy; absent where windows cannot say so. */
  isBusy?(window: WindowInfo): Promise<boolean>;
  /** What has the focus in a window's application; null where it was never told. Quick, never throws but for an abort. */
  focused?(window: WindowInfo, options: { signal: AbortSignal }): Promise<ElementFacts | null>;
  /** The same if it lies in that very window; null for another one of its application. */
  focusedIn?(window: WindowInfo, options: { signal: AbortSignal }): Promise<ElementFacts | null>;
  /** The innermost thing at a desktop point of a window; null where nobody knows. Quick. */
  elementAt?(
    window: WindowInfo,
    point: Point,
    options: { signal: AbortSignal },
  ): Promise<ElementFacts | null>;
}

/** One thing on the screen at one moment, to be compared with itself a moment later. Stays in this process. */
export type ElementFacts = Readonly<{
  /** The same as in the list of elements. */
  id: string;
  role: string;
  states: readonly string[];
  /** Null where it has none, or where it is a secret. */
  value: string | null;
}>;

/** Reads words from pixels. */
export interface WordReader extends AsyncDisposable {
  readonly name: string;
  /** Bounds relative to the image. @throws ProtocolError CAPTURE_FAILED when the engine is missing or breaks. */
  read(image: RawImage, options: { signal: AbortSignal }): Promise<readonly ScreenElement[]>;
}

/** Starts things by their everyday names ("text editor", "Chrome", "terminal"). */
export interface ApplicationLauncher {
  /**
   * Brings a running instance forward or starts one, and waits for its window.
   * @throws ProtocolError APPLICATION_NOT_FOUND with the nearest names.
   */
  open(
    name: string,
    options: { signal: AbortSignal },
  ): Promise<{ application: string; windowId: string | null; started: boolean }>;
}

/**
 * `whole`: nothing of the page is left that only accessibility could tell (an open list of options, a film's buttons).
 * `allShown`: whole, and nothing of it would have to be scrolled to.
 */
export type PageRead = Readonly<{ elements: readonly ScreenElement[]; whole: boolean; allShown?: boolean }>;

/** A Chromium-family browser that is ours to drive (own profile, CDP over a private endpoint). */
export interface Browser extends ElementSourcePort {
  /** @throws ProtocolError BROWSER_UNAVAILABLE */
  navigate(url: string, options: { signal: AbortSignal }): Promise<PageInfo>;
  page(): Promise<PageInfo | null>;
  /** True while the active page still loads or has requests in flight that began with the last navigation. */
  loading(): Promise<boolean>;
  isOurs(window: WindowInfo): boolean;
  /** As `elements`, with whether that is all that the page shows. */
  read(window: WindowInfo, options: { signal: AbortSignal }): Promise<PageRead>;
  /** Null when the page has no focus (an address bar has it) or nothing in it does. */
  focusedField(window: WindowInfo, options: { signal: AbortSignal }): Promise<FocusedField | null>;
}
