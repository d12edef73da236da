import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';

const FAMILY_LOCAL = 256;
const FAMILY_WILD = 65_535;
const PROTOCOL = 'MIT-MAGIC-COOKIE-1';
const COOKIE_BYTES = 16;

/**
 * The secret that admits a client to our X server. The server reads the file before it has a number,
 * so the first version fits every display; once the number is known the file names it.
 */
export class XAuthority {
  readonly path: string;
  readonly #cookie = randomBytes(COOKIE_BYTES);

  constructor(path: string) {
    this.path = path;
  }

  /** @param displayNumber digits without the colon, or null while unknown. */
  async write(displayNumber: string | null): Promise<void> {
    const number = displayNumber ?? '';
    const entries = [entry(FAMILY_WILD, '', number, this.#cookie)];
    // Some clients look only for their own host's entry.
    if (displayNumber !== null) entries.unshift(entry(FAMILY_LOCAL, hostname(), number, this.#cookie));
    await writeFile(this.path, Buffer.concat(entries), { mode: 0o600 });
  }
}

/** One record of an Xauthority file: a 16-bit family, then four strings with 16-bit big-endian lengths. */
function entry(family: number, address: string, number: string, cookie: Buffer): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(family);
  const fields = [Buffer.from(address), Buffer.from(number), Buffer.from(PROTOCOL), cookie];
  return Buffer.concat([head, ...fields.flatMap((field) => [lengthOf(field), field])]);
}

function lengthOf(field: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(field.length);
  return length;
}
