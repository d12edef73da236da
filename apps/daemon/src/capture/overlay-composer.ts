import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import { intersection, type Rect, type Size } from '@deskhand/protocol';
import {
  type Composite,
  RENDER_OP,
  type Render,
  type RenderOp,
  type Shape,
  type X11Connection,
} from '../x11/index.ts';
import type { OwnWindows } from './own-windows.ts';
import { areaOf, boundsOf, shared, withoutAll } from './rectangles.ts';
import { RootBackground } from './root-background.ts';
import { type StackedWindow, X11WindowStack } from './x11-window-stack.ts';

/** Time for applications to paint what nobody could see before: they are asked to when redirection begins. */
const REPAINT_MS = 120;
const ARGB_DEPTH = 32;
/** A compositor may draw a shadow of our windows this far around them. */
const SHADOW_PX = 48;
/** More pieces cost more to compute than to paint over. */
const MAX_PIECES = 256;

/** One picture of the screen without our windows. */
export type Composition = Readonly<{
  /** Where the ordinary picture is not to be used, desktop space. */
  holes: readonly Rect[];
  /** Our windows that were left out, desktop space. */
  left: readonly Rect[];
  /** Holds the holes' pixels at their own desktop coordinates once {@link OverlayComposer.paint} is done. */
  canvas: number;
  steps: readonly Step[];
}>;

type Step = Readonly<{ window: StackedWindow; operator: RenderOp; clip: readonly Rect[] }>;
type Named = { generation: number; pixmap: number; picture: number };

/**
 * Composes the screen from its windows' own pixels, without ours. The server does the work, and only for the places that
 * our windows cover; beside a compositor also for those around them.
 */
export class OverlayComposer implements AsyncDisposable {
  readonly #x: X11Connection;
  readonly #composite: Composite;
  readonly #render: Render;
  readonly #log: Logger;
  readonly #stack: X11WindowStack;
  readonly #background: RootBackground;
  readonly #named = new Map<number, Named>();
  #canvas: { pixmap: number; picture: number; width: number; height: number } | null = null;
  #redirecting: Promise<void> | null = null;
  /** Who composites the screen, 0 for nobody: asked with each picture, so that a plan costs no round trip for it. */
  #compositorOwner: number | null = null;
  #compositorWindow: number | null = null;

  private constructor(
    x: X11Connection,
    parts: { composite: Composite; render: Render; shape: Shape; own: () => OwnWindows; log: Logger },
  ) {
    this.#x = x;
    this.#composite = parts.composite;
    this.#render = parts.render;
    this.#log = parts.log;
    this.#stack = new X11WindowStack(x, parts.shape, parts.own);
    this.#background = new RootBackground(x, parts, this.#stack);
  }

  /**
   * @param options.own what is ours now; asked before each picture.
   * @throws Error naming the extension that the server lacks.
   */
  static async open(options: {
    connection: X11Connection;
    own: () => OwnWindows;
    log: Logger;
  }): Promise<OverlayComposer> {
    const { connection: x, own, log } = options;
    const demand = async <T>(name: string, extension: Promise<T>): Promise<T> => {
      try {
        return await extension;
      } catch (cause) {
        if (x.isClosed) throw cause;
        throw new Error(`the X server has no ${name} extension`, { cause });
      }
    };
    const composite = await demand('Composite', x.require('composite'));
    const render = await demand('RENDER', x.require('render'));
    const shape = await demand('SHAPE', x.require('shape'));
    if (composite.version.major === 0 && composite.version.minor < 2)
      throw new Error('the X server’s Composite extension is older than 0.2');
    const composer = new OverlayComposer(x, { composite, render, shape, own, log });
    await composer.#stack.start();
    return composer;
  }

  get revision(): number {
    return this.#stack.revision;
  }

  /** Makes windows keep their pixels from now on, also where others cover them. Idempotent. */
  begin(): Promise<void> {
    this.#redirecting ??= (async () => {
      await this.#composite.redirectSubwindows(this.#x.root, 'automatic');
      await sleep(REPAINT_MS);
    })().catch((error) => {
      this.#redirecting = null;
      throw error;
    });
    return this.#redirecting;
  }

  /**
   * @returns the composition, null when none of our windows lies in `region` and the ordinary picture is right; and the
   *   revision it was made for: when {@link revision} is another after the picture was taken, it may show anything.
   */
  async plan(
    region: Rect,
    desktop: Size,
  ): Promise<Readonly<{ composition: Composition | null; revision: number }>> {
    let { windows, revision } = await this.#stack.windows();
    if (!windows.some((window) => window.own && intersection(window.outer, region) !== null))
      return { composition: null, revision };
    if (this.#redirecting === null) {
      await this.begin();
      ({ windows, revision } = await this.#stack.windows());
    } else await this.#redirecting;
    if (this.#compositorOwner === null) await this.#learnCompositor(await this.#askCompositorOwner());
    const compositor = this.#compositorWindow;
    const visible = windows.filter(({ id }) => id !== compositor);
    const left = visible
      .filter(({ own }) => own)
      .map(({ outer }) => intersection(outer, region))
      .filter((rect) => rect !== null);
    const holes = areaOf(compositor === null ? left : left.map((place) => around(place, region)));

    let remaining: readonly Rect[] = holes;
    const steps: Step[] = [];
    for (const window of visible.toReversed()) {
      if (remaining.length === 0) break;
      if (window.own) continue;
      const body = window.shape ?? [window.outer];
      const clip = shared(remaining, body);
      if (clip.length === 0) continue;
      // Only a compositor looks at alpha; without one the server shows the colours as they are.
      const blends = compositor !== null && window.depth === ARGB_DEPTH;
      steps.unshift({ window, operator: blends ? RENDER_OP.over : RENDER_OP.source, clip });
      if (blends) continue;
      const next = withoutAll(remaining, body);
      if (next.length <= MAX_PIECES) remaining = next;
    }
    await this.#prepare(steps, remaining, { compositor, left, desktop });
    return { composition: { holes, left, canvas: this.#canvasOf().pixmap, steps }, revision };
  }

  /**
   * Sends the drawing without waiting for it: whatever is asked of `canvas` next comes after it.
   * @returns settles when the server has done it: whether the plan still held. @throws X11Error when a window was gone.
   */
  async paint(composition: Composition): Promise<boolean> {
    const { picture: canvas } = this.#canvasOf();
    const painted = this.#x.checked('compose the screen', () => {
      this.#background.paint(canvas);
      for (const { window, operator, clip } of composition.steps) {
        const named = this.#named.get(window.id);
        const bounds = boundsOf(clip);
        if (named === undefined || bounds === null) continue;
        this.#render.clip(canvas, clip);
        const from = { ...bounds, x: bounds.x - window.outer.x, y: bounds.y - window.outer.y };
        this.#render.composite(operator, named.picture, canvas, from, bounds);
      }
    });
    const [owner] = await Promise.all([this.#askCompositorOwner(), painted]);
    if (owner === this.#compositorOwner) return true;
    // A compositor came or went: what the plan knew of the screen is no longer so.
    await this.#learnCompositor(owner);
    return false;
  }

  /** Something in a composition was gone: everything is asked anew. */
  forget(): void {
    for (const id of [...this.#named.keys()]) this.#drop(id);
    this.#background.forget();
  }

  /** Pictures of the windows of a plan, the background behind them, and the canvas to paint on. */
  async #prepare(
    steps: readonly Step[],
    bare: readonly Rect[],
    scene: { compositor: number | null; left: readonly Rect[]; desktop: Size },
  ): Promise<void> {
    const { width, height } = scene.desktop;
    const current = new Map(steps.map(({ window }) => [window.id, window.generation]));
    const unusable = [...this.#named].filter(([id, { generation }]) => current.get(id) !== generation);
    const canvas = this.#canvas;
    const fits = canvas !== null && canvas.width === width && canvas.height === height;
    const complete = unusable.length === 0 && this.#named.size === steps.length;
    if (!fits || !complete) {
      await this.#x.checked('name window pixmaps', () => {
        if (!fits) {
          if (canvas !== null) {
            this.#render.freePicture(canvas.picture);
            this.#x.sendFreePixmap(canvas.pixmap);
          }
          const pixmap = this.#x.sendCreatePixmap(width, height);
          const format = this.#render.formatOf(this.#x.screen.visual) ?? 0;
          this.#canvas = { pixmap, picture: this.#render.createPicture(pixmap, format), width, height };
        }
        for (const [id] of unusable) this.#drop(id);
        for (const { window } of steps) {
          if (this.#named.has(window.id)) continue;
          const format = this.#render.formatOf(window.visual);
          if (format === null) throw new Error(`a window of depth ${window.depth} cannot be composed`);
          const pixmap = this.#composite.sendNameWindowPixmap(window.id);
          const picture = this.#render.createPicture(pixmap, format);
          this.#named.set(window.id, { generation: window.generation, pixmap, picture });
        }
      });
    }
    await this.#background.prepare(bare, scene);
  }

  #canvasOf(): { pixmap: number; picture: number } {
    if (this.#canvas === null) throw new Error('nothing was planned');
    return this.#canvas;
  }

  #drop(id: number): void {
    const named = this.#named.get(id);
    if (named === undefined) return;
    this.#named.delete(id);
    this.#x.unchecked(() => {
      this.#render.freePicture(named.picture);
      this.#x.sendFreePixmap(named.pixmap);
    });
  }

  async #askCompositorOwner(): Promise<number> {
    return this.#x.selectionOwner(await this.#x.atom('_NET_WM_CM_S0'));
  }

  async #learnCompositor(owner: number): Promise<void> {
    this.#compositorOwner = owner;
    this.#compositorWindow = owner === 0 ? null : await this.#composite.overlayWindow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stack[Symbol.dispose]();
    if (this.#x.isClosed) return;
    try {
      this.forget();
      if (this.#redirecting !== null) await this.#composite.unredirectSubwindows(this.#x.root);
      const canvas = this.#canvas;
      if (canvas !== null) {
        this.#canvas = null;
        this.#render.freePicture(canvas.picture);
        this.#x.sendFreePixmap(canvas.pixmap);
      }
      await this.#x.sync();
    } catch (error) {
      if (!this.#x.isClosed) this.#log.warn('composition could not be ended', errorAttributes(error));
    }
  }
}

function around(place: Rect, region: Rect): Rect {
  const { x, y, width, height } = place;
  const grown = {
    x: x - SHADOW_PX,
    y: y - SHADOW_PX,
    width: width + 2 * SHADOW_PX,
    height: height + 2 * SHADOW_PX,
  };
  return intersection(grown, region) ?? place;
}
