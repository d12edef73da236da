import { errorAttributes, type Logger } from '@deskhand/base';
import { connectBus } from '../dbus/message-bus.ts';
import { watchLogin } from './login-watch.ts';
import { watchScreenSavers } from './screen-saver-watch.ts';
import type { SessionChange } from './session-change.ts';
import { SleepDelay } from './sleep-delay.ts';
import { watchX11Lockers } from './x11-locker-watch.ts';

export type SessionWatchOptions = Readonly<{
  display: string | null;
  env: Readonly<Record<string, string | undefined>>;
  /** Settles when nothing is injected and held any more, if that is what the change means. Never rejects. */
  onChange: (change: SessionChange) => Promise<void>;
  log: Logger;
}>;

/** Shorter than anybody waits; a bus that does not answer is one that is not there. */
const CONNECT_MS = 3000;

/**
 * Hears when the screen is locked, the computer goes to sleep, another user comes to the front or the lid is
 * closed. Each source is optional: what a system lacks is logged and missed.
 */
export async function watchSession(options: SessionWatchOptions): Promise<AsyncDisposable> {
  const { display, env, onChange, log } = options;
  const stack = new AsyncDisposableStack();
  const attempt = async (what: string, start: () => Promise<AsyncDisposable | undefined>) => {
    try {
      const opened = await start();
      if (opened !== undefined) stack.use(opened);
    } catch (error) {
      log.info(`${what} cannot be watched`, errorAttributes(error));
    }
  };
  const onBus = async (
    address: string,
    watch: (bus: Awaited<ReturnType<typeof connectBus>>) => Promise<void>,
  ): Promise<AsyncDisposable> => {
    const bus = await connectBus(address, { signal: AbortSignal.timeout(CONNECT_MS) });
    bus.on('error', (error: unknown) => log.info('a bus is gone', errorAttributes(error)));
    try {
      await watch(bus);
    } catch (error) {
      bus.disconnect();
      throw error;
    }
    return { [Symbol.asyncDispose]: async () => bus.disconnect() };
  };
  const system = env.DBUS_SYSTEM_BUS_ADDRESS ?? 'unix:path=/var/run/dbus/system_bus_socket';
  const session = env.DBUS_SESSION_BUS_ADDRESS;
  if (process.platform === 'linux')
    await attempt('login sessions', async () => {
      const sleepDelay = new SleepDelay({ env, log });
      const watching = await onBus(system, (bus) => watchLogin(bus, { env, onChange, sleepDelay }));
      stack.use(sleepDelay);
      return watching;
    });
  if (session !== undefined)
    await attempt('screen savers', () =>
      onBus(session, (bus) => watchScreenSavers(bus, (change) => void onChange(change))),
    );
  if (display !== null)
    await attempt('screen lockers', () =>
      watchX11Lockers({ display, onChange: (change) => void onChange(change), log }),
    );
  return stack;
}
