import { createHash } from 'node:crypto';
import { randomHex } from '@deskhand/base';
import {
  type ActCommand,
  type CommandResult,
  type ControlState,
  decodeText,
  encodeFrameMessage,
  type HotkeyState,
  type LeaseGrant,
  mintFrameId,
  type Observation,
  type ObserveCommand,
  type Outcome,
  PRODUCT_VERSION,
  PROTOCOL_VERSION,
  ServerMessage,
} from '@deskhand/protocol';
import { WebSocket } from 'ws';

/** A JPEG's first bytes; the server never decodes pictures. */
const PICTURE_BYTES = 512;

export type FakeDaemonOptions = {
  /** Origin of the server, `http://…`. */
  origin: string;
  auth: { code: string; name?: string } | { machineId: string; token: string };
  bootId?: string;
  /** Commands answered by an earlier life that kept its cache. */
  cache?: Map<string, CommandResult>;
  /** What becomes of one command; default: every operation confirmed. Never settling = a daemon that hangs. */
  perform?: (command: ActCommand) => Promise<Outcome[]> | Outcome[];
  latched?: boolean;
  control?: ControlState;
  hotkey?: HotkeyState;
  lastEpoch?: number;
};

/** One command as this desktop really did it: the judge of "at most once". */
export type Performed = { id: string; epoch: number; leaseId: string; operations: ActCommand['operations'] };

/** A desktop that speaks the real link over a real websocket and does nothing but remember. */
export class FakeDaemon implements AsyncDisposable {
  readonly performed: Performed[] = [];
  readonly narrated: Array<Record<string, unknown>> = [];
  readonly released: string[] = [];
  readonly leases: LeaseGrant[] = [];
  /** Commands in the order they arrived, repeats included. */
  readonly received: string[] = [];
  readonly bootId: string;
  readonly cache: Map<string, CommandResult>;
  machineId = '';
  machineToken: string | undefined;
  highestEpoch: number;
  observed = 0;
  /** Refuses to connect. */
  staysAway = false;
  /** Commands under way: a repeat is answered when the first is done. */
  readonly #underWay = new Map<string, Promise<unknown>>();
  readonly #options: FakeDaemonOptions;
  #socket: WebSocket | undefined;
  #lease: LeaseGrant | undefined;
  #control: ControlState;
  #latched: boolean;
  closed: Promise<{ code: number; reason: string }> = new Promise(() => {});

  constructor(options: FakeDaemonOptions) {
    this.#options = options;
    this.bootId = options.bootId ?? `boot_${randomHex(12)}`;
    this.cache = options.cache ?? new Map();
    this.#control = options.control ?? 'armed';
    this.#latched = options.latched ?? false;
    this.highestEpoch = options.lastEpoch ?? 0;
  }

  static async connect(options: FakeDaemonOptions): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(options);
    await daemon.open();
    return daemon;
  }

  /** @throws Error with the server's reject code. */
  async open(): Promise<void> {
    if (this.staysAway) throw new Error('told to stay away');
    const socket = new WebSocket(`${this.#options.origin.replace(/^http/, 'ws')}/link`, {
      perMessageDeflate: false,
    });
    this.#socket = socket;
    this.closed = new Promise((resolve) =>
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    socket.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) =>
        reject(new Error(`HTTP ${response.statusCode}`)),
      );
    });
    const welcomed = new Promise<void>((resolve, reject) => {
      socket.on('message', (data) => {
        const message = decodeText(ServerMessage, data.toString());
        if (message.type === 'welcome') {
          this.machineId = message.machineId;
          this.machineToken = message.machineToken ?? this.machineToken;
          resolve();
        } else if (message.type === 'reject') reject(new Error(message.code));
        else this.#onMessage(message);
      });
      socket.once('close', (code) => reject(new Error(`closed ${code}`)));
    });
    const { auth } = this.#options;
    const token = this.machineToken;
    socket.send(
      JSON.stringify({
        type: 'hello',
        protocolVersion: PROTOCOL_VERSION,
        productVersion: PRODUCT_VERSION,
        auth:
          token !== undefined
            ? { type: 'token', machineId: this.machineId, token }
            : 'code' in auth
              ? { type: 'pair', code: auth.code, name: auth.name ?? 'fake' }
              : { type: 'token', machineId: auth.machineId, token: auth.token },
        displays: [
          {
            id: 'd1',
            name: 'fake',
            bounds: { x: 0, y: 0, width: 1280, height: 800 },
            scale: 1,
            primary: true,
          },
        ],
        capabilities: {
          capture: 'fake',
          input: 'fake',
          accessibility: 'fake',
          ocr: 'fake',
          browser: 'fake',
          os: 'linux',
          virtual: true,
        },
        latch: { tripped: this.#latched, ...(this.#latched ? { by: 'hotkey' } : {}) },
        control: this.#control,
        ...(this.#options.hotkey === undefined ? {} : { hotkey: this.#options.hotkey }),
        lastEpoch: this.highestEpoch,
        bootId: this.bootId,
      }),
    );
    await welcomed;
  }

  /** The desktop's own events. */
  event(
    event: string,
    state: { control?: ControlState; latched?: boolean; reason?: string; hotkey?: HotkeyState } = {},
  ): void {
    this.#control = state.control ?? this.#control;
    this.#latched = state.latched ?? this.#latched;
    this.#send({
      type: 'event',
      event,
      at: new Date().toISOString(),
      control: this.#control,
      latch: { tripped: this.#latched, ...(this.#latched ? { by: 'hotkey' } : {}) },
      ...(state.reason === undefined ? {} : { reason: state.reason }),
      ...(state.hotkey === undefined ? {} : { hotkey: state.hotkey }),
    });
  }

  personCommand(command: string, runId: string, note?: string): void {
    this.#send({ type: 'person_command', command, runId, ...(note === undefined ? {} : { note }) });
  }

  sendRaw(text: string): void {
    this.#socket?.send(text);
  }

  /** The cable is pulled: no goodbye. */
  cut(): void {
    this.#socket?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.terminate();
  }

  #onMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'ping':
        this.#send({ type: 'pong', nonce: message.nonce });
        return;
      case 'lease':
        this.leases.push(message);
        if (message.epoch < this.highestEpoch) return;
        this.highestEpoch = message.epoch;
        this.#lease = message;
        return;
      case 'release':
        this.released.push(message.reason);
        if (this.#lease?.leaseId === message.leaseId) this.#lease = undefined;
        this.#send({ type: 'result', id: message.id, outcomes: [], observation: null });
        return;
      case 'narrate':
        this.narrated.push(message);
        return;
      case 'observe':
        this.#observe(message);
        return;
      case 'act':
        void this.#act(message);
        return;
      default:
        return;
    }
  }

  #observe(message: ObserveCommand): void {
    this.observed += 1;
    this.#send({
      type: 'result',
      id: message.id,
      outcomes: [],
      observation: this.#look(message.request.frame !== null),
    });
  }

  async #act(message: ActCommand): Promise<void> {
    this.received.push(message.id);
    await this.#underWay.get(message.id);
    const known = this.cache.get(message.id);
    if (known !== undefined) {
      this.#send({ ...known, observation: null, repeated: true });
      return;
    }
    if (message.epoch < this.highestEpoch) return this.#refuse(message, 'STALE_EPOCH');
    if (this.#latched) return this.#refuse(message, 'LATCHED');
    if (this.#control === 'paused') return this.#refuse(message, 'PAUSED');
    if (this.#lease?.leaseId !== message.leaseId) return this.#refuse(message, 'LEASE_REQUIRED');
    this.performed.push({
      id: message.id,
      epoch: message.epoch,
      leaseId: message.leaseId,
      operations: message.operations,
    });
    const work = Promise.resolve(this.#options.perform?.(message));
    this.#underWay.set(message.id, work);
    const outcomes =
      (await work) ?? message.operations.map(() => ({ status: 'confirmed' as const, durationMs: 1 }));
    const result: CommandResult = {
      type: 'result',
      id: message.id,
      outcomes,
      observation: null,
      repeated: false,
    };
    this.cache.set(message.id, result);
    this.#send({
      ...result,
      observation: message.observe === null ? null : this.#look(message.observe.frame !== null),
    });
  }

  #refuse(message: ActCommand, code: string): void {
    this.#send({
      type: 'result',
      id: message.id,
      outcomes: [{ status: 'refused', code, durationMs: 0 }],
      observation: null,
    });
  }

  #look(withFrame: boolean): Observation {
    const at = new Date().toISOString();
    const bytes = Buffer.alloc(PICTURE_BYTES, randomHex(32));
    const frameId = mintFrameId();
    if (withFrame) this.#sendWhileOpen(encodeFrameMessage({ type: 'frame', frameId }, bytes));
    return {
      frame: withFrame
        ? {
            geometry: {
              frameId,
              displayId: 'd1' as never,
              layoutId: 'one',
              region: { x: 0, y: 0, width: 1280, height: 800 },
              image: { width: 1280, height: 800 },
              scale: 1,
            },
            mimeType: 'image/jpeg',
            byteLength: bytes.length,
            sha256: createHash('sha256').update(bytes).digest('hex'),
            capturedAt: at,
            exclusion: 'none_needed',
            degraded: false,
          }
        : null,
      windows: [],
      activeWindowId: null,
      pointer: null,
      elements: [],
      sources: [],
      page: null,
      settle: { settledMs: 1, reason: 'quiet' },
      timings: {},
    };
  }

  #send(message: unknown): void {
    this.#sendWhileOpen(JSON.stringify(message));
  }

  /** What was done while the link was down stays unsaid, also while a new one is being made. */
  #sendWhileOpen(data: string | Uint8Array): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
  }
}
