import { type Logger, randomHex, sleep } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import { call, connectBus, type MessageBus, Variant } from '../dbus/message-bus.ts';
import { CompositorFacts } from './compositor-facts.ts';
import { ANSWER_CEILING_MS, PORTAL, PORTAL_PATH, PORTAL_PREFIX, PortalRequests } from './portal-requests.ts';
import { type PortalStream, portalStreams } from './portal-streams.ts';
import { forgetSharing, keepSharingToken, readSharingToken, type SharingPurpose } from './sharing-token.ts';

const KEYBOARD_AND_POINTER = 1 | 2;
const MONITORS = 1;
const POINTER_HIDDEN = 1;
/** Until the person takes it back in their settings. */
const PERSISTS = 2;
/** GNOME ends a session itself when a monitor's scale changes, and tells of the change a moment later. */
const CHANGE_TOLD_MS = 1000;
/** Who owns it is GNOME's compositor. */
const MUTTER = 'org.gnome.Mutter.RemoteDesktop';

export type PortalOptions = Readonly<{
  bus: string;
  /** The compositor's, for its monitors; null: they are taken as the portal names them. */
  socket: string | null;
  /** Where the restore token of a purpose is kept, readable by its owner only. */
  tokenFolder: string;
  log: Logger;
}>;

/**
 * What the person lets us do with a Wayland desktop, through org.freedesktop.portal: look (ScreenCast), or look and
 * act (RemoteDesktop with ScreenCast). The first time the desktop asks them; afterwards a restore token, good for one
 * use, stands for their answer, until they end the session themselves. The session ends with the connection, and what
 * was held with it.
 */
export class PortalDesktop implements AsyncDisposable {
  readonly #bus: MessageBus;
  readonly #session: string;
  readonly #compositor: CompositorFacts;
  readonly streams: readonly PortalStream[];
  /** GNOME's compositor, which counts absolute positions in the stream's own pixels; the others in logical ones. */
  readonly isMutter: boolean;
  /** Settles at once when nothing may be seen or done any more. */
  readonly stopped: Promise<unknown>;
  /**
   * Settles when it is known why nothing may be seen or done any more. SHARING_DECLINED: the person ended it, and is asked next time.
   * DISPLAY_UNAVAILABLE: the portal is gone, or the monitors are not what they were.
   */
  readonly lost: Promise<ProtocolError>;

  private constructor(facts: {
    bus: MessageBus;
    session: string;
    compositor: CompositorFacts;
    streams: readonly PortalStream[];
    isMutter: boolean;
    stopped: Promise<unknown>;
    lost: Promise<ProtocolError>;
  }) {
    this.#bus = facts.bus;
    this.#session = facts.session;
    this.#compositor = facts.compositor;
    this.streams = facts.streams;
    this.isMutter = facts.isMutter;
    this.stopped = facts.stopped;
    this.lost = facts.lost;
  }

  /** Whether a portal on this bus offers control at all; asks nobody. */
  static async canControl(address: string, options: { signal: AbortSignal }): Promise<boolean> {
    try {
      const bus = await connectBus(address, options);
      try {
        const property = {
          member: 'Get',
          signature: 'ss',
          body: [`${PORTAL_PREFIX}.RemoteDesktop`, 'version'],
        };
        const where = {
          destination: PORTAL,
          path: PORTAL_PATH,
          interface: 'org.freedesktop.DBus.Properties',
        };
        await call(bus, { ...where, ...property }, options);
        return true;
      } finally {
        bus.disconnect();
      }
    } catch {
      return false;
    }
  }

  /** @throws ProtocolError DISPLAY_UNAVAILABLE when there is no portal; SHARING_DECLINED when the person says no. */
  static async open(options: PortalOptions & { purpose: SharingPurpose }): Promise<PortalDesktop> {
    const { purpose, tokenFolder } = options;
    const bus = await connectBus(options.bus, { signal: AbortSignal.timeout(ANSWER_CEILING_MS) }).catch(
      (cause) => {
        throw new ProtocolError('DISPLAY_UNAVAILABLE', 'The session bus does not answer.', {}, { cause });
      },
    );
    const compositor = await CompositorFacts.open(options);
    try {
      const requests = new PortalRequests(bus);
      await requests.start();
      const owner = purpose === 'control' ? 'RemoteDesktop' : 'ScreenCast';
      const created = await requests.ask(owner, 'CreateSession', '', [], {
        session_handle_token: new Variant('s', `deskhand_${randomHex(12)}`),
      });
      const session = String(created.session_handle?.value ?? '');
      const closed = requests.whenClosed(session);
      const lost = Promise.race([closed, compositor.changed]).then(async (first) => {
        const why = (await Promise.race([compositor.changed, sleep(CHANGE_TOLD_MS)])) ?? first;
        if (why.code === 'SHARING_DECLINED') forgetSharing(tokenFolder);
        return why;
      });
      const token = readSharingToken(tokenFolder, purpose);
      const lasting = {
        persist_mode: new Variant('u', PERSISTS),
        ...(token === undefined ? {} : { restore_token: new Variant('s', token) }),
      };
      if (purpose === 'control')
        await requests.ask('RemoteDesktop', 'SelectDevices', 'o', [session], {
          types: new Variant('u', KEYBOARD_AND_POINTER),
          ...lasting,
        });
      await requests.ask('ScreenCast', 'SelectSources', 'o', [session], {
        types: new Variant('u', MONITORS),
        multiple: new Variant('b', true),
        cursor_mode: new Variant('u', POINTER_HIDDEN),
        ...(purpose === 'look' ? lasting : {}),
      });
      const started = await Promise.race([
        requests.ask(owner, 'Start', 'os', [session, ''], {}),
        closed.then((why) => {
          throw why;
        }),
      ]);
      if (purpose === 'control') demandDevices(started.devices?.value);
      keepSharingToken(tokenFolder, purpose, started.restore_token?.value);
      return new PortalDesktop({
        bus,
        session,
        compositor,
        streams: portalStreams(started.streams?.value, compositor.outputs),
        isMutter: purpose === 'control' && (await isOwned(bus, MUTTER)),
        stopped: Promise.race([closed, compositor.changed]),
        lost,
      });
    } catch (error) {
      bus.disconnect();
      await compositor[Symbol.asyncDispose]();
      if (error instanceof ProtocolError) throw error;
      const message = 'The desktop portal did not start a session.';
      throw new ProtocolError('DISPLAY_UNAVAILABLE', message, {}, { cause: error });
    }
  }

  /** Whether applications have such a device to listen to: a seat without one gets it with our first event. */
  seatHas(device: 'pointer' | 'keyboard'): boolean {
    return this.#compositor.has(device);
  }

  /** One Notify… call of RemoteDesktop: an event, injected when it returns. @throws ProtocolError INPUT_FAILED */
  async notify(member: string, signature: string, values: readonly unknown[]): Promise<void> {
    try {
      const where = { destination: PORTAL, path: PORTAL_PATH, interface: `${PORTAL_PREFIX}.RemoteDesktop` };
      const body = [this.#session, {}, ...values];
      const signal = AbortSignal.timeout(ANSWER_CEILING_MS);
      await call(this.#bus, { ...where, member, signature: `oa{sv}${signature}`, body }, { signal });
    } catch (cause) {
      throw new ProtocolError('INPUT_FAILED', 'The desktop portal did not take the input.', {}, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const where = { destination: PORTAL, path: this.#session, interface: `${PORTAL_PREFIX}.Session` };
    const signal = AbortSignal.timeout(ANSWER_CEILING_MS);
    await call(this.#bus, { ...where, member: 'Close' }, { signal }).catch(() => {});
    this.#bus.disconnect();
    await this.#compositor[Symbol.asyncDispose]();
  }
}

/** GNOME's dialog shares the screen and nothing else unless a second switch is turned on. */
function demandDevices(devices: unknown): void {
  if ((Number(devices ?? 0) & KEYBOARD_AND_POINTER) === KEYBOARD_AND_POINTER) return;
  throw new ProtocolError(
    'SHARING_DECLINED',
    'The screen was shared, but not mouse and keyboard: start Deskhand again and turn on “Allow remote interaction” in the dialog.',
  );
}

async function isOwned(bus: MessageBus, name: string): Promise<boolean> {
  const where = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus' };
  const question = {
    interface: 'org.freedesktop.DBus',
    member: 'NameHasOwner',
    signature: 's',
    body: [name],
  };
  const [owned] = await call(
    bus,
    { ...where, ...question },
    { signal: AbortSignal.timeout(ANSWER_CEILING_MS) },
  );
  return owned === true;
}
