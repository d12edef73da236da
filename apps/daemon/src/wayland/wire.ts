/** The Wayland wire format: 32-bit words in the machine's byte order, which is little-endian wherever Node 24 is built for desktops. */

const HEADER_BYTES = 8;

/** What a message carries; null is no object. Descriptors travel beside the bytes. */
export type WireValue = number | string | null;

/** @param values one per letter except `h`. */
export function encodeMessage(
  objectId: number,
  opcode: number,
  letters: string,
  values: readonly WireValue[],
): Buffer {
  const parts: Buffer[] = [];
  let index = 0;
  for (const letter of letters) {
    if (letter === 'h') continue;
    const value = values[index];
    index += 1;
    parts.push(typeof value === 'string' ? encodeString(value) : encodeWord(letter, value ?? 0));
  }
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(objectId, 0);
  header.writeUInt32LE((((HEADER_BYTES + body.length) << 16) | opcode) >>> 0, 4);
  return Buffer.concat([header, body]);
}

/** @returns null for an argument that is not understood. */
export function decodeArguments(letters: string, body: Buffer): WireValue[] | null {
  const values: WireValue[] = [];
  let at = 0;
  for (const letter of letters) {
    if (at + 4 > body.length) return null;
    if (letter === 's') {
      const length = body.readUInt32LE(at);
      if (at + 4 + length > body.length) return null;
      values.push(length === 0 ? null : body.toString('utf8', at + 4, at + 4 + length - 1));
      at += 4 + padded(length);
      continue;
    }
    if (letter === 'i') values.push(body.readInt32LE(at));
    else if (letter === 'f') values.push(body.readInt32LE(at) / 256);
    else values.push(body.readUInt32LE(at));
    at += 4;
  }
  return values;
}

export type WireMessage = Readonly<{ objectId: number; opcode: number; body: Buffer }>;

/** Cuts what arrives into messages. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): WireMessage[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: WireMessage[] = [];
    while (this.#rest.length >= HEADER_BYTES) {
      const second = this.#rest.readUInt32LE(4);
      const size = second >>> 16;
      if (size < HEADER_BYTES) throw new Error('the compositor sent a message of impossible length');
      if (this.#rest.length < size) break;
      messages.push({
        objectId: this.#rest.readUInt32LE(0),
        opcode: second & 0xffff,
        body: this.#rest.subarray(HEADER_BYTES, size),
      });
      this.#rest = this.#rest.subarray(size);
    }
    return messages;
  }
}

function encodeWord(letter: string, value: number): Buffer {
  const word = Buffer.alloc(4);
  if (letter === 'f') word.writeInt32LE(Math.round(value * 256));
  else if (letter === 'i') word.writeInt32LE(value);
  else word.writeUInt32LE(value);
  return word;
}

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  const encoded = Buffer.alloc(4 + padded(bytes.length));
  encoded.writeUInt32LE(bytes.length);
  bytes.copy(encoded, 4);
  return encoded;
}

function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}
