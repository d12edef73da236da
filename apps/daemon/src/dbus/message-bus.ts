import dbus from 'dbus-next';

const { Message } = dbus;
export const { MessageType, Variant } = dbus;
export type MessageBus = import('dbus-next').MessageBus;
export type BusMessage = import('dbus-next').Message;

/** @throws when nobody listens there or the signal aborts first. The caller disconnects. */
export async function connectBus(address: string, options: { signal: AbortSignal }): Promise<MessageBus> {
  options.signal.throwIfAborted();
  const bus = dbus.sessionBus({ busAddress: address });
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
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    bus
      .call(new Message(message))
      .then((reply) => resolve(reply?.body ?? []), reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
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
