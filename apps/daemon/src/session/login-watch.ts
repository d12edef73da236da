import type { MessageBus } from 'dbus-next';
import { call, subscribe } from '../dbus/message-bus.ts';
import type { SessionChange } from './session-change.ts';
import type { SleepDelay } from './sleep-delay.ts';

const LOGIN = 'org.freedesktop.login1';
const POWER = 'org.freedesktop.UPower';
const SESSION = `${LOGIN}.Session`;
const PROPERTIES = 'org.freedesktop.DBus.Properties';
const ANSWER_MS = 2000;

/**
 * systemd's login manager and UPower: sleep, lock, the session in front, the lid.
 * @throws when the bus takes no subscriptions.
 */
export async function watchLogin(
  bus: MessageBus,
  options: {
    env: Readonly<Record<string, string | undefined>>;
    onChange: (change: SessionChange) => Promise<void>;
    sleepDelay: Pick<SleepDelay, 'take' | 'release'>;
  },
): Promise<void> {
  const { env, onChange, sleepDelay } = options;
  const signal = () => ({ signal: AbortSignal.timeout(ANSWER_MS) });
  const ours = await ownSession(bus, env);
  const say = (source: string, away: boolean, reason: string) => onChange({ source, away, reason });
  bus.on('message', (message) => {
    const { member, path, interface: from, body } = message;
    if (from === `${LOGIN}.Manager` && member === 'PrepareForSleep') {
      const asleep = body[0] === true;
      // It sleeps when nothing is held any more, and is held up the next time, too.
      void say('sleep', asleep, 'This computer goes to sleep.').finally(() =>
        asleep ? sleepDelay.release() : sleepDelay.take(),
      );
    }
    if (from === SESSION && (ours === undefined || path === ours)) {
      if (member === 'Lock') void say('lock', true, 'The screen was locked.');
      if (member === 'Unlock') void say('lock', false, 'The screen was unlocked.');
    }
    if (from !== PROPERTIES || member !== 'PropertiesChanged') return;
    const [about, changed] = body as [string, Record<string, { value: unknown }>];
    if (about === SESSION && path === ours) {
      const { Active: active, LockedHint: locked } = changed;
      if (active !== undefined)
        void say('front', active.value === false, 'Another session is in front of this screen.');
      if (locked !== undefined) void say('lock', locked.value === true, 'The screen was locked.');
    }
    if (about === POWER && changed.LidIsClosed !== undefined)
      void say('lid', changed.LidIsClosed.value === true, 'The lid was closed.');
  });
  for (const rule of [
    `type='signal',sender='${LOGIN}',interface='${LOGIN}.Manager',member='PrepareForSleep'`,
    `type='signal',sender='${LOGIN}',interface='${SESSION}'`,
    `type='signal',sender='${LOGIN}',interface='${PROPERTIES}',arg0='${SESSION}'`,
    `type='signal',sender='${POWER}',interface='${PROPERTIES}',arg0='${POWER}'`,
  ])
    await subscribe(bus, rule, signal());
  // Only now: a lock that nobody would let go of at the signal holds up sleep for nothing.
  if (await hasLoginManager(bus)) sleepDelay.take();
}

async function hasLoginManager(bus: MessageBus): Promise<boolean> {
  const [owned] = await call(
    bus,
    {
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'NameHasOwner',
      signature: 's',
      body: [LOGIN],
    },
    { signal: AbortSignal.timeout(ANSWER_MS) },
  );
  return owned === true;
}

/** Object path of the login session this process belongs to; undefined where nobody knows. */
async function ownSession(
  bus: MessageBus,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const manager = { destination: LOGIN, path: '/org/freedesktop/login1', interface: `${LOGIN}.Manager` };
  const tries = [
    ...(env.XDG_SESSION_ID ? [{ member: 'GetSession', signature: 's', body: [env.XDG_SESSION_ID] }] : []),
    { member: 'GetSessionByPID', signature: 'u', body: [process.pid] },
  ];
  for (const attempt of tries) {
    try {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const [path] = await call(bus, { ...manager, ...attempt }, { signal });
      if (typeof path === 'string') return path;
    } catch {
      // Not in a session by this name, or no login manager.
    }
  }
  return undefined;
}
