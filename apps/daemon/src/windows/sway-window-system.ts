import { contains, type Point, ProtocolError, type Rect, type WindowInfo } from '@deskhand/protocol';
import { z } from 'zod';
import type { WindowIdentity } from '../ports.ts';
import { identityOf } from './process-identity.ts';
import { askSway, SWAY_MESSAGE } from './sway-ipc.ts';
import { untilFocused } from './until-focused.ts';
import type { WindowControl } from './window-control.ts';

const POLL_MS = 10;

const Box = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });
const Node = z.object({
  id: z.int(),
  type: z.string(),
  name: z.string().nullish(),
  pid: z.int().nullish(),
  app_id: z.string().nullish(),
  window_properties: z.object({ class: z.string().nullish() }).nullish(),
  focused: z.boolean(),
  visible: z.boolean().nullish(),
  fullscreen_mode: z.number().nullish(),
  rect: Box,
  window_rect: Box,
  deco_rect: Box,
  get nodes() {
    return z.array(Node);
  },
  get floating_nodes() {
    return z.array(Node);
  },
});
type Node = z.infer<typeof Node>;

/** A window with what decides about it; `layer` grows towards the person. */
type Found = Readonly<{ node: Node; info: WindowInfo; layer: number; visible: boolean }>;

/** Where sway keeps what was put away. */
const SCRATCHPAD = '__i3_scratch';

/**
 * Windows of a sway desktop, by its own tree. An id is sway's container number. Bars, launchers and notifications
 * (layer surfaces) and menus that reach beyond their window are not in that tree.
 */
export class SwayWindowSystem implements WindowControl {
  readonly #socket: string;
  readonly #toDesktop: (logical: Rect) => Rect;
  readonly #toLogical: (bounds: Rect) => Rect;

  /** @param parts.socket path in SWAYSOCK. */
  constructor(parts: {
    socket: string;
    toDesktop: (logical: Rect) => Rect;
    toLogical: (bounds: Rect) => Rect;
  }) {
    this.#socket = parts.socket;
    this.#toDesktop = parts.toDesktop;
    this.#toLogical = parts.toLogical;
  }

  async windows(): Promise<readonly WindowInfo[]> {
    return (await this.#found()).map(({ info }) => info);
  }

  async activeWindow(): Promise<WindowInfo | null> {
    return (await this.#found()).find(({ info }) => info.active)?.info ?? null;
  }

  async windowAt(point: Point): Promise<WindowInfo | null> {
    const found = await this.#found();
    return found.find(({ info, visible }) => visible && contains(info.bounds, point))?.info ?? null;
  }

  async clientArea(windowId: string): Promise<Rect | null> {
    const found = (await this.#found()).find(({ info }) => info.id === windowId);
    if (found === undefined) return null;
    const { rect, window_rect: inner } = found.node;
    return this.#toDesktop({ ...inner, x: rect.x + inner.x, y: rect.y + inner.y });
  }

  /** The process is the compositor's word (of its socket), the application id the window's. */
  async identity(windowId: string): Promise<WindowIdentity> {
    const found = (await this.#found()).find(({ info }) => info.id === windowId);
    if (found === undefined) return { names: [], pid: null, program: null };
    return identityOf(found.node.pid ?? null, [found.info.application]);
  }

  async focus(windowId: string): Promise<void> {
    await this.#command(windowId, 'focus');
    await untilFocused(windowId, async () => (await this.activeWindow())?.id === windowId, POLL_MS);
  }

  async close(windowId: string): Promise<void> {
    await this.#command(windowId, 'kill');
  }

  /** Takes the window out of the tiling, where places are not its own to choose. */
  async move(windowId: string, bounds: Rect): Promise<void> {
    const { x, y, width, height } = this.#toLogical(bounds);
    const place = [x, y, width, height].map(Math.round);
    await this.#command(
      windowId,
      `floating enable, resize set width ${place[2]} px height ${place[3]} px, move absolute position ${place[0]} ${place[1]}`,
    );
  }

  /** The scratchpad is what sway has instead. */
  async minimize(windowId: string): Promise<void> {
    await this.#command(windowId, 'move scratchpad');
  }

  async maximize(windowId: string, maximized = true): Promise<void> {
    await this.#command(windowId, `fullscreen ${maximized ? 'enable' : 'disable'}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Topmost first. */
  async #found(): Promise<Found[]> {
    const tree = Node.parse(await askSway(this.#socket, SWAY_MESSAGE.tree));
    const found: Found[] = [];
    const visit = (node: Node, layer: number, away: boolean) => {
      const inside = layer + (node.fullscreen_mode ? 2 : 0);
      const isWindow = node.pid != null && node.nodes.length === 0 && node.type.endsWith('con');
      if (isWindow) found.push(this.#describe(node, inside, away));
      const hidden = away || node.name === SCRATCHPAD;
      for (const child of node.nodes) visit(child, inside, hidden);
      for (const child of node.floating_nodes) visit(child, inside + 1, hidden);
    };
    visit(tree, 0, false);
    // What comes later in a layer lies above.
    return found.reverse().sort((one, other) => other.layer - one.layer);
  }

  #describe(node: Node, layer: number, minimized: boolean): Found {
    const { rect, deco_rect: title } = node;
    // The title bar is above the rectangle, and only where one is drawn.
    const outer = { ...rect, y: rect.y - title.height, height: rect.height + title.height };
    const application = node.app_id || node.window_properties?.class || 'unknown';
    return {
      node,
      layer,
      visible: node.visible === true && !minimized,
      info: {
        id: String(node.id),
        title: (node.name ?? '').slice(0, 2000),
        application: application.slice(0, 200),
        ...(node.pid == null ? {} : { pid: node.pid }),
        bounds: this.#toDesktop(outer),
        active: node.focused,
        minimized,
      },
    };
  }

  /** @throws ProtocolError WINDOW_NOT_FOUND, INVALID_STATE */
  async #command(windowId: string, command: string): Promise<void> {
    const id = /^\d{1,18}$/.test(windowId) ? windowId : '0';
    if (!(await this.#found()).some(({ info }) => info.id === id))
      throw new ProtocolError(
        'WINDOW_NOT_FOUND',
        `There is no window ${windowId}; look again, it may have closed.`,
      );
    const answers = await askSway(this.#socket, SWAY_MESSAGE.command, `[con_id=${id}] ${command}`);
    const done = z.array(z.object({ success: z.boolean() })).safeParse(answers);
    if (!done.success || !done.data.every(({ success }) => success))
      throw new ProtocolError('INVALID_STATE', `Window ${windowId} did not change as asked.`);
  }
}
