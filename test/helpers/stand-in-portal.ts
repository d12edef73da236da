import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import dbus, { type Message, type MessageBus } from 'dbus-next';

const NAME = 'org.freedesktop.portal.Desktop';
const PREFIX = 'org.freedesktop.portal';
const PATH = '/org/freedesktop/portal/desktop';

/** One call of a Notify… method, without the session and its options. */
export type Notified = Readonly<{ member: string; values: readonly unknown[] }>;

/**
 * A desktop portal as far as a program can see it: its name, answers and signals on a real, private bus. The person
 * behind it agrees at once, unless told otherwise.
 */
export class StandInPortal implements AsyncDisposable {
  readonly address: string;
  readonly #daemon: ChildProcess;
  readonly #bus: MessageBus;
  readonly notified: Notified[] = [];
  /** Every question: its name and its options. */
  readonly asked: Array<{ member: string; options: Record<string, unknown> }> = [];
  readonly sessions = new Set<string>();
  /** What the person answers; 1 is "no". */
  answer = 0;
  /** What Start says that the person lets be controlled: 1 keyboard, 2 pointer. */
  devices = 3;
  /** What Start says is shared, in its order. */
  monitors: ReadonlyArray<{ node: number; x: number; y: number; width: number; height: number }>;
  #tokens = 0;

  private constructor(
    daemon: ChildProcess,
    address: string,
    bus: MessageBus,
    size: { width: number; height: number },
  ) {
    this.#daemon = daemon;
    this.address = address;
    this.#bus = bus;
    this.monitors = [{ node: 42, x: 0, y: 0, ...size }];
  }

  static async start(size: { width: number; height: number }): Promise<StandInPortal> {
    const daemon = spawn('dbus-daemon', ['--session', '--nofork', '--print-address=1'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(daemon.stdout, 'data')) as [Buffer];
    const address = line.toString().trim();
    const bus = dbus.sessionBus({ busAddress: address });
    await bus.requestName(NAME, 0);
    const portal = new StandInPortal(daemon, address, bus, size);
    bus.addMethodHandler((message: Message) => portal.#handle(message));
    return portal;
  }

  /** What the person sees and lets go of themselves. */
  endSessions(): void {
    for (const session of this.sessions)
      this.#bus.send(dbus.Message.newSignal(session, `${PREFIX}.Session`, 'Closed', '', []));
    this.sessions.clear();
  }

  /** Ends, as a program does that failed, and is back. */
  async restart(): Promise<void> {
    this.sessions.clear();
    await this.#bus.releaseName(NAME);
    await this.#bus.requestName(NAME, 0);
  }

  /** Has the desktop be GNOME's, as far as that is seen on the bus; the result ends that. */
  async asGnome(): Promise<() => Promise<unknown>> {
    const name = 'org.gnome.Mutter.RemoteDesktop';
    await this.#bus.requestName(name, 0);
    return () => this.#bus.releaseName(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#bus.disconnect();
    this.#daemon.kill('SIGKILL');
    if (this.#daemon.exitCode === null && this.#daemon.signalCode === null) await once(this.#daemon, 'exit');
  }

  #handle(message: Message): boolean {
    const { interface: from = '', member = '', body = [], path = '' } = message;
    if (from === 'org.freedesktop.DBus.Properties' && member === 'Get') {
      this.#bus.send(dbus.Message.newMethodReturn(message, 'v', [new dbus.Variant('u', 2)]));
      return true;
    }
    if (from === `${PREFIX}.Session` && member === 'Close') {
      this.sessions.delete(path);
      this.#bus.send(dbus.Message.newMethodReturn(message, '', []));
      return true;
    }
    if (member.startsWith('Notify')) {
      if (!this.sessions.has(String(body[0]))) {
        this.#bus.send(
          new dbus.Message({
            type: dbus.MessageType.ERROR,
            // A number at run time; the package's types say otherwise.
            replySerial: message.serial as unknown as string,
            destination: message.sender as string,
            errorName: 'org.freedesktop.DBus.Error.AccessDenied',
            signature: 's',
            body: ['no session'],
          }),
        );
        return true;
      }
      this.notified.push({ member, values: body.slice(2) });
      this.#bus.send(dbus.Message.newMethodReturn(message, '', []));
      return true;
    }
    if (!from.startsWith(PREFIX)) return false;
    this.#request(message, member);
    return true;
  }

  #request(message: Message, member: string): void {
    const given = message.body.at(-1) as Record<string, { value: unknown }>;
    const options = Object.fromEntries(Object.entries(given).map(([name, { value }]) => [name, value]));
    this.asked.push({ member, options });
    const sender = String(message.sender).slice(1).replaceAll('.', '_');
    const request = `${PATH}/request/${sender}/${options.handle_token}`;
    // Real portals often answer before they return.
    const results = this.answer === 0 ? this.#results(member, sender, options) : {};
    const signal = dbus.Message.newSignal(request, `${PREFIX}.Request`, 'Response', 'ua{sv}', [
      this.answer,
      results,
    ]);
    this.#bus.send(signal);
    this.#bus.send(dbus.Message.newMethodReturn(message, 'o', [request]));
  }

  #results(member: string, sender: string, options: Record<string, unknown>): Record<string, unknown> {
    if (member === 'CreateSession') {
      const session = `${PATH}/session/${sender}/${options.session_handle_token}`;
      this.sessions.add(session);
      return { session_handle: new dbus.Variant('s', session) };
    }
    if (member !== 'Start') return {};
    this.#tokens += 1;
    const streams = this.monitors.map(({ node, x, y, width, height }) => [
      node,
      { position: new dbus.Variant('(ii)', [x, y]), size: new dbus.Variant('(ii)', [width, height]) },
    ]);
    return {
      devices: new dbus.Variant('u', this.devices),
      streams: new dbus.Variant('a(ua{sv})', streams),
      restore_token: new dbus.Variant('s', `token-${this.#tokens}`),
    };
  }
}
