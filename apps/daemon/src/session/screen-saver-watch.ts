import type { MessageBus } from 'dbus-next';
import { call } from '../accessibility/accessibility-bus.ts';
import type { SessionChange } from './session-watch.ts';

const INTERFACES = [
  'org.freedesktop.ScreenSaver',
  'org.gnome.ScreenSaver',
  'org.mate.ScreenSaver',
  'org.cinnamon.ScreenSaver',
  'org.xfce.ScreenSaver',
];
const ANSWER_MS = 2000;

/** The desktops' own lock screens, as they say it on the session bus. @throws when it takes no subscriptions. */
export async function watchScreenSavers(
  bus: MessageBus,
  onChange: (change: SessionChange) => void,
): Promise<void> {
  bus.on('message', ({ member, interface: from, body }) => {
    if (member !== 'ActiveChanged' || from === undefined || !INTERFACES.includes(from)) return;
    // Several names, one lock screen: desktops speak more than one of these.
    onChange({ source: 'screen saver', away: body[0] === true, reason: 'The screen was locked.' });
  });
  for (const name of INTERFACES)
    await call(
      bus,
      {
        destination: 'org.freedesktop.DBus',
        path: '/org/freedesktop/DBus',
        interface: 'org.freedesktop.DBus',
        member: 'AddMatch',
        signature: 's',
        body: [`type='signal',interface='${name}',member='ActiveChanged'`],
      },
      { signal: AbortSignal.timeout(ANSWER_MS) },
    );
}
