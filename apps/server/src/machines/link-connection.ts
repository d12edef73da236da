import { randomUUID } from 'node:crypto';
import { errorAttributes, type Logger } from '@deskhand/base';
import {
  type CommandResult,
  type ControlState,
  DaemonMessage,
  type DesktopEvent,
  decodeFrameMessage,
  decodeText,
  HEARTBEAT_MS,
  type Hello,
  type HotkeyState,
  isErrorCode,
  type LatchState,
  LIMITS,
  type MachineId,
  type PersonCommand,
  ProtocolError,
  type ServerMessage,
} from '@deskhand/protocol';
import type { RawData, WebSocket } from 'ws';

/** Silence on an open socket that long means its peer is gone. */
const SILENCE_MS = HEARTBEAT_MS * 3;
/** Frame parts waiting for the result that names them. */
const MAX_WAITING_FRAMES = 8;

export type LinkReply = Readonly<{ result: CommandResult; image: Uint8Array | null }>;

/** The connection went away before the answer came; whether the command was done is unknown. */
export class LinkCutError extends Error {
  override readonly name = 'LinkCutError';
}

export interface LinkListener {
  desktopEvent(connection: LinkConnection, event: DesktopEvent): void;
  personCommand(connection: LinkConnection, command: PersonCommand): void;
  closed(connection: LinkConnection): void;
}

/** Came before the connection listened. */
export type EarlyMessage = Readonly<{ data: RawData; isBinary: boolean }>;

type Waiting = { resolve: (reply: LinkReply) => void; reject: (error: Error) => void };

/** One authenticated daemon socket: requests matched by id, frames put with their results, heartbeat. */
export class LinkConnection {
  readonly machineId: MachineId;
  readonly hello: Hello;
  readonly #socket: WebSocket;
  readonly #listener: LinkListener;
  readonly #log: Logger;
  readonly #waiting = new Map<string, Waiting>();
  readonly #frames = new Map<string, Uint8Array>();
  #control: ControlState;
  #latch: LatchState;
  #hotkey: HotkeyState | undefined;
  /** On the steady clock: a wall clock that is set back would keep a dead link for hours, one set forward cut a live one. */
  #heardSteadyMs = performance.now();
  #heartbeat: NodeJS.Timeout | undefined;
  #open = true;

  constructor(parts: {
    socket: WebSocket;
    hello: Hello;
    machineId: MachineId;
    listener: LinkListener;
    log: Logger;
  }) {
    this.#socket = parts.socket;
    this.machineId = parts.machineId;
    this.hello = parts.hello;
    this.#listener = parts.listener;
    this.#log = parts.log;
    this.#control = parts.hello.control;
    this.#latch = parts.hello.latch;
    this.#hotkey = parts.hello.hotkey;
  }

  /** False from the first sign of an end: a socket in its closing handshake takes nothing any more. */
  get isOpen(): boolean {
    return this.#open && this.#socket.readyState === this.#socket.OPEN;
  }
  get control(): ControlState {
    return this.#control;
  }
  get latch(): LatchState {
    return this.#latch;
  }
  /** Why no run may start there: its stop hotkey does not work, and its person did not say "all the same". */
  get hotkeyProblem(): string | null {
    const hotkey = this.#hotkey;
    if (hotkey === undefined || hotkey.armed || hotkey.override === true) return null;
    return hotkey.reason ?? 'It was not proven to work.';
  }
  get bootId(): string {
    return this.hello.bootId;
  }

  start(): void {
    this.#socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    this.#socket.on('close', () => this.#onClose());
    this.#socket.on('error', (error) => this.#log.debug('link socket error', errorAttributes(error)));
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /** What came before the connection was announced. */
  replay(early: readonly EarlyMessage[]): void {
    for (const { data, isBinary } of early) this.#onMessage(data, isBinary);
  }

  /** @returns false when the socket is gone. */
  send(message: ServerMessage): boolean {
    if (!this.#open || this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * Sends a command and waits for its answer. The caller bounds the wait by its signal.
   * @throws LinkCutError, the signal's reason, ProtocolError with the daemon's code
   */
  request(
    message: Extract<ServerMessage, { id: string }>,
    options: { signal: AbortSignal },
  ): Promise<LinkReply> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      if (!this.send(message)) {
        reject(new LinkCutError('The link is down.'));
        return;
      }
      const onAbort = () => {
        this.#waiting.delete(message.id);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const settled = () => {
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(message.id);
      };
      this.#waiting.set(message.id, {
        resolve: (reply) => {
          settled();
          resolve(reply);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
    });
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#socket.close(code, reason);
    // A peer that does not answer the closing handshake is cut.
    const timer = setTimeout(() => this.#socket.terminate(), 1000);
    timer.unref();
    this.#onClose();
  }

  #beat(): void {
    if (performance.now() - this.#heardSteadyMs > SILENCE_MS) {
      this.#log.warn('link silent, cutting it', { machineId: this.machineId });
      this.#socket.terminate();
      this.#onClose();
      return;
    }
    this.send({ type: 'ping', nonce: randomUUID() });
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (!this.#open) return;
    this.#heardSteadyMs = performance.now();
    try {
      const bytes = toBytes(data);
      if (isBinary) {
        const { header, bytes: picture } = decodeFrameMessage(bytes);
        if (this.#frames.size >= MAX_WAITING_FRAMES) {
          const [oldest] = this.#frames.keys();
          if (oldest !== undefined) this.#frames.delete(oldest);
        }
        this.#frames.set(header.frameId, picture);
        return;
      }
      this.#onText(decodeText(DaemonMessage, Buffer.from(bytes).toString('utf8'), LIMITS.linkTextBytes));
    } catch (error) {
      // A peer that breaks the protocol is not trusted further; it may come back and do better.
      this.#log.warn('link message refused', { machineId: this.machineId, ...errorAttributes(error) });
      this.close(1008, error instanceof ProtocolError ? error.code : 'MALFORMED_MESSAGE');
    }
  }

  #onText(message: DaemonMessage): void {
    switch (message.type) {
      case 'result': {
        const frameId = message.observation?.frame?.geometry.frameId;
        const image = frameId === undefined ? null : (this.#frames.get(frameId) ?? null);
        if (frameId !== undefined) this.#frames.delete(frameId);
        this.#waiting.get(message.id)?.resolve({ result: message, image });
        return;
      }
      case 'failure':
        this.#waiting
          .get(message.id)
          ?.reject(
            new ProtocolError(isErrorCode(message.code) ? message.code : 'UPSTREAM_ERROR', message.message),
          );
        return;
      case 'event':
        this.#control = message.control;
        this.#latch = message.latch;
        this.#hotkey = message.hotkey ?? this.#hotkey;
        this.#listener.desktopEvent(this, message);
        return;
      case 'person_command':
        this.#listener.personCommand(this, message);
        return;
      case 'pong':
        return;
      case 'hello':
        throw new ProtocolError('MALFORMED_MESSAGE', 'hello comes once, first.');
    }
  }

  #onClose(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#heartbeat);
    this.#frames.clear();
    for (const waiting of [...this.#waiting.values()]) waiting.reject(new LinkCutError('The link was cut.'));
    this.#listener.closed(this);
  }
}

export function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
