import type { Readable, Writable } from 'node:stream';
import { ProtocolError } from '@deskhand/protocol';

/** One message may hold a whole page's elements; beyond this the browser is not to be trusted. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

type Waiting = Readonly<{ resolve: (result: unknown) => void; reject: (error: Error) => void }>;
export type CdpParameters = Readonly<Record<string, unknown>>;
export type CdpListener = (parameters: Record<string, never>, sessionId: string | undefined) => void;

/**
 * Chrome DevTools Protocol over the two pipes of `--remote-debugging-pipe`: JSON messages, each ended by
 * a zero byte. Unlike a debugging port, nobody else on this computer can reach it.
 */
export class CdpPipe {
  /** Settles when the browser hangs up. Never rejects. */
  readonly closed: Promise<void>;
  readonly #output: Writable;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<string, Set<CdpListener>>();
  #parts: Buffer[] = [];
  #length = 0;
  #nextId = 1;
  #isClosed = false;
  #resolveClosed: () => void = () => {};

  /** @param output to the browser (its descriptor 3), @param input from it (descriptor 4). */
  constructor(output: Writable, input: Readable) {
    this.#output = output;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    input.on('data', (chunk: Buffer) => this.#onData(chunk));
    for (const stream of [input, output]) {
      stream.on('error', () => this.#close());
      stream.on('close', () => this.#close());
    }
    input.on('end', () => this.#close());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws CdpError when the browser refuses; the signal's reason; ProtocolError BROWSER_UNAVAILABLE when it is gone. */
  send<Result = Record<string, never>>(
    method: string,
    parameters: CdpParameters,
    options: { signal: AbortSignal; sessionId?: string | undefined },
  ): Promise<Result> {
    const { signal, sessionId } = options;
    return new Promise<Result>((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      if (this.#isClosed) {
        reject(gone());
        return;
      }
      const id = this.#nextId++;
      const onAbort = () => {
        this.#waiting.delete(id);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const settled = () => signal.removeEventListener('abort', onAbort);
      this.#waiting.set(id, {
        resolve: (result) => {
          settled();
          resolve(result as Result);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      const message = { id, method, params: parameters, ...(sessionId === undefined ? {} : { sessionId }) };
      this.#output.write(`${JSON.stringify(message)}\0`);
    });
  }

  /** @returns its own unsubscribe. */
  on(method: string, listener: CdpListener): () => void {
    const listeners = this.#listeners.get(method) ?? new Set();
    this.#listeners.set(method, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #onData(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, start)) {
      this.#parts.push(chunk.subarray(start, end));
      const text = Buffer.concat(this.#parts).toString('utf8');
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
      this.#onMessage(text);
    }
    const rest = chunk.subarray(start);
    if (rest.length === 0) return;
    this.#parts.push(rest);
    this.#length += rest.length;
    if (this.#length > MAX_MESSAGE_BYTES) this.#close();
  }

  #onMessage(text: string): void {
    let message: {
      id?: number;
      result?: unknown;
      error?: { code?: number; message?: string };
      method?: string;
      params?: Record<string, never>;
      sessionId?: string;
    };
    try {
      message = JSON.parse(text);
    } catch {
      this.#close();
      return;
    }
    if (typeof message.id === 'number') {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error !== undefined) waiting?.reject(new CdpError(message.error.message ?? 'refused'));
      else waiting?.resolve(message.result ?? {});
      return;
    }
    if (typeof message.method !== 'string') return;
    for (const listener of [...(this.#listeners.get(message.method) ?? [])]) {
      listener(message.params ?? {}, message.sessionId);
    }
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const waiting of this.#waiting.values()) waiting.reject(gone());
    this.#waiting.clear();
    this.#listeners.clear();
    this.#resolveClosed();
  }
}

/** The browser's "no" to one request: a frame that has gone, a navigation that was refused. */
export class CdpError extends Error {
  override readonly name = 'CdpError';
}

function gone(): ProtocolError {
  return new ProtocolError(
    'BROWSER_UNAVAILABLE',
    'The browser has been closed; the next navigation starts it again.',
  );
}
