import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/**
 * When the stop chord was last really pressed on this desktop, by chord: the only proof of the whole way from
 * the keyboard on. A file that cannot be read or written only loses that fact.
 */
export class StopKeyRecord {
  readonly #path: string;
  readonly #chord: string;
  #pressedAt: string | undefined;

  constructor(path: string, chord: string) {
    this.#path = path;
    this.#chord = chord;
    try {
      const found: unknown = JSON.parse(readFileSync(path, 'utf8').slice(0, 4096));
      const { chord: of, pressed_at: at } = found as { chord?: unknown; pressed_at?: unknown };
      // Another chord was proven than the one that is in force.
      if (of === chord && typeof at === 'string' && !Number.isNaN(Date.parse(at)))
        this.#pressedAt = new Date(at).toISOString();
    } catch {
      // Never pressed, as far as anybody knows.
    }
  }

  get pressedAt(): string | undefined {
    return this.#pressedAt;
  }

  /** Called after the stop is done: writing must not delay it. */
  pressed(at: string): void {
    this.#pressedAt = at;
    try {
      const temporary = `${this.#path}.new`;
      writeFileSync(temporary, `${JSON.stringify({ chord: this.#chord, pressed_at: at })}\n`, {
        mode: 0o600,
      });
      renameSync(temporary, this.#path);
    } catch {
      // A full disk: memory knows it until the end.
    }
  }
}
