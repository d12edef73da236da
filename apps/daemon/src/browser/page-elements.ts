import { readFileSync } from 'node:fs';
import { intersection, MAX_ELEMENTS, type Rect, type WindowInfo } from '@deskhand/protocol';
import { z } from 'zod';
import type { PageRead } from '../ports.ts';
import type { CdpPipe } from './cdp-pipe.ts';
import type { PageTab } from './page-tab.ts';

const WORLD = 'deskhand';
const MAX_FRAMES = 24;
const LIMITS = {
  maxElements: MAX_ELEMENTS,
  maxNodes: 40_000,
  maxText: 2000,
  maxValue: 10_000,
  maxOptions: 100,
};

/** What the script in the page answers; checked, because a page's process is not ours to trust. */
const Collected = z.object({
  items: z
    .array(
      z.object({
        role: z.string().max(64),
        name: z.string().max(2000),
        states: z.array(z.string().max(32)).max(32),
        x: z.number().finite(),
        y: z.number().finite(),
        width: z.number().finite().min(0),
        height: z.number().finite().min(0),
        value: z.string().max(10_000).optional(),
        options: z.array(z.string()).max(100).optional(),
        description: z.string().max(2000).optional(),
      }),
    )
    .max(MAX_ELEMENTS),
  truncated: z.boolean(),
  opaque: z.boolean(),
  scrolls: z.boolean(),
  visited: z.number(),
  view: z.object({
    width: z.number().positive(),
    height: z.number().positive(),
    pixelRatio: z.number().positive().max(32),
    scale: z.number().positive().max(32),
    offsetX: z.number().finite(),
    offsetY: z.number().finite(),
  }),
});
type Collected = z.infer<typeof Collected>;
type Item = Collected['items'][number];

/** In our own world a page can't forge what these ask. A frame that only holds the focused frame says nothing. */
const FOCUS = `(() => {
  if (!document.hasFocus()) return null;
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  if (element === null || /^(?:IFRAME|FRAME|OBJECT|EMBED|BODY|HTML)$/.test(element.tagName)) return null;
  const input = element.tagName === 'INPUT';
  const texts = !input || /^(?:text|password|email|tel|url|search|number)$/.test(element.type);
  const edits = (input && texts) || element.tagName === 'TEXTAREA' || element.isContentEditable;
  return {
    origin: self.origin,
    editable: edits && element.readOnly !== true && element.disabled !== true,
    protected: input && (element.type === 'password' || getComputedStyle(element).webkitTextSecurity !== 'none'),
  };
})()`;

const PageFocus = z.object({
  origin: z.string().max(2000),
  editable: z.boolean(),
  protected: z.boolean(),
});
export type PageFocus = z.infer<typeof PageFocus>;

/** What one look at a page has left, and whether it has told everything so far. */
type FrameBudget = { left: number; nodes: number; whole: boolean; scrolls: boolean };

type Stop = Readonly<{ signal: AbortSignal }>;
type FrameTree = { frame: { id: string }; childFrames?: FrameTree[] };

/** What one look at a page cost. */
export type PageReport = Readonly<{ durationMs: number; nodes: number; frames: number; elements: number }>;

/** Reads pages through the script of `collect-elements.js`, all frames of a tab, in desktop pixels. */
export class PageElements {
  readonly #cdp: CdpPipe;
  readonly #script: string;
  lastReport: PageReport | null = null;

  constructor(cdp: CdpPipe) {
    this.#cdp = cdp;
    this.#script = readFileSync(new URL('./collect-elements.js', import.meta.url), 'utf8')
      .trim()
      .replace(/;$/, '');
  }

  /**
   * @param client where the window's own area lies in desktop space, without its frame. The page fills it
   *               from the bottom left, whatever bars the browser shows above.
   */
  async read(tab: PageTab, window: WindowInfo, client: Rect, stop: Stop): Promise<PageRead> {
    const startedAt = performance.now();
    const main = await this.#collect(tab.sessionId, tab.mainFrameId, stop);
    if (main === null) return { elements: [], whole: false };
    const { view } = main;
    const viewport = { x: 0, y: 0, width: view.width, height: view.height };
    const found: Array<{ item: Item; bounds: Rect }> = main.items.map((item) => ({
      item,
      bounds: boundsOf(item),
    }));
    const { visited: nodes, scrolls } = main;
    const frames = { left: MAX_FRAMES, nodes, whole: isWhole(main), scrolls };
    await this.#readFrames(tab, tab.sessionId, null, { x: 0, y: 0 }, viewport, found, frames, stop);

    const factor = view.pixelRatio * view.scale;
    const origin = {
      x: client.x,
      y: client.y + client.height - Math.round(view.height * view.pixelRatio),
    };
    const elements = found.slice(0, MAX_ELEMENTS).map(({ item, bounds }, index) => ({
      id: `dom${index}`,
      source: 'dom' as const,
      role: item.role,
      name: item.name,
      ...(item.value === undefined ? {} : { value: item.value }),
      ...(item.description === undefined ? {} : { description: item.description }),
      ...(item.options === undefined ? {} : { options: item.options }),
      states: item.states,
      bounds: {
        x: origin.x + (bounds.x - view.offsetX) * factor,
        y: origin.y + (bounds.y - view.offsetY) * factor,
        width: bounds.width * factor,
        height: bounds.height * factor,
      },
      windowId: window.id,
    }));
    this.lastReport = {
      durationMs: performance.now() - startedAt,
      nodes: frames.nodes,
      frames: MAX_FRAMES - frames.left + 1,
      elements: elements.length,
    };
    const whole = frames.whole && elements.length > 0 && found.length <= MAX_ELEMENTS;
    return { elements, whole, allShown: whole && !frames.scrolls };
  }

  /** What has the focus within a page, in whichever of its frames; null when the page as a whole has none. */
  async focus(tab: PageTab, stop: Stop): Promise<PageFocus | null> {
    const sessions = [tab.sessionId, ...[...tab.frames.values()].map(({ sessionId }) => sessionId)];
    const places = await Promise.all(
      sessions.map(async (sessionId) => {
        const tree = await this.#cdp
          .send<{ frameTree: FrameTree }>('Page.getFrameTree', {}, { ...stop, sessionId })
          .then((answer) => answer.frameTree)
          .catch(() => null);
        return framesOf(tree).map((frameId) => ({ sessionId, frameId }));
      }),
    );
    const answers = await Promise.all(
      places
        .flat()
        .slice(0, MAX_FRAMES)
        .map(({ sessionId, frameId }) => this.evaluate(sessionId, frameId, FOCUS, stop)),
    );
    for (const answer of answers) {
      const parsed = PageFocus.safeParse(answer);
      if (parsed.success) return parsed.data;
    }
    return null;
  }

  /** Runs an expression in our own world of a frame. @returns undefined when the frame is gone or busy. */
  async evaluate(sessionId: string, frameId: string, expression: string, stop: Stop): Promise<unknown> {
    try {
      const options = { ...stop, sessionId };
      const { executionContextId } = await this.#cdp.send<{ executionContextId: number }>(
        'Page.createIsolatedWorld',
        { frameId, worldName: WORLD },
        options,
      );
      const answer = await this.#cdp.send<{ result?: { value?: unknown }; exceptionDetails?: unknown }>(
        'Runtime.evaluate',
        { expression, contextId: executionContextId, returnByValue: true, silent: true },
        options,
      );
      return answer.exceptionDetails === undefined ? answer.result?.value : undefined;
    } catch {
      return undefined;
    }
  }

  /** Elements of the frames below one session, each moved to where its frame lies. */
  async #readFrames(
    tab: PageTab,
    sessionId: string,
    parent: FrameTree | null,
    offset: Readonly<{ x: number; y: number }>,
    clip: Rect,
    found: Array<{ item: Item; bounds: Rect }>,
    budget: FrameBudget,
    stop: Stop,
  ): Promise<void> {
    const options = { ...stop, sessionId };
    const foreign =
      parent === null ? [...tab.frames.values()].filter((frame) => frame.parentSessionId === sessionId) : [];
    const tree =
      parent ??
      (await this.#cdp
        .send<{ frameTree: FrameTree }>('Page.getFrameTree', {}, options)
        .then((answer) => answer.frameTree)
        .catch(() => null));
    const local = tree?.childFrames ?? [];
    if (local.length === 0 && foreign.length === 0) return;
    // Frame owners can be asked for only while this is on.
    await this.#cdp.send('DOM.enable', {}, options).catch(() => {});
    for (const child of local) {
      const place = await this.#placeOf(sessionId, child.frame.id, stop);
      // Places come in the space of the session's own root, so nested local frames need no sum.
      await this.#readFrame(tab, sessionId, child.frame.id, place, offset, clip, found, budget, stop, child);
    }
    for (const frame of foreign) {
      const place = await this.#placeOf(sessionId, frame.frameId, stop);
      await this.#readFrame(
        tab,
        frame.sessionId,
        frame.frameId,
        place,
        offset,
        clip,
        found,
        budget,
        stop,
        null,
      );
    }
  }

  async #readFrame(
    tab: PageTab,
    sessionId: string,
    frameId: string,
    place: Rect | null,
    offset: Readonly<{ x: number; y: number }>,
    clip: Rect,
    found: Array<{ item: Item; bounds: Rect }>,
    budget: FrameBudget,
    stop: Stop,
    tree: FrameTree | null,
  ): Promise<void> {
    // A frame without a box is hidden: there is nothing of it to tell.
    if (place === null) return;
    if (budget.left <= 0) {
      budget.whole = false;
      return;
    }
    budget.left -= 1;
    const moved = { ...place, x: place.x + offset.x, y: place.y + offset.y };
    const inside = intersection(moved, clip);
    if (inside === null) return;
    const collected = await this.#collect(sessionId, frameId, stop);
    if (collected === null) {
      budget.whole = false;
      return;
    }
    budget.nodes += collected.visited;
    budget.whole &&= isWhole(collected);
    budget.scrolls ||= collected.scrolls;
    for (const item of collected.items) {
      const bounds = boundsOf(item);
      const visible = intersection({ ...bounds, x: bounds.x + moved.x, y: bounds.y + moved.y }, inside);
      if (visible !== null) found.push({ item, bounds: visible });
    }
    const isForeign = tree === null;
    await this.#readFrames(tab, sessionId, tree, isForeign ? moved : offset, inside, found, budget, stop);
  }

  /** Content box of a frame's element, in CSS pixels of the session's root viewport. */
  async #placeOf(sessionId: string, frameId: string, stop: Stop): Promise<Rect | null> {
    const options = { ...stop, sessionId };
    try {
      const { backendNodeId } = await this.#cdp.send<{ backendNodeId: number }>(
        'DOM.getFrameOwner',
        { frameId },
        options,
      );
      const { model } = await this.#cdp.send<{ model: { content: number[] } }>(
        'DOM.getBoxModel',
        { backendNodeId },
        options,
      );
      const [left = 0, top = 0, right = 0, , , bottom = 0] = model.content;
      return { x: left, y: top, width: right - left, height: bottom - top };
    } catch {
      return null;
    }
  }

  async #collect(sessionId: string, frameId: string, stop: Stop): Promise<Collected | null> {
    const value = await this.evaluate(
      sessionId,
      frameId,
      `(${this.#script})(${JSON.stringify(LIMITS)})`,
      stop,
    );
    const parsed = Collected.safeParse(value);
    return parsed.success ? parsed.data : null;
  }
}

function framesOf(tree: FrameTree | null): string[] {
  return tree === null ? [] : [tree.frame.id, ...(tree.childFrames ?? []).flatMap(framesOf)];
}

function isWhole({ truncated, opaque }: Collected): boolean {
  return !truncated && !opaque;
}

function boundsOf({ x, y, width, height }: Item): Rect {
  return { x, y, width, height };
}
