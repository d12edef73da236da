import type { Rect } from '@deskhand/protocol';
import { EVENT_MASK, type Shape, type X11Connection, X11Error } from '../x11/index.ts';
import { descendsFrom, OVERLAY_PROPERTY, type OwnWindows } from './own-windows.ts';

/** A top-level window as it lies on the screen. */
export type StackedWindow = Readonly<{
  id: number;
  /** With its border, desktop space. */
  outer: Rect;
  depth: number;
  visual: number;
  /** What of `outer` it really covers, desktop space; null: all of it. */
  shape: readonly Rect[] | null;
  /** One of ours, which belongs to no picture. */
  own: boolean;
  /** Changes whenever the server gave the window new pixels of another size, or none for a while. */
  generation: number;
}>;

type Known = { window: StackedWindow | null };

/** A frame holds its client one or two levels down. */
const FRAME_DEPTH = 3;
const MAX_WINDOWS_PER_FRAME = 64;
const BOUNDING = 0;

/**
 * All visible top-level windows, bottom first, kept current by events: asking costs requests only for what changed.
 * The connection's event selection on the root belongs to this.
 */
export class X11WindowStack implements Disposable {
  readonly #x: X11Connection;
  readonly #shape: Shape | null;
  readonly #own: () => OwnWindows;
  readonly #known = new Map<number, Known>();
  readonly #watchedShapes = new Set<number>();
  readonly #ignored = new Set<number>();
  readonly #unsubscribe: Array<() => void> = [];
  #order: readonly number[] = [];
  #orderIsStale = true;
  #revision = 0;
  #generation = 0;
  #ownBefore = '';

  /** @param own what is ours, as far as it is known now. */
  constructor(x: X11Connection, shape: Shape | null, own: () => OwnWindows) {
    this.#x = x;
    this.#shape = shape;
    this.#own = own;
  }

  /** Grows with every change of any window's place, order, outline or visibility, ours or not. */
  get revision(): number {
    return this.#revision;
  }

  async start(): Promise<void> {
    const x = this.#x;
    const on = this.#unsubscribe;
    on.push(
      x.on('CreateNotify', ({ wid }) => this.#changed(wid)),
      x.on('DestroyNotify', ({ wid, event }) => {
        if (event === x.root || event === undefined) this.#forget(wid);
      }),
      x.on('MapNotify', ({ wid }) => this.#changed(wid)),
      x.on('UnmapNotify', ({ wid }) => this.#changed(wid)),
      // A frame that gets a client becomes that client's.
      x.on('ReparentNotify', ({ wid, parent }) => {
        this.#changed(wid);
        this.#changed(parent);
      }),
      x.on('ConfigureNotify', ({ wid1 }) => this.#changed(wid1)),
      x.on('GravityNotify', ({ wid }) => this.#changed(wid)),
      x.on('CirculateNotify', ({ wid }) => this.#changed(wid)),
      x.on('ShapeNotify', ({ window, kind }) => {
        if (kind === BOUNDING) this.#changed(window);
      }),
    );
    await x.selectInput(x.root, (EVENT_MASK.SubstructureNotify ?? 0) | (EVENT_MASK.PropertyChange ?? 0));
  }

  /** A helper window of our own connection: not part of the screen. */
  ignore(window: number): void {
    this.#ignored.add(window);
  }

  /** @returns the windows, and the revision they are of: another one later means that they changed since. */
  async windows(): Promise<Readonly<{ windows: readonly StackedWindow[]; revision: number }>> {
    this.#lookAgainIfOthersAreOurs();
    const revision = this.#revision;
    if (this.#orderIsStale) {
      this.#orderIsStale = false;
      this.#order = (await this.#x.queryTree(this.#x.root)).children;
      const present = new Set(this.#order);
      for (const id of [...this.#known.keys()]) if (!present.has(id)) this.#known.delete(id);
    }
    const missing = this.#order.filter((id) => !this.#known.has(id) && !this.#ignored.has(id));
    await Promise.all(
      missing.map(async (id) => {
        const entry: Known = { window: null };
        // Set first: an event that comes while it is being read removes it again.
        this.#known.set(id, entry);
        entry.window = await this.#read(id);
      }),
    );
    const windows = this.#order
      .map((id) => this.#known.get(id)?.window ?? null)
      .filter((window): window is StackedWindow => window !== null);
    return { windows, revision };
  }

  [Symbol.dispose](): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #changed(id: number): void {
    if (this.#ignored.has(id)) return;
    this.#revision += 1;
    this.#orderIsStale = true;
    this.#known.delete(id);
  }

  #forget(id: number): void {
    this.#watchedShapes.delete(id);
    if (this.#ignored.delete(id)) return;
    this.#changed(id);
  }

  /** A panel that has just said which windows are its own changes what was decided about all of them. */
  #lookAgainIfOthersAreOurs(): void {
    const { windows, pids } = this.#own();
    const now = `${windows.join()} ${pids.join()}`;
    if (now === this.#ownBefore) return;
    this.#ownBefore = now;
    this.#revision += 1;
    this.#known.clear();
    this.#orderIsStale = true;
  }

  /** @returns null for what shows nothing: not viewable, input only, or gone. */
  async #read(id: number): Promise<StackedWindow | null> {
    const x = this.#x;
    if (this.#shape !== null && !this.#watchedShapes.has(id)) {
      this.#watchedShapes.add(id);
      this.#shape.watch(id);
    }
    try {
      const [attributes, geometry, shape] = await Promise.all([
        x.windowAttributes(id),
        x.geometry(id),
        this.#shape === null ? null : this.#shape.rectangles(id, BOUNDING),
      ]);
      if (!attributes.viewable || attributes.inputOnly) return null;
      const { borderWidth } = geometry;
      const outer = {
        x: geometry.x,
        y: geometry.y,
        width: geometry.width + 2 * borderWidth,
        height: geometry.height + 2 * borderWidth,
      };
      return {
        id,
        outer,
        depth: geometry.depth,
        visual: attributes.visual,
        shape: shape === null ? null : placed(shape, outer, borderWidth),
        own: await this.#isOwn(id),
        generation: ++this.#generation,
      };
    } catch (error) {
      if (error instanceof X11Error) return null;
      throw error;
    }
  }

  async #isOwn(top: number): Promise<boolean> {
    const own = this.#own();
    const ids = new Set(own.windows);
    let level = [top];
    let seen = 0;
    for (let depth = 0; depth < FRAME_DEPTH && level.length > 0 && seen < MAX_WINDOWS_PER_FRAME; depth += 1) {
      seen += level.length;
      const verdicts = await Promise.all(level.map((id) => this.#carriesMark(id, ids, own.pids)));
      if (verdicts.includes(true)) return true;
      const children = await Promise.all(
        level.map((id) =>
          this.#x.queryTree(id).then(
            (tree) => tree.children,
            () => [],
          ),
        ),
      );
      level = children.flat().slice(0, MAX_WINDOWS_PER_FRAME);
    }
    return false;
  }

  async #carriesMark(id: number, ids: ReadonlySet<number>, pids: readonly number[]): Promise<boolean> {
    if (ids.has(id)) return true;
    try {
      const [mark, owner] = await Promise.all([
        this.#x.getProperty(id, OVERLAY_PROPERTY, { maxBytes: 4 }),
        pids.length === 0 ? [] : this.#x.getNumbers(id, '_NET_WM_PID'),
      ]);
      const [pid] = owner;
      return mark !== null || (pid !== undefined && descendsFrom(pid, pids));
    } catch (error) {
      if (error instanceof X11Error) return false;
      throw error;
    }
  }
}

/** Shape rectangles lie relative to the inside of the border; null when they are just the whole window. */
function placed(shape: readonly Rect[], outer: Rect, borderWidth: number): readonly Rect[] | null {
  const moved = shape.map(({ x, y, width, height }) => ({
    x: x + outer.x + borderWidth,
    y: y + outer.y + borderWidth,
    width,
    height,
  }));
  const [only] = moved;
  const whole =
    moved.length === 1 &&
    only !== undefined &&
    only.x <= outer.x &&
    only.y <= outer.y &&
    only.x + only.width >= outer.x + outer.width &&
    only.y + only.height >= outer.y + outer.height;
  return whole ? null : moved;
}
