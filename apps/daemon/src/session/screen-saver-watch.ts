import type { MessageBus } from 'dbus-next';
import { subscribe } from '../dbus/message-bus.ts';
import type { SessionChange } from './session-change.ts';

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
    await subscribe(bus, `type='signal',interface='${name}',member='ActiveChanged'`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
}
