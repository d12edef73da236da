import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '@deskhand/base';
import { z } from 'zod';
import { anthropicWire } from './anthropic-wire.ts';
import { googleWire } from './google-wire.ts';
import { openAiChatWire } from './openai-chat-wire.ts';
import { openAiResponsesWire } from './openai-responses-wire.ts';
import type { Piece, ScriptedAnswer, Wire } from './wire.ts';

/**
 * A model provider on loopback that speaks the documented wire formats of Anthropic Messages, OpenAI Responses
 * and Chat Completions, and Gemini, streaming: strict about what it is sent (an unknown or missing field is a
 * recorded complaint and a 400), scripted in what it answers, able to misbehave.
 */

/** An answer, a fault, or a function of the request's body that gives one. */
export type ScriptedReply = ScriptedStep | ((body: Record<string, unknown>) => ScriptedStep);
type ScriptedStep = ScriptedAnswer | Readonly<{ fault: Fault }>;

export type Fault =
  | Readonly<{ type: 'status'; status: number; body?: unknown; headers?: Record<string, string> }>
  /** 200 and something else than an answer. */
  | Readonly<{ type: 'garbage' }>
  /** The beginning of a good answer, then the connection is gone. */
  | Readonly<{ type: 'half'; answer?: ScriptedAnswer }>
  /** The beginning of a good answer, then a clean end without the last word. */
  | Readonly<{ type: 'cut'; answer?: ScriptedAnswer }>
  /** The beginning of a good answer, then an error event. */
  | Readonly<{ type: 'stream_error' }>
  /** The beginning of a good answer, then silence. */
  | Readonly<{ type: 'stall' }>
  /** Not one byte. */
  | Readonly<{ type: 'hang' }>;

export type ProviderRequest = Readonly<{
  wire: Wire['name'];
  path: string;
  /** The decoded, checked body. */
  body: Record<string, unknown>;
  bodyBytes: number;
  key: string | undefined;
  /** When it came, milliseconds since the epoch. */
  at: number;
}>;

const WIRES: readonly Wire[] = [anthropicWire, openAiChatWire, openAiResponsesWire, googleWire];
const BEGINNING: ScriptedAnswer = { text: 'I see a form and will fill it. Now the rest of what I think.' };

export class ScriptedProvider implements AsyncDisposable {
  readonly requests: ProviderRequest[] = [];
  /** What was wrong with the requests; a test asserts that this stays empty. */
  readonly complaints: string[] = [];
  /** When connections were closed by the client before an answer's end, milliseconds since the epoch. */
  readonly abortedAt: number[] = [];
  /** How long each whole answer took to say, milliseconds: the model's time. */
  readonly answerMs: number[] = [];
  readonly #replies: ScriptedReply[];
  readonly #expectedKey: string | undefined;
  readonly #server: Server;
  #ids = 0;

  constructor(options: { replies: readonly ScriptedReply[]; expectedKey?: string }) {
    this.#replies = [...options.replies];
    this.#expectedKey = options.expectedKey;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** Base URL as each provider's client wants it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Requests whose connection the client closed before an answer. */
  get aborted(): number {
    return this.abortedAt.length;
  }

  /** Replies that nobody asked for. */
  get leftOver(): number {
    return this.#replies.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      if (!response.writableEnded) this.abortedAt.push(Date.now());
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    const wire = WIRES.find((candidate) => candidate.path.test(path));
    if (wire === undefined || request.method !== 'POST')
      return this.#complain(response, `unexpected ${request.method} ${path}`, 404);
    const key = wire.key(request);
    if (this.#expectedKey !== undefined && key !== this.#expectedKey)
      return send(response, wire === googleWire ? 400 : 401, wire.error(401, 'key'));
    const raw = Buffer.concat(chunks);
    const read = wire.body.safeParse(JSON.parse(raw.toString('utf8')));
    if (!read.success) return this.#complain(response, z.prettifyError(read.error), 400);
    const body = read.data;
    const problem = wire.headerProblem?.(request, body) ?? wire.orderProblem(body);
    if (problem !== null) return this.#complain(response, problem, 400);
    this.requests.push({ wire: wire.name, path, body, bodyBytes: raw.length, key, at: Date.now() });
    const next = this.#replies.shift();
    if (next === undefined) return this.#complain(response, 'asked once too often', 400);
    const reply = typeof next === 'function' ? next(body) : next;
    if ('fault' in reply) return this.#misbehave(response, reply.fault, wire, body);
    const startedMs = performance.now();
    beginStream(response);
    await this.#stream(response, wire.pieces(reply, body, this.#newId), reply.pieceMs);
    response.end(wire.ending);
    this.answerMs.push(performance.now() - startedMs);
  }

  async #stream(response: ServerResponse, pieces: readonly Piece[], pieceMs = 0): Promise<void> {
    for (const { event, data } of pieces) {
      if (response.destroyed) return;
      const name = event === undefined ? '' : `event: ${event}\n`;
      response.write(`${name}data: ${JSON.stringify(data)}\n\n`);
      if (pieceMs > 0) await sleep(pieceMs);
    }
  }

  async #misbehave(
    response: ServerResponse,
    fault: Fault,
    wire: Wire,
    body: Record<string, unknown>,
  ): Promise<void> {
    switch (fault.type) {
      case 'status': {
        const { status, headers } = fault;
        send(response, status, fault.body ?? wire.error(status, status === 429 ? 'busy' : 'fault'), headers);
        return;
      }
      case 'garbage':
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end('<html>gateway</html>');
        return;
      case 'hang':
        return;
      default: {
        const answer = ('answer' in fault ? fault.answer : undefined) ?? BEGINNING;
        const pieces = wire.pieces(answer, body, this.#newId);
        beginStream(response);
        await this.#stream(response, pieces.slice(0, fault.type === 'cut' ? -2 : 4));
        if (fault.type === 'half') response.destroy();
        if (fault.type === 'cut') response.end();
        if (fault.type === 'stream_error') {
          await this.#stream(response, [wire.streamError()]);
          response.end();
        }
      }
    }
  }

  #complain(response: ServerResponse, complaint: string, status: number): void {
    this.complaints.push(complaint);
    send(response, status, { error: { type: 'invalid_request_error', message: complaint } });
  }

  readonly #newId = (prefix: string): string => {
    this.#ids += 1;
    return `${prefix}_${this.#ids}`;
  };
}

function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
