import { type X11Connection, X11Error } from '../x11/index.ts';

/** Window trees are shallow; a loop in one would mean a broken server. */
const MAX_DEPTH = 32;
/** A frame holds its client one or two levels down. */
const FRAME_DEPTH = 3;

/** Members of the X server's reply for focus that are not windows. */
const FOCUS_NONE = 0;
const FOCUS_POINTER_ROOT = 1;

/** What is asked of a server to know it. */
export type WindowQuestions = Pick<
  X11Connection,
  | 'root'
  | 'getNumbers'
  | 'queryTree'
  | 'windowAttributes'
  | 'geometry'
  | 'inputFocus'
  | 'pointer'
  | 'translate'
>;

/** Which toplevel window input reaches; the daemon asks before it decides, hands again at the moment of input. */
export class X11Toplevels {
  readonly #x: WindowQuestions;

  constructor(x: WindowQuestions) {
    this.#x = x;
  }

  /** Managed windows, bottom to top. */
  async managed(): Promise<readonly number[]> {
    const x = this.#x;
    const stacked = await x.getNumbers(x.root, '_NET_CLIENT_LIST_STACKING');
    if (stacked.length > 0) return stacked;
    const listed = await x.getNumbers(x.root, '_NET_CLIENT_LIST');
    if (listed.length > 0) return listed;
    // An empty list is the truth where a window manager keeps one: what is mapped then are its own frames.
    const [manager = 0] = await x.getNumbers(x.root, '_NET_SUPPORTING_WM_CHECK');
    if (manager !== 0) return [];
    // No window manager that tells: whatever is mapped and not a popup.
    const { children } = await x.queryTree(x.root);
    const shown = await Promise.all(
      children.map((id) =>
        x.windowAttributes(id).then(
          (found) => found.viewable && !found.overrideRedirect && !found.inputOnly,
          () => false,
        ),
      ),
    );
    return children.filter((_, index) => shown[index]);
  }

  /** The toplevel a key press would go to: the server's focus first, the window manager's word second. */
  async focused(): Promise<number | null> {
    const x = this.#x;
    const [focus, clients, [announced = 0]] = await Promise.all([
      x.inputFocus(),
      this.managed(),
      x.getNumbers(x.root, '_NET_ACTIVE_WINDOW'),
    ]);
    return this.ofFocus(focus, new Set(clients), announced);
  }

  /** The same for a focus that was asked for already. */
  async ofFocus(focus: number, managed: ReadonlySet<number>, announced: number): Promise<number | null> {
    const x = this.#x;
    if (focus === FOCUS_NONE) return null;
    const start = focus === FOCUS_POINTER_ROOT || focus === x.root ? (await x.pointer()).child : focus;
    const found = start === 0 ? null : await this.#toplevelOf(start, managed);
    if (found !== null) return found;
    return managed.has(announced) ? announced : null;
  }

  /** The toplevel a click there would reach; a popup without a manager is its own. Null over the bare desktop. */
  async at(point: Readonly<{ x: number; y: number }>): Promise<number | null> {
    const x = this.#x;
    // The server's own answer, which also knows of shaped and click-through windows.
    const [{ child }, managed] = await Promise.all([
      x.translate(x.root, x.root, Math.floor(point.x), Math.floor(point.y)),
      this.managed(),
    ]);
    if (child === 0) return null;
    return (await this.clientInside(child, new Set(managed))) ?? child;
  }

  /** The client a frame decorates (or the window itself, when it is one). */
  async clientInside(frame: number, managed: ReadonlySet<number>): Promise<number | null> {
    let level = [frame];
    for (let depth = 0; depth <= FRAME_DEPTH && level.length > 0; depth += 1) {
      const client = level.find((id) => managed.has(id));
      if (client !== undefined) return client;
      const trees = await Promise.all(
        level.map((id) => this.#x.queryTree(id).catch(() => ({ children: [] as number[] }))),
      );
      level = trees.flatMap((tree) => tree.children);
    }
    return null;
  }

  /** The managed window `window` lies in, or the popup it is; null for a window manager's own helpers. */
  async #toplevelOf(window: number, managed: ReadonlySet<number>): Promise<number | null> {
    const x = this.#x;
    let current = window;
    try {
      for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
        if (managed.has(current)) return current;
        const { parent } = await x.queryTree(current);
        if (parent === x.root || parent === 0) break;
        current = parent;
      }
      const inside = await this.clientInside(current, managed);
      if (inside !== null) return inside;
      const [attributes, bounds] = await Promise.all([x.windowAttributes(current), x.geometry(current)]);
      const visible =
        attributes.viewable &&
        !attributes.inputOnly &&
        bounds.x + bounds.width > 0 &&
        bounds.y + bounds.height > 0;
      return visible && bounds.width > 1 && bounds.height > 1 ? current : null;
    } catch (error) {
      if (error instanceof X11Error) return null;
      throw error;
    }
  }
}
