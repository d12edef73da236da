import { timingSafeEqual } from 'node:crypto';
import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { errorAttributes, type Logger, type Secret } from '@deskhand/base';
import {
  Attach,
  decodeText,
  encodeLine,
  LIMITS,
  LineDecoder,
  type LocalRole,
  PROTOCOL_VERSION,
  ProtocolError,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@deskhand/protocol';
import type { z } from 'zod';

/** One attached peer of a local socket. */
export interface LocalPeer<Out> {
  readonly role: LocalRole;
  readonly pid: number;
  /** Bytes the peer has not taken yet. */
  readonly pendingBytes: number;
  send(message: Out): void;
  close(): void;
}

export type LocalServerOptions<In, Out> = Readonly<{
  /** Unix socket path in a folder of mode 0700, or a named pipe. */
  path: string;
  /** Only these roles may attach, each with its own token: a role cannot be claimed, only proven. */
  tokens: Partial<Record<LocalRole, Secret>>;
  schema: z.ZodType<In>;
  onAttach?: (peer: LocalPeer<Out>) => void;
  /** A thrown ProtocolError becomes a refusal with the message's id. */
  onMessage: (peer: LocalPeer<Out>, message: In) => void;
  onDetach?: (peer: LocalPeer<Out>) => void;
  log: Logger;
}>;

const MAX_CONNECTIONS = 32;
const ATTACH_DEADLINE_MS = 2000;
/** A peer that sends more is broken or hostile; guard's own peers send about seven a second. */
const MAX_MESSAGES_PER_SECOND = 500;
/** A peer that reads this slowly is gone for all practical purposes. */
const MAX_PENDING_BYTES = 8 * 1024 * 1024;

/** Lines of JSON on a unix socket or named pipe: attach first, limits on everything, no growing buffers. */
export class LocalServer<In extends { type: string }, Out extends { type: string }>
  implements AsyncDisposable
{
  readonly #options: LocalServerOptions<In, Out>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #peers = new Set<LocalPeer<Out>>();
  #listening = false;

  constructor(options: LocalServerOptions<In, Out>) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws ProtocolError DATA_FOLDER_IN_USE when a living process answers on this path. */
  async start(): Promise<void> {
    const { path } = this.#options;
    const isPipe = path.startsWith('\\\\');
    if (!isPipe) {
      if (await answers(path))
        throw new ProtocolError('DATA_FOLDER_IN_USE', `Another Deskhand listens on ${path}.`);
      unlinkQuietly(path);
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) =>
        reject(
          new ProtocolError(
            cause.code === 'EADDRINUSE' ? 'DATA_FOLDER_IN_USE' : 'DATA_FOLDER_UNWRITABLE',
            `The local socket ${path} cannot be opened (${cause.code}).`,
            {},
            { cause },
          ),
        ),
      );
      this.#server.listen(path, resolve);
    });
    if (!isPipe) chmodSync(path, 0o600);
    this.#listening = true;
  }

  get peers(): Iterable<LocalPeer<Out>> {
    return this.#peers;
  }

  broadcast(message: Out, to: (peer: LocalPeer<Out>) => boolean = () => true): void {
    for (const peer of this.#peers) if (to(peer)) peer.send(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#listening ? new Promise((resolve) => this.#server.close(resolve)) : null;
    for (const socket of this.#sockets) socket.destroy();
    // Closing removes the path, too; afterwards it may belong to a successor already.
    await closed;
    this.#listening = false;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    const decoder = new LineDecoder();
    const allowance = new MessageAllowance(MAX_MESSAGES_PER_SECOND);
    let peer: LocalPeer<Out> | undefined;
    const attachTimer = setTimeout(() => socket.destroy(), ATTACH_DEADLINE_MS);
    const refuse = (error: ProtocolError, id?: string) => {
      const refusal = { type: 'refused', code: error.code, message: error.message };
      write(socket, id === undefined ? refusal : { ...refusal, id });
    };

    socket.on('data', (chunk) => {
      try {
        for (const line of decoder.push(chunk)) {
          if (socket.destroyed) return;
          if (peer === undefined) {
            peer = this.#attach(socket, line);
            clearTimeout(attachTimer);
            write(socket, { type: 'attached', protocolVersion: PROTOCOL_VERSION, pid: process.pid });
            this.#peers.add(peer);
            this.#options.onAttach?.(peer);
            continue;
          }
          if (!allowance.take())
            throw new ProtocolError('RATE_LIMITED', 'Too many messages on this local socket.');
          this.#handle(peer, line, refuse);
        }
      } catch (error) {
        // Framing, authentication and floods end the connection; nothing in them can be trusted further.
        if (!(error instanceof ProtocolError))
          this.#options.log.error('a local socket failed', errorAttributes(error));
        const code = error instanceof ProtocolError ? error : new ProtocolError('INTERNAL_ERROR', 'Failed.');
        this.#options.log.warn('a local connection was refused', { code: code.code, role: peer?.role });
        refuse(code);
        socket.end();
        setTimeout(() => socket.destroy(), 200).unref();
      }
    });
    socket.on('close', () => {
      clearTimeout(attachTimer);
      this.#sockets.delete(socket);
      if (peer === undefined) return;
      this.#peers.delete(peer);
      this.#options.onDetach?.(peer);
    });
  }

  #handle(peer: LocalPeer<Out>, line: string, refuse: (error: ProtocolError, id?: string) => void): void {
    let message: In | undefined;
    try {
      message = decodeText(this.#options.schema, line, LIMITS.localLineBytes);
      if (message.type === 'attach')
        throw new ProtocolError('INVALID_STATE', 'This connection is attached already.');
      this.#options.onMessage(peer, message);
    } catch (error) {
      const id = (message as { id?: unknown } | undefined)?.id;
      if (!(error instanceof ProtocolError))
        this.#options.log.error('a local message failed', errorAttributes(error));
      refuse(
        error instanceof ProtocolError ? error : new ProtocolError('INTERNAL_ERROR', 'The command failed.'),
        typeof id === 'string' ? id : undefined,
      );
    }
  }

  #attach(socket: Socket, line: string): LocalPeer<Out> {
    const attach = decodeText(Attach, line, 4096);
    if (!SUPPORTED_PROTOCOL_VERSIONS.includes(attach.protocolVersion))
      throw new ProtocolError(
        'PROTOCOL_VERSION',
        `Version ${attach.protocolVersion} of the local protocol is not spoken here.`,
      );
    const expected = this.#options.tokens[attach.role];
    if (expected === undefined || !sameSecret(attach.token, expected.reveal()))
      throw new ProtocolError('MACHINE_TOKEN_INVALID', `The token does not allow the role ${attach.role}.`);
    return {
      role: attach.role,
      pid: attach.pid,
      get pendingBytes() {
        return socket.writableLength;
      },
      send: (message) => write(socket, message),
      close: () => socket.destroy(),
    };
  }
}

/** A bucket that refills once a second; enough to end a flood, no timers. */
class MessageAllowance {
  readonly #perSecond: number;
  #left: number;
  #refillAt = 0;
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }
  take(): boolean {
    const now = performance.now();
    if (now >= this.#refillAt) {
      this.#left = this.#perSecond;
      this.#refillAt = now + 1000;
    }
    this.#left -= 1;
    return this.#left >= 0;
  }
}

function write(socket: Socket, message: unknown): void {
  if (socket.destroyed || !socket.writable) return;
  socket.write(encodeLine(message));
  if (socket.writableLength > MAX_PENDING_BYTES) socket.destroy();
}

function sameSecret(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** True when a process accepts on this socket; false for nothing there and for a dead process's leftover. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const done = (result: boolean) => {
      clearTimeout(timer);
      probe.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => done(true), 500);
    probe.once('connect', () => done(true));
    probe.once('error', () => done(false));
  });
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
