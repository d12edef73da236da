import { ProtocolError } from '@deskhand/protocol';
import type { Bus } from './bus.ts';

/** The bus of a single process. */
export class LocalBus implements Bus {
  readonly #listeners = new Map<string, Set<(bytes: Uint8Array) => void>>();
  readonly #servers = new Map<string, (bytes: Uint8Array) => Promise<Uint8Array>>();

  publish(subject: string, bytes: Uint8Array): void {
    const listeners = this.#listeners.get(subject);
    if (listeners !== undefined) for (const listener of [...listeners]) listener(bytes);
  }

  subscribe(subject: string, listener: (bytes: Uint8Array) => void): () => void {
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners);
    // A wrapper, so that subscribing one function twice gives two subscriptions.
    const own = (bytes: Uint8Array) => listener(bytes);
    listeners.add(own);
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(subject) === listeners) this.#listeners.delete(subject);
    };
  }

  async request(subject: string, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const server = this.#servers.get(subject);
    if (server === undefined) throw new ProtocolError('UPSTREAM_UNAVAILABLE', `Nobody serves ${subject}.`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(new ProtocolError('UPSTREAM_TIMEOUT', `No answer from ${subject} within ${timeoutMs} ms.`)),
        timeoutMs,
      );
    });
    try {
      return await Promise.race([server(bytes), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  serve(subject: string, handler: (bytes: Uint8Array) => Promise<Uint8Array>): () => void {
    this.#servers.set(subject, handler);
    return () => {
      if (this.#servers.get(subject) === handler) this.#servers.delete(subject);
    };
  }
}
