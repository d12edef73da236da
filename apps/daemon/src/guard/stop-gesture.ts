import type { StopChord } from '../safety/stop-chord.ts';

/** One physical or injected key going down or up, already translated from keycodes. */
export type KeyChange = Readonly<{
  keycode: number;
  /** The device it came from: an injected release does not lift a real finger. */
  sourceId: number;
  /** Canonical names this key stands for (`alt`, `escape` …); empty for keys of no interest. */
  names: readonly string[];
  down: boolean;
  /** Came from a device that is not the server's injection device. */
  real: boolean;
  /** Milliseconds, monotonic. */
  atMs: number;
}>;

const TRIPLE_WINDOW_MS = 1000;

/**
 * Recognises the stop chord from any source (hands never press it, so it is always a person's) and three
 * presses of Escape within a second on a real keyboard (agents press Escape all the time). Pure.
 */
export class StopGesture {
  readonly #chord: StopChord;
  readonly #down = new Map<string, readonly string[]>();
  #escapes: number[] = [];

  constructor(chord: StopChord) {
    this.#chord = chord;
  }

  /** @returns the gesture that this change completes. */
  key(change: KeyChange): 'chord' | 'triple' | undefined {
    const key = `${change.sourceId} ${change.keycode}`;
    if (!change.down) {
      this.#down.delete(key);
      return undefined;
    }
    // A press of a key that is down already is auto-repeat.
    const repeated = this.#down.has(key);
    this.#down.set(key, change.names);
    if (this.#completesChord(change)) return 'chord';
    return !repeated && this.#completesTriple(change) ? 'triple' : undefined;
  }

  /** Forgets what is held: after a lost connection nobody tells of releases. */
  clear(): void {
    this.#down.clear();
    this.#escapes = [];
  }

  #completesChord(change: KeyChange): boolean {
    if (!change.names.includes(this.#chord.key)) return false;
    const held = new Set([...this.#down.values()].flat());
    return this.#chord.modifiers.every((modifier) => held.has(modifier));
  }

  #completesTriple(change: KeyChange): boolean {
    if (!change.real) return false;
    if (!change.names.includes('escape')) {
      this.#escapes = [];
      return false;
    }
    this.#escapes = [...this.#escapes.filter((at) => change.atMs - at < TRIPLE_WINDOW_MS), change.atMs];
    if (this.#escapes.length < 3) return false;
    this.#escapes = [];
    return true;
  }
}
