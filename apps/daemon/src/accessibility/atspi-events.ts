import { errorAttributes, type Logger } from '@deskhand/base';
import { type BusMessage, call, type MessageBus, MessageType, subscribe } from '../dbus/message-bus.ts';
import type { Accessible } from './accessible-calls.ts';

/** What applications are asked to announce; they send nothing that nobody has asked for. */
const EVENTS = [
  'object:state-changed:busy',
  'object:state-changed:focused',
  'document:load-complete',
  'document:load-stopped',
  'document:reload',
] as const;
const RULES = [
  "type='signal',interface='org.a11y.atspi.Event.Document'",
  "type='signal',interface='org.a11y.atspi.Event.Object',member='StateChanged',arg0='busy'",
  "type='signal',interface='org.a11y.atspi.Event.Object',member='StateChanged',arg0='focused'",
] as const;
const ASK_CEILING_MS = 2000;
/** Whoever is busy for longer has forgotten to say that it no longer is. */
const BUSY_AT_MOST_MS = 20_000;
const MAX_BUSY = 500;

/** What applications announce about themselves: which object is busy, which has the focus. Kept until it is told otherwise. */
export class AtspiEvents {
  readonly #log: Logger;
  readonly #now: () => number;
  /** When each began, by bus name and path. */
  readonly #busy = new Map<string, { bus: string; since: number }>();
  /** By bus name: each application has a focus of its own. */
  readonly #focused = new Map<string, Accessible>();
  #focusMoves = 0;

  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Listens on a bus that has just been connected; forgets what another one told. Never throws. */
  async listen(bus: MessageBus): Promise<void> {
    this.#busy.clear();
    this.#focused.clear();
    bus.on('message', (message: BusMessage) => this.#hear(message));
    const options = { signal: AbortSignal.timeout(ASK_CEILING_MS) };
    const _dbusItself = {
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
    };
    const registry = {
      destination: 'org.a11y.atspi.Registry',
      path: '/org/a11y/atspi/registry',
      interface: 'org.a11y.atspi.Registry',
    };
    try {
      await Promise.all([
        ...RULES.map((rule) => subscribe(bus, rule, options)),
        ...EVENTS.map((event) =>
          call(bus, { ...registry, member: 'RegisterEvent', signature: 's', body: [event] }, options),
        ),
      ]);
    } catch (error) {
      this.#log.info('applications will not tell when they load', errorAttributes(error));
    }
  }

  /** Counts up whenever the focus went to another object. */
  get focusMoves(): number {
    return this.#focusMoves;
  }

  /** Bus names of applications of which some object is busy now. */
  busy(): ReadonlySet<string> {
    const now = this.#now();
    for (const [key, entry] of this.#busy) if (now - entry.since > BUSY_AT_MOST_MS) this.#busy.delete(key);
    return new Set([...this.#busy.values()].map((entry) => entry.bus));
  }

  /** Of each application the object that said last that it has the focus. */
  focused(): readonly Accessible[] {
    return [...this.#focused.values()];
  }

  #hear(message: BusMessage): void {
    if (message.type !== MessageType.SIGNAL) return;
    const { sender: bus, path } = message;
    if (bus === undefined || path === undefined) return;
    const key = `${bus}${path}`;
    if (message.interface === 'org.a11y.atspi.Event.Document') {
      if (message.member === 'Reload') this.#noteBusy(key, bus);
      else this.#busy.delete(key);
      return;
    }
    if (message.interface !== 'org.a11y.atspi.Event.Object' || message.member !== 'StateChanged') return;
    const [state, on] = message.body as unknown[];
    if (state === 'busy') {
      if (on === 1) this.#noteBusy(key, bus);
      else this.#busy.delete(key);
    }
    if (state === 'focused') {
      const known = this.#focused.get(bus);
      if (on === 1 && known?.path !== path) {
        this.#focused.set(bus, { bus, path });
        this.#focusMoves += 1;
      } else if (on !== 1 && known?.path === path) {
        this.#focused.delete(bus);
        this.#focusMoves += 1;
      }
    }
  }

  #noteBusy(key: string, bus: string): void {
    if (this.#busy.size >= MAX_BUSY) this.#busy.clear();
    this.#busy.set(key, { bus, since: this.#now() });
  }
}
