import type { MouseButton } from '@deskhand/protocol';
import type { InputBackend } from '../ports.ts';

/** What one action holds down. `await using` it: whatever is still down is released, on every path. */
export class HeldInputs implements AsyncDisposable {
  readonly #backend: InputBackend;
  readonly #held: Array<{ kind: 'key'; name: string } | { kind: 'button'; name: MouseButton }> = [];

  constructor(backend: InputBackend) {
    this.#backend = backend;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  async pressKey(name: string): Promise<void> {
    // Noted first: a press that failed halfway is released too, which does no harm.
    this.#held.push({ kind: 'key', name });
    await this.#backend.key(name, true);
  }

  async releaseKey(name: string): Promise<void> {
    await this.#backend.key(name, false);
    this.#forget('key', name);
  }

  async pressButton(name: MouseButton): Promise<void> {
    this.#held.push({ kind: 'button', name });
    await this.#backend.button(name, true);
  }

  async releaseButton(name: MouseButton): Promise<void> {
    await this.#backend.button(name, false);
    this.#forget('button', name);
  }

  #forget(kind: 'key' | 'button', name: string): void {
    const index = this.#held.findLastIndex((held) => held.kind === kind && held.name === name);
    if (index !== -1) this.#held.splice(index, 1);
  }

  /** Last pressed, first released. Never throws: what does not let go by name goes with `releaseAll`. */
  async [Symbol.asyncDispose](): Promise<void> {
    let failed = false;
    for (const held of this.#held.splice(0).reverse()) {
      try {
        if (held.kind === 'key') await this.#backend.key(held.name, false);
        else await this.#backend.button(held.name, false);
      } catch {
        failed = true;
      }
    }
    if (failed) await this.#backend.releaseAll();
  }
}
