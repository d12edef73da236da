import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorAttributes, type Logger } from '@deskhand/base';
import {
  type DesktopEvent,
  decodeText,
  HEARTBEAT_MS,
  Hello,
  LIMITS,
  type MachineId,
  type PersonCommand,
  PROTOCOL_VERSION,
  ProtocolError,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@deskhand/protocol';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { type EarlyMessage, LinkConnection, type LinkListener, toBytes } from './link-connection.ts';

/** A daemon says hello at once. */
const HELLO_MS = 10_000;
/** Sockets that have not said who they are; more are turned away. */
const MAX_STRANGERS = 64;
const MAX_EARLY_MESSAGES = 16;
const CLOSING_HANDSHAKE_MS = 200;

/** Who a hello belongs to. */
export interface LinkAuthority {
  /**
   * @returns the machine, and its new token when the hello paired it.
   * @throws ProtocolError PAIRING_FAILED, MACHINE_TOKEN_INVALID, RATE_LIMITED
   */
  authenticate(hello: Hello, address: string): Promise<{ machineId: MachineId; machineToken: string | null }>;
}

export interface HubListener {
  /** Authenticated, not welcomed yet: the place to store what it said. Nothing may be sent. */
  connecting(connection: LinkConnection): Promise<void>;
  /** Welcomed: `connection(machineId)` is this one from now on. */
  connected(connection: LinkConnection): void;
  disconnected(connection: LinkConnection): void;
  desktopEvent(connection: LinkConnection, event: DesktopEvent): void;
  personCommand(connection: LinkConnection, command: PersonCommand): void;
}

/** All daemon sockets of this server: hello and authentication, one socket per machine, the newer one wins. */
export class MachineHub implements AsyncDisposable, LinkListener {
  readonly #server: WebSocketServer;
  readonly #authority: LinkAuthority;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #connections = new Map<string, LinkConnection>();
  readonly #strangers = new Set<WebSocket>();
  readonly #listeners = new Set<HubListener>();
  readonly #arrivals = new Map<string, Set<() => void>>();
  #closing = false;

  constructor(parts: { authority: LinkAuthority; log: Logger; now: () => number }) {
    this.#authority = parts.authority;
    this.#log = parts.log;
    this.#now = parts.now;
    this.#server = new WebSocketServer({
      noServer: true,
      // Frames are compressed already.
      perMessageDeflate: false,
      maxPayload: LIMITS.linkBinaryBytes,
      maxFragments: 1024,
    });
  }

  listen(listener: HubListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connection(machineId: string): LinkConnection | undefined {
    return this.#connections.get(machineId);
  }

  get connectedCount(): number {
    return this.#connections.size;
  }

  /**
   * Waits until the machine has a connection.
   * @throws the signal's reason
   */
  async arrival(machineId: string, options: { signal: AbortSignal }): Promise<LinkConnection> {
    const { signal } = options;
    for (;;) {
      signal.throwIfAborted();
      const connection = this.#connections.get(machineId);
      if (connection?.isOpen) return connection;
      await new Promise<void>((resolve, reject) => {
        const waiting = this.#arrivals.get(machineId) ?? new Set();
        this.#arrivals.set(machineId, waiting);
        const done = () => {
          waiting.delete(done);
          if (waiting.size === 0) this.#arrivals.delete(machineId);
          signal.removeEventListener('abort', onAbort);
          resolve();
        };
        const onAbort = () => {
          waiting.delete(done);
          reject(signal.reason as Error);
        };
        waiting.add(done);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    }
  }

  /** Cuts a machine's link, e.g. because its token was revoked. */
  drop(machineId: string, reason: string): void {
    this.#connections.get(machineId)?.close(4003, reason);
  }

  /** Takes over an HTTP upgrade whose path, Host and Origin were checked. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#closing || this.#strangers.size >= MAX_STRANGERS) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (ws) =>
      this.#greet(ws, request.socket.remoteAddress ?? 'unknown'),
    );
  }

  #greet(socket: WebSocket, address: string): void {
    this.#strangers.add(socket);
    const timer = setTimeout(
      () => reject(new ProtocolError('MALFORMED_MESSAGE', 'No hello came.')),
      HELLO_MS,
    );
    timer.unref();
    const forget = () => {
      clearTimeout(timer);
      this.#strangers.delete(socket);
    };
    const reject = (error: unknown) => {
      forget();
      const known = error instanceof ProtocolError;
      if (!known) this.#log.error('a hello could not be handled', errorAttributes(error));
      const code = known ? error.code : 'INTERNAL_ERROR';
      const message = known ? error.message : 'The server could not handle this hello; see its log.';
      const retry = ![
        'PAIRING_FAILED',
        'MACHINE_TOKEN_INVALID',
        'PROTOCOL_VERSION',
        'MALFORMED_MESSAGE',
      ].includes(code);
      socket.send(JSON.stringify({ type: 'reject', code, message, retry }));
      socket.close(4001, code);
      setTimeout(() => socket.terminate(), 1000).unref();
    };
    socket.on('error', () => {});
    socket.once('close', forget);
    // What is said between hello and welcome is kept for the connection.
    const early: EarlyMessage[] = [];
    let greeted = false;
    const onMessage = (data: RawData, isBinary: boolean) => {
      if (greeted) {
        if (early.push({ data, isBinary }) > MAX_EARLY_MESSAGES) socket.terminate();
        return;
      }
      greeted = true;
      const takeOver = () => {
        socket.off('message', onMessage);
        return early;
      };
      this.#admit(socket, { data, isBinary }, address, takeOver).then(forget, reject);
    };
    socket.on('message', onMessage);
  }

  async #admit(
    socket: WebSocket,
    { data, isBinary }: EarlyMessage,
    address: string,
    takeOver: () => readonly EarlyMessage[],
  ): Promise<void> {
    if (isBinary) throw new ProtocolError('MALFORMED_MESSAGE', 'The first message must be hello.');
    const hello = decodeText(Hello, Buffer.from(toBytes(data)).toString('utf8'), 256 * 1024);
    if (!SUPPORTED_PROTOCOL_VERSIONS.includes(hello.protocolVersion))
      throw new ProtocolError(
        'PROTOCOL_VERSION',
        `This server speaks link version ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}, the daemon ${hello.protocolVersion}. Update the older of the two.`,
      );
    const { machineId, machineToken } = await this.#authority.authenticate(hello, address);
    if (socket.readyState !== socket.OPEN || this.#closing) return;
    const log = this.#log.child({ machineId });
    const connection = new LinkConnection({ socket, hello, machineId, listener: this, log });
    for (const listener of [...this.#listeners]) await listener.connecting(connection);
    if (socket.readyState !== socket.OPEN || this.#closing) return;
    const older = this.#connections.get(machineId);
    connection.start();
    connection.send({
      type: 'welcome',
      protocolVersion: PROTOCOL_VERSION,
      machineId,
      ...(machineToken === null ? {} : { machineToken }),
      heartbeatMs: HEARTBEAT_MS,
      serverTime: new Date(this.#now()).toISOString(),
    });
    log.info('desktop connected', {
      bootId: hello.bootId,
      control: hello.control,
      latched: hello.latch.tripped,
    });
    this.#connections.set(machineId, connection);
    older?.close(4000, 'replaced by a newer connection');
    for (const listener of [...this.#listeners]) listener.connected(connection);
    for (const arrived of [...(this.#arrivals.get(machineId) ?? [])]) arrived();
    connection.replay(takeOver());
  }

  desktopEvent(connection: LinkConnection, event: DesktopEvent): void {
    for (const listener of [...this.#listeners]) listener.desktopEvent(connection, event);
  }

  personCommand(connection: LinkConnection, command: PersonCommand): void {
    for (const listener of [...this.#listeners]) listener.personCommand(connection, command);
  }

  closed(connection: LinkConnection): void {
    // A replaced socket's late goodbye says nothing about the machine.
    if (this.#connections.get(connection.machineId) !== connection) return;
    this.#connections.delete(connection.machineId);
    this.#log.info('desktop disconnected', { machineId: connection.machineId });
    for (const listener of [...this.#listeners]) listener.disconnected(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    for (const connection of [...this.#connections.values()]) connection.close(1001, 'the server stops');
    for (const socket of this.#strangers) socket.terminate();
    this.#strangers.clear();
    const cut = setTimeout(() => {
      for (const client of this.#server.clients) client.terminate();
    }, CLOSING_HANDSHAKE_MS);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    clearTimeout(cut);
  }
}
