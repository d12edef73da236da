import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { decodeText, encodeLine, LIMITS, LineDecoder, PROTOCOL_VERSION } from '@deskhand/protocol';
import type { z } from 'zod';

export type Received<In> = Readonly<{ message: In; atMs: number }>;

/**
 * Stands in for guard or the daemon: a real unix socket that speaks the real schema, and a record of what
 * arrived. The record is a test's judge.
 */
export class FakeLocalServer<In extends { type: string }, Out extends { type: string }>
  implements AsyncDisposable
{
  readonly received: Received<In>[] = [];
  readonly #schema: z.ZodType<In>;
  readonly #path: string;
  readonly #token: string;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  /** What to answer; nothing is a process that hangs. */
  onMessage: (message: In) => readonly Out[] = () => [];
  /** Runs when somebody has attached. */
  onAttach: () => readonly Out[] = () => [];

  constructor(schema: z.ZodType<In>, path: string, token: string) {
    this.#schema = schema;
    this.#path = path;
    this.#token = token;
  }

  /** Does nothing when it listens already. */
  async listen(): Promise<void> {
    if (this.#server !== undefined) return;
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    rmSync(this.#path, { force: true });
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#path, resolve);
    });
  }

  /** To everybody who is attached. */
  send(message: Out): void {
    for (const socket of this.#sockets) socket.write(encodeLine(message));
  }

  /** Bytes as they are: half messages, nonsense. */
  sendRaw(bytes: string): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  get clients(): number {
    return this.#sockets.size;
  }

  /** The record begins anew. */
  forget(): void {
    this.received.length = 0;
  }

  messages(type: In['type']): In[] {
    return this.received.map(({ message }) => message).filter((message) => message.type === type);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(this.#path, { force: true });
  }

  #serve(socket: Socket): void {
    const decoder = new LineDecoder();
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      for (const line of decoder.push(chunk)) {
        const message = decodeText(this.#schema, line, LIMITS.localLineBytes);
        this.received.push({ message, atMs: performance.now() });
        if (message.type === 'attach') {
          if ((message as unknown as { token: string }).token !== this.#token) {
            socket.end(
              encodeLine({ type: 'refused', code: 'MACHINE_TOKEN_INVALID', message: 'wrong token' }),
            );
            return;
          }
          socket.write(encodeLine({ type: 'attached', protocolVersion: PROTOCOL_VERSION, pid: process.pid }));
          this.#sockets.add(socket);
          for (const reply of this.onAttach()) socket.write(encodeLine(reply));
        } else {
          for (const reply of this.onMessage(message)) socket.write(encodeLine(reply));
        }
      }
    });
  }
}
