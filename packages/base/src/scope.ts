/**
 * Owns things that must be closed: closes them in reverse order, exactly once, all of them even if one fails.
 * A name per resource makes the failure readable.
 */
export class Scope implements AsyncDisposable {
  readonly #closers: Array<{ name: string; close: () => Promise<void> | void }> = [];
  #closing: Promise<void> | undefined;

  /** Registers a closer; a scope that is already closing closes the newcomer at once. */
  add(name: string, close: () => Promise<void> | void): void {
    if (this.#closing) {
      void Promise.resolve()
        .then(close)
        .catch(() => {});
      return;
    }
    this.#closers.push({ name, close });
  }

  /** Registers something disposable and hands it back. */
  use<T extends AsyncDisposable | Disposable>(name: string, resource: T): T {
    this.add(name, async () => {
      if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
      else resource[Symbol.dispose]();
    });
    return resource;
  }

  /** @throws AggregateError naming each resource that failed to close. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: Error[] = [];
    for (const { name, close } of this.#closers.reverse()) {
      try {
        await close();
      } catch (cause) {
        failures.push(new Error(`closing ${name} failed`, { cause }));
      }
    }
    this.#closers.length = 0;
    if (failures.length > 0)
      throw new AggregateError(failures, failures.map((failure) => failure.message).join('; '));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
