import dbus, { type MessageBus } from 'dbus-next';

const { Message, Variant } = dbus;

/**
 * Turns accessibility on for a session and returns the address of its bus.
 * The bus starts by D-Bus activation at the first call.
 * @param sessionAddress D-Bus address of the session bus.
 */
export async function enableAccessibility(
  sessionAddress: string,
  options: { signal: AbortSignal },
): Promise<string> {
  const bus = await connectBus(sessionAddress, options);
  try {
    await call(
      bus,
      {
        destination: 'org.a11y.Bus',
        path: '/org/a11y/bus',
        interface: 'org.freedesktop.DBus.Properties',
        member: 'Set',
        signature: 'ssv',
        body: ['org.a11y.Status', 'IsEnabled', new Variant('b', true)],
      },
      options,
    );
    return await accessibilityAddress(bus, options);
  } finally {
    bus.disconnect();
  }
}

/** Address of the accessibility bus that belongs to a session bus. */
export async function accessibilityAddress(
  session: MessageBus,
  options: { signal: AbortSignal },
): Promise<string> {
  const [address] = await call(
    session,
    {
      destination: 'org.a11y.Bus',
      path: '/org/a11y/bus',
      interface: 'org.a11y.Bus',
      member: 'GetAddress',
    },
    options,
  );
  if (typeof address !== 'string' || address === '') throw new Error('org.a11y.Bus gave no address');
  return address;
}

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

/** What one method call names; see {@link Message}. */
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
