import { sleep } from '@deskhand/base';

/** What a link needs of a connection; `LocalConnection` of the protocol package fits. */
export interface Connection extends AsyncDisposable {
  onClose(listener: () => void): () => void;
}

export type LinkListener<C> = Readonly<{
  up(connection: C): void;
  down(): void;
}>;

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1000;

/**
 * Keeps one connection to a process that may come and go. Never gives up: a panel that stopped trying would
 * be a dead stop button. The owner starts and closes it.
 */
export class ReconnectingLink<C extends Connection> implements AsyncDisposable {
  readonly #open: () => Promise<C>;
  readonly #listener: LinkListener<C>;
  readonly #ended = new AbortController();
  #current: C | null = null;
  #loop: Promise<void> | undefined;

  constructor(open: () => Promise<C>, listener: LinkListener<C>) {
    this.#open = open;
    this.#listener = listener;
  }

  /** The live connection, or null. */
  get current(): C | null {
    return this.#current;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#current?.[Symbol.asyncDispose]();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        const connection = await this.#open();
        if (signal.aborted) {
          await connection[Symbol.asyncDispose]();
          return;
        }
        retryMs = FIRST_RETRY_MS;
        await this.#hold(connection);
      } catch {
        // Nobody listens (yet, or any more), or it refused us: the token may be new next time.
      }
      await sleep(retryMs, { signal }).catch(() => {});
      retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
    }
  }

  async #hold(connection: C): Promise<void> {
    const closed = new Promise<void>((resolve) => connection.onClose(resolve));
    this.#current = connection;
    try {
      this.#listener.up(connection);
      await closed;
    } finally {
      this.#current = null;
      this.#listener.down();
      await connection[Symbol.asyncDispose]();
    }
  }
}
