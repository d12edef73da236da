/// <reference path="./x11-package.d.ts" />
import { type Logger, raceSignal } from '@deskhand/base';
import { ProtocolError, type Rect } from '@deskhand/protocol';
import { type Client, createClient, eventMask, type Reply } from 'x11';
import type { X11EventMap } from './events.ts';
import { wrapExtension, type X11ExtensionMap, type X11ExtensionName } from './extensions.ts';
import { sharedMemoryProvider } from './shared-memory.ts';
import { type Writing, X11Transport } from './transport.ts';

/** Bits for `selectInput`, by the names of the X protocol (`PropertyChange`, `SubstructureNotify` …). */
export const EVENT_MASK: Readonly<Record<string, number>> = eventMask;

export type PropertyValue = Readonly<{ type: number; format: number; data: Buffer }>;

export type PointerState = Readonly<{
  x: number;
  y: number;
  /** Child of the root under the pointer, 0 if none. */
  child: number;
  /** Modifier bits 0–7 and buttons 1–5 as bits 8–12. */
  mask: number;
}>;

/** SubstructureNotify | SubstructureRedirect. */
const EWMH_MASK = 0x0018_0000;
const ANY_TYPE = 0;
const CURRENT_TIME = 0;
/** GetProperty counts in 4-byte units; one round trip fetches this much. */
const PROPERTY_CHUNK_UNITS = 65_536;
/** Below the 256 KiB request limit of servers without BIG-REQUESTS. */
const CHANGE_PROPERTY_CHUNK_BYTES = 200_000;

/**
 * Opens one connection to an X server.
 * @param display `:N` or `host:N`; default is the `DISPLAY` of this process. The cookie comes from
 *   `XAUTHORITY` or `~/.Xauthority`.
 * @throws ProtocolError DISPLAY_UNAVAILABLE; the signal's reason when it aborts first.
 */
export async function openX11(options: {
  display?: string | undefined;
  log: Logger;
  signal?: AbortSignal | undefined;
}): Promise<X11Connection> {
  const { log, signal } = options;
  signal?.throwIfAborted();
  let settled = false;
  let client: Client | undefined;
  const writing: Writing = { held: false };
  const connecting = new Promise<X11Connection>((resolve, reject) => {
    const fail = (cause: unknown) => {
      if (settled) return;
      settled = true;
      reject(
        new ProtocolError(
          'DISPLAY_UNAVAILABLE',
          `The X display ${options.display ?? 'of this session'} cannot be reached.`,
          {},
          { cause },
        ),
      );
    };
    try {
      client = createClient(
        {
          ...(options.display === undefined ? {} : { display: options.display }),
          // Requests of one tick leave in one write: a character's key events arrive together or not at all.
          bufferRequests: { shouldFlush: () => (writing.held ? false : undefined) },
          shm: sharedMemoryProvider,
        },
        (error, display) => {
          if (error) return fail(error);
          if (settled || client === undefined) return;
          settled = true;
          resolve(new X11Connection(options.display ?? '', client, display, log, writing));
        },
      );
      // Replaced by the connection's own listener; without any, an early stream error would end the process.
      client.on('error', fail);
      // A server that dies, or refuses without a word, between taking the connection and its first answer.
      client.on('end', () => fail(new Error('the X server closed the connection')));
      client.stream?.once('close', () => fail(new Error('the connection to the X server ended')));
    } catch (cause) {
      fail(cause);
    }
  });
  if (signal === undefined) return connecting;
  try {
    return await raceSignal(connecting, signal);
  } catch (error) {
    if (!settled) {
      settled = true;
      client?.stream?.destroy();
    } else void connecting.then((late) => late[Symbol.asyncDispose]()).catch(() => {});
    throw error;
  }
}

/**
 * One client of an X server: the core protocol's requests, and extensions by name. The owner disposes it.
 */
export class X11Connection extends X11Transport {
  readonly #extensions = new Map<X11ExtensionName, Promise<unknown>>();
  readonly #atoms = new Map<string, Promise<number>>();

  /** @throws X11Error or Error when the server lacks the extension. */
  require<Name extends X11ExtensionName>(name: Name): Promise<X11ExtensionMap[Name]> {
    let extension = this.#extensions.get(name) as Promise<X11ExtensionMap[Name]> | undefined;
    if (extension === undefined) {
      extension = this.answer<never>(`extension ${name}`, (reply) => this.client.require(name, reply)).then(
        async (raw) => wrapExtension(this, name, raw),
      );
      this.#extensions.set(name, extension);
    }
    return extension;
  }

  /** @returns whether the server has the extension; false also when it answers strangely. */
  async has(name: X11ExtensionName): Promise<boolean> {
    try {
      await this.require(name);
      return true;
    } catch {
      return false;
    }
  }

  /** Which core events of a window this connection wants; replaces its earlier wish. See {@link EVENT_MASK}. */
  selectInput(window: number, mask: number): Promise<void> {
    return this.checked('ChangeWindowAttributes', (client) =>
      client.ChangeWindowAttributes(window, { eventMask: mask }),
    );
  }

  // --- atoms and properties -------------------------------------------------------------------

  atom(name: string): Promise<number> {
    let atom = this.#atoms.get(name);
    if (atom === undefined) {
      atom = this.answer<number>('InternAtom', (reply) => this.client.InternAtom(false, name, reply));
      this.#atoms.set(name, atom);
      atom.catch(() => this.#atoms.delete(name));
    }
    return atom;
  }

  async atoms<const Name extends string>(names: readonly Name[]): Promise<Record<Name, number>> {
    const entries = await Promise.all(names.map(async (name) => [name, await this.atom(name)] as const));
    return Object.fromEntries(entries) as Record<Name, number>;
  }

  atomName(atom: number): Promise<string> {
    return this.answer<string>('GetAtomName', (reply) => this.client.GetAtomName(atom, reply));
  }

  /**
   * Reads a whole property.
   * @param maxBytes longer values are cut there.
   * @returns null when the window has no such property. @throws X11Error (BadWindow) for a window that is gone.
   */
  async getProperty(
    window: number,
    name: string | number,
    options: { remove?: boolean; maxBytes?: number } = {},
  ): Promise<PropertyValue | null> {
    const atom = typeof name === 'number' ? name : await this.atom(name);
    const maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
    const parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const part = await this.answer<{ type: number; format: number; bytesAfter: number; data: Buffer }>(
        'GetProperty',
        (reply) =>
          this.client.GetProperty(
            options.remove === true ? 1 : 0,
            window,
            atom,
            ANY_TYPE,
            length / 4,
            Math.min(PROPERTY_CHUNK_UNITS, Math.ceil((maxBytes - length) / 4)),
            reply,
          ),
      );
      if (part.type === 0) return null;
      parts.push(part.data);
      length += part.data.length;
      // The server removes the property only with its last part, when nothing is left after it.
      if (part.bytesAfter === 0 || length >= maxBytes || part.data.length === 0)
        return {
          type: part.type,
          format: part.format,
          data: parts.length === 1 ? part.data : Buffer.concat(parts),
        };
    }
  }

  /** Text of a STRING or UTF8_STRING property, without trailing NULs; null when absent. */
  async getText(window: number, name: string | number): Promise<string | null> {
    const value = await this.getProperty(window, name, { maxBytes: 65_536 });
    if (value === null || value.format !== 8) return null;
    const utf8 = value.type === (await this.atom('UTF8_STRING'));
    return value.data.toString(utf8 ? 'utf8' : 'latin1').replace(/\0+$/, '');
  }

  /** Elements of a format-32 property (CARDINAL, WINDOW, ATOM …); empty when absent. */
  async getNumbers(window: number, name: string | number): Promise<number[]> {
    const value = await this.getProperty(window, name);
    if (value === null || value.format !== 32) return [];
    const numbers: number[] = [];
    for (let offset = 0; offset + 4 <= value.data.length; offset += 4)
      numbers.push(value.data.readUInt32LE(offset));
    return numbers;
  }

  /** Replaces a property. Long data goes in several requests, so a watcher may see it grow. */
  async changeProperty(
    window: number,
    name: string | number,
    type: string | number,
    value: Readonly<{ format: 8 | 16; data: Buffer } | { format: 32; data: readonly number[] | Buffer }>,
  ): Promise<void> {
    const nameAtom = typeof name === 'number' ? name : await this.atom(name);
    const typeAtom = typeof type === 'number' ? type : await this.atom(type);
    const data = Buffer.isBuffer(value.data) ? value.data : words(value.data as readonly number[]);
    await this.checked('ChangeProperty', (client) => {
      let offset = 0;
      do {
        const part = data.subarray(offset, offset + CHANGE_PROPERTY_CHUNK_BYTES);
        client.ChangeProperty(offset === 0 ? 0 : 2, window, nameAtom, typeAtom, value.format, part);
        offset += CHANGE_PROPERTY_CHUNK_BYTES;
      } while (offset < data.length);
    });
  }

  async deleteProperty(window: number, name: string | number): Promise<void> {
    const atom = typeof name === 'number' ? name : await this.atom(name);
    await this.checked('DeleteProperty', (client) => client.DeleteProperty(window, atom));
  }

  /**
   * Sends a 32-bit ClientMessage about `window`, by default to the root, as EWMH wants
   * (mask SubstructureRedirect | SubstructureNotify). To a window itself: `destination: window, mask: 0`.
   */
  async sendClientMessage(message: {
    window: number;
    type: string | number;
    data: readonly number[];
    destination?: number;
    mask?: number;
  }): Promise<void> {
    const type = typeof message.type === 'number' ? message.type : await this.atom(message.type);
    const mask = message.mask ?? EWMH_MASK;
    await this.checked('SendEvent', (client) =>
      client.SendEvent(message.destination ?? this.root, 0, mask, {
        name: 'ClientMessage',
        format: 32,
        wid: message.window,
        message_type: type,
        data: [...message.data],
      }),
    );
  }

  // --- windows --------------------------------------------------------------------------------

  queryTree(window: number): Promise<{ root: number; parent: number; children: number[] }> {
    return this.answer('QueryTree', (reply: Reply<{ root: number; parent: number; children: number[] }>) =>
      this.client.QueryTree(window, reply),
    );
  }

  /** Relative to the parent, without the border. */
  async geometry(drawable: number): Promise<Rect & { depth: number; borderWidth: number }> {
    const found = await this.answer<{
      depth: number;
      xPos: number;
      yPos: number;
      width: number;
      height: number;
      borderWidth: number;
    }>('GetGeometry', (reply) => this.client.GetGeometry(drawable, reply));
    return {
      x: found.xPos,
      y: found.yPos,
      width: found.width,
      height: found.height,
      depth: found.depth,
      borderWidth: found.borderWidth,
    };
  }

  /** Where a point of `source` lies in `destination`, and the child of `destination` it falls into (0 = none). */
  async translate(
    source: number,
    destination: number,
    x: number,
    y: number,
  ): Promise<{ x: number; y: number; child: number }> {
    const found = await this.answer<{ child: number; destX: number; destY: number }>(
      'TranslateCoordinates',
      (reply) => this.client.TranslateCoordinates(source, destination, x, y, reply),
    );
    return { x: found.destX, y: found.destY, child: found.child };
  }

  async windowAttributes(
    window: number,
  ): Promise<{ viewable: boolean; overrideRedirect: boolean; inputOnly: boolean; visual: number }> {
    const found = await this.answer<{
      visual: number;
      klass: number;
      mapState: number;
      overrideRedirect: number;
    }>('GetWindowAttributes', (reply) => this.client.GetWindowAttributes(window, reply));
    return {
      viewable: found.mapState === 2,
      overrideRedirect: found.overrideRedirect !== 0,
      inputOnly: found.klass === 2,
      visual: found.visual,
    };
  }

  /**
   * The server works for this connection alone while `work` runs; everybody else, also the person's screen, waits.
   * For a few milliseconds of requests, never for anything that waits for another program.
   */
  async withServerGrabbed<T>(work: () => Promise<T>): Promise<T> {
    this.unchecked((client) => client.GrabServer());
    try {
      // Events of before have arrived after this one round trip; no more can come.
      await this.sync();
      return await work();
    } finally {
      this.unchecked((client) => client.UngrabServer());
      if (!this.isClosed) await this.sync().catch(() => {});
    }
  }

  /** Creates a child of `parent` (default: the root). Values are those of the X protocol (`overrideRedirect` …). */
  async createWindow(
    rect: Rect,
    values: Record<string, number> = {},
    options: { parent?: number; inputOnly?: boolean; id?: number } = {},
  ): Promise<number> {
    const id = options.id ?? this.allocateId();
    const windowClass = options.inputOnly === true ? 2 : 1;
    await this.checked('CreateWindow', (client) =>
      client.CreateWindow(
        id,
        options.parent ?? this.root,
        rect.x,
        rect.y,
        rect.width,
        rect.height,
        0,
        0,
        windowClass,
        0,
        values,
      ),
    );
    return id;
  }

  async destroyWindow(window: number): Promise<void> {
    await this.checked('DestroyWindow', (client) => client.DestroyWindow(window));
  }

  mapWindow(window: number): Promise<void> {
    return this.checked('MapWindow', (client) => client.MapWindow(window));
  }

  unmapWindow(window: number): Promise<void> {
    return this.checked('UnmapWindow', (client) => client.UnmapWindow(window));
  }

  /** `x`, `y`, `width`, `height`, `borderWidth`, `sibling`, `stackMode` (0 above, 1 below). */
  configureWindow(window: number, values: Record<string, number>): Promise<void> {
    return this.checked('ConfigureWindow', (client) => client.ConfigureWindow(window, values));
  }

  async inputFocus(): Promise<number> {
    const found = await this.answer<{ focus: number }>('GetInputFocus', (reply) =>
      this.client.GetInputFocus(reply),
    );
    return found.focus;
  }

  /** revertTo: 0 none, 1 pointer root, 2 parent. */
  setInputFocus(window: number, revertTo: 0 | 1 | 2 = 2): Promise<void> {
    return this.checked('SetInputFocus', (client) => client.SetInputFocus(window, revertTo));
  }

  // --- keyboard and pointer -------------------------------------------------------------------

  async pointer(): Promise<PointerState> {
    const found = await this.answer<{ child: number; rootX: number; rootY: number; keyMask: number }>(
      'QueryPointer',
      (reply) => this.client.QueryPointer(this.root, reply),
    );
    return { x: found.rootX, y: found.rootY, child: found.child, mask: found.keyMask };
  }

  /** Keycodes that are down now, whoever pressed them. */
  async keysDown(): Promise<number[]> {
    const bits = await this.answer<Buffer>('QueryKeymap', (reply) => this.client.QueryKeymap(reply));
    const down: number[] = [];
    for (let byte = 0; byte < bits.length; byte += 1) {
      // Asked with every key, and hardly ever is one down.
      const value = bits[byte] as number;
      for (let bit = 0; value >> bit !== 0; bit += 1) if ((value >> bit) & 1) down.push(byte * 8 + bit);
    }
    return down;
  }

  /** One row of keysyms per keycode, from `minKeycode` on. */
  keyboardMapping(): Promise<number[][]> {
    return this.answer<number[][]>('GetKeyboardMapping', (reply) =>
      this.client.GetKeyboardMapping(this.minKeycode, this.maxKeycode - this.minKeycode + 1, reply),
    );
  }

  /** Replaces rows of the map; `changes` share one row width. Each call makes every client reload its map. */
  changeKeyboardMapping(
    changes: ReadonlyArray<{ first: number; keysymsPerKeycode: number; keysyms: readonly number[] }>,
  ): Promise<void> {
    return this.checked('ChangeKeyboardMapping', (client) => {
      for (const { first, keysymsPerKeycode, keysyms } of changes)
        client.ChangeKeyboardMapping(first, keysymsPerKeycode, keysyms);
    });
  }

  /** Eight rows (Shift, Lock, Control, Mod1–Mod5) of keycodes; 0 = empty place. */
  modifierMapping(): Promise<number[][]> {
    return this.answer<number[][]>('GetModifierMapping', (reply) => this.client.GetModifierMapping(reply));
  }

  /** Passive grab; asynchronous modes. @throws X11Error code 10 (BadAccess) when another client holds it. */
  grabKey(window: number, keycode: number, modifiers: number): Promise<void> {
    return this.checked('GrabKey', (client) => client.GrabKey(window, 0, modifiers, keycode, 1, 1));
  }

  ungrabKey(window: number, keycode: number, modifiers: number): Promise<void> {
    return this.checked('UngrabKey', (client) => client.UngrabKey(window, keycode, modifiers));
  }

  // --- selections -----------------------------------------------------------------------------

  selectionOwner(selection: number): Promise<number> {
    return this.answer<number>('GetSelectionOwner', (reply) =>
      this.client.GetSelectionOwner(selection, reply),
    );
  }

  setSelectionOwner(owner: number, selection: number, time: number = CURRENT_TIME): Promise<void> {
    return this.checked('SetSelectionOwner', (client) => client.SetSelectionOwner(owner, selection, time));
  }

  convertSelection(request: {
    requestor: number;
    selection: number;
    target: number;
    property: number;
    time?: number;
  }): Promise<void> {
    return this.checked('ConvertSelection', (client) =>
      client.ConvertSelection(
        request.requestor,
        request.selection,
        request.target,
        request.property,
        request.time ?? CURRENT_TIME,
      ),
    );
  }

  /** Answers a SelectionRequest. `property` 0 = refused. */
  async notifySelection(request: X11EventMap['SelectionRequest'], property: number): Promise<void> {
    await this.checked('SendEvent', (client) =>
      client.SendEvent(request.requestor, 0, 0, {
        name: 'SelectionNotify',
        seq: 0,
        time: request.time,
        requestor: request.requestor,
        selection: request.selection,
        target: request.target,
        property,
      }),
    );
  }

  // --- pictures -------------------------------------------------------------------------------

  /** Core GetImage, ZPixmap: rows of 32-bit pixels on the usual depth-24 screens. Slow; see MIT-SHM. */
  async getImage(drawable: number, rect: Rect): Promise<Buffer> {
    const found = await this.answer<{ data: Buffer }>('GetImage', (reply) =>
      this.client.GetImage(2, drawable, rect.x, rect.y, rect.width, rect.height, 0xffffffff, reply),
    );
    return found.data;
  }

  /** Off-screen picture of the screen's depth; not confirmed, use it inside {@link checked}. */
  sendCreatePixmap(width: number, height: number, depth: number = this.screen.depth): number {
    const id = this.allocateId();
    this.client.CreatePixmap(id, this.root, depth, width, height);
    return id;
  }

  /** The same as {@link freePixmap}, not confirmed. */
  sendFreePixmap(pixmap: number): void {
    this.client.FreePixmap(pixmap);
    this.releaseId(pixmap);
  }

  async freePixmap(pixmap: number): Promise<void> {
    await this.checked('FreePixmap', (client) => client.FreePixmap(pixmap));
    this.releaseId(pixmap);
  }
}

function words(values: readonly number[]): Buffer {
  const data = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    data.writeUInt32LE(value >>> 0, index * 4);
  });
  return data;
}
