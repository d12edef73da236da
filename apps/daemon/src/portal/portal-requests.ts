import { randomHex } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import { call, type MessageBus, subscribe, Variant } from '../dbus/message-bus.ts';

export const PORTAL = 'org.freedesktop.portal.Desktop';
export const PORTAL_PATH = '/org/freedesktop/portal/desktop';
export const PORTAL_PREFIX = 'org.freedesktop.portal';
export const ANSWER_CEILING_MS = 5000;
/** The person is asked, and may be looking for their glasses. */
const CONSENT_CEILING_MS = 120_000;
/** What a Response says: yes, no by the person, or that it came to neither. */
const GRANTED = 0;
const CANCELLED = 1;

export type Results = Readonly<Record<string, { value: unknown } | undefined>>;

/** The portal answers a call with a place where the real answer will appear as a signal. */
export class PortalRequests {
  readonly #bus: MessageBus;
  readonly #waiting = new Map<string, (answer: [number, Results]) => void>();
  readonly #closed = new Map<string, (ended: ProtocolError) => void>();

  constructor(bus: MessageBus) {
    this.#bus = bus;
    bus.on('message', ({ path, interface: from, member, body }) => {
      if (from === `${PORTAL_PREFIX}.Request` && member === 'Response')
        this.#waiting.get(path ?? '')?.(body as [number, Results]);
      if (from === `${PORTAL_PREFIX}.Session` && member === 'Closed') this.#closed.get(path ?? '')?.(ended());
      if (member === 'NameOwnerChanged' && body[0] === PORTAL && body[2] === '')
        for (const tell of this.#closed.values()) tell(gone());
    });
  }

  async start(): Promise<void> {
    const signal = AbortSignal.timeout(ANSWER_CEILING_MS);
    for (const rule of [
      `interface='${PORTAL_PREFIX}.Request',member='Response'`,
      `interface='${PORTAL_PREFIX}.Session',member='Closed'`,
      `interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${PORTAL}'`,
    ])
      await subscribe(this.#bus, `type='signal',${rule}`, { signal });
  }

  /** Settles with SHARING_DECLINED when the desktop ended the session, DISPLAY_UNAVAILABLE when the portal is gone. */
  whenClosed(session: string): Promise<ProtocolError> {
    return new Promise((resolve) => {
      this.#closed.set(session, resolve);
      this.#bus.on('error', () => resolve(gone()));
    });
  }

  /** @throws ProtocolError SHARING_DECLINED when the person says no, DISPLAY_UNAVAILABLE when they could not be asked. */
  async ask(
    owner: 'RemoteDesktop' | 'ScreenCast',
    member: string,
    signature: string,
    values: readonly unknown[],
    wishes: Record<string, unknown>,
  ): Promise<Results> {
    const token = `deskhand_${randomHex(12)}`;
    const sender = (this.#bus as unknown as { name: string }).name.slice(1).replaceAll('.', '_');
    const path = `${PORTAL_PATH}/request/${sender}/${token}`;
    // Listened for before it is asked: the answer may be quicker than the reply.
    const answer = new Promise<[number, Results]>((resolve) => this.#waiting.set(path, resolve));
    const signal = AbortSignal.timeout(CONSENT_CEILING_MS);
    try {
      const body = [...values, { handle_token: new Variant('s', token), ...wishes }];
      const where = { destination: PORTAL, path: PORTAL_PATH, interface: `${PORTAL_PREFIX}.${owner}` };
      await call(this.#bus, { ...where, member, signature: `${signature}a{sv}`, body }, { signal });
      const [code, results] = await Promise.race([
        answer,
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ]);
      if (code === GRANTED) return results;
      if (code === CANCELLED)
        throw new ProtocolError(
          'SHARING_DECLINED',
          `Sharing was declined, in answer to ${owner}.${member}. Start Deskhand again to be asked again; if nobody was asked, the log of the desktop's portal says why.`,
        );
      throw new ProtocolError(
        'DISPLAY_UNAVAILABLE',
        `The desktop portal could not do ${owner}.${member}; its own log says why.`,
      );
    } finally {
      this.#waiting.delete(path);
    }
  }
}

function ended(): ProtocolError {
  return new ProtocolError(
    'SHARING_DECLINED',
    'Sharing was ended from the desktop itself: by its indicator, or because the screen was locked. Start Deskhand again to be asked again.',
  );
}

function gone(): ProtocolError {
  return new ProtocolError('DISPLAY_UNAVAILABLE', 'The desktop portal is gone.');
}
