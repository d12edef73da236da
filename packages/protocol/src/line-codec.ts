import { LIMITS } from './decode.ts';
import { ProtocolError } from './errors.ts';

/** Splits a byte stream into lines of JSON text; a line over the limit is a fault, never a growing buffer. */
export class LineDecoder {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  /** Grows by doubling: a line that comes byte by byte costs no more than its length. */
  #pending = new Uint8Array(256);
  #pendingBytes = 0;

  constructor(maxBytes: number = LIMITS.localLineBytes) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The lines this chunk completes, without their line ends; empty lines are dropped. Each is handed on before the
   * next is looked at, so that a "stop" is not lost to garbage that arrives in the same chunk: iterate to the end.
   * @throws ProtocolError MESSAGE_TOO_LARGE, MALFORMED_MESSAGE (bytes that are not UTF-8); then close the socket
   */
  *push(chunk: Uint8Array): Generator<string, void, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(10, start); end !== -1; end = chunk.indexOf(10, start)) {
      this.#take(chunk.subarray(start, end));
      start = end + 1;
      const line = this.#flush();
      if (line.length > 0) yield line;
    }
    if (start < chunk.length) this.#take(chunk.subarray(start));
  }

  #take(part: Uint8Array): void {
    const neededBytes = this.#pendingBytes + part.length;
    if (neededBytes > this.#maxBytes)
      throw new ProtocolError('MESSAGE_TOO_LARGE', `A line of at most ${this.#maxBytes} bytes was expected.`);
    if (neededBytes > this.#pending.length) {
      const larger = new Uint8Array(Math.max(neededBytes, this.#pending.length * 2));
      larger.set(this.#pending.subarray(0, this.#pendingBytes));
      this.#pending = larger;
    }
    this.#pending.set(part, this.#pendingBytes);
    this.#pendingBytes = neededBytes;
  }

  #flush(): string {
    const bytes = this.#pending.subarray(0, this.#pendingBytes);
    this.#pendingBytes = 0;
    try {
      return this.#decoder.decode(bytes);
    } catch (cause) {
      throw new ProtocolError('MALFORMED_MESSAGE', 'The line is not UTF-8.', {}, { cause });
    }
  }
}

export function encodeLine(message: unknown): string {
  return `${JSON.stringify(message)}\n`;
}
