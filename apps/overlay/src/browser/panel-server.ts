import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorAttributes, type Logger } from '@deskhand/base';
import { decodeText } from '@deskhand/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { RENDERER_FRAME_BYTES, RendererMessage, type RendererPlace } from '../core/panel-wire.ts';
import type { PanelHost, Renderer, RendererRole } from '../host/panel-host.ts';
import { Credentials, type Session, SHOWN_CODE_TTL_MS } from './credentials.ts';
import { pageWithWords } from './page-words.ts';
import { gateAct, gateRead } from './request-gate.ts';
import type { StaticFile } from './static-files.ts';

export const PANEL_PROTOCOL = 'deskhand.panel.1';
const REPLAY_PATH = '/replay/';
const TICKET_PREFIX = 'ticket.';
const MAX_CLIENTS = 2;
/** Connections without a panel behind them. */
const MAX_GUESTS = 32;
const MAX_BODY_BYTES = 4096;
/** A person's panel sends a few messages a minute; a flood is not a person. */
const MAX_MESSAGES_PER_SECOND = 50;
/** Bytes waiting in a client's socket above which it gets no thumbnails. */
const BEHIND_BYTES = 256 * 1024;
const PING_MS = 5000;

const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), display-capture=(), usb=()',
  'Cache-Control': 'no-store',
} as const;

const SessionRequest = z.strictObject({ code: z.string().min(1).max(128) });

/**
 * The panel over loopback HTTP: static files for anybody on this computer, everything else only with a
 * session. Nothing here decides about the desktop; it hands checked messages to the host.
 */
export class PanelServer implements AsyncDisposable {
  readonly #host: PanelHost;
  readonly #log: Logger;
  readonly #replay: (runId: string) => Promise<string>;
  readonly #files: ReadonlyMap<string, StaticFile>;
  readonly #credentials: Credentials;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #clients = new Set<WebSocket>();
  /** Oldest first. */
  readonly #guests = new Set<Duplex>();
  /** Clients that answered the last ping. */
  readonly #answering = new WeakSet<WebSocket>();
  #port = 0;
  #pinger: NodeJS.Timeout | undefined;

  constructor(options: {
    host: PanelHost;
    files: ReadonlyMap<string, StaticFile>;
    log: Logger;
    nowMs: () => number;
    /** The page of a run. @throws when there is none. */
    replay: (runId: string) => Promise<string>;
  }) {
    this.#host = options.host;
    this.#files = options.files;
    this.#log = options.log;
    this.#replay = options.replay;
    this.#credentials = new Credentials(options.nowMs);
    this.#http = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 10_000 }, (request, response) =>
      this.#serve(request, response).catch((error) => {
        this.#log.warn('a panel request failed', errorAttributes(error));
        if (!response.headersSent) reply(response, 500, 'The panel had a fault.');
      }),
    );
    this.#http.on('connection', (socket) => this.#receive(socket));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: RENDERER_FRAME_BYTES,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(PANEL_PROTOCOL) ? PANEL_PROTOCOL : false),
    });
  }

  /** @param port 0 picks a free one. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(port, '127.0.0.1', () => {
        this.#http.removeListener('error', reject);
        resolve();
      });
    });
    this.#port = (this.#http.address() as AddressInfo).port;
    this.#pinger = setInterval(() => this.#pingAll(), PING_MS);
  }

  get port(): number {
    return this.#port;
  }

  /** A link that lets one browser in, once. The code is in the fragment: it is never sent in a request line. */
  link(role: RendererRole = 'controller', ttlMs: number = SHOWN_CODE_TTL_MS): string {
    return `http://127.0.0.1:${this.#port}/#code=${this.#credentials.issueCode(role, ttlMs)}`;
  }

  /** Where a window is, when it says so, and null when it is gone. One listener: the owner's. */
  onPlace: (renderer: Renderer, place: RendererPlace | null) => void = () => {};

  /** Runs after a link was used. One listener: the owner's. */
  onLinkUsed: () => void = () => {};

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#pinger);
    for (const client of this.#clients) client.terminate();
    this.#sockets.close();
    this.#http.closeAllConnections();
    await new Promise<void>((resolve) => this.#http.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reading = request.method === 'GET' || request.method === 'HEAD';
    const gate = (reading ? gateRead : gateAct)(request.headers, this.#port);
    if (!gate.ok) return reply(response, gate.status, gate.why);
    const path = request.url ?? '/';
    if (reading && path.startsWith(REPLAY_PATH)) return this.#serveReplay(path, request, response);
    if (reading)
      return this.#serveFile(
        path,
        request.method === 'HEAD',
        request.headers['accept-language'] ?? '',
        response,
      );
    if (request.method !== 'POST') return reply(response, 405, 'Only GET and POST are known here.');
    switch (path) {
      case '/session':
        return this.#openSession(request, response);
      case '/ticket':
        return this.#withSession(request, response, (session) =>
          replyJson(response, 200, { ticket: this.#credentials.issueTicket(session) }),
        );
      case '/stop':
        // The second way to stop, for a page whose websocket is gone.
        return this.#withSession(request, response, async () =>
          replyJson(response, 200, { result: await this.#host.stop() }),
        );
      default:
        return reply(response, 404, 'No such page.');
    }
  }

  /** For one ticket: browsers send cookies to every port of a host, so a cookie alone opens nothing. */
  async #serveReplay(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(path, 'http://panel');
    const ticket = searchParams.get('ticket') ?? undefined;
    if (this.#credentials.redeemTicket(ticket, cookieOf(request, this.#cookieName)) === null)
      return reply(response, 401, 'Open the replay from the panel.');
    let page: string;
    try {
      page = await this.#replay(decodeURIComponent(pathname.slice(REPLAY_PATH.length)));
    } catch (error) {
      this.#log.warn('a replay could not be made', errorAttributes(error));
      return reply(response, 404, 'This run is not known to the server of this computer.');
    }
    response.writeHead(200, {
      ...headers,
      // In a box of its own, without this origin: words of a run are on this page.
      'Content-Security-Policy':
        "sandbox allow-scripts allow-modals; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'",
      'Content-Type': 'text/html; charset=utf-8',
    });
    response.end(request.method === 'HEAD' ? undefined : page);
  }

  #serveFile(path: string, headOnly: boolean, languages: string, response: ServerResponse): void {
    const file = this.#files.get(path);
    if (file === undefined) {
      reply(response, 404, 'No such page.');
      return;
    }
    const bytes = path === '/' ? pageWithWords(file.bytes, this.#files, languages.split(',')) : file.bytes;
    response.writeHead(200, {
      ...headers,
      'Content-Type': file.type,
      'Content-Length': bytes.length,
    });
    response.end(headOnly ? undefined : bytes);
  }

  async #openSession(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === null) return reply(response, 413, `A body of at most ${MAX_BODY_BYTES} bytes was expected.`);
    let code: string;
    try {
      code = decodeText(SessionRequest, body, MAX_BODY_BYTES).code;
    } catch {
      return reply(response, 422, 'A code was expected.');
    }
    const session = this.#credentials.redeemCode(code, cookieOf(request, this.#cookieName));
    if (session === null) return reply(response, 401, 'This link was used already, or is too old.');
    response.setHeader(
      'Set-Cookie',
      `${this.#cookieName}=${session.cookie}; HttpOnly; SameSite=Strict; Path=/`,
    );
    replyJson(response, 200, { key: session.key });
    this.onLinkUsed();
  }

  async #withSession(
    request: IncomingMessage,
    response: ServerResponse,
    then: (session: Session) => void | Promise<void>,
  ): Promise<void> {
    request.resume();
    const session = this.#sessionOf(request);
    if (session === null) return reply(response, 401, 'Open the panel with a fresh link.');
    await then(session);
  }

  #sessionOf(request: IncomingMessage): Session | null {
    const key = request.headers['x-deskhand-key'];
    return this.#credentials.findSession(
      cookieOf(request, this.#cookieName),
      typeof key === 'string' ? key : undefined,
    );
  }

  /** Cookies are shared by all ports of a host: the name keeps two panels apart. */
  get #cookieName(): string {
    return `deskhand_panel_${this.#port}`;
  }

  /** Whoever opens connections and says nothing gives way to who comes after: nobody can sit on the way to STOP. */
  #receive(socket: Duplex): void {
    this.#guests.add(socket);
    socket.once('close', () => this.#guests.delete(socket));
    for (const oldest of this.#guests) {
      if (this.#guests.size <= MAX_GUESTS) return;
      this.#guests.delete(oldest);
      oldest.destroy();
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const admission = this.#admit(request);
    if ('status' in admission) refuse(socket, admission.status, admission.why);
    else {
      this.#guests.delete(socket);
      this.#sockets.handleUpgrade(request, socket, head, (client) =>
        this.#welcome(client, admission.session),
      );
    }
  }

  #admit(request: IncomingMessage): { session: Session } | { status: number; why: string } {
    const gate = gateAct(request.headers, this.#port);
    if (!gate.ok) return gate;
    if (request.url !== '/panel') return { status: 404, why: 'No such socket.' };
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((part) => part.trim());
    const ticket = offered.find((part) => part.startsWith(TICKET_PREFIX))?.slice(TICKET_PREFIX.length);
    const session = this.#credentials.redeemTicket(ticket, cookieOf(request, this.#cookieName));
    if (session === null) return { status: 401, why: 'Open the panel with a fresh link.' };
    if (this.#clients.size >= MAX_CLIENTS)
      return { status: 429, why: 'The panel is open in two windows already.' };
    return { session };
  }

  #welcome(client: WebSocket, session: Session): void {
    this.#clients.add(client);
    const release = this.#credentials.hold(session);
    const renderer: Renderer = {
      role: session.role,
      send: (message) => client.send(JSON.stringify(message), () => {}),
      isBehind: () => client.bufferedAmount > BEHIND_BYTES,
    };
    const detach = this.#host.attach(renderer);
    const budget = new MessageBudget(MAX_MESSAGES_PER_SECOND);
    this.#answering.add(client);
    client.on('pong', () => this.#answering.add(client));
    client.on('error', () => {});
    client.on('close', () => {
      detach();
      release();
      this.#clients.delete(client);
      this.onPlace(renderer, null);
    });
    client.on('message', (data, isBinary) => {
      if (!budget.take(performance.now())) return client.close(1008, 'too many messages');
      if (isBinary) return client.close(1003, 'text only');
      let message: RendererMessage;
      try {
        message = decodeText(RendererMessage, data.toString(), RENDERER_FRAME_BYTES);
      } catch (error) {
        this.#log.warn('a panel window sent something else', errorAttributes(error));
        return client.close(1007, 'not a panel message');
      }
      if (message.type === 'command') void this.#host.command(renderer, message);
      else if (message.type === 'painted') {
        const { id, x, y, width, height } = message;
        this.#host.painted(id, { x, y, width, height });
      } else this.onPlace(renderer, message);
    });
  }

  #pingAll(): void {
    for (const client of this.#clients) {
      if (!this.#answering.delete(client)) client.terminate();
      else client.ping();
    }
  }
}

/** At most `perSecond` messages in any second that begins with one. */
class MessageBudget {
  readonly #perSecond: number;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #count = 0;
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }
  take(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= 1000) {
      this.#sinceMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= this.#perSecond;
  }
}

/** @returns null when the body is too long. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function cookieOf(request: IncomingMessage, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    Connection: 'close',
  });
  response.end(`${text}\n`);
}

function replyJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { ...headers, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

function refuse(socket: Duplex, status: number, text: string): void {
  const body = `${text}\n`;
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
