import { readFileSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import type { z } from 'zod';
import { decodeText, LIMITS, parseJson } from './decode.ts';
import { isErrorCode, ProtocolError } from './errors.ts';
import { encodeLine, LineDecoder } from './line-codec.ts';
import { FromDaemon, FromGuard, type LocalRole, type ToDaemon, type ToGuard } from './local.ts';
import { PROTOCOL_VERSION } from './version.ts';

/**
 * Client of a local socket (guard's or the daemon's): attach, send, replies by id, everything else to the
 * listeners. Node only (own subpath). One connection, no reconnecting: the owner decides when to try again.
 */
export class LocalConnection<Out extends { type: string }, In extends { type: string }>
  implements AsyncDisposable
{
  readonly #socket: Socket;
  readonly #schema: z.ZodType<In>;
  /** Types of messages this program knows. */
  readonly #known: ReadonlySet<unknown>;
  readonly #decoder = new LineDecoder();
  readonly #waiting = new Map<string, { resolve: (message: In) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Set<(message: In) => void>();
  readonly #closeListeners = new Set<() => void>();
  #attached: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #closed = false;
  #nextId = 1;

  private constructor(socket: Socket, schema: z.ZodType<In>) {
    this.#socket = socket;
    this.#schema = schema;
    const { options } = schema as unknown as z.ZodDiscriminatedUnion<
      Array<z.ZodObject<{ type: z.ZodLiteral }>>
    >;
    this.#known = new Set(options.map(({ shape }) => shape.type.value));
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => {});
    socket.on('close', () => this.#end(notRunning('The local socket closed.')));
  }

  /**
   * @param token content of the token file (panel, CLI) or the role's own token.
   * @throws ProtocolError NOT_RUNNING when nobody listens, or the code of the server's refusal.
   */
  static async open<Out extends { type: string }, In extends { type: string }>(
    schema: z.ZodType<In>,
    options: { path: string; token: string; role: LocalRole; timeoutMs?: number },
  ): Promise<LocalConnection<Out, In>> {
    const socket = await dial(options.path, options.timeoutMs ?? 2000);
    const connection = new LocalConnection<Out, In>(socket, schema);
    const attached = new Promise<void>((resolve, reject) => {
      connection.#attached = { resolve, reject };
    });
    const timer = setTimeout(
      () => connection.#end(notRunning('The local socket did not answer.')),
      options.timeoutMs ?? 2000,
    );
    socket.write(
      encodeLine({
        type: 'attach',
        protocolVersion: PROTOCOL_VERSION,
        role: options.role,
        token: options.token,
        pid: process.pid,
      }),
    );
    try {
      await attached;
    } finally {
      clearTimeout(timer);
    }
    return connection;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes accepted but not yet taken by the other side. */
  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Fire and forget. A closed connection swallows it: the listener of `onClose` knows. */
  send(message: Out): void {
    if (!this.#closed) this.#socket.write(encodeLine(message));
  }

  /**
   * Sends a command with a fresh id and waits for the reply that carries it (`ack`, state, …).
   * @throws ProtocolError of the refusal; UPSTREAM_TIMEOUT; NOT_RUNNING when the socket closes first.
   */
  request(message: DistributiveOmit<Extract<Out, { id: string }>, 'id'>, timeoutMs = 3000): Promise<In> {
    if (this.#closed) return Promise.reject(notRunning('The local socket is closed.'));
    const id = `${process.pid}-${this.#nextId++}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(
          new ProtocolError('UPSTREAM_TIMEOUT', `No answer on the local socket within ${timeoutMs} ms.`),
        );
      }, timeoutMs);
      this.#waiting.set(id, {
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#socket.write(encodeLine({ ...message, id }));
    });
  }

  /** Every message that answers no request. @returns its own unsubscribe. */
  onMessage(listener: (message: In) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called once, at once if it is closed already. @returns its own unsubscribe. */
  onClose(listener: () => void): () => void {
    if (this.#closed) queueMicrotask(listener);
    else this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(notRunning('The local socket is closed.'));
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const line of this.#decoder.push(chunk)) this.#dispatch(line);
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #dispatch(line: string): void {
    if (this.#closed) return;
    // A newer program on the other side tells more than this one knows. That is no reason to hang up.
    if (this.#skips(line)) return;
    const message = decodeText(this.#schema, line, LIMITS.localLineBytes);
    if (message.type === 'refused') {
      const {
        id,
        code,
        message: text,
      } = message as unknown as { id?: string; code: string; message: string };
      const error = new ProtocolError(isErrorCode(code) ? code : 'UPSTREAM_ERROR', text);
      const waiting = id === undefined ? undefined : this.#take(id);
      if (waiting) waiting.reject(error);
      else this.#end(error);
      return;
    }
    if (message.type === 'attached') {
      this.#attached?.resolve();
      this.#attached = undefined;
      return;
    }
    const id = (message as { id?: unknown }).id;
    const waiting = typeof id === 'string' ? this.#take(id) : undefined;
    if (waiting) waiting.resolve(message);
    else for (const listener of this.#listeners) listener(message);
  }

  #skips(line: string): boolean {
    const { type } = (parseJson(line) ?? {}) as { type?: unknown };
    return typeof type === 'string' && !this.#known.has(type);
  }

  #take(id: string) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #end(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#attached?.reject(error);
    this.#attached = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    for (const listener of this.#closeListeners) listener();
    this.#closeListeners.clear();
    this.#listeners.clear();
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export type GuardConnection = LocalConnection<ToGuard, FromGuard>;
export type DaemonConnection = LocalConnection<ToDaemon, FromDaemon>;

export function connectToGuard(options: {
  path: string;
  token: string;
  role: LocalRole;
  timeoutMs?: number;
}): Promise<GuardConnection> {
  return LocalConnection.open<ToGuard, FromGuard>(FromGuard as z.ZodType<FromGuard>, options);
}

export function connectToDaemon(options: {
  path: string;
  token: string;
  role: LocalRole;
  timeoutMs?: number;
}): Promise<DaemonConnection> {
  return LocalConnection.open<ToDaemon, FromDaemon>(FromDaemon as z.ZodType<FromDaemon>, options);
}

/** @throws ProtocolError NOT_RUNNING when there is no token, so no daemon, on this data folder. */
export function readLocalToken(tokenFile: string): string {
  try {
    return readFileSync(tokenFile, 'utf8').trim();
  } catch (cause) {
    throw new ProtocolError('NOT_RUNNING', 'No Deskhand desktop runs on this data folder.', {}, { cause });
  }
}

function dial(path: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path);
    const fail = (cause: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(
        new ProtocolError('NOT_RUNNING', `Nobody listens on the local socket ${path}.`, { path }, { cause }),
      );
    };
    const timer = setTimeout(() => fail(new Error('connect timed out')), timeoutMs);
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeListener('error', fail);
      resolve(socket);
    });
  });
}

function notRunning(message: string): ProtocolError {
  return new ProtocolError('NOT_RUNNING', message);
}
