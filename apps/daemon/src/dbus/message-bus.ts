import type { Socket } from 'node:net';
import dbus from 'dbus-next';
import { BoundedReading } from './bounded-reading.ts';

const { Message } = dbus;
export const { MessageType, Variant } = dbus;
export type MessageBus = import('dbus-next').MessageBus;
export type BusMessage = import('dbus-next').Message;

/** What one connection has cost so far. */
type Traffic = {
  reading: BoundedReading;
  /** Calls whose reply has not come, also those that nobody waits for any more. */
  unanswered: Map<object, (reason: Error) => void>;
  lost: Error | null;
};
const traffic = new WeakMap<MessageBus, Traffic>();

/** Bytes of the messages that came, and how many calls were never answered; grows with the connection's life. */
export function trafficOf(bus: MessageBus): Readonly<{ receivedBytes: number; unanswered: number }> {
  const known = traffic.get(bus);
  return {
    receivedBytes: known?.reading.receivedBytes ?? 0,
    unanswered: known?.unanswered.size ?? 0,
  };
}

/** Calls back once the connection is no more, whoever ended it. */
export function whenLost(bus: MessageBus, listener: () => void): void {
  innerOf(bus).stream.once('close', listener);
}

/** Ends a connection at once, with all that is still on its way; whoever waits for a reply is told so. */
export function hangUp(bus: MessageBus, reason: Error): void {
  lose(bus, reason);
  innerOf(bus).stream.destroy();
}

/**
 * A peer may send what it likes: messages beyond `BoundedReading`'s limit are dropped unread and told to `onTooLarge`,
 * those that cannot be read are passed over.
 * @throws when nobody listens there or the signal aborts first. The caller disconnects. */
export async function connectBus(
  address: string,
  options: { signal: AbortSignal; onTooLarge?: (bus: MessageBus, bytes: number) => void },
): Promise<MessageBus> {
  options.signal.throwIfAborted();
  const bus = dbus.sessionBus({ busAddress: address });
  const inner = innerOf(bus);
  const reading = new BoundedReading(inner.stream, (bytes) => options.onTooLarge?.(bus, bytes));
  traffic.set(bus, { reading, unanswered: new Map(), lost: null });
  whenLost(bus, () => lose(bus, new Error('The connection to the bus has ended.')));
  try {
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => reject(options.signal.reason as Error);
      options.signal.addEventListener('abort', onAbort, { once: true });
      bus.on('connect', () => {
        options.signal.removeEventListener('abort', onAbort);
        resolve();
      });
      bus.on('error', (error: unknown) => {
        options.signal.removeEventListener('abort', onAbort);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
    reading.surviveUnreadable();
    return bus;
  } catch (cause) {
    bus.disconnect();
    throw cause;
  }
}

/** What one method call names; see the D-Bus specification. */
export type Call = Readonly<{
  destination: string;
  path: string;
  interface: string;
  member: string;
  signature?: string;
  body?: unknown[];
}>;

/** One call and its reply's body. A peer that never answers costs no more than the signal allows. */
export async function call(
  bus: MessageBus,
  message: Call,
  options: { signal: AbortSignal },
): Promise<unknown[]> {
  const { signal } = options;
  signal.throwIfAborted();
  const known = traffic.get(bus);
  if (known?.lost) throw known.lost;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    const key = {};
    known?.unanswered.set(key, reject);
    bus
      .call(new Message(message))
      .then((reply) => resolve(reply?.body ?? []), reject)
      .finally(() => {
        known?.unanswered.delete(key);
        signal.removeEventListener('abort', onAbort);
      });
  });
}

function lose(bus: MessageBus, reason: Error): void {
  const known = traffic.get(bus);
  if (known === undefined || known.lost !== null) return;
  known.lost = reason;
  for (const reject of known.unanswered.values()) reject(reason);
  known.unanswered.clear();
}

/** What the package keeps to itself. */
function innerOf(bus: MessageBus): NodeJS.EventEmitter & { stream: Socket } {
  return (bus as unknown as { _connection: NodeJS.EventEmitter & { stream: Socket } })._connection;
}

/** Has the bus pass on signals that match; they arrive as the bus's `message` event. */
export async function subscribe(
  bus: MessageBus,
  rule: string,
  options: { signal: AbortSignal },
): Promise<void> {
  const own = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus' };
  const message = { ...own, interface: 'org.freedesktop.DBus', member: 'AddMatch' };
  await call(bus, { ...message, signature: 's', body: [rule] }, options);
}
