/// <reference path="./x11-package.d.ts" />
import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { Client, Display as RawDisplay, Reply, XError } from 'x11';
import type { X11EventMap, X11EventName } from './events.ts';
import { X11Error } from './x11-error.ts';

export type X11Screen = Readonly<{
  root: number;
  /** Pixels of the whole desktop at connection time; RANDR may change it later. */
  width: number;
  height: number;
  widthMm: number;
  depth: number;
  visual: number;
  bitsPerPixel: number;
}>;

/** Whether requests wait for those that follow, though somebody waits for their answer. */
export type Writing = { held: boolean };

/**
 * The wire to one X server: requests as promises, X errors as {@link X11Error}, events by name. What is asked over it
 * is the connection's and the extensions' business. An X error or a dying server never ends the process.
 */
export class X11Transport implements AsyncDisposable {
  readonly displayName: string;
  readonly root: number;
  readonly screen: X11Screen;
  readonly minKeycode: number;
  readonly maxKeycode: number;
  readonly #resourceMask: number;
  /** Settles when the connection has ended, with why: null after our own dispose. Never rejects. */
  readonly closed: Promise<Error | null>;

  protected readonly client: Client;
  readonly #log: Logger;
  readonly #writing: Writing;
  readonly #listeners = new Map<X11EventName, Set<(event: never) => void>>();
  readonly #pending = new Set<(error: Error) => void>();
  readonly #watches = new Set<{ first: number; last: number; error: XError | null }>();
  #resolveClosed: (why: Error | null) => void = () => {};
  #isClosed = false;
  #disposing: Promise<void> | undefined;

  constructor(displayName: string, client: Client, display: RawDisplay, log: Logger, writing: Writing) {
    const screen = display.screen[0];
    if (screen === undefined) throw new ProtocolError('DISPLAY_UNAVAILABLE', 'The X server has no screen.');
    this.displayName = displayName;
    this.client = client;
    this.#log = log;
    this.#writing = writing;
    this.root = screen.root;
    this.screen = {
      root: screen.root,
      width: screen.pixel_width,
      height: screen.pixel_height,
      widthMm: screen.mm_width,
      depth: screen.root_depth,
      visual: screen.root_visual,
      bitsPerPixel: display.format[screen.root_depth]?.bits_per_pixel ?? 0,
    };
    this.minKeycode = display.min_keycode;
    this.maxKeycode = display.max_keycode;
    this.#resourceMask = display.resource_mask;
    // The package shares one atom table between all connections of the process, but atoms belong to a server.
    client.atoms = { ...client.atoms };
    client.atom_names = { ...client.atom_names };
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    client.removeAllListeners('error');
    client.on('error', (error: XError) => this.#onError(error));
    client.on('event', (event: { name?: string }) => this.#onEvent(event));
    client.on('end', () => this.#onClosed(new Error('the X server closed the connection')));
    client.stream?.on('close', () => this.#onClosed(new Error('the connection to the X server ended')));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  // --- requests -------------------------------------------------------------------------------

  /**
   * Runs one request that has a reply.
   * @param name appears in errors.
   */
  answer<T>(name: string, issue: (reply: Reply<T>, client: Client) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#isClosed) {
        reject(this.#gone(name));
        return;
      }
      const fail = () => reject(this.#gone(name));
      this.#pending.add(fail);
      const reply: Reply<T> = (error, value) => {
        this.#pending.delete(fail);
        if (error) reject(new X11Error(name, error));
        else resolve(value);
        return true;
      };
      try {
        issue(reply, this.client);
      } catch (cause) {
        this.#pending.delete(fail);
        reject(cause);
      }
    });
  }

  /** Sends a request the package does not know, written whole, and reads its reply. */
  answerRaw<T>(name: string, packet: Buffer, read: (body: Buffer, byte1: number) => T): Promise<T> {
    return this.answer<T>(name, (reply) => {
      this.client.seq_num += 1;
      this.client.replies[this.client.seq_num] = [read, reply as Reply<never>];
      this.client.pack_stream.put(packet);
      this.client.pack_stream.submit(true);
    });
  }

  /** Sends such a request that has no reply; use it inside {@link checked}. */
  send(packet: Buffer): void {
    this.client.seq_num += 1;
    this.client.pack_stream.put(packet);
    this.client.pack_stream.submit();
  }

  /** Runs requests without a reply and resolves once the server has processed them all without an error. */
  async checked(name: string, issue: (client: Client) => void): Promise<void> {
    if (this.#isClosed) throw this.#gone(name);
    const watch = { first: this.client.seq_num + 1, last: 0, error: null as XError | null };
    issue(this.client);
    watch.last = this.client.seq_num;
    this.#watches.add(watch);
    try {
      await this.sync();
    } finally {
      this.#watches.delete(watch);
    }
    if (watch.error) throw new X11Error(name, watch.error);
  }

  /**
   * Everything that `issue` asks before its first await, and what waits to be written, leaves in one write: one round
   * trip for all, and the server has all of it before it serves anybody else.
   */
  together<T>(issue: () => T): T {
    if (this.#writing.held) return issue();
    this.#writing.held = true;
    try {
      return issue();
    } finally {
      this.#writing.held = false;
      if (!this.#isClosed) this.client.pack_stream.flush();
    }
  }

  /** Sends requests without waiting; an error is only logged. For things that are cheap and may fail. */
  unchecked(issue: (client: Client) => void): void {
    if (!this.#isClosed) issue(this.client);
  }

  /** One round trip: everything sent before has been processed. */
  async sync(): Promise<void> {
    await this.answer('GetInputFocus', (reply: Reply<unknown>) => this.client.GetInputFocus(reply));
  }

  /** Whether two resources (windows, pixmaps) were made by one client. */
  sameClient(a: number, b: number): boolean {
    return (a & ~this.#resourceMask) >>> 0 === (b & ~this.#resourceMask) >>> 0;
  }

  allocateId(): number {
    return this.client.AllocID();
  }

  /** Only after the resource was freed on the server. */
  releaseId(id: number): void {
    this.client.ReleaseID(id);
  }

  // --- events ---------------------------------------------------------------------------------

  /** @returns its own unsubscribe. A listener that throws is logged and does not disturb the others. */
  on<Name extends X11EventName>(name: Name, listener: (event: X11EventMap[Name]) => void): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener as (event: never) => void);
    return () => listeners.delete(listener as (event: never) => void);
  }

  // --- end ------------------------------------------------------------------------------------

  /** Idempotent; sends what is queued, then closes. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    if (!this.#isClosed) {
      // A server that hangs must not hang us: half a second to take what was sent, then the socket goes.
      await Promise.race([this.sync().catch(() => {}), sleep(500)]);
      this.#onClosed(null);
      this.client.terminate();
    }
    const stream = this.client.stream;
    if (stream !== undefined && !stream.destroyed) stream.destroy();
  }

  #onEvent(event: { name?: string }): void {
    const listeners = this.#listeners.get(event.name as X11EventName);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) {
      try {
        listener(event as never);
      } catch (error) {
        this.#log.error('an X event listener failed', { event: event.name, ...errorAttributes(error) });
      }
    }
  }

  #onError(error: XError): void {
    if (error.error === undefined) {
      this.#onClosed(error);
      return;
    }
    const seq = error.seq ?? -1;
    for (const watch of this.#watches) {
      if (seq >= watch.first && seq <= watch.last) {
        watch.error ??= error;
        return;
      }
    }
    this.#log.warn('the X server refused a request nobody waits for', {
      code: error.error,
      majorOpcode: error.majorOpcode,
      minorOpcode: error.minorOpcode,
    });
  }

  #onClosed(why: Error | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const fail of [...this.#pending]) fail(why ?? new Error('closed'));
    this.#pending.clear();
    this.#listeners.clear();
    this.#resolveClosed(why);
  }

  #gone(request: string): ProtocolError {
    return new ProtocolError('DISPLAY_UNAVAILABLE', `${request}: the connection to the X server has ended.`);
  }
}
