/** One server-sent event, not yet understood. */
export type ServerSentEvent = Readonly<{
  /** The last `id:` seen so far on this stream; empty when there was none. */
  id: string;
  /** From `event:`; `message` when there was none. */
  event: string;
  /** All `data:` lines joined with a line feed. */
  data: string;
}>;

/** The stream is not what a server of this API sends: not UTF-8, or an event without end. */
export class EventStreamError extends Error {
  override readonly name = 'EventStreamError';
}

/** Largest event, in UTF-16 units over all its lines; a server's own limit is far below. */
export const MAX_EVENT_UNITS = 4 * 1024 * 1024;

/**
 * Incremental parser of `text/event-stream` (WHATWG HTML, section 9.2.6): any chunking, LF, CR or CRLF, comments,
 * several data lines, a byte order mark. An event whose closing blank line never came is never reported.
 */
export class EventStreamParser {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #maxUnits: number;
  /** The line begun and not yet ended. */
  #partial = '';
  /** A chunk ended in CR: an LF that opens the next one belongs to the same line end. */
  #skipLineFeed = false;
  #id = '';
  #event = '';
  #data: string[] = [];
  #units = 0;
  #comments = 0;

  constructor(maxUnits: number = MAX_EVENT_UNITS) {
    this.#maxUnits = maxUnits;
  }

  /** Comment lines so far: keepalives prove that the server lives. */
  get comments(): number {
    return this.#comments;
  }

  /**
   * @returns the events this chunk completed, in order.
   * @throws EventStreamError; the parser is of no use afterwards.
   */
  push(chunk: Uint8Array): ServerSentEvent[] {
    let text: string;
    try {
      text = this.#decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw new EventStreamError('The event stream is not UTF-8.', { cause });
    }
    const events: ServerSentEvent[] = [];
    let start = 0;
    if (text.length > 0) {
      if (this.#skipLineFeed && text[0] === '\n') start = 1;
      this.#skipLineFeed = false;
    }
    const lineEnd = /\r\n|\n|\r/g;
    lineEnd.lastIndex = start;
    for (let match = lineEnd.exec(text); match !== null; match = lineEnd.exec(text)) {
      this.#count(match.index - start);
      const line = this.#partial + text.slice(start, match.index);
      this.#partial = '';
      start = lineEnd.lastIndex;
      if (match[0] === '\r' && start === text.length) this.#skipLineFeed = true;
      const event = this.#line(line);
      if (event !== undefined) events.push(event);
    }
    this.#count(text.length - start);
    this.#partial += text.slice(start);
    return events;
  }

  #count(units: number): void {
    this.#units += units;
    if (this.#units > this.#maxUnits)
      throw new EventStreamError(`An event of at most ${this.#maxUnits} characters was expected.`);
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) {
      this.#comments += 1;
      // Between events a comment holds nothing back; inside one it still counts.
      if (this.#data.length === 0 && this.#event === '') this.#units = 0;
      return undefined;
    }
    const field = colon === -1 ? line : line.slice(0, colon);
    const rest = colon === -1 ? '' : line.slice(colon + 1);
    const value = rest.startsWith(' ') ? rest.slice(1) : rest;
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const data = this.#data;
    const event = this.#event === '' ? 'message' : this.#event;
    this.#data = [];
    this.#event = '';
    this.#units = 0;
    return data.length === 0 ? undefined : { id: this.#id, event, data: data.join('\n') };
  }
}
