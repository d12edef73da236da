import { ProtocolError } from '@deskhand/protocol';

/** The emergency stop: hands must never be able to press it, or a stop could be blamed on the agent. */
export const STOP_CHORD: readonly string[] = ['ctrl', 'alt', 'shift', 'escape'];
/** Escape pressed this often within this time is the second way to stop. */
const STOP_ESCAPES = 3;
const STOP_ESCAPES_WITHIN_MS = 1000;

/** Refuses what the guard would take for a stop. Remembers Escape presses between actions. */
export class ReservedChords {
  readonly #now: () => number;
  readonly #stopChord: readonly string[];
  #escapes: number[] = [];

  /** @param stopChord canonical key names; the person may have chosen another one. */
  constructor(parts: { now: () => number; stopChord?: readonly string[] }) {
    this.#now = parts.now;
    this.#stopChord = parts.stopChord ?? STOP_CHORD;
  }

  /** @throws ProtocolError RESERVED_CHORD when these keys, held together, contain the stop chord. */
  checkChord(keys: readonly string[]): void {
    if (this.#stopChord.length > 0 && this.#stopChord.every((key) => keys.includes(key)))
      throw new ProtocolError(
        'RESERVED_CHORD',
        'That chord is the emergency stop and belongs to the person.',
      );
  }

  /** @throws ProtocolError RESERVED_CHORD when the Escapes in `keys` would complete the triple press. */
  checkSequence(keys: readonly string[]): void {
    const coming = keys.filter((key) => key === 'escape').length;
    if (coming === 0) return;
    const since = this.#now() - STOP_ESCAPES_WITHIN_MS;
    this.#escapes = this.#escapes.filter((at) => at > since);
    if (this.#escapes.length + coming >= STOP_ESCAPES)
      throw new ProtocolError(
        'RESERVED_CHORD',
        'Escape three times within a second is an emergency stop and belongs to the person.',
      );
  }

  /** To be called when an Escape was pressed. */
  noteKey(key: string): void {
    if (key === 'escape') this.#escapes.push(this.#now());
  }
}
