import { intersection, type Point, type Rect, type WindowInfo } from '@deskhand/protocol';
import type { Accessible, AccessibleCalls, KnownFacts } from './accessible-calls.ts';
import { bestMatch, screenShift, type ToplevelFacts } from './atspi-toplevels.ts';
import { hasState, isInteractive, roleName, stateNames } from './atspi-vocabulary.ts';

const MAX_NODES = 6000;
const MAX_DEPTH = 40;
/** Deeper than the deepest page; a tree without an end is left there. */
const MAX_LEVELS = 150;
const MAX_TOPLEVELS = 200;
const MAX_VALUE_CHARACTERS = 10_000;
/** A container with more children than this is looked at where it is visible, not from its first row. */
const MANY_CHILDREN = 150;
const MAX_CHILDREN = 1500;
const LABELLED_BY = 2;
const MAX_CHOICES = 200;
const POPUP_ROLES = new Set([69, 41, 33, 64, 31, 98]);
const MANY_CHILDREN_ROLES = new Set([55, 65, 66, 31, 98]);
const SAMPLE_STEP_PX = 8;
const MAX_SAMPLED_PX = 4000;

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
    const facts = await this.#toplevels(application);
    const main = bestMatch(facts, window);
    const popups = facts.filter((fact) => fact !== main && fact.showing && POPUP_ROLES.has(fact.role));
    const chosen = main === null ? popups : [main, ...popups];
    const shift = main === null ? { x: 0, y: 0 } : screenShift(main.bounds, window.bounds);
    await Promise.all(
      chosen.map(async (fact, index) => {
        // Whatever it says of itself, a window has nothing outside of itself; its menus are windows of their own.
        const clip = fact === main && !OPENS_OUTSIDE.has(fact.role) ? window.bounds : null;
        await this.#visit({ accessible: fact.accessible, clip, shift, level: 0 }, (node) => {
          this.roots[index] = node;
        });
      }),
    );
    // Places of toplevels that could not be read stay empty.
    this.roots.splice(0, this.roots.length, ...this.roots.filter((root) => root !== undefined));
  }

  /** The innermost object of the window, or of an open menu, at a desktop point; null where nobody answers. */
  async at(application: Accessible, window: WindowInfo, point: Point): Promise<Accessible | null> {
    const facts = await this.#toplevels(application);
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

  /** Whether an object lies in the given window: asked upwards from it, a dozen questions where a tree is a hundred. */
  async holds(application: Accessible, window: WindowInfo, accessible: Accessible): Promise<boolean> {
    const main = bestMatch(await this.#toplevels(application), window);
    let current: Accessible | null = main === null ? null : accessible;
    for (let level = 0; level < MAX_LEVELS && current !== null && !this.#calls.aborted; level += 1) {
      if (current.path === main?.accessible.path) return true;
      current = await this.#calls.parent(current);
    }
    return false;
  }

  async #toplevels(application: Accessible): Promise<readonly ToplevelFacts[]> {
    // The newest are the last.
    const toplevels = (await this.#calls.children(application)).slice(-MAX_TOPLEVELS);
    return Promise.all(toplevels.map((toplevel) => this.#toplevelFacts(toplevel)));
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

  async #visit({ accessible, clip, shift, level }: Visit, found: (node: AtspiNode) => void): Promise<void> {
    const key = `${accessible.bus}${accessible.path}`;
    if (this.#calls.aborted || this.#seen.has(key)) return;
    if (this.#seen.size >= MAX_NODES || level > MAX_LEVELS) {
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
      this.#children(roleNumber, states, node, { accessible, clip: inner, shift, level }),
    ]);
  }

  async #children(
    role: number,
    states: readonly number[],
    node: AtspiNode,
    { accessible, clip, shift, level }: Visit,
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
      slots.map((_, index) => {
        const visit = { accessible: children[index] as Accessible, clip, shift, level: level + 1 };
        return this.#visit(visit, (child) => {
          slots[index] = child;
        });
      }),
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
    const bottom = bounds.y + Math.min(bounds.height, MAX_SAMPLED_PX);
    for (let y = bounds.y + SAMPLE_STEP_PX / 2; y < bottom; y += SAMPLE_STEP_PX) {
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

/** One object to look at: what it may be visible in, how far its toolkit's places are off, how deep it lies. */
type Visit = Readonly<{
  accessible: Accessible;
  clip: Rect | null;
  shift: Readonly<{ x: number; y: number }>;
  level: number;
}>;

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
