import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomHex } from '@deskhand/base';
import { ProtocolError, type Rect } from '@deskhand/protocol';
import { z } from 'zod';
import { call, connectBus, type MessageBus, subscribe, Variant } from '../dbus/message-bus.ts';

const PORTAL = 'org.freedesktop.portal.Desktop';
const PATH = '/org/freedesktop/portal/desktop';
const PREFIX = 'org.freedesktop.portal';
const CONNECT_CEILING_MS = 5000;
/** The person is asked, and may be looking for their glasses. */
const CONSENT_CEILING_MS = 120_000;

const KEYBOARD_AND_POINTER = 1 | 2;
const MONITORS = 1;
const POINTER_HIDDEN = 1;
/** Until the person takes it back in their settings. */
const PERSISTS = 2;
const GRANTED = 0;

/** One monitor that the person lets us see. `bounds` in the compositor's own, logical pixels. */
export type PortalStream = Readonly<{ node: number; bounds: Rect }>;

const Streams = z.array(
  z.tuple([
    z.int(),
    z.looseObject({
      position: z.object({ value: z.tuple([z.int(), z.int()]) }).optional(),
      size: z.object({ value: z.tuple([z.int(), z.int()]) }).optional(),
    }),
  ]),
);

/**
 * What the person lets us do with a Wayland desktop, through org.freedesktop.portal: look (ScreenCast), or look and
 * act (RemoteDesktop with ScreenCast). The first time the desktop asks them; afterwards a restore token, good for one
 * use, stands for their answer. The session ends with the connection, and what was held with it.
 */
export class PortalDesktop implements AsyncDisposable {
  readonly #bus: MessageBus;
  readonly #session: string;
  readonly streams: readonly PortalStream[];
  /** Settles when the desktop ended the session: the person took it back, or the portal is gone. */
  readonly lost: Promise<void>;

  private constructor(
    bus: MessageBus,
    session: string,
    streams: readonly PortalStream[],
    lost: Promise<void>,
  ) {
    this.#bus = bus;
    this.#session = session;
    this.streams = streams;
    this.lost = lost;
  }

  /** Whether a portal on this bus offers control at all; asks nobody. */
  static async canControl(address: string, options: { signal: AbortSignal }): Promise<boolean> {
    try {
      const bus = await connectBus(address, options);
      try {
        const property = { member: 'Get', signature: 'ss', body: [`${PREFIX}.RemoteDesktop`, 'version'] };
        const where = { destination: PORTAL, path: PATH, interface: 'org.freedesktop.DBus.Properties' };
        await call(bus, { ...where, ...property }, options);
        return true;
      } finally {
        bus.disconnect();
      }
    } catch {
      return false;
    }
  }

  /**
   * @param options.tokenFolder where the restore token of this purpose is kept, readable by its owner only.
   * @throws ProtocolError DISPLAY_UNAVAILABLE when there is no portal, or the person says no.
   */
  static async open(options: {
    bus: string;
    tokenFolder: string;
    purpose: 'look' | 'control';
  }): Promise<PortalDesktop> {
    const { purpose } = options;
    const bus = await connectBus(options.bus, { signal: AbortSignal.timeout(CONNECT_CEILING_MS) }).catch(
      (cause) => {
        throw new ProtocolError('DISPLAY_UNAVAILABLE', 'The session bus does not answer.', {}, { cause });
      },
    );
    try {
      const token = join(options.tokenFolder, `portal-${purpose}.token`);
      const requests = new Requests(bus);
      await requests.start();
      const owner = purpose === 'control' ? 'RemoteDesktop' : 'ScreenCast';
      const created = await requests.ask(owner, 'CreateSession', '', [], {
        session_handle_token: new Variant('s', `deskhand_${randomHex(12)}`),
      });
      const session = String(created.session_handle?.value ?? '');
      const lost = requests.whenClosed(session);
      const lasting = { persist_mode: new Variant('u', PERSISTS), ...restoreToken(token) };
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
      const started = await requests.ask(owner, 'Start', 'os', [session, ''], {});
      keepToken(token, started.restore_token?.value);
      return new PortalDesktop(bus, session, streamsOf(started.streams?.value), lost);
    } catch (error) {
      bus.disconnect();
      if (error instanceof ProtocolError) throw error;
      const message = 'The desktop portal did not start a session.';
      throw new ProtocolError('DISPLAY_UNAVAILABLE', message, {}, { cause: error });
    }
  }

  /** One Notify… call of RemoteDesktop: an event, injected when it returns. @throws ProtocolError INPUT_FAILED */
  async notify(member: string, signature: string, values: readonly unknown[]): Promise<void> {
    try {
      const where = { destination: PORTAL, path: PATH, interface: `${PREFIX}.RemoteDesktop` };
      const body = [this.#session, {}, ...values];
      const signal = AbortSignal.timeout(CONNECT_CEILING_MS);
      await call(this.#bus, { ...where, member, signature: `oa{sv}${signature}`, body }, { signal });
    } catch (cause) {
      throw new ProtocolError('INPUT_FAILED', 'The desktop portal did not take the input.', {}, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const where = { destination: PORTAL, path: this.#session, interface: `${PREFIX}.Session` };
    const signal = AbortSignal.timeout(CONNECT_CEILING_MS);
    await call(this.#bus, { ...where, member: 'Close' }, { signal }).catch(() => {});
    this.#bus.disconnect();
  }
}

type Results = Readonly<Record<string, { value: unknown } | undefined>>;

/** The portal answers a call with a place where the real answer will appear as a signal. */
class Requests {
  readonly #bus: MessageBus;
  readonly #waiting = new Map<string, (answer: [number, Results]) => void>();
  readonly #closed = new Map<string, () => void>();

  constructor(bus: MessageBus) {
    this.#bus = bus;
    bus.on('message', ({ path, interface: from, member, body }) => {
      if (from === `${PREFIX}.Request` && member === 'Response')
        this.#waiting.get(path ?? '')?.(body as [number, Results]);
      if (from === `${PREFIX}.Session` && member === 'Closed') this.#closed.get(path ?? '')?.();
    });
  }

  async start(): Promise<void> {
    const signal = AbortSignal.timeout(CONNECT_CEILING_MS);
    for (const [name, member] of [
      ['Request', 'Response'],
      ['Session', 'Closed'],
    ])
      await subscribe(this.#bus, `type='signal',interface='${PREFIX}.${name}',member='${member}'`, {
        signal,
      });
  }

  whenClosed(session: string): Promise<void> {
    return new Promise((resolve) => {
      this.#closed.set(session, resolve);
      this.#bus.on('error', () => resolve());
    });
  }

  /** @throws ProtocolError DISPLAY_UNAVAILABLE when the answer is no. */
  async ask(
    owner: 'RemoteDesktop' | 'ScreenCast',
    member: string,
    signature: string,
    values: readonly unknown[],
    wishes: Record<string, unknown>,
  ): Promise<Results> {
    const token = `deskhand_${randomHex(12)}`;
    const sender = (this.#bus as unknown as { name: string }).name.slice(1).replaceAll('.', '_');
    const path = `${PATH}/request/${sender}/${token}`;
    // Listened for before it is asked: the answer may be quicker than the reply.
    const answer = new Promise<[number, Results]>((resolve) => this.#waiting.set(path, resolve));
    const signal = AbortSignal.timeout(CONSENT_CEILING_MS);
    try {
      const body = [...values, { handle_token: new Variant('s', token), ...wishes }];
      const where = { destination: PORTAL, path: PATH, interface: `${PREFIX}.${owner}` };
      await call(this.#bus, { ...where, member, signature: `${signature}a{sv}`, body }, { signal });
      const [code, results] = await Promise.race([
        answer,
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ]);
      if (code === GRANTED) return results;
      throw new ProtocolError(
        'DISPLAY_UNAVAILABLE',
        `The desktop portal said no to ${owner}.${member}: sharing was declined.`,
      );
    } finally {
      this.#waiting.delete(path);
    }
  }
}

function streamsOf(value: unknown): PortalStream[] {
  const parsed = Streams.safeParse(value);
  if (!parsed.success || parsed.data.length === 0)
    throw new ProtocolError('DISPLAY_UNAVAILABLE', 'The desktop portal shares no monitor.');
  return parsed.data.map(([node, { position, size }]) => {
    const [x, y] = position?.value ?? [0, 0];
    const [width, height] = size?.value ?? [0, 0];
    if (width < 1 || height < 1)
      throw new ProtocolError(
        'DISPLAY_UNAVAILABLE',
        'The desktop portal does not say how large a monitor is.',
      );
    return { node, bounds: { x, y, width, height } };
  });
}

function restoreToken(file: string): Record<string, unknown> {
  try {
    return { restore_token: new Variant('s', readFileSync(file, 'utf8')) };
  } catch {
    return {};
  }
}

/** Each is good once; without a new one the person is asked again. */
function keepToken(file: string, token: unknown): void {
  if (typeof token === 'string' && token !== '') writeFileSync(file, token, { mode: 0o600 });
  else rmSync(file, { force: true });
}
