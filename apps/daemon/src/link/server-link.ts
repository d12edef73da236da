import { errorAttributes, type Logger, Secret, sleep } from '@deskhand/base';
import {
  type CommandFailure,
  type CommandResult,
  type DaemonMessage,
  decodeText,
  encodeFrameMessage,
  FrameId,
  HEARTBEAT_MS,
  type Hello,
  isErrorCode,
  LIMITS,
  LINK_PATH,
  type MachineId,
  PRODUCT_VERSION,
  PROTOCOL_VERSION,
  ProtocolError,
  parseJson,
  ServerMessage,
} from '@deskhand/protocol';
import { type RawData, WebSocket } from 'ws';
import type { Answer } from '../desktop/command-cache.ts';
import { backoffMs } from './backoff.ts';
import { isLoopback, type MachineIdentity } from './machine-identity.ts';

export type LinkCredentials =
  | Readonly<{ type: 'token'; machineId: MachineId; token: Secret }>
  | Readonly<{ type: 'pair'; code: Secret; name: string }>;

/** Everything of a hello that describes this desktop now. */
export type DesktopReport = Pick<
  Hello,
  'displays' | 'capabilities' | 'latch' | 'control' | 'lastEpoch' | 'bootId'
>;

export type ServerLinkOptions = Readonly<{
  /** `ws:` or `wss:`; plain only to this computer. */
  url: URL;
  credentials: LinkCredentials;
  describe: () => Promise<DesktopReport>;
  /** Commands that are answered. Never throws: failures are answers, too. */
  perform: (command: Extract<ServerMessage, { id: string }>) => Promise<Answer>;
  onLease: (grant: Extract<ServerMessage, { type: 'lease' }>) => void;
  onNarrate: (narrate: Extract<ServerMessage, { type: 'narrate' }>) => void;
  /** A pairing code was taken: keep this before anything else, it is sent once. */
  onPaired: (identity: MachineIdentity) => void;
  onConnected: (machineId: MachineId) => void;
  onDisconnected: () => void;
  /** The server says that trying again cannot help. */
  onRejected: (error: ProtocolError) => void;
  random: () => number;
  log: Logger;
}>;

const WELCOME_CEILING_MS = 10_000;
const CLOSE_CEILING_MS = 250;
/** Silence of this many heartbeats is a dead link. */
const SILENT_HEARTBEATS = 3;
/** Malformed messages in one connection before it is given up. */
const MALFORMED_ALLOWED = 20;

/**
 * The daemon's one outbound connection. It comes back by itself for ever, says hello anew each time, and
 * answers commands; it decides nothing about them.
 */
export class ServerLink implements AsyncDisposable {
  readonly #options: ServerLinkOptions;
  readonly #ending = new AbortController();
  #credentials: LinkCredentials;
  #socket: WebSocket | undefined;
  #welcomed = false;
  #running: Promise<void> | undefined;

  /** @throws ProtocolError CONFIG_INVALID for an address that must not be dialled. */
  constructor(options: ServerLinkOptions) {
    this.#options = { ...options, url: linkAddress(options.url) };
    this.#credentials = options.credentials;
  }

  get connected(): boolean {
    return this.#welcomed;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Sent if connected, else dropped: the next hello carries the state anyway. */
  event(message: Extract<DaemonMessage, { type: 'event' | 'person_command' }>): void {
    if (this.#welcomed) this.#send(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    const socket = this.#socket;
    if (socket !== undefined) {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.close(1001, 'daemon ends');
      await Promise.race([closed, sleep(CLOSE_CEILING_MS)]);
      socket.terminate();
    }
    await Promise.race([this.#running, sleep(CLOSE_CEILING_MS)]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    let attempt = 0;
    while (!signal.aborted) {
      try {
        const ended = await this.#connectOnce();
        if (ended.welcomed) attempt = 0;
        if (ended.final) return;
      } catch (error) {
        this.#options.log.warn('the server cannot be reached', errorAttributes(error));
      }
      if (signal.aborted) return;
      await sleep(backoffMs(attempt, this.#options.random()), { signal }).catch(() => {});
      attempt += 1;
    }
  }

  /** One connection from dialling to its end. */
  async #connectOnce(): Promise<{ welcomed: boolean; final: boolean }> {
    const { url, log } = this.#options;
    // `describe` may look at the desktop; it must not delay the close of a link that is dying.
    const report = await this.#options.describe();
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: LIMITS.linkTextBytes,
      handshakeTimeout: WELCOME_CEILING_MS,
      followRedirects: false,
    });
    this.#socket = socket;
    let welcomed = false;
    let final = false;
    let malformed = 0;
    let heartbeatMs = HEARTBEAT_MS;
    let watchdog: NodeJS.Timeout | undefined;
    const alive = () => {
      clearTimeout(watchdog);
      const ceilingMs = welcomed ? heartbeatMs * SILENT_HEARTBEATS : WELCOME_CEILING_MS;
      watchdog = setTimeout(() => {
        log.warn('the server is silent; the link is closed and dialled again');
        socket.terminate();
      }, ceilingMs);
    };

    socket.on('open', () => {
      alive();
      this.#send({
        type: 'hello',
        protocolVersion: PROTOCOL_VERSION,
        productVersion: PRODUCT_VERSION,
        auth: authOf(this.#credentials),
        ...report,
      });
    });
    socket.on('ping', alive);
    socket.on('message', (data, isBinary) => {
      alive();
      const text = isBinary ? undefined : textOf(data);
      try {
        if (text === undefined)
          throw new ProtocolError('MALFORMED_MESSAGE', 'The server sent a binary message.');
        const message = decodeText(ServerMessage, text);
        if (message.type === 'welcome') {
          welcomed = true;
          heartbeatMs = message.heartbeatMs;
          this.#welcome(message);
        } else if (message.type === 'reject') {
          final = !message.retry;
          this.#reject(message);
          socket.close();
        } else if (!welcomed) {
          throw new ProtocolError('INVALID_STATE', 'The server sent a command before its welcome.');
        } else this.#dispatch(socket, message);
      } catch (error) {
        malformed += 1;
        log.warn('a message of the server was refused', errorAttributes(error));
        this.#refuse(text, error);
        if (malformed > MALFORMED_ALLOWED) socket.close(1008, 'too many malformed messages');
      }
    });
    const failure = await new Promise<Error | undefined>((resolve) => {
      let error: Error | undefined;
      socket.on('error', (cause) => {
        error = cause;
      });
      socket.once('close', () => resolve(error));
      if (this.#ending.signal.aborted) socket.terminate();
    });
    clearTimeout(watchdog);
    if (this.#socket === socket) this.#socket = undefined;
    if (this.#welcomed) {
      this.#welcomed = false;
      this.#options.onDisconnected();
    }
    if (failure !== undefined && !welcomed)
      log.warn('the server cannot be reached', errorAttributes(failure));
    return { welcomed, final };
  }

  #welcome(welcome: Extract<ServerMessage, { type: 'welcome' }>): void {
    if (welcome.machineToken !== undefined) {
      const token = new Secret(welcome.machineToken);
      this.#credentials = { type: 'token', machineId: welcome.machineId, token };
      this.#options.onPaired({
        machineId: welcome.machineId,
        token,
        serverUrl: this.#options.url.href,
      });
    }
    this.#welcomed = true;
    this.#options.log.info('linked', { machineId: welcome.machineId });
    this.#options.onConnected(welcome.machineId);
  }

  #reject(reject: Extract<ServerMessage, { type: 'reject' }>): void {
    const code = isErrorCode(reject.code) ? reject.code : 'UPSTREAM_ERROR';
    this.#options.log.error('the server rejected this desktop', { code: reject.code, retry: reject.retry });
    if (!reject.retry) this.#options.onRejected(new ProtocolError(code, reject.message));
  }

  #dispatch(socket: WebSocket, message: ServerMessage): void {
    switch (message.type) {
      case 'ping':
        this.#send({ type: 'pong', nonce: message.nonce });
        return;
      case 'lease':
        this.#options.onLease(message);
        return;
      case 'narrate':
        this.#options.onNarrate(message);
        return;
      case 'release':
      case 'observe':
      case 'act':
        void this.#options.perform(message).then((answer) => {
          // An answer that finds its connection gone stays in the cache; the server asks again by id.
          if (this.#socket === socket && this.#welcomed) this.#answer(answer);
        });
        return;
      case 'welcome':
      case 'reject':
        return;
    }
  }

  /** A command that cannot be read is refused by its id, so that the server need not wait for it. */
  #refuse(text: string | undefined, error: unknown): void {
    const id = text === undefined || !this.#welcomed ? undefined : commandIdIn(text);
    if (id === undefined) return;
    const code = error instanceof ProtocolError ? error.code : 'INTERNAL_ERROR';
    this.#send({
      type: 'failure',
      id,
      code: code === 'MALFORMED_MESSAGE' && !hasKnownType(text as string) ? 'UNKNOWN_COMMAND' : code,
      message: error instanceof ProtocolError ? error.message.slice(0, 2000) : 'The command failed.',
    } as CommandFailure);
  }

  /** The picture goes first: whoever reads the result can have it at once. */
  #answer(answer: Answer): void {
    if (answer.frame !== null) {
      const header = { type: 'frame' as const, frameId: FrameId.parse(answer.frame.frameId) };
      this.#socket?.send(encodeFrameMessage(header, answer.frame.bytes));
    }
    this.#send(answer.message);
  }

  #send(message: DaemonMessage | CommandResult): void {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }
}

/** @throws ProtocolError CONFIG_INVALID */
export function linkAddress(url: URL): URL {
  const protocols: Record<string, string> = {
    'http:': 'ws:',
    'https:': 'wss:',
    'ws:': 'ws:',
    'wss:': 'wss:',
  };
  const protocol = protocols[url.protocol];
  if (protocol === undefined)
    throw new ProtocolError('CONFIG_INVALID', `${url.protocol}// is no address of a server; use wss://.`);
  if (protocol === 'ws:' && !isLoopback(url.hostname))
    throw new ProtocolError(
      'CONFIG_INVALID',
      `The link to ${url.host} must be encrypted: use https:// or wss://. Plain links are for this computer only.`,
    );
  if (url.username !== '' || url.password !== '')
    throw new ProtocolError('CONFIG_INVALID', 'The address of the server must not hold a password.');
  const address = new URL(`${protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`);
  if (!address.pathname.endsWith(LINK_PATH))
    address.pathname = `${address.pathname.replace(/\/+$/, '')}${LINK_PATH}`;
  return address;
}

function authOf(credentials: LinkCredentials): Hello['auth'] {
  return credentials.type === 'token'
    ? { type: 'token', machineId: credentials.machineId, token: credentials.token.reveal() }
    : { type: 'pair', code: credentials.code.reveal(), name: credentials.name };
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}

function commandIdIn(text: string): string | undefined {
  try {
    const value = parseJson(text) as { id?: unknown };
    return typeof value?.id === 'string' && value.id.length >= 1 && value.id.length <= 128
      ? value.id
      : undefined;
  } catch {
    return undefined;
  }
}

const KNOWN_TYPES: ReadonlySet<unknown> = new Set(
  ServerMessage.options.map((option) => option.shape.type.value),
);

function hasKnownType(text: string): boolean {
  try {
    return KNOWN_TYPES.has((parseJson(text) as { type?: unknown }).type);
  } catch {
    return false;
  }
}
