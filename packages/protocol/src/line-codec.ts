import { LIMITS } from './decode.ts';
import { ProtocolError } from './errors.ts';

/** Splits a byte stream into lines of JSON text; a line over the limit is a fault, never a growing buffer. */
export class LineDecoder {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #chunks: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(maxBytes: number = LIMITS.localLineBytes) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @returns the complete lines so far, without their line ends; empty lines are dropped.
   * @throws ProtocolError MESSAGE_TOO_LARGE, MALFORMED_MESSAGE (bytes that are not UTF-8)
   */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10, start); end !== -1; end = chunk.indexOf(10, start)) {
      this.#take(chunk.subarray(start, end));
      const line = this.#flush();
      if (line.length > 0) lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#take(chunk.subarray(start));
    return lines;
  }

  #take(part: Uint8Array): void {
    this.#pendingBytes += part.length;
    if (this.#pendingBytes > this.#maxBytes)
      throw new ProtocolError('MESSAGE_TOO_LARGE', `A line of at most ${this.#maxBytes} bytes was expected.`);
    this.#chunks.push(part.slice());
  }

  #flush(): string {
    const bytes = new Uint8Array(this.#pendingBytes);
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    this.#chunks = [];
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
