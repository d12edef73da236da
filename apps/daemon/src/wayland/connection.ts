import { once } from 'node:events';
import type { Logger } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import { connectDescriptorSocket, type DescriptorSocket } from '../x11/descriptor-socket.ts';
import { type EventName, INTERFACES, type InterfaceName, lineOf, type RequestName } from './interfaces.ts';
import { decodeArguments, encodeMessage, MessageReader, type WireMessage, type WireValue } from './wire.ts';

const DISPLAY_ID = 1;
const CONNECT_CEILING_MS = 3000;
const ANSWER_CEILING_MS = 5000;

/** Something of the compositor that exists now; `name` is its number in the registry. */
export type WaylandGlobal = Readonly<{ name: number; interface: string; version: number }>;

/** @param socket path of the compositor's socket. @throws ProtocolError DISPLAY_UNAVAILABLE */
export async function openWayland(options: { socket: string; log: Logger }): Promise<WaylandConnection> {
  const { socket: path, log } = options;
  const socket = connectDescriptorSocket(path);
  if (socket === null)
    throw new ProtocolError('DISPLAY_UNAVAILABLE', 'This Node cannot pass file descriptors to a compositor.');
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_CEILING_MS) });
  } catch (cause) {
    socket.destroy();
    const message = `The Wayland compositor at ${path} does not answer.`;
    throw new ProtocolError('DISPLAY_UNAVAILABLE', message, {}, { cause });
  }
  const connection = new WaylandConnection(socket, log);
  try {
    await connection.roundTrip();
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  return connection;
}

/** One client connection: objects, requests in order, events as they come. */
export class WaylandConnection implements AsyncDisposable {
  readonly #socket: DescriptorSocket;
  readonly #log: Logger;
  readonly #reader = new MessageReader();
  readonly #objects = new Map<number, WaylandObject<InterfaceName>>();
  readonly #freeIds: number[] = [];
  #nextId = DISPLAY_ID + 1;
  readonly #queue: Array<{ bytes: Buffer; descriptor: number | null }> = [];
  #writing = false;
  readonly #display: WaylandObject<'wl_display'>;
  readonly #registry: WaylandObject<'wl_registry'>;
  readonly #globals = new Map<number, WaylandGlobal>();
  readonly #globalListeners = new Set<(change: { added?: WaylandGlobal; removed?: number }) => void>();
  readonly #closed = Promise.withResolvers<Error | null>();
  /** Those who wait for an answer: a promise would keep each of them for as long as the connection lives. */
  readonly #onEnd = new Set<(why: ProtocolError) => void>();
  #failure: Error | null = null;
  #isClosed = false;

  /** Use {@link openWayland}. */
  constructor(socket: DescriptorSocket, log: Logger) {
    this.#socket = socket;
    this.#log = log;
    this.#display = this.#adopt('wl_display', DISPLAY_ID);
    this.#display.on('error', (_object, code, message) => {
      this.#failure = new Error(`the compositor refused a request (${code}): ${message}`);
      socket.destroy();
    });
    this.#display.on('delete_id', (id) => {
      this.#objects.delete(id as number);
      this.#freeIds.push(id as number);
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    socket.on('close', () => this.#end());
    this.#registry = this.#display.create('get_registry', 'wl_registry');
    this.#registry.on('global', (name, of, version) => {
      const added = { name: name as number, interface: of as string, version: version as number };
      this.#globals.set(added.name, added);
      for (const listener of this.#globalListeners) listener({ added });
    });
    this.#registry.on('global_remove', (name) => {
      this.#globals.delete(name as number);
      for (const listener of this.#globalListeners) listener({ removed: name as number });
    });
  }

  /** Settles when the compositor is gone (with why), or with null when this end closed. */
  get closed(): Promise<Error | null> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  globals(of: InterfaceName): readonly WaylandGlobal[] {
    return [...this.#globals.values()].filter((global) => global.interface === of);
  }

  onGlobal(listener: (change: { added?: WaylandGlobal; removed?: number }) => void): void {
    this.#globalListeners.add(listener);
  }

  bind<I extends InterfaceName>(global: WaylandGlobal, of: I, newestVersion: number): WaylandObject<I> {
    const version = Math.min(newestVersion, global.version);
    return this.#registry.create('bind', of, global.name, of, version);
  }

  /** @throws ProtocolError FEATURE_NOT_AVAILABLE when the compositor does not offer it. */
  require<I extends InterfaceName>(of: I, newestVersion: number): WaylandObject<I> {
    const [global] = this.globals(of);
    if (global === undefined)
      throw new ProtocolError('FEATURE_NOT_AVAILABLE', `This compositor does not offer ${of}.`);
    return this.bind(global, of, newestVersion);
  }

  /** When it returns, the compositor has dealt with every request so far, and its events have been handled. */
  async roundTrip(): Promise<void> {
    if (this.#isClosed) throw gone(this.#failure);
    const done = Promise.withResolvers<void>();
    this.#display.create('sync', 'wl_callback').on('done', () => done.resolve());
    const late = setTimeout(
      () => done.reject(new ProtocolError('DISPLAY_UNAVAILABLE', 'The compositor does not answer.')),
      ANSWER_CEILING_MS,
    );
    const forget = this.onEnd(done.reject);
    try {
      await done.promise;
    } finally {
      clearTimeout(late);
      forget();
    }
  }

  /** Called once when the connection ends, whoever ended it. @returns its own unsubscribe. */
  onEnd(listener: (why: ProtocolError) => void): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }

  /** For {@link WaylandObject}. `descriptor` is consumed. */
  send(bytes: Buffer, descriptor: number | null): void {
    if (this.#isClosed) throw gone(this.#failure);
    this.#queue.push({ bytes, descriptor });
    this.#pump();
  }

  /** For {@link WaylandObject}. */
  make<I extends InterfaceName>(of: I): WaylandObject<I> {
    const reused = this.#freeIds.pop();
    if (reused !== undefined) return this.#adopt(of, reused);
    this.#nextId += 1;
    return this.#adopt(of, this.#nextId - 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#socket.destroy();
    await this.#closed.promise;
  }

  #adopt<I extends InterfaceName>(of: I, id: number): WaylandObject<I> {
    const object = new WaylandObject(this, of, id);
    this.#objects.set(id, object as unknown as WaylandObject<InterfaceName>);
    return object;
  }

  /** One write after the other: a descriptor's write goes around the socket's own queue. */
  #pump(): void {
    if (this.#writing || this.#isClosed) return;
    const [next] = this.#queue;
    if (next === undefined) return;
    this.#writing = true;
    const done = () => {
      this.#writing = false;
      this.#pump();
    };
    if (next.descriptor !== null) {
      this.#queue.shift();
      this.#socket.sendFds(next.bytes, [next.descriptor], (error) => {
        this.#failure ??= error;
        if (error !== null) this.#socket.destroy();
        done();
      });
      return;
    }
    const plain = this.#queue.findIndex(({ descriptor }) => descriptor !== null);
    const batch = this.#queue.splice(0, plain === -1 ? this.#queue.length : plain);
    this.#socket.write(Buffer.concat(batch.map(({ bytes }) => bytes)), done);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#reader.push(chunk)) this.#deliver(message);
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      this.#socket.destroy();
    }
  }

  #deliver({ objectId, opcode, body }: WireMessage): void {
    const object = this.#objects.get(objectId);
    const line: string | undefined = object && INTERFACES[object.interface].events[opcode];
    if (object === undefined || line === undefined) return;
    const space = line.indexOf(' ');
    const values = decodeArguments(line.slice(space + 1), body);
    if (values === null) this.#log.warn('an event of the compositor was not understood', { line });
    else object.emit(line.slice(0, space), values);
  }

  #end(): void {
    this.#isClosed = true;
    for (const listener of [...this.#onEnd]) listener(gone(this.#failure));
    this.#closed.resolve(
      this.#failure ?? (this.#socket.readableEnded ? new Error('the compositor hung up') : null),
    );
  }
}

type Listener = (...values: WireValue[]) => void;

/** One object of the protocol, ours or the compositor's. */
export class WaylandObject<I extends InterfaceName> {
  readonly interface: I;
  readonly id: number;
  readonly #connection: WaylandConnection;
  readonly #listeners = new Map<string, Listener>();

  constructor(connection: WaylandConnection, of: I, id: number) {
    this.#connection = connection;
    this.interface = of;
    this.id = id;
  }

  /** One listener per event. */
  on(event: EventName<I>, listener: Listener): this {
    this.#listeners.set(event, listener);
    return this;
  }

  emit(event: string, values: WireValue[]): void {
    this.#listeners.get(event)?.(...values);
  }

  request(name: RequestName<I>, ...values: readonly RequestValue[]): void {
    this.#send(name, values, null);
  }

  /** A request whose new object is of `of`; its place among the arguments is filled in. */
  create<J extends InterfaceName>(
    name: RequestName<I>,
    of: J,
    ...values: readonly RequestValue[]
  ): WaylandObject<J> {
    const made = this.#connection.make(of);
    this.#send(name, values, made.id);
    return made;
  }

  #send(name: string, given: readonly RequestValue[], newId: number | null): void {
    const { opcode, letters } = lineOf(INTERFACES[this.interface].requests, name);
    const rest = [...given];
    let descriptor: number | null = null;
    const values: WireValue[] = [];
    for (const letter of letters) {
      if (letter === 'n') values.push(newId);
      else {
        const value = rest.shift() ?? null;
        if (letter === 'h') descriptor = value as number;
        else values.push(value instanceof WaylandObject ? value.id : value);
      }
    }
    this.#connection.send(encodeMessage(this.id, opcode, letters, values), descriptor);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: an argument may be an object of any interface.
type RequestValue = WireValue | WaylandObject<any>;

function gone(cause: Error | null): ProtocolError {
  return new ProtocolError('DISPLAY_UNAVAILABLE', 'The Wayland compositor is gone.', {}, { cause });
}
