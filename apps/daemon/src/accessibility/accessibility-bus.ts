import { call, connectBus, type MessageBus, Variant } from '../dbus/message-bus.ts';

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
