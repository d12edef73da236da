import { type Call, call, type MessageBus, trafficOf, Variant } from '../dbus/message-bus.ts';

/** A look at one application that costs more is over: most of a hundred kilobytes are enough. */
const MAX_LOOK_BYTES = 16 * 1024 * 1024;
/** Further away there is no screen, and no number of a place is larger on the wire. Pixels. */
const MAX_PX = 100_000;
const MAX_LABELS = 8;

/** One object on the accessibility bus. */
export type Accessible = Readonly<{ bus: string; path: string }>;

/** What an application tells about all the objects it knows of in one answer. */
export type KnownFacts = Readonly<{ role: number; name: string; states: readonly number[] }>;

/** Calls on one accessible object; null when it has gone or does not have what is asked for. */
export class AccessibleCalls {
  readonly #bus: MessageBus;
  readonly #options: { signal: AbortSignal };
  readonly #bytesBefore: number;
  /** Calls made, for measurements. */
  count = 0;

  constructor(bus: MessageBus, options: { signal: AbortSignal }) {
    this.#bus = bus;
    this.#options = options;
    this.#bytesBefore = trafficOf(bus).receivedBytes;
  }

  /** Whether nothing more is asked: out of time, or out of patience with answers that are too long. */
  get aborted(): boolean {
    return this.#options.signal.aborted || this.flooded;
  }

  get flooded(): boolean {
    return trafficOf(this.#bus).receivedBytes - this.#bytesBefore > MAX_LOOK_BYTES;
  }

  async #ask(message: Call): Promise<unknown[] | null> {
    if (this.flooded) return null;
    this.count += 1;
    try {
      return await call(this.#bus, message, this.#options);
    } catch {
      return null;
    }
  }

  /**
   * Role, name and states of many objects at once, by path. Not all of them: what is missing must be asked
   * for one by one. Empty for toolkits that keep no such list.
   */
  async knownFacts(bus: string): Promise<ReadonlyMap<string, KnownFacts>> {
    const [items] =
      (await this.#ask({
        destination: bus,
        path: '/org/a11y/atspi/cache',
        interface: 'org.a11y.atspi.Cache',
        member: 'GetItems',
      })) ?? [];
    const known = new Map<string, KnownFacts>();
    for (const item of Array.isArray(items) ? items : []) {
      if (!Array.isArray(item)) continue;
      const path: unknown = Array.isArray(item[0]) ? item[0][1] : undefined;
      // Older toolkits list the children where newer ones count them; the end of the row is the same.
      const [name, role, , states] = item.slice(-4) as unknown[];
      if (typeof path !== 'string' || typeof name !== 'string' || typeof role !== 'number') continue;
      if (areNumbers(states)) known.set(path, { role, name, states });
    }
    return known;
  }

  async children(of: Accessible): Promise<readonly Accessible[]> {
    const [list] = (await this.#method(of, 'Accessible', 'GetChildren')) ?? [];
    return Array.isArray(list) ? list.map(reference).filter((child) => child !== null) : [];
  }

  async role(of: Accessible): Promise<number | null> {
    const [role] = (await this.#method(of, 'Accessible', 'GetRole')) ?? [];
    return typeof role === 'number' ? role : null;
  }

  async states(of: Accessible): Promise<readonly number[] | null> {
    const [words] = (await this.#method(of, 'Accessible', 'GetState')) ?? [];
    return areNumbers(words) ? words : null;
  }

  async name(of: Accessible): Promise<string> {
    return text(await this.#property(of, 'Accessible', 'Name'));
  }

  async toolkit(of: Accessible): Promise<string> {
    return text(await this.#property(of, 'Application', 'ToolkitName'));
  }

  async description(of: Accessible): Promise<string> {
    return text(await this.#property(of, 'Accessible', 'Description'));
  }

  async parent(of: Accessible): Promise<Accessible | null> {
    return reference(await this.#property(of, 'Accessible', 'Parent'));
  }

  async childCount(of: Accessible): Promise<number> {
    const count = await this.#property(of, 'Accessible', 'ChildCount');
    return typeof count === 'number' ? count : 0;
  }

  async attributes(of: Accessible): Promise<Readonly<Record<string, string>>> {
    const [found] = (await this.#method(of, 'Accessible', 'GetAttributes')) ?? [];
    if (typeof found !== 'object' || found === null) return {};
    return Object.fromEntries(Object.entries(found).filter(([, value]) => typeof value === 'string'));
  }

  /** Targets of the first relation of a kind (2 = labelled by). */
  async related(of: Accessible, kind: number): Promise<readonly Accessible[]> {
    const [set] = (await this.#method(of, 'Accessible', 'GetRelationSet')) ?? [];
    if (!Array.isArray(set)) return [];
    const relation = set.find((item: unknown) => Array.isArray(item) && item[0] === kind) as
      | unknown[]
      | undefined;
    const targets = relation?.[1];
    if (!Array.isArray(targets)) return [];
    return targets
      .slice(0, MAX_LABELS)
      .map(reference)
      .filter((target) => target !== null);
  }

  /** Screen coordinates; null also for a place that is none. */
  async extents(of: Accessible): Promise<{ x: number; y: number; width: number; height: number } | null> {
    const [rect] = (await this.#method(of, 'Component', 'GetExtents', 'u', [0])) ?? [];
    if (!areNumbers(rect) || rect.some((number) => Math.abs(number) > MAX_PX)) return null;
    const [x, y, width, height] = rect;
    if (x === undefined || y === undefined || width === undefined || height === undefined) return null;
    return { x, y, width: Math.max(0, width), height: Math.max(0, height) };
  }

  async atPoint(of: Accessible, x: number, y: number): Promise<Accessible | null> {
    const [found] = (await this.#method(of, 'Component', 'GetAccessibleAtPoint', 'iiu', [x, y, 0])) ?? [];
    return reference(found);
  }

  /** The beginning of a text. Its length is asked for first: toolkits disagree about an end beyond it. */
  async textContent(of: Accessible, maxCharacters: number): Promise<string | null> {
    const count = await this.#property(of, 'Text', 'CharacterCount');
    if (typeof count !== 'number') return null;
    if (count <= 0) return '';
    const end = Math.min(count, maxCharacters);
    const [found] = (await this.#method(of, 'Text', 'GetText', 'ii', [0, end])) ?? [];
    return typeof found === 'string' ? found.slice(0, maxCharacters) : null;
  }

  async currentValue(of: Accessible): Promise<number | null> {
    const value = await this.#property(of, 'Value', 'CurrentValue');
    return typeof value === 'number' ? value : null;
  }

  async selectedChild(of: Accessible): Promise<Accessible | null> {
    const [found] = (await this.#method(of, 'Selection', 'GetSelectedChild', 'i', [0])) ?? [];
    return reference(found);
  }

  #method(
    of: Accessible,
    name: string,
    member: string,
    signature?: string,
    body?: unknown[],
  ): Promise<unknown[] | null> {
    return this.#ask({
      destination: of.bus,
      path: of.path,
      interface: `org.a11y.atspi.${name}`,
      member,
      ...(signature === undefined ? {} : { signature, body: body ?? [] }),
    });
  }

  async #property(of: Accessible, owner: string, name: string): Promise<unknown> {
    const reply = await this.#ask({
      destination: of.bus,
      path: of.path,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      signature: 'ss',
      body: [`org.a11y.atspi.${owner}`, name],
    });
    const found = reply?.[0];
    return found instanceof Variant ? (found.value as unknown) : null;
  }
}

/** The desktop object whose children are applications. */
export const REGISTRY_ROOT: Accessible = {
  bus: 'org.a11y.atspi.Registry',
  path: '/org/a11y/atspi/accessible/root',
};

function reference(value: unknown): Accessible | null {
  if (!Array.isArray(value)) return null;
  const [bus, path] = value as unknown[];
  if (typeof bus !== 'string' || typeof path !== 'string') return null;
  if (bus === '' || path === '/org/a11y/atspi/null') return null;
  return { bus, path };
}

function areNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isFinite(item));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
