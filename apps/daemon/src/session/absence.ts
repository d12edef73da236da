import type { SessionChange } from './session-change.ts';

/** Why nobody may drive this session now: it is locked, asleep, behind another user's, its lid is closed. */
export class Absence {
  readonly #reasons = new Map<string, string>();

  get any(): boolean {
    return this.#reasons.size > 0;
  }

  /** What it is, for an error that names it. */
  get sources(): string {
    return [...this.#reasons.keys()].join(', ');
  }

  /** A whole sentence for the person: what came last. */
  get reason(): string | undefined {
    return [...this.#reasons.values()].at(-1);
  }

  /** @returns false for what was known already. */
  note({ source, away, reason }: SessionChange): boolean {
    const before = this.#reasons.size;
    if (away) this.#reasons.set(source, reason);
    else this.#reasons.delete(source);
    return this.#reasons.size !== before;
  }
}
