import type { RawInputEvent, X11Connection } from '@deskhand/daemon/x11';

const MASTER_DEVICES = 1;
/** Esc, Ctrl, Shift, Alt of a PC keyboard: when the chord comes through XTEST, these are the person's. */
const CHORD_KEYCODES: ReadonlySet<number> = new Set([9, 37, 50, 64]);
const ESCAPE_KEYCODE = 9;

/** All in milliseconds of the X server's clock. NaN: did not happen. */
export type Times = Readonly<{
  firstRealMs: number;
  chordMs: number;
  lastInputMs: number;
  /** When the last thing that injection held went up. */
  allUpMs: number;
}>;

/** Another client of the X server, which notes what was injected and what a person did, by the server's clock. */
export class StopWatch {
  #injectors = new Set<number>();
  #times = nothing();
  /** Injected keys and buttons that are down, the chord's own left out. */
  readonly #down = new Set<string>();
  #onChord: (() => void) | undefined;
  #lastSeenMs = Number.NEGATIVE_INFINITY;
  injected = 0;

  static async start(x: X11Connection): Promise<StopWatch> {
    const watch = new StopWatch();
    const xinput = await x.require('xinput');
    const devices = await xinput.devices();
    watch.#injectors = new Set(devices.filter(({ name }) => name.includes('XTEST')).map(({ id }) => id));
    x.on('XIRawKeyPress', (event) => watch.#press('key', event));
    x.on('XIRawButtonPress', (event) => watch.#press('button', event));
    x.on('XIRawMotion', (event) => watch.#press('motion', event));
    x.on('XIRawKeyRelease', (event) => watch.#release('key', event));
    x.on('XIRawButtonRelease', (event) => watch.#release('button', event));
    await xinput.select(x.root, MASTER_DEVICES, [
      'RawKeyPress',
      'RawKeyRelease',
      'RawButtonPress',
      'RawButtonRelease',
      'RawMotion',
    ]);
    return watch;
  }

  clear(onChord?: () => void): void {
    this.#times = nothing();
    this.#down.clear();
    this.#onChord = onChord;
    this.injected = 0;
    this.#lastSeenMs = performance.now();
  }

  get times(): Times {
    return this.#times;
  }

  /** Since the last injected press or movement, by this process's clock. */
  get stillForMs(): number {
    return performance.now() - this.#lastSeenMs;
  }

  get chordSeen(): boolean {
    return !Number.isNaN(this.#times.chordMs);
  }

  #press(kind: string, event: RawInputEvent): void {
    const injected = this.#injectors.has(event.sourceId);
    if (kind === 'key' && event.detail === ESCAPE_KEYCODE) {
      this.#times.chordMs = event.time;
      this.#onChord?.();
    }
    if (injected && !(kind === 'key' && CHORD_KEYCODES.has(event.detail))) {
      this.injected += 1;
      this.#times.lastInputMs = event.time;
      this.#lastSeenMs = performance.now();
      if (kind !== 'motion') this.#down.add(`${kind} ${event.detail}`);
    } else if (!injected && Number.isNaN(this.#times.firstRealMs)) this.#times.firstRealMs = event.time;
  }

  #release(kind: string, event: RawInputEvent): void {
    if (!this.#injectors.has(event.sourceId) || !this.#down.delete(`${kind} ${event.detail}`)) return;
    if (this.#down.size === 0) this.#times.allUpMs = event.time;
  }
}

function nothing() {
  return { firstRealMs: Number.NaN, chordMs: Number.NaN, lastInputMs: Number.NaN, allUpMs: Number.NaN };
}
