import { errorAttributes, type Logger } from '@deskhand/base';
import { type Call, call, connectBus, type MessageBus, Variant } from '../dbus/message-bus.ts';
import { accessibilityAddress } from './accessibility-bus.ts';
import { AtspiEvents } from './atspi-events.ts';

const CONNECT_CEILING_MS = 3000;
/** After a failed attempt; a desktop without accessibility must not cost a connect per observation. */
const RETRY_AFTER_MS = 5000;

/** One object on the accessibility bus. */
export type Accessible = Readonly<{ bus: string; path: string }>;

/** The accessibility bus of one session: connected at first use, again after it was lost. */
export class AtspiConnection implements AsyncDisposable {
  readonly #sessionAddress: string;
  readonly #log: Logger;
  #bus: Promise<MessageBus> | undefined;
  #retryAt = 0;
  #closed = false;
  readonly #pids = new Map<string, number>();
  readonly #toolkits = new Map<string, string>();
  /** What applications announce, from the first connection on. */
  readonly events: AtspiEvents;

  constructor(sessionAddress: string, log: Logger) {
    this.#sessionAddress = sessionAddress;
    this.#log = log;
    this.events = new AtspiEvents(log);
  }

  /** @returns null where there is no accessibility bus (now). */
  async bus(options: { signal: AbortSignal }): Promise<MessageBus | null> {
    if (this.#closed) return null;
    if (this.#bus === undefined) {
      if (performance.now() < this.#retryAt) return null;
      this.#bus = this.#connect(options.signal);
    }
    try {
      return await this.#bus;
    } catch (error) {
      this.#bus = undefined;
      options.signal.throwIfAborted();
      this.#retryAt = performance.now() + RETRY_AFTER_MS;
      this.#log.warn('no accessibility bus', errorAttributes(error));
      return null;
    }
  }

  /** Process behind a bus name; null when it has gone. */
  async processOf(bus: MessageBus, name: string, options: { signal: AbortSignal }): Promise<number | null> {
    const known = this.#pids.get(name);
    if (known !== undefined) return known;
    try {
      const [pid] = await call(
        bus,
        {
          destination: 'org.freedesktop.DBus',
          path: '/org/freedesktop/DBus',
          interface: 'org.freedesktop.DBus',
          member: 'GetConnectionUnixProcessID',
          signature: 's',
          body: [name],
        },
        options,
      );
      if (typeof pid !== 'number') return null;
      // Unique names are never used twice on one bus.
      this.#pids.set(name, pid);
      return pid;
    } catch {
      options.signal.throwIfAborted();
      return null;
    }
  }

  /** What an application is built with, by its own word (`gtk`, `Qt`, `Chromium`); empty where it says nothing. */
  async toolkitOf(application: Accessible, calls: AccessibleCalls): Promise<string> {
    const known = this.#toolkits.get(application.bus);
    if (known !== undefined) return known;
    const toolkit = await calls.toolkit(application);
    if (toolkit !== '') this.#toolkits.set(application.bus, toolkit);
    return toolkit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const bus = await this.#bus?.catch(() => null);
    bus?.disconnect();
  }

  async #connect(caller: AbortSignal): Promise<MessageBus> {
    const signal = AbortSignal.any([caller, AbortSignal.timeout(CONNECT_CEILING_MS)]);
    const session = await connectBus(this.#sessionAddress, { signal });
    let address: string;
    try {
      address = await accessibilityAddress(session, { signal });
    } finally {
      session.disconnect();
    }
    const connecting = connectBus(address, { signal });
    const bus = await connecting;
    const onLost = () => {
      this.#bus = undefined;
      this.#pids.clear();
      this.#toolkits.clear();
    };
    bus.on('error', onLost);
    // The package tells only its own connection object when the peer hangs up.
    const inner = (bus as unknown as { _connection?: NodeJS.EventEmitter })._connection;
    inner?.on('end', onLost);
    await this.events.listen(bus);
    return bus;
  }
}

/** What an application tells about all the objects it knows of in one answer. */
export type KnownFacts = Readonly<{ role: number; name: string; states: readonly number[] }>;

/** Calls on one accessible object; null when it has gone or does not have what is asked for. */
export class AccessibleCalls {
  readonly #bus: MessageBus;
  readonly #options: { signal: AbortSignal };
  /** Calls made, for measurements. */
  count = 0;

  constructor(bus: MessageBus, options: { signal: AbortSignal }) {
    this.#bus = bus;
    this.#options = options;
  }

  get aborted(): boolean {
    return this.#options.signal.aborted;
  }

  async #ask(message: Call): Promise<unknown[] | null> {
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
      if (Array.isArray(states)) known.set(path, { role, name, states: states as number[] });
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
    return Array.isArray(words) ? (words as number[]) : null;
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
    return Number((await this.#property(of, 'Accessible', 'ChildCount')) ?? 0);
  }

  async attributes(of: Accessible): Promise<Readonly<Record<string, string>>> {
    const [found] = (await this.#method(of, 'Accessible', 'GetAttributes')) ?? [];
    return typeof found === 'object' && found !== null ? (found as Record<string, string>) : {};
  }

  /** Targets of the first relation of a kind (2 = labelled by). */
  async related(of: Accessible, kind: number): Promise<readonly Accessible[]> {
    const [set] = (await this.#method(of, 'Accessible', 'GetRelationSet')) ?? [];
    if (!Array.isArray(set)) return [];
    const relation = set.find((item: unknown) => Array.isArray(item) && item[0] === kind) as
      | unknown[]
      | undefined;
    const targets = relation?.[1];
    return Array.isArray(targets) ? targets.map(reference).filter((target) => target !== null) : [];
  }

  /** Screen coordinates. */
  async extents(of: Accessible): Promise<{ x: number; y: number; width: number; height: number } | null> {
    const [rect] = (await this.#method(of, 'Component', 'GetExtents', 'u', [0])) ?? [];
    if (!Array.isArray(rect)) return null;
    const [x, y, width, height] = rect as number[];
    if (x === undefined || y === undefined || width === undefined || height === undefined) return null;
    return { x, y, width, height };
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

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
