import { centerOf, contains, intersection, type Point, type Rect, type WindowInfo } from '@deskhand/protocol';
import type { Accessible, AccessibleCalls, KnownFacts } from './atspi-connection.ts';
import { hasState, isInteractive, roleName, stateNames } from './atspi-vocabulary.ts';

const MAX_NODES = 6000;
const MAX_DEPTH = 40;
const MAX_VALUE_CHARACTERS = 10_000;
/** A container with more children than this is looked at where it is visible, not from its first row. */
const MANY_CHILDREN = 150;
const MAX_CHILDREN = 1500;
const LABELLED_BY = 2;
const MAX_CHOICES = 200;
const WINDOW_ROLES = new Set([23, 16, 19, 2]);
const POPUP_ROLES = new Set([69, 41, 33, 64, 31, 98]);
const MANY_CHILDREN_ROLES = new Set([55, 65, 66, 31, 98]);
const SAMPLE_STEP_PX = 8;

/** One accessible object as found, with what is showing below it. */
export type AtspiNode = {
  readonly accessible: Accessible;
  readonly role: string;
  readonly showing: boolean;
  readonly states: string[];
  readonly bounds: Rect;
  name: string;
  /** What the toolkit offers where there is no name: placeholder or tooltip. */
  hint: string;
  value: string | null;
  description: string;
  children: AtspiNode[];
};

/** Walks one application's showing objects in parallel. What was seen before an abort stays. */
export class AtspiWalk {
  readonly roots: AtspiNode[] = [];
  readonly #calls: AccessibleCalls;
  readonly #known: ReadonlyMap<string, KnownFacts>;
  readonly #seen = new Set<string>();
  readonly #labels = new Map<string, Promise<string>>();
  readonly #pages: boolean;
  /** True when a limit, not the end of the tree, ended the walk. */
  cut = false;
  /** Whether some of it is a web page. */
  sawPage = false;

  /**
   * @param options.known facts of this moment that need not be asked for, by path.
   * @param options.pages false: what lies inside web pages is left out.
   */
  constructor(
    calls: AccessibleCalls,
    { known = new Map(), pages = true }: { known?: ReadonlyMap<string, KnownFacts>; pages?: boolean } = {},
  ) {
    this.#calls = calls;
    this.#known = known;
    this.#pages = pages;
  }

  get visited(): number {
    return this.#seen.size;
  }

  /** The given window of an application, and the application's open menus and popups. */
  async window(application: Accessible, window: WindowInfo): Promise<void> {
    const toplevels = await this.#calls.children(application);
    const facts = await Promise.all(toplevels.map((toplevel) => this.#toplevelFacts(toplevel)));
    const main = bestMatch(facts, window);
    const popups = facts.filter((fact) => fact !== main && fact.showing && POPUP_ROLES.has(fact.role));
    const chosen = main === null ? popups : [main, ...popups];
    const shift = main === null ? { x: 0, y: 0 } : screenShift(main.bounds, window.bounds);
    await Promise.all(
      chosen.map(async (fact, index) => {
        await this.#visit(fact.accessible, null, shift, (node) => {
          this.roots[index] = node;
        });
      }),
    );
    // Places of toplevels that could not be read stay empty.
    this.roots.splice(0, this.roots.length, ...this.roots.filter((root) => root !== undefined));
  }

  /** The innermost object of the window, or of an open menu, at a desktop point; null where nobody answers. */
  async at(application: Accessible, window: WindowInfo, point: Point): Promise<Accessible | null> {
    const toplevels = await this.#calls.children(application);
    const facts = await Promise.all(toplevels.map((toplevel) => this.#toplevelFacts(toplevel)));
    const main = bestMatch(facts, window);
    if (main === null) return null;
    const shift = screenShift(main.bounds, window.bounds);
    let current = main.accessible;
    for (let depth = 0; depth < MAX_DEPTH && !this.#calls.aborted; depth += 1) {
      const inner = await this.#calls.atPoint(
        current,
        Math.round(point.x - shift.x),
        Math.round(point.y - shift.y),
      );
      if (inner === null || inner.path === current.path) break;
      current = inner;
    }
    return current.path === main.accessible.path ? null : current;
  }

  async #toplevelFacts(accessible: Accessible): Promise<ToplevelFacts> {
    const [role, states, name, bounds] = await Promise.all([
      this.#calls.role(accessible),
      this.#calls.states(accessible),
      this.#calls.name(accessible),
      this.#calls.extents(accessible),
    ]);
    return {
      accessible,
      role: role ?? 0,
      name,
      bounds,
      active: states !== null && hasState(states, 'active'),
      showing: states !== null && hasState(states, 'showing') && hasState(states, 'visible'),
    };
  }

  async #visit(
    accessible: Accessible,
    clip: Rect | null,
    shift: Readonly<{ x: number; y: number }>,
    found: (node: AtspiNode) => void,
  ): Promise<void> {
    const key = `${accessible.bus}${accessible.path}`;
    if (this.#calls.aborted || this.#seen.has(key)) return;
    if (this.#seen.size >= MAX_NODES) {
      this.cut = true;
      return;
    }
    this.#seen.add(key);
    const calls = this.#calls;
    const facts = this.#known.get(accessible.path);
    const [roleNumber, states] =
      facts === undefined
        ? await Promise.all([calls.role(accessible), calls.states(accessible)])
        : [facts.role, facts.states];
    if (states === null || roleNumber === null) return;
    // Most of a tree is folded menus and hidden pages: two questions are enough to leave them.
    if (!hasState(states, 'showing') || !hasState(states, 'visible')) return;
    const [name, extents] = await Promise.all([
      facts === undefined ? calls.name(accessible) : facts.name,
      calls.extents(accessible),
    ]);
    const own = extents === null ? null : { ...extents, x: extents.x + shift.x, y: extents.y + shift.y };
    const limit = OPENS_OUTSIDE.has(roleNumber) ? null : clip;
    const visible = own === null ? null : limit === null ? own : intersection(own, limit);
    const role = refinedRole(roleName(roleNumber), states);
    const node: AtspiNode = {
      accessible,
      role,
      // What is scrolled out of its container has no part that could be clicked.
      showing: visible !== null && visible.width > 0 && visible.height > 0,
      states: stateNames(states, role),
      bounds: visible ?? { x: own?.x ?? 0, y: own?.y ?? 0, width: 0, height: 0 },
      name,
      hint: '',
      value: null,
      description: '',
      children: [],
    };
    found(node);
    if (roleNumber === WEB_PAGE_ROLE) {
      this.sawPage = true;
      if (!this.#pages) return;
    }
    if (role === 'password_field') {
      await this.#nameOf(node);
      return;
    }
    // A menu hangs in the tree below its window, but on the screen it reaches beyond it.
    const inner = OPENS_OUTSIDE.has(roleNumber)
      ? null
      : clips(roleNumber) && own !== null && own.width > 0
        ? (visible ?? own)
        : clip;
    await Promise.all([
      this.#detail(node, roleNumber),
      this.#children(accessible, roleNumber, states, node, inner, shift),
    ]);
  }

  async #children(
    accessible: Accessible,
    role: number,
    states: readonly number[],
    node: AtspiNode,
    clip: Rect | null,
    shift: Readonly<{ x: number; y: number }>,
  ): Promise<void> {
    const mayBeMany = MANY_CHILDREN_ROLES.has(role) || hasState(states, 'managesDescendants');
    const count = mayBeMany ? await this.#calls.childCount(accessible) : 0;
    let children: readonly Accessible[];
    if (count > MANY_CHILDREN && node.showing) {
      children = await this.#childrenInSight(accessible, node.bounds, shift);
      this.cut = true;
    } else if (count > MAX_CHILDREN) {
      this.cut = true;
      return;
    } else children = await this.#calls.children(accessible);
    const slots: Array<AtspiNode | undefined> = children.slice(0, MAX_CHILDREN).map(() => undefined);
    node.children = slots as AtspiNode[];
    await Promise.all(
      slots.map((_, index) =>
        this.#visit(children[index] as Accessible, clip, shift, (child) => {
          slots[index] = child;
        }),
      ),
    );
    node.children = slots.filter((child) => child !== undefined);
  }

  /** Rows of a long table: asks what lies at points down and across its visible part. */
  async #childrenInSight(
    accessible: Accessible,
    bounds: Rect,
    shift: Readonly<{ x: number; y: number }>,
  ): Promise<readonly Accessible[]> {
    const points: Array<{ x: number; y: number }> = [];
    const columns = [0.02, 0.2, 0.4, 0.6, 0.8, 0.98];
    for (let y = bounds.y + SAMPLE_STEP_PX / 2; y < bounds.y + bounds.height; y += SAMPLE_STEP_PX) {
      for (const share of columns) points.push({ x: bounds.x + bounds.width * share, y });
    }
    const found = await Promise.all(
      points.map((point) =>
        this.#calls.atPoint(accessible, Math.round(point.x - shift.x), Math.round(point.y - shift.y)),
      ),
    );
    const unique = new Map<string, Accessible>();
    for (const item of found) {
      if (item !== null && item.path !== accessible.path) unique.set(item.path, item);
    }
    return [...unique.values()];
  }

  async #detail(node: AtspiNode, roleNumber: number): Promise<void> {
    const { role, accessible } = node;
    const jobs: Promise<void>[] = [];
    if (isInteractive(role)) jobs.push(this.#nameOf(node));
    const holdsText = role === 'text_field' || role === 'terminal' || role === 'spin_button';
    if (holdsText || node.states.includes('editable')) {
      jobs.push(
        this.#calls.textContent(accessible, MAX_VALUE_CHARACTERS).then((value) => {
          node.value = value;
        }),
      );
    } else if (role === 'slider' || role === 'progress_bar') {
      jobs.push(
        this.#calls.currentValue(accessible).then((value) => {
          node.value = value === null ? null : String(value);
        }),
      );
    } else if (role === 'combo_box') {
      jobs.push(this.#comboValue(node));
    } else if (roleNumber === TEXT_ROLE && node.name === '') {
      // Read-only text of toolkits that keep it out of the name.
      jobs.push(
        this.#calls.textContent(accessible, MAX_VALUE_CHARACTERS).then((value) => {
          node.value = value;
        }),
      );
    }
    await Promise.all(jobs);
  }

  async #comboValue(node: AtspiNode): Promise<void> {
    const [labels, selected] = await Promise.all([
      this.#labelsOf(node.accessible),
      this.#calls.selectedChild(node.accessible),
    ]);
    const choice =
      selected === null ? await this.#choiceInside(node.accessible) : await this.#calls.name(selected);
    // GTK names a combo box after its current choice, and keeps that name beside a label.
    if (choice !== '') node.value = choice;
    else if (labels !== '' && labels !== node.name) node.value = node.name;
    if (labels !== '') node.name = labels;
  }

  /** The chosen entry of a folded list, where the box itself does not tell. */
  async #choiceInside(accessible: Accessible, depth = 0): Promise<string> {
    const children = (await this.#calls.children(accessible)).slice(0, MAX_CHOICES);
    const states = await Promise.all(children.map((child) => this.#calls.states(child)));
    const index = states.findIndex((words) => words !== null && hasState(words, 'selected'));
    if (index >= 0) return this.#calls.name(children[index] as Accessible);
    const only = children[0];
    return children.length === 1 && only !== undefined && depth === 0 ? this.#choiceInside(only, 1) : '';
  }

  /** What a person would call it: its own name, the label beside it, its hint. */
  async #nameOf(node: AtspiNode): Promise<void> {
    if (node.name.trim() !== '') return;
    node.name = await this.#labelsOf(node.accessible);
    if (node.name !== '') return;
    const attributes = await this.#calls.attributes(node.accessible);
    node.hint = attributes['placeholder-text'] ?? attributes.placeholder ?? '';
    if (node.hint !== '') return;
    node.description = await this.#calls.description(node.accessible);
    node.hint = node.description;
  }

  async #labelsOf(accessible: Accessible): Promise<string> {
    const labels = await this.#calls.related(accessible, LABELLED_BY);
    const names = await Promise.all(labels.map((label) => this.#labelText(label)));
    return names
      .filter((name) => name !== '')
      .join(' ')
      .replace(/:\s*$/, '');
  }

  #labelText(label: Accessible): Promise<string> {
    let known = this.#labels.get(label.path);
    if (known === undefined) {
      known = this.#calls.name(label);
      this.#labels.set(label.path, known);
    }
    return known;
  }
}

const TEXT_ROLE = 61;
const WEB_PAGE_ROLE = 95;
/** Menu, popup menu, tool tip, window without a frame. */
const OPENS_OUTSIDE = new Set([33, 41, 64, 69]);

type ToplevelFacts = Readonly<{
  accessible: Accessible;
  role: number;
  name: string;
  bounds: Rect | null;
  active: boolean;
  showing: boolean;
}>;

/** The toplevel that is this X window: by title and place, else the active one. */
function bestMatch(facts: readonly ToplevelFacts[], window: WindowInfo): ToplevelFacts | null {
  let best: ToplevelFacts | null = null;
  let bestScore = 0;
  for (const fact of facts) {
    if (isAnotherWindow(fact, window)) continue;
    let score = 0;
    if (fact.name !== '' && fact.name === window.title) score += 4;
    if (fact.active) score += 2;
    if (fact.showing) score += 1;
    if (WINDOW_ROLES.has(fact.role)) score += 1;
    if (fact.bounds !== null && contains(window.bounds, centerOf(fact.bounds))) {
      const shared = intersection(fact.bounds, window.bounds);
      const area = window.bounds.width * window.bounds.height;
      if (shared !== null && area > 0) score += (3 * shared.width * shared.height) / area;
    }
    if (score > bestScore) {
      best = fact;
      bestScore = score;
    }
  }
  return best;
}

/** How far a toplevel's size may be from its window's, which has a frame around it. Pixels. */
const FRAME_PX = 80;

/**
 * A dialog that an application shows by another toolkit (a browser's file chooser) is in no tree: the tree of the
 * window behind it, of another title and size, is not what a person sees.
 */
function isAnotherWindow({ name, bounds }: ToplevelFacts, window: WindowInfo): boolean {
  if (name === '' || window.title === '' || bounds === null) return false;
  const named = name.includes(window.title) || window.title.includes(name);
  const alike =
    Math.abs(bounds.width - window.bounds.width) <= FRAME_PX &&
    Math.abs(bounds.height - window.bounds.height) <= FRAME_PX;
  return !named && !alike;
}

/**
 * Some toolkits answer "screen" coordinates relative to their own window. When the toplevel claims the
 * screen's corner but the window is elsewhere and of the same size, everything moves to the window.
 */
function screenShift(toplevel: Rect | null, window: Rect): { x: number; y: number } {
  const none = { x: 0, y: 0 };
  if (toplevel === null || toplevel.x !== 0 || toplevel.y !== 0) return none;
  const sameSize =
    Math.abs(toplevel.width - window.width) <= 20 &&
    window.height - toplevel.height >= -2 &&
    window.height - toplevel.height <= 60;
  const elsewhere = window.x > 20 || window.y > 40;
  if (!sameSize || !elsewhere) return none;
  return {
    x: window.x + Math.round((window.width - toplevel.width) / 2),
    y: window.y + (window.height - toplevel.height),
  };
}

/** Editable text is a field whatever the toolkit calls it; a toggle that has "checkable" stays what it is. */
function refinedRole(role: string, states: readonly number[]): string {
  if (role === 'text' || role === 'paragraph' || role === 'section' || role === 'panel') {
    if (hasState(states, 'editable')) return 'text_field';
  }
  return role;
}

/** Containers whose children are not visible outside of them: windows, scroll panes, viewports, documents. */
function clips(role: number): boolean {
  return (
    role === 23 || role === 16 || role === 19 || role === 49 || role === 68 || role === 82 || role === 95
  );
}
