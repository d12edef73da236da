import { isDeepStrictEqual } from 'node:util';
import { inertLine, type Logger, sleep } from '@deskhand/base';
import { MAX_ELEMENTS, type Point, type ScreenElement, type WindowInfo } from '@deskhand/protocol';
import type { MessageBus } from '../dbus/message-bus.ts';
import type { ElementFacts, ElementSourcePort, ElementWish } from '../ports.ts';
import { type Accessible, AccessibleCalls, type KnownFacts, REGISTRY_ROOT } from './accessible-calls.ts';
import { AtspiConnection } from './atspi-connection.ts';
import { isInteractive, isNamedContainer, isSilent, roleName, stateNames } from './atspi-vocabulary.ts';
import { type AtspiNode, AtspiWalk } from './atspi-walk.ts';

/** Several times what a walk takes on a quiet machine; half a tree would read as "it is not there". */
const DEFAULT_BUDGET_MS = 800;
const LONG_LIST = 4000;
/**
 * Toolkits whose answers are what they paint: they look at their own widgets when they are asked. Browsers answer from a
 * copy that is brought up to date later than the screen; of a stranger nobody knows.
 */
const TELLS_AT_ONCE: ReadonlySet<string> = new Set(['gtk', 'gail', 'qt']);
/** How much later than on the screen a change may be told; `test/e2e/elements-fresh.test.ts` is the trial. */
const TELLS_LATER_MS = 250;
/** What is told while it is asked for is asked for again. */
const MAX_CONFIRMING = 3;
/** A single question about one object; an application that hangs must not hold an action up. */
const QUESTION_CEILING_MS = 150;
const MAX_VALUE_CHARACTERS = 10_000;
/** A label lies in a button, perhaps with a box between them. */
const MAX_LEVELS_UP = 3;
const MAX_NAME_CHARACTERS = 2000;
const MAX_APPLICATIONS = 500;

type Walked = Readonly<{
  elements: readonly ScreenElement[];
  sawPage: boolean;
  known: ReadonlyMap<string, KnownFacts>;
}>;

/** What one walk cost; see `lastWalk`. */
export type WalkReport = Readonly<{
  durationMs: number;
  nodes: number;
  calls: number;
  elements: number;
  /** Whether the budget ended it before everything was seen. */
  complete: boolean;
}>;

/**
 * What is on the screen according to AT-SPI: the active window's application only, what is showing,
 * in reading order. An application that hangs or exposes nothing costs the budget at most.
 */
export class AtspiElementSource implements ElementSourcePort {
  readonly name = 'at-spi';
  readonly #connection: AtspiConnection;
  readonly #budgetMs: number;
  /** Bus names whose list of objects takes longer than asking; names are never used twice. */
  readonly #longLists = new Set<string>();
  lastWalk: WalkReport | null = null;

  constructor(sessionAddress: string, log: Logger, budgetMs = DEFAULT_BUDGET_MS) {
    this.#connection = new AtspiConnection(sessionAddress, log);
    this.#budgetMs = budgetMs;
  }

  async elements(window: WindowInfo | null, options: ElementWish): Promise<readonly ScreenElement[]> {
    options.signal.throwIfAborted();
    if (window === null) return [];
    const bus = await this.#connection.bus(options);
    if (bus === null) return [];
    const looks: AccessibleCalls[] = [];
    try {
      return await this.#look(window, bus, options, looks);
    } finally {
      this.#connection.tidy(bus, { flooded: looks.some(({ flooded }) => flooded) });
    }
  }

  /** @param looks gets every budget that was asked on. */
  async #look(
    window: WindowInfo,
    bus: MessageBus,
    options: ElementWish,
    looks: AccessibleCalls[],
  ): Promise<readonly ScreenElement[]> {
    const { signal, paintedAtMs = null, pages = true } = options;
    const budgeted = () => {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(this.#budgetMs)]);
      const calls = new AccessibleCalls(bus, { signal: limited });
      looks.push(calls);
      return calls;
    };
    const calls = budgeted();
    const application = await this.#applicationOf(window, calls, bus, signal);
    if (application === null) {
      signal.throwIfAborted();
      return [];
    }
    const walking = { application, window, signal, pages };
    if (paintedAtMs === null) return (await this.#walk({ ...walking, calls })).elements;
    // Around its pages a browser is like any other application.
    if (!pages || TELLS_AT_ONCE.has((await this.#connection.toolkitOf(application, calls)).toLowerCase())) {
      const { elements, sawPage } = await this.#walk({ ...walking, calls });
      if (!sawPage || !pages) return elements;
    }
    await sleep(Math.max(0, paintedAtMs + TELLS_LATER_MS - performance.now()), { signal });
    // A hanging application has had its time.
    const late = calls.aborted ? calls : budgeted();
    let seen = await this.#walk({ ...walking, calls: late });
    for (let again = 0; again < MAX_CONFIRMING; again += 1) {
      const known = await this.#knownFacts(application.bus, late, signal);
      if (late.aborted || isDeepStrictEqual(known, seen.known)) break;
      seen = await this.#walk({ ...walking, calls: late, known });
    }
    return seen.elements;
  }

  async #walk(options: {
    application: Accessible;
    window: WindowInfo;
    calls: AccessibleCalls;
    signal: AbortSignal;
    pages: boolean;
    known?: ReadonlyMap<string, KnownFacts>;
  }): Promise<Walked> {
    const { application, window, calls, signal, pages } = options;
    const startedAt = performance.now();
    const known = options.known ?? (await this.#knownFacts(application.bus, calls, signal));
    const walk = new AtspiWalk(calls, { known, pages });
    await walk.window(application, window);
    signal.throwIfAborted();
    const elements = toElements(walk.roots, window);
    this.lastWalk = {
      durationMs: performance.now() - startedAt,
      nodes: walk.visited,
      calls: calls.count,
      elements: elements.length,
      complete: !calls.aborted && !walk.cut,
    };
    return { elements, sawPage: walk.sawPage, known };
  }

  /** Fast where nobody is busy: what was announced is remembered, nothing is asked. */
  async isBusy(window: WindowInfo): Promise<boolean> {
    const signal = AbortSignal.timeout(QUESTION_CEILING_MS);
    const bus = await this.#connection.bus({ signal }).catch(() => null);
    if (bus === null || window.pid === undefined) return false;
    for (const name of this.#connection.events.busy())
      if ((await this.#connection.processOf(bus, name, { signal }).catch(() => null)) === window.pid)
        return true;
    return false;
  }

  async focused(window: WindowInfo, options: { signal: AbortSignal }): Promise<ElementFacts | null> {
    const asked = await this.#whoHasFocus(window, options);
    return asked === null ? null : factsOf(asked.accessible, asked.calls);
  }

  async focusedIn(window: WindowInfo, options: { signal: AbortSignal }): Promise<ElementFacts | null> {
    const asked = await this.#whoHasFocus(window, options);
    if (asked === null) return null;
    const { accessible, calls, bus, signal } = asked;
    const application = await this.#applicationOf(window, calls, bus, signal).catch(() => null);
    if (application === null || application.bus !== accessible.bus) return null;
    const inside = await new AtspiWalk(calls).holds(application, window, accessible);
    // Last: what has the focus may have lost it while its place was looked for.
    return inside ? factsOf(accessible, calls) : null;
  }

  /** The object of the window's application that said last that it has the focus, and a small budget to ask about it. */
  async #whoHasFocus(
    window: WindowInfo,
    options: { signal: AbortSignal },
  ): Promise<{
    accessible: Accessible;
    calls: AccessibleCalls;
    bus: MessageBus;
    signal: AbortSignal;
  } | null> {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(QUESTION_CEILING_MS)]);
    const bus = await this.#connection.bus({ signal }).catch(() => null);
    if (bus === null || window.pid === undefined) return null;
    for (const accessible of this.#connection.events.focused()) {
      const pid = await this.#connection.processOf(bus, accessible.bus, { signal }).catch(() => null);
      if (pid === window.pid) return { accessible, calls: new AccessibleCalls(bus, { signal }), bus, signal };
    }
    return null;
  }

  async elementAt(
    window: WindowInfo,
    point: Point,
    options: { signal: AbortSignal },
  ): Promise<ElementFacts | null> {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(QUESTION_CEILING_MS)]);
    const bus = await this.#connection.bus({ signal }).catch(() => null);
    if (bus === null) return null;
    const calls = new AccessibleCalls(bus, { signal });
    const application = await this.#applicationOf(window, calls, bus, signal);
    if (application === null) return null;
    const found = await new AtspiWalk(calls).at(application, window, point);
    return found === null ? null : factsOf(await thingOf(found, calls), calls);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection[Symbol.asyncDispose]();
  }

  /**
   * The list is a gain only while it is short; an office suite's may hold every cell.
   * @param signal of whoever looks: a look that is not wanted any more says nothing about the list.
   */
  async #knownFacts(
    bus: string,
    calls: AccessibleCalls,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, KnownFacts>> {
    if (this.#longLists.has(bus)) return new Map();
    const known = await calls.knownFacts(bus);
    if (known.size > LONG_LIST || (calls.aborted && !signal.aborted)) this.#longLists.add(bus);
    return known;
  }

  async #applicationOf(
    window: WindowInfo,
    calls: AccessibleCalls,
    bus: MessageBus,
    signal: AbortSignal,
  ): Promise<Accessible | null> {
    // The newest are the last.
    const applications = (await calls.children(REGISTRY_ROOT)).slice(-MAX_APPLICATIONS);
    if (window.pid !== undefined) {
      const pids = await Promise.all(
        applications.map((application) =>
          this.#connection.processOf(bus, application.bus, { signal }).catch(() => null),
        ),
      );
      // The last one registered wins: a toolkit may register twice, the first time half ready.
      const index = pids.lastIndexOf(window.pid);
      if (index >= 0) return applications[index] as Accessible;
    }
    // Sandboxed applications report the process id of their own namespace.
    // One that hangs is not waited for: it may be any of them.
    const asking = AbortSignal.any([signal, AbortSignal.timeout(QUESTION_CEILING_MS)]);
    const quick = new AccessibleCalls(bus, { signal: asking });
    const names = await Promise.all(applications.map((application) => quick.name(application)));
    const wanted = window.application.toLowerCase();
    const index = names.findIndex((name) => name !== '' && name.toLowerCase() === wanted);
    return index >= 0 ? (applications[index] as Accessible) : null;
  }
}

/** The button, link, row … a piece of text is written on, else the piece itself. */
async function thingOf(piece: Accessible, calls: AccessibleCalls): Promise<Accessible> {
  let current: Accessible | null = piece;
  for (let level = 0; level <= MAX_LEVELS_UP && current !== null; level += 1) {
    const role = await calls.role(current);
    if (role === null) break;
    if (isInteractive(roleName(role))) return current;
    current = await calls.parent(current);
  }
  return piece;
}

/** One object as it is now; what is written in a password field is never asked for. */
async function factsOf(accessible: Accessible, calls: AccessibleCalls): Promise<ElementFacts | null> {
  const [roleNumber, words] = await Promise.all([calls.role(accessible), calls.states(accessible)]);
  if (roleNumber === null || words === null) return null;
  const role = roleName(roleNumber);
  const value =
    role === 'password_field'
      ? null
      : ((await calls.textContent(accessible, MAX_VALUE_CHARACTERS)) ??
        (await calls.currentValue(accessible).then((number) => (number === null ? null : String(number)))));
  const states = stateNames(words, role);
  return { id: idOf(accessible), role, states, value };
}

function idOf({ bus, path }: Accessible): string {
  return `ax${bus}${path.replace('/org/a11y/atspi/accessible', '')}`.slice(0, 200);
}

/** Flattens the tree in reading order, without what says nothing and without the same thing twice. */
function toElements(roots: readonly AtspiNode[], window: WindowInfo): readonly ScreenElement[] {
  const elements: ScreenElement[] = [];
  const seen = new Set<string>();
  const visit = (node: AtspiNode, owner: string | null) => {
    const name = nameOf(node);
    if (isWorthTelling(node, name, owner) && elements.length < MAX_ELEMENTS) {
      const { x, y, width, height } = node.bounds;
      const key = `${node.role}|${name}|${x},${y},${width},${height}`;
      if (!seen.has(key)) {
        seen.add(key);
        elements.push({
          id: idOf(node.accessible),
          source: 'accessibility',
          role: node.role,
          name,
          ...(node.value === null ? {} : { value: node.value }),
          ...(node.description === '' ? {} : { description: clean(node.description) }),
          states: node.states,
          bounds: node.bounds,
          windowId: window.id,
        });
      }
    }
    const inside = isInteractive(node.role) || node.role === 'heading' ? name : owner;
    for (const child of node.children) visit(child, inside);
  };
  for (const root of roots) visit(root, null);
  return elements;
}

/** Rows and cells are called what is written in them; their own name, if any, is a longer explanation. */
const NAMED_BY_CONTENT = new Set([
  'list_item',
  'tree_item',
  'table_cell',
  'link',
  'button',
  'toggle_button',
  'tab',
]);

function nameOf(node: AtspiNode): string {
  const own = clean(node.name);
  if (own !== '') return own;
  const content = NAMED_BY_CONTENT.has(node.role) ? clean(textInside(node)) : '';
  // Tool tips may be written in HTML.
  return content === '' ? clean(node.hint.slice(0, MAX_NAME_CHARACTERS).replace(/<[^<>]*>/g, ' ')) : content;
}

function textInside(node: AtspiNode): string {
  let text = '';
  for (const child of node.children) {
    if (text.length > MAX_NAME_CHARACTERS) break;
    text += ` ${isText(child.role) ? child.name.slice(0, MAX_NAME_CHARACTERS) : textInside(child)}`;
  }
  return text;
}

/** A name is an application's own word: one visible line, in the order it is read. */
function clean(text: string): string {
  return inertLine(text, MAX_NAME_CHARACTERS);
}

/** @param owner name of the button, link, row … the node is part of, or null. */
function isWorthTelling(node: AtspiNode, name: string, owner: string | null): boolean {
  if (node.bounds.width <= 0 || node.bounds.height <= 0 || !node.showing) return false;
  if (owner !== null && isText(node.role) && owner.includes(name)) return false;
  if (node.value !== null && node.value !== '') return true;
  if (isInteractive(node.role)) {
    return name !== '' || node.states.includes('focusable') || node.states.includes('editable');
  }
  if (name === '' || isSilent(node.role)) return false;
  return isNamedContainer(node.role) ? name.length <= 200 : true;
}

function isText(role: string): boolean {
  return role === 'label' || role === 'text' || role === 'paragraph';
}
