import { errorAttributes, type Logger } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import { openOnWayland, type WaylandConnection, type WaylandDisplays } from '../wayland/index.ts';
import type { Output } from './portal-streams.ts';

const HAS_POINTER = 1;
const HAS_KEYBOARD = 2;

/**
 * What the compositor tells all its clients and the portal does not: its monitors and their scales, and what its seat
 * has. A stream of a monitor that is gone stays open and sends its last picture for ever, so any change of monitors
 * ends the session; the next one starts with what there is then.
 */
export class CompositorFacts implements AsyncDisposable {
  readonly outputs: readonly Output[];
  /** Settles when the monitors are not what they were. */
  readonly changed: Promise<ProtocolError>;
  readonly #connection: WaylandConnection | null;
  #seat = HAS_POINTER | HAS_KEYBOARD;

  private constructor(connection: WaylandConnection | null, displays: WaylandDisplays | null) {
    this.#connection = connection;
    this.outputs = displays?.all.map(({ display: { bounds }, logical }) => ({ bounds, logical })) ?? [];
    this.changed = new Promise((resolve) => {
      displays?.onChanged(() =>
        resolve(new ProtocolError('DISPLAY_UNAVAILABLE', 'The monitors changed: sharing begins anew.')),
      );
    });
    const [seat] = connection?.globals('wl_seat') ?? [];
    if (connection !== null && seat !== undefined)
      connection.bind(seat, 'wl_seat', 1).on('capabilities', (has) => {
        this.#seat = Number(has);
      });
  }

  /** @param socket the compositor's; null, or one that does not answer: nothing is known, and the portal's word counts. */
  static async open({ socket, log }: { socket: string | null; log: Logger }): Promise<CompositorFacts> {
    if (socket === null) return new CompositorFacts(null, null);
    try {
      return await openOnWayland({ socket, log }, async (connection, displays) => {
        const facts = new CompositorFacts(connection, displays);
        await connection.roundTrip();
        return facts;
      });
    } catch (error) {
      log.warn('the compositor does not tell its monitors', errorAttributes(error));
      return new CompositorFacts(null, null);
    }
  }

  /** Whether applications have such a device to listen to; true where nothing is known. */
  has(device: 'pointer' | 'keyboard'): boolean {
    return (this.#seat & (device === 'pointer' ? HAS_POINTER : HAS_KEYBOARD)) !== 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.[Symbol.asyncDispose]();
  }
}
