import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import type { Rect } from '@deskhand/protocol';
import { OVERLAY_PROPERTY } from '../capture/own-windows.ts';
import { readX11Displays } from '../capture/x11-displays.ts';
import { openX11, type Randr, type Shape, type X11Connection } from '../x11/index.ts';
import {
  BORDER_LINE_COLOR,
  type BorderLook,
  type BorderState,
  borderLook,
  RING_SIDE_PX,
  ringRows,
  stripsOf,
} from './border-look.ts';
import type { GuardDrawing } from './guard-drawing.ts';

const RING = { color: 0x4d_a3_ff, outerPx: 24, innerPx: 18, linePx: 1.5 } as const;
/** After another window came up: the border goes above it, at most this often. */
const RAISE_MS = 80;
const SUBSTRUCTURE_NOTIFY = 0x0008_0000;
const BOUNDING = 0;
const INPUT = 2;

type Drawn = { window: number; color: number; rect: Rect };

/**
 * Border and ring as small override-redirect windows whose input shape is empty: every click goes through them. A
 * connection of its own, so that drawing can never hold up the stop.
 */
export class X11GuardDrawing implements GuardDrawing {
  readonly #x: X11Connection;
  readonly #shape: Shape;
  readonly #randr: Randr | null;
  readonly #log: Logger;
  readonly #onDrawn: () => void;
  readonly #strips: Drawn[] = [];
  #ring: Drawn | undefined;
  #ringShown = false;
  #displays: readonly Rect[] = [];
  #state: BorderState = 'none';
  #raiseTimer: NodeJS.Timeout | undefined;
  /** One thing at a time: X windows are changed by several requests each. */
  #tail: Promise<void> = Promise.resolve();

  private constructor(x: X11Connection, shape: Shape, randr: Randr | null, onDrawn: () => void, log: Logger) {
    this.#x = x;
    this.#shape = shape;
    this.#randr = randr;
    this.#onDrawn = onDrawn;
    this.#log = log;
  }

  /**
   * @param options.onDrawn other windows are drawn now than before.
   * @throws ProtocolError DISPLAY_UNAVAILABLE; Error when the server can't shape windows, so that nothing may be drawn.
   */
  static async open(options: {
    display: string | undefined;
    onDrawn: () => void;
    log: Logger;
  }): Promise<X11GuardDrawing> {
    const x = await openX11({ display: options.display, log: options.log });
    try {
      const shape = await x.require('shape');
      const randr = await x.require('randr').catch(() => null);
      const drawing = new X11GuardDrawing(x, shape, randr, options.onDrawn, options.log);
      await drawing.#watch();
      return drawing;
    } catch (error) {
      await x[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Settles when the X server is gone. */
  get closed(): Promise<unknown> {
    return this.#x.closed;
  }

  get drawn() {
    const all = this.#ring !== undefined && this.#ringShown ? [...this.#strips, this.#ring] : this.#strips;
    return { windows: all.map(({ window }) => window), rects: all.map(({ rect }) => rect) };
  }

  border(state: BorderState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#do(() => this.#drawBorder());
  }

  async ring(rect: Rect, showMs: number): Promise<void> {
    if (showMs <= 0) return;
    const place = {
      x: Math.round(rect.x + (rect.width - RING_SIDE_PX) / 2),
      y: Math.round(rect.y + (rect.height - RING_SIDE_PX) / 2),
      width: RING_SIDE_PX,
      height: RING_SIDE_PX,
    };
    await this.#do(() => this.#showRing(place));
    await sleep(showMs);
    await this.#do(() => this.#hideRing());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#raiseTimer);
    // Its windows go with the connection.
    await this.#x[Symbol.asyncDispose]();
  }

  async #watch(): Promise<void> {
    await this.#randr?.watch();
    this.#x.on('RRScreenChangeNotify', () => this.#do(() => this.#displaysChanged()));
    await this.#x.selectInput(this.#x.root, SUBSTRUCTURE_NOTIFY);
    this.#x.on('MapNotify', ({ wid }) => this.#raiseSoon(wid));
    this.#x.on('ConfigureNotify', ({ wid1 }) => this.#raiseSoon(wid1));
    await this.#readDisplays();
  }

  async #readDisplays(): Promise<void> {
    this.#displays = (await readX11Displays(this.#x, this.#randr)).map(({ bounds }) => bounds);
  }

  async #displaysChanged(): Promise<void> {
    await this.#readDisplays();
    await this.#drawBorder();
  }

  /** New windows each time: a border changes a few times a minute, and what is new has no history to get wrong. */
  async #drawBorder(): Promise<void> {
    const look = borderLook(this.#state);
    const before = this.#strips.splice(0);
    if (look !== null)
      for (const display of this.#displays)
        for (const strip of stripsOf(display, look)) this.#strips.push(await this.#drawStrip(strip, look));
    for (const { window } of before) await this.#x.destroyWindow(window);
    if (before.length > 0 || this.#strips.length > 0) this.#onDrawn();
  }

  async #drawStrip(strip: ReturnType<typeof stripsOf>[number], look: BorderLook): Promise<Drawn> {
    const drawn = await this.#create(strip.window, strip.color, look.color);
    if (look.dashPx !== null) await this.#shape.setRectangles(drawn.window, BOUNDING, strip.dashes);
    await this.#x.mapWindow(drawn.window);
    return drawn;
  }

  async #showRing(place: Rect): Promise<void> {
    this.#ring ??= await this.#createRing(place);
    this.#ring.rect = place;
    await this.#x.configureWindow(this.#ring.window, { x: place.x, y: place.y, stackMode: 0 });
    await this.#x.mapWindow(this.#ring.window);
    this.#ringShown = true;
    this.#onDrawn();
  }

  async #hideRing(): Promise<void> {
    if (this.#ring === undefined) return;
    await this.#x.unmapWindow(this.#ring.window);
    this.#ringShown = false;
    this.#onDrawn();
  }

  async #createRing(place: Rect): Promise<Drawn> {
    const whole = { x: 0, y: 0, width: RING_SIDE_PX, height: RING_SIDE_PX };
    const ring = await this.#create(place, whole, RING.color);
    const { outerPx, innerPx, linePx } = RING;
    await this.#shape.setRectangles(ring.window, BOUNDING, ringRows(RING_SIDE_PX, outerPx, innerPx));
    await this.#shape.setRectangles(
      ring.color,
      BOUNDING,
      ringRows(RING_SIDE_PX, outerPx - linePx, innerPx + linePx),
    );
    return ring;
  }

  /** A window in the dark line's colour with the coloured part in it. Clicks go through before it is ever seen. */
  async #create(rect: Rect, colored: Rect, color: number): Promise<Drawn> {
    const window = await this.#x.createWindow(rect, {
      overrideRedirect: 1,
      backgroundPixel: BORDER_LINE_COLOR,
    });
    await this.#shape.setRectangles(window, INPUT, []);
    const inner = await this.#x.createWindow(colored, { backgroundPixel: color }, { parent: window });
    await this.#x.mapWindow(inner);
    // Before it is ever seen: pictures for the agent leave out what carries this.
    await this.#x.changeProperty(window, OVERLAY_PROPERTY, 'CARDINAL', { format: 32, data: [1] });
    await this.#x.changeProperty(window, 'WM_NAME', 'STRING', {
      format: 8,
      data: Buffer.from('Deskhand border'),
    });
    return { window, color: inner, rect };
  }

  #raiseSoon(window: number): void {
    const ours = this.#strips.some((strip) => strip.window === window) || this.#ring?.window === window;
    if (ours || this.#raiseTimer !== undefined || this.#strips.length === 0) return;
    this.#raiseTimer = setTimeout(() => {
      this.#raiseTimer = undefined;
      this.#do(() => this.#raise());
    }, RAISE_MS);
  }

  /** Only when something lies above: raising for nothing would wake every compositor. */
  async #raise(): Promise<void> {
    const { children } = await this.#x.queryTree(this.#x.root);
    const ours = new Set(this.drawn.windows);
    if (children.slice(-ours.size).every((window) => ours.has(window))) return;
    for (const window of ours) await this.#x.configureWindow(window, { stackMode: 0 });
  }

  #do(work: () => Promise<void>): Promise<void> {
    this.#tail = this.#tail.then(work).catch((error) => {
      if (!this.#x.isClosed) this.#log.warn('guard could not draw', errorAttributes(error));
    });
    return this.#tail;
  }
}
