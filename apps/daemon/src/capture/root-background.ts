import type { Rect } from '@deskhand/protocol';
import {
  type Composite,
  RENDER_OP,
  type Render,
  type Shape,
  type X11Connection,
  X11Error,
} from '../x11/index.ts';
import { boundsOf, shared, withoutAll } from './rectangles.ts';
import type { X11WindowStack } from './x11-window-stack.ts';

const PARENT_RELATIVE = 1;
const BELOW = 1;
const BOUNDING = 0;
/** What `xsetroot` paints changes without a word; a copy older than this is made again. */
const KEPT_MS = 2000;

type Layer =
  | Readonly<{ kind: 'pixmap'; picture: number; area: readonly Rect[] }>
  | Readonly<{ kind: 'copy'; picture: number; origin: Rect; area: readonly Rect[] }>
  | Readonly<{ kind: 'color'; color: number; area: readonly Rect[] }>
  | Readonly<{ kind: 'screen'; picture: number; area: readonly Rect[] }>;

type Copy = Readonly<{
  pixmap: number;
  picture: number;
  origin: Rect;
  area: readonly Rect[];
  atMs: number;
}>;

/**
 * What lies behind all windows. X11 tells nobody, so it is found out:
 * without a compositor by a window of ours at the very bottom, beneath our own overlay where nobody can see it, which
 * the server paints with the root's background; with one from the wallpaper's pixmap, as the compositor itself does.
 */
export class RootBackground {
  readonly #x: X11Connection;
  readonly #composite: Composite;
  readonly #render: Render;
  readonly #shape: Shape;
  readonly #stack: X11WindowStack;
  #layers: readonly Layer[] = [];
  #copy: Copy | null = null;
  #wallpaper: { pixmap: number; picture: number } | null = null;
  #screen: number | null = null;

  constructor(
    x: X11Connection,
    extensions: { composite: Composite; render: Render; shape: Shape },
    stack: X11WindowStack,
  ) {
    this.#x = x;
    this.#composite = extensions.composite;
    this.#render = extensions.render;
    this.#shape = extensions.shape;
    this.#stack = stack;
  }

  /** @param bare where no window is, desktop space. */
  async prepare(
    bare: readonly Rect[],
    scene: { compositor: number | null; left: readonly Rect[] },
  ): Promise<void> {
    this.#layers = [];
    if (bare.length === 0) return;
    this.#layers =
      scene.compositor === null
        ? [await this.#fromTheServer(bare)]
        : await this.#asComposited(bare, scene.left);
  }

  /** Inside `checked`. */
  paint(canvas: number): void {
    for (const layer of this.#layers) {
      const bounds = boundsOf(layer.area);
      if (bounds === null) continue;
      this.#render.clip(canvas, layer.area);
      if (layer.kind === 'color') {
        this.#render.fill(canvas, layer.color, layer.area);
        continue;
      }
      const from =
        layer.kind === 'copy'
          ? { ...bounds, x: bounds.x - layer.origin.x, y: bounds.y - layer.origin.y }
          : bounds;
      this.#render.composite(RENDER_OP.source, layer.picture, canvas, from, bounds);
    }
  }

  forget(): void {
    const copy = this.#copy;
    const wallpaper = this.#wallpaper;
    const screen = this.#screen;
    this.#copy = null;
    this.#wallpaper = null;
    this.#screen = null;
    this.#layers = [];
    this.#x.unchecked(() => {
      if (copy !== null) {
        this.#render.freePicture(copy.picture);
        this.#x.sendFreePixmap(copy.pixmap);
      }
      if (wallpaper !== null) this.#render.freePicture(wallpaper.picture);
      if (screen !== null) this.#render.freePicture(screen);
    });
  }

  async #fromTheServer(bare: readonly Rect[]): Promise<Layer> {
    const needed = boundsOf(bare) as Rect;
    const kept = this.#copy;
    const fresh =
      kept !== null && performance.now() - kept.atMs < KEPT_MS && withoutAll(bare, kept.area).length === 0;
    const copy = fresh ? kept : await this.#copyFromBelow(needed, bare);
    return { kind: 'copy', picture: copy.picture, origin: copy.origin, area: bare };
  }

  async #copyFromBelow(place: Rect, bare: readonly Rect[]): Promise<Copy> {
    const x = this.#x;
    const format = this.#render.formatOf(x.screen.visual) ?? 0;
    const id = x.allocateId();
    this.#stack.ignore(id);
    const values = { overrideRedirect: 1, backgroundPixmap: PARENT_RELATIVE };
    const window = await x.createWindow(place, values, { id });
    // Only where it is needed: elsewhere it would wipe away what programs draw on the root itself.
    const outline = bare.map((rect) => ({ ...rect, x: rect.x - place.x, y: rect.y - place.y }));
    await this.#shape.setRectangles(window, BOUNDING, outline);
    const old = this.#copy;
    this.#copy = null;
    let pixmap = 0;
    let picture = 0;
    await x.checked('copy the background', (client) => {
      client.ConfigureWindow(window, { stackMode: BELOW });
      client.MapWindow(window);
      // The named pixmap outlives its window.
      pixmap = this.#composite.sendNameWindowPixmap(window);
      picture = this.#render.createPicture(pixmap, format);
      client.DestroyWindow(window);
      if (old !== null) {
        this.#render.freePicture(old.picture);
        x.sendFreePixmap(old.pixmap);
      }
    });
    this.#copy = { pixmap, picture, origin: place, area: bare, atMs: performance.now() };
    return this.#copy;
  }

  /**
   * Outside our windows the composited screen shows the background itself. Beneath them it is the wallpaper's pixmap;
   * where there is none, compositors paint one colour, which a bare place tells.
   */
  async #asComposited(bare: readonly Rect[], left: readonly Rect[]): Promise<Layer[]> {
    const layers: Layer[] = [];
    const open = withoutAll(bare, left);
    const beneath = shared(bare, left);
    if (open.length > 0) layers.push({ kind: 'screen', picture: await this.#screenPicture(), area: open });
    if (beneath.length === 0) return layers;
    const wallpaper = await this.#wallpaperPicture();
    if (wallpaper !== null) layers.push({ kind: 'pixmap', picture: wallpaper, area: beneath });
    else layers.push({ kind: 'color', color: await this.#bareColor(open), area: beneath });
    return layers;
  }

  async #screenPicture(): Promise<number> {
    if (this.#screen === null) {
      const format = this.#render.formatOf(this.#x.screen.visual) ?? 0;
      await this.#x.checked('picture of the screen', () => {
        this.#screen = this.#render.createPicture(this.#x.root, format, { subwindowMode: 1 });
      });
    }
    return this.#screen as unknown as number;
  }

  async #wallpaperPicture(): Promise<number | null> {
    const [pixmap = 0] = await this.#x.getNumbers(this.#x.root, '_XROOTPMAP_ID');
    if (this.#wallpaper?.pixmap === pixmap) return this.#wallpaper.picture;
    const old = this.#wallpaper;
    this.#wallpaper = null;
    if (old !== null) this.#x.unchecked(() => this.#render.freePicture(old.picture));
    if (pixmap === 0) return null;
    const format = this.#render.formatOf(this.#x.screen.visual) ?? 0;
    let picture = 0;
    try {
      await this.#x.checked('picture of the wallpaper', () => {
        picture = this.#render.createPicture(pixmap, format, { repeat: 1 });
      });
    } catch (error) {
      // The program that set it is gone and took it along.
      if (error instanceof X11Error) return null;
      throw error;
    }
    this.#wallpaper = { pixmap, picture };
    return picture;
  }

  async #bareColor(open: readonly Rect[]): Promise<number> {
    const [place] = open;
    if (place === undefined) return 0;
    const spot = { x: place.x + (place.width >> 1), y: place.y + (place.height >> 1), width: 1, height: 1 };
    return (await this.#x.getImage(this.#x.root, spot)).readUInt32LE(0) & 0xff_ff_ff;
  }
}
