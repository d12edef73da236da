import { errorAttributes, type Logger, sleep } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import { EVENT_MASK, type X11Connection } from './connection.ts';
import type { X11EventMap } from './events.ts';

/** What an owner of the clipboard offers, by target atom. */
type Content = ReadonlyMap<number, Readonly<{ type: number; format: 8 | 16 | 32; data: Buffer }>>;

/**
 * The last request is this long ago before the old content comes back. Generous: an application that asks later
 * than this would paste the old content.
 */
const QUIET_MS = 250;
/** At most this much of one sleep counts: while the whole computer stood still, nobody could ask. */
const QUIET_PART_MS = 50;
/** One part of the old content must arrive within this time, all of it within the next, or it is left out. */
const PART_MS = 400;
const WHOLE_MS = 1500;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** Bookkeeping targets; they are answered anew, not kept. */
const META_TARGETS: ReadonlySet<string> = new Set([
  'TARGETS',
  'MULTIPLE',
  'TIMESTAMP',
  'SAVE_TARGETS',
  'DELETE',
  'INSERT_SELECTION',
  'INSERT_PROPERTY',
]);
const TEXT_TARGETS = ['UTF8_STRING', 'text/plain;charset=utf-8', 'text/plain', 'TEXT', 'STRING'] as const;
/** Clipboard managers that know it neither store nor show the content. */
const SECRET_HINT = 'x-kde-passwordManagerHint';

/**
 * The clipboard of an X server: lends it for one paste and puts back what was in it, all formats, up to a size.
 * After that this connection owns the old content, until somebody copies something else; it is lost when the
 * connection closes first.
 */
export class X11Clipboard implements AsyncDisposable {
  readonly #connection: X11Connection;
  readonly #log: Logger;
  readonly #unsubscribe: Array<() => void> = [];
  #window = 0;
  #selection = 0;
  #content: Content | null = null;
  #askedAt = 0;
  #onTaken: (requestor: number) => void = () => {};
  #opening: Promise<void> | undefined;

  constructor(parts: { connection: X11Connection; log: Logger }) {
    this.#connection = parts.connection;
    this.#log = parts.log;
  }

  /**
   * Offers `text`, lets `use` press whatever pastes, and waits until a client that `accepts` knows has taken it.
   * The old content comes back on every path.
   * @throws ProtocolError INPUT_FAILED when nobody takes the text within `ceilingMs`.
   */
  async lend(
    text: string,
    parts: { use: () => Promise<void>; accepts: (requestor: number) => boolean; ceilingMs: number },
    stop: { signal: AbortSignal },
  ): Promise<void> {
    this.#opening ??= this.#open();
    await this.#opening;
    const previous = await this.#keep(stop);
    try {
      let pressed = false;
      const taken = new Promise<true>((resolve) => {
        this.#onTaken = (requestor) => {
          // Whoever asks before still means an earlier paste.
          if (pressed && parts.accepts(requestor)) resolve(true);
        };
      });
      await this.#own(await this.#textContent(text));
      stop.signal.throwIfAborted();
      pressed = true;
      await parts.use();
      const done = new AbortController();
      const ceiling = sleep(parts.ceilingMs, { signal: AbortSignal.any([done.signal, stop.signal]) }).then(
        () => false as const,
      );
      const inTime = await Promise.race([taken, ceiling]).finally(() => {
        done.abort();
        ceiling.catch(() => {});
      });
      if (!inTime)
        throw new ProtocolError(
          'INPUT_FAILED',
          'The application did not take the text from the clipboard; nothing is known to have arrived.',
        );
      // Some ask several times for one paste: which formats there are, the text, the text again.
      for (let quietMs = 0; quietMs < QUIET_MS; ) {
        const sleptFrom = performance.now();
        await sleep(QUIET_PART_MS, stop);
        const sleptMs = performance.now() - sleptFrom;
        quietMs = this.#askedAt > sleptFrom ? 0 : quietMs + Math.min(sleptMs, QUIET_PART_MS);
      }
    } finally {
      this.#onTaken = () => {};
      if (!this.#connection.isClosed)
        await this.#own(previous).catch((error) => {
          this.#log.warn('the clipboard could not be put back', errorAttributes(error));
        });
    }
  }

  async #open(): Promise<void> {
    const connection = this.#connection;
    this.#selection = await connection.atom('CLIPBOARD');
    this.#window = await connection.createWindow(
      { x: -10, y: -10, width: 1, height: 1 },
      {},
      { inputOnly: true },
    );
    await connection.selectInput(this.#window, EVENT_MASK.PropertyChange ?? 0);
    this.#unsubscribe.push(
      connection.on('SelectionRequest', (event) => {
        if (event.owner === this.#window)
          this.#answer(event).catch((error) => {
            if (!connection.isClosed) this.#log.info('a clipboard request failed', errorAttributes(error));
          });
      }),
      connection.on('SelectionClear', (event) => {
        if (event.owner === this.#window && event.selection === this.#selection) this.#content = null;
      }),
    );
  }

  /** Null content gives the selection up. */
  async #own(content: Content | null): Promise<void> {
    this.#content = content;
    await this.#connection.setSelectionOwner(content === null ? 0 : this.#window, this.#selection);
  }

  async #textContent(text: string): Promise<Content> {
    const { UTF8_STRING } = await this.#connection.atoms(['UTF8_STRING']);
    const data = Buffer.from(text, 'utf8');
    const content = new Map<number, { type: number; format: 8; data: Buffer }>();
    for (const name of TEXT_TARGETS) {
      // STRING is Latin-1 by definition: offering it would let a client choose a lossy form.
      if (name === 'STRING') continue;
      const target = await this.#connection.atom(name);
      content.set(target, { type: name === 'TEXT' ? UTF8_STRING : target, format: 8, data });
    }
    const hint = await this.#connection.atom(SECRET_HINT);
    content.set(hint, { type: hint, format: 8, data: Buffer.from('secret') });
    return content;
  }

  async #answer(request: X11EventMap['SelectionRequest']): Promise<void> {
    const connection = this.#connection;
    this.#askedAt = performance.now();
    // Clients from before 1990 leave the property out; the target then names it.
    const property = request.property === 0 ? request.target : request.property;
    const { TARGETS, ATOM } = await connection.atoms(['TARGETS', 'ATOM']);
    const content = this.#content;
    if (content === null || request.selection !== this.#selection) {
      await connection.notifySelection(request, 0);
      return;
    }
    if (request.target === TARGETS) {
      await connection.changeProperty(request.requestor, property, ATOM, {
        format: 32,
        data: [TARGETS, ...content.keys()],
      });
      await connection.notifySelection(request, property);
      return;
    }
    const part = content.get(request.target);
    if (part === undefined) {
      await connection.notifySelection(request, 0);
      return;
    }
    await connection.changeProperty(request.requestor, property, part.type, part);
    await connection.notifySelection(request, property);
    const hint = await connection.atom(SECRET_HINT);
    if (request.target !== hint) this.#onTaken(request.requestor);
  }

  /** Everything the present owner offers; null when there is none. */
  async #keep(stop: { signal: AbortSignal }): Promise<Content | null> {
    const connection = this.#connection;
    const owner = await connection.selectionOwner(this.#selection);
    if (owner === 0) return null;
    if (owner === this.#window) return this.#content;
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(WHOLE_MS)]);
    const { TARGETS } = await connection.atoms(['TARGETS']);
    const content = new Map<number, { type: number; format: 8 | 16 | 32; data: Buffer }>();
    let bytes = 0;
    let complete = true;
    try {
      const list = await this.#convert(TARGETS, signal);
      for (let at = 0; list !== null && at + 4 <= list.data.length; at += 4) {
        const target = list.data.readUInt32LE(at);
        if (content.has(target) || META_TARGETS.has(await connection.atomName(target))) continue;
        const part = await this.#convert(target, signal);
        if (part === null || bytes + part.data.length > MAX_KEPT_BYTES) {
          complete = false;
          continue;
        }
        bytes += part.data.length;
        content.set(target, part);
      }
    } catch (error) {
      stop.signal.throwIfAborted();
      if (connection.isClosed) throw error;
      complete = false;
    }
    if (!complete)
      this.#log.warn('not every format of the old clipboard could be kept', { formats: content.size });
    return content.size === 0 ? null : content;
  }

  async #convert(
    target: number,
    signal: AbortSignal,
  ): Promise<{ type: number; format: 8 | 16 | 32; data: Buffer } | null> {
    const connection = this.#connection;
    const { DESKHAND_SELECTION, INCR } = await connection.atoms(['DESKHAND_SELECTION', 'INCR']);
    const limited = AbortSignal.any([signal, AbortSignal.timeout(PART_MS)]);
    const answered = this.#next(
      'SelectionNotify',
      limited,
      (event) => event.requestor === this.#window && event.target === target,
    );
    await connection.convertSelection({
      requestor: this.#window,
      selection: this.#selection,
      target,
      property: DESKHAND_SELECTION,
    });
    const notice = await answered;
    if (notice === null || notice.property === 0) return null;
    // Watching before the first part is removed: its removal asks the owner for the next one.
    const value = await connection.getProperty(this.#window, DESKHAND_SELECTION, {
      maxBytes: MAX_KEPT_BYTES,
    });
    if (value === null) return null;
    if (value.type !== INCR) {
      await connection.deleteProperty(this.#window, DESKHAND_SELECTION);
      return formatted(value);
    }
    return this.#convertInParts(DESKHAND_SELECTION, signal);
  }

  /** ICCCM 2.7.2: each removal of the property asks for the next part; an empty one ends it. */
  async #convertInParts(property: number, signal: AbortSignal) {
    const connection = this.#connection;
    const parts: Buffer[] = [];
    let bytes = 0;
    let last: { type: number; format: number } | null = null;
    for (;;) {
      const next = this.#next(
        'PropertyNotify',
        signal,
        (event) => event.wid === this.#window && event.atom === property && event.state === 0,
      );
      await connection.deleteProperty(this.#window, property);
      if ((await next) === null) return null;
      const part = await connection.getProperty(this.#window, property, { maxBytes: MAX_KEPT_BYTES });
      if (part === null) return null;
      if (part.data.length === 0) break;
      bytes += part.data.length;
      if (bytes > MAX_KEPT_BYTES) return null;
      parts.push(part.data);
      last = part;
    }
    await connection.deleteProperty(this.#window, property);
    return last === null ? null : formatted({ ...last, data: Buffer.concat(parts) });
  }

  /** The next event that fits, or null when the signal aborts first. */
  #next<Name extends 'SelectionNotify' | 'PropertyNotify'>(
    name: Name,
    signal: AbortSignal,
    fits: (event: X11EventMap[Name]) => boolean,
  ): Promise<X11EventMap[Name] | null> {
    return new Promise((resolve) => {
      const finish = (event: X11EventMap[Name] | null) => {
        off();
        signal.removeEventListener('abort', onAbort);
        resolve(event);
      };
      const onAbort = () => finish(null);
      const off = this.#connection.on(name, (event) => {
        if (fits(event)) finish(event);
      });
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) finish(null);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const off of this.#unsubscribe.splice(0)) off();
    this.#content = null;
    if (this.#window !== 0 && !this.#connection.isClosed)
      await this.#connection.destroyWindow(this.#window).catch(() => {});
  }
}

function formatted(value: { type: number; format: number; data: Buffer }) {
  const format = value.format === 16 ? 16 : value.format === 32 ? 32 : 8;
  // The property's bytes belong to a reply buffer that may be large: keep a copy of their own.
  return { type: value.type, format, data: Buffer.from(value.data) } as const;
}
