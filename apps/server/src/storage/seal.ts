import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ProtocolError } from '@deskhand/protocol';
import type { Database } from './database.ts';
import { writePrivateFile } from './private-file.ts';

/** Name of the setting that is sealed with the folder's key, to know the key by. */
const CHECK = 'seal check';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM under `<data>/secret.key`. Every sealed value names its purpose, so that a value copied
 * into another column does not open.
 */
export class Seal {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) throw new Error(`A seal key has ${KEY_BYTES} bytes.`);
    this.#key = key;
  }

  /**
   * The seal of this data folder: reads the key file, or makes it (mode 0600) when neither it nor anything sealed is
   * there. A database of another key is refused before anything is written.
   * @throws ProtocolError CONFIG_INVALID, DATA_FOLDER_UNWRITABLE
   */
  static async open(dataFolder: string, database: Database): Promise<Seal> {
    const check = await database.read
      .selectFrom('settings')
      .select('value')
      .where('name', '=', CHECK)
      .executeTakeFirst();
    const seal = await Seal.#read(secretKeyFile(dataFolder), check === undefined);
    if (check === undefined)
      await database.write((tx) =>
        tx
          .insertInto('settings')
          .values({ name: CHECK, value: seal.close(CHECK, CHECK) })
          .execute(),
      );
    else if (!seal.opens(check.value)) throw anotherKey(secretKeyFile(dataFolder));
    return seal;
  }

  static async #read(file: string, mayMake: boolean): Promise<Seal> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
        throw new ProtocolError('DATA_FOLDER_UNWRITABLE', `${file} cannot be read.`, {}, { cause });
      if (!mayMake) throw anotherKey(file);
      const key = randomBytes(KEY_BYTES);
      await writePrivateFile(file, `${key.toString('hex')}\n`);
      return new Seal(key);
    }
    const key = Buffer.from(text.trim(), 'hex');
    if (key.length !== KEY_BYTES)
      throw new ProtocolError(
        'CONFIG_INVALID',
        `${file} is damaged; restore it from a backup. Sealed secrets cannot be read without it.`,
      );
    return new Seal(key);
  }

  opens(sealed: string): boolean {
    try {
      return this.open(sealed, CHECK) === CHECK;
    } catch {
      return false;
    }
  }

  /** 16 hex digits that tell one text from another and say nothing about it without this data folder's key. */
  fingerprint(text: string, purpose: string): string {
    return createHmac('sha256', this.#key).update(`${purpose}\0${text}`).digest('hex').slice(0, 16);
  }

  close(text: string, purpose: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv);
    cipher.setAAD(Buffer.from(purpose));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
  }

  /** @throws ProtocolError INTERNAL_ERROR when it was sealed by another key or for another purpose, or changed. */
  open(sealed: string, purpose: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES));
      decipher.setAAD(Buffer.from(purpose));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return Buffer.concat([
        decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)),
        decipher.final(),
      ]).toString('utf8');
    } catch (cause) {
      throw new ProtocolError(
        'INTERNAL_ERROR',
        'A stored secret does not open with this data folder’s key.',
        {},
        { cause },
      );
    }
  }
}

export function secretKeyFile(dataFolder: string): string {
  return path.join(dataFolder, 'secret.key');
}

function anotherKey(file: string): ProtocolError {
  return new ProtocolError(
    'CONFIG_INVALID',
    `The secrets in this database do not open with ${file}. Put the key file that was backed up with it there (deskhand backup FILE also writes FILE.key), or move deskhand.sqlite away to begin anew.`,
  );
}
