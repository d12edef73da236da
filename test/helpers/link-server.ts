import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  type CommandFailure,
  type CommandResult,
  DaemonMessage,
  type DesktopEvent,
  decodeFrameMessage,
  decodeText,
  type Hello,
  type OperationInput,
  type PersonCommand,
} from '@deskhand/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { eventually } from './eventually.ts';

type Reply = CommandResult | CommandFailure;

/**
 * The other end of the link for tests of the daemon: a real websocket server that says exactly what a test
 * wants, also what no honest server would.
 */
export class LinkServer implements AsyncDisposable {
  readonly hellos: Hello[] = [];
  readonly events: DesktopEvent[] = [];
  readonly personCommands: PersonCommand[] = [];
  readonly frames = new Map<string, Uint8Array>();
  readonly #server: WebSocketServer;
  readonly #waiting = new Map<string, Array<(reply: Reply) => void>>();
  #socket: WebSocket | undefined;
  #nextId = 1;
  #lease: { leaseId: string; epoch: number; timer: NodeJS.Timeout } | undefined;
  /** What a hello is answered with. */
  welcome: (hello: Hello) => Record<string, unknown> = () => ({
    type: 'welcome',
    protocolVersion: 1,
    machineId: 'machine-under-test',
    machineToken: 'token-of-the-machine-under-test-0123456789',
    heartbeatMs: 5000,
    serverTime: new Date().toISOString(),
  });

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => {
        if (isBinary) {
          const { header, bytes } = decodeFrameMessage(data as Buffer);
          this.frames.set(header.frameId, Uint8Array.from(bytes));
          return;
        }
        this.#receive(socket, decodeText(DaemonMessage, data.toString()));
      });
    });
  }

  static async start(port = 0): Promise<LinkServer> {
    const server = new WebSocketServer({ port, host: '127.0.0.1', perMessageDeflate: false });
    await once(server, 'listening');
    return new LinkServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  get connected(): boolean {
    return this.#socket?.readyState === 1;
  }

  /** Waits for the n-th hello, counted from 1. */
  async hello(count = 1, timeoutMs = 30_000): Promise<Hello> {
    return eventually(() => this.hellos[count - 1], { what: `hello number ${count}`, timeoutMs });
  }

  send(message: unknown): void {
    this.#socket?.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Holds a lease and renews it every second, as a server does. @returns what commands must carry. */
  lease(options: { leaseId?: string; epoch?: number; ttlMs?: number; renew?: boolean; runId?: string } = {}) {
    const { leaseId = 'lease-1', epoch = 1, ttlMs = 3000, renew = true, runId } = options;
    this.stopLease();
    const run =
      runId === undefined
        ? null
        : { runId, task: 'a task', requestedBy: 'test', maxSteps: 9, deadlineAt: null, engine: 'builtin' };
    const grant = () => this.send({ type: 'lease', leaseId, epoch, ttlMs, run });
    grant();
    this.#lease = { leaseId, epoch, timer: setInterval(() => renew && grant(), 1000) };
    return { leaseId, epoch };
  }

  /** Stops renewing; the daemon is not told. */
  stopLease(): void {
    clearInterval(this.#lease?.timer);
    this.#lease = undefined;
  }

  async observe(request: Record<string, unknown> = {}): Promise<CommandResult> {
    const reply = await this.command({ type: 'observe', request });
    if (reply.type !== 'result') throw new Error(`observe failed: ${reply.code} ${reply.message}`);
    return reply;
  }

  act(operations: ReadonlyArray<OperationInput>, fields: Record<string, unknown> = {}): Promise<Reply> {
    const { leaseId, epoch } = this.#lease ?? { leaseId: 'none', epoch: 1 };
    return this.command({
      type: 'act',
      leaseId,
      epoch,
      frameId: null,
      operations,
      deadlineMs: 60_000,
      observe: null,
      ...fields,
    });
  }

  /** `id` may be given to repeat a command; every repeat has its own answer. */
  command(message: Record<string, unknown>): Promise<Reply> {
    const id = typeof message.id === 'string' ? message.id : `command-${this.#nextId++}`;
    const reply = new Promise<Reply>((resolve) =>
      this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), resolve]),
    );
    this.send({ ...message, id });
    return reply;
  }

  /** Cuts the connection without a goodbye. */
  cut(): void {
    this.#socket?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopLease();
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #receive(socket: WebSocket, message: DaemonMessage): void {
    switch (message.type) {
      case 'hello':
        this.#socket = socket;
        this.hellos.push(message);
        socket.send(JSON.stringify(this.welcome(message)));
        return;
      case 'event':
        this.events.push(message);
        return;
      case 'person_command':
        this.personCommands.push(message);
        return;
      case 'pong':
        return;
      default:
        this.#waiting.get(message.id)?.shift()?.(message);
    }
  }
}
