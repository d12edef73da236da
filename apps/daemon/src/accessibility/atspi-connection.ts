import { errorAttributes, type Logger } from '@deskhand/base';
import { call, connectBus, hangUp, type MessageBus, trafficOf, whenLost } from '../dbus/message-bus.ts';
import { accessibilityAddress } from './accessibility-bus.ts';
import type { Accessible, AccessibleCalls } from './accessible-calls.ts';
import { AtspiEvents } from './atspi-events.ts';

const CONNECT_CEILING_MS = 3000;
/** After a failed attempt; a desktop without accessibility must not cost a connect per observation. */
const RETRY_AFTER_MS = 5000;
/** An application that hangs leaves a handful; thousands are a drain on all who share the bus. */
const MAX_UNANSWERED = 256;

/** The accessibility bus of one session: connected at first use, again after it was lost. */
export class AtspiConnection implements AsyncDisposable {
  readonly #sessionAddress: string;
  readonly #log: Logger;
  #bus: Promise<MessageBus> | undefined;
  #current: MessageBus | undefined;
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

  /**
   * After a look at an application: what it left unanswered or is still sending must not keep others from being
   * heard (the bus lets nobody ask on who waits for 50,000 answers). The next look connects anew.
   */
  tidy(bus: MessageBus, { flooded }: { flooded: boolean }): void {
    if (this.#current !== bus || (!flooded && trafficOf(bus).unanswered <= MAX_UNANSWERED)) return;
    this.#forget();
    hangUp(bus, new Error('The accessibility bus is connected to anew.'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const bus = await this.#bus?.catch(() => null);
    bus?.disconnect();
  }

  #forget(): void {
    this.#bus = undefined;
    this.#current = undefined;
    this.#pids.clear();
    this.#toolkits.clear();
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
    const onTooLarge = (flooded: MessageBus, bytes: number) => {
      this.#log.warn('an application sent more than anybody asks for', { bytes });
      hangUp(flooded, new Error('An answer on the accessibility bus was too large.'));
    };
    const bus = await connectBus(address, { signal, onTooLarge });
    this.#current = bus;
    whenLost(bus, () => {
      if (this.#current === bus) this.#forget();
    });
    bus.on('error', (error: unknown) =>
      hangUp(bus, error instanceof Error ? error : new Error(String(error))),
    );
    await this.events.listen(bus);
    return bus;
  }
}
