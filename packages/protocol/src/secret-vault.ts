import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Secret } from '@deskhand/base';
import { replaceFile } from '@deskhand/base/replace-file';
import { z } from 'zod';
import { decodeText } from './decode.ts';
import { ProtocolError } from './errors.ts';
import { KeyKeeper, loadVaultKey, makeVaultKey } from './secret-keys.ts';
import { SecretName } from './secret-reference.ts';
import { originOf } from './url-pattern.ts';

/**
 * The secrets of one desktop: `secrets.json` of the data folder, each value sealed by AES-256-GCM under a key that the
 * system's keychain keeps. The CLI writes it, the daemon opens a value for the moment of typing. Node only (own
 * subpath).
 */

const Binding = z.string().min(1).max(500);

/** Where a secret may be typed. At least one. */
export type SecretBindings = Readonly<{
  /** Patterns over addresses, as in `urlMatches` with `exactPort`. */
  urls: readonly string[];
  /** File names or absolute paths of programs. */
  apps: readonly string[];
}>;

const Entry = z.strictObject({
  name: SecretName,
  urls: z.array(Binding).max(50),
  apps: z.array(Binding).max(50),
  setAt: z.iso.datetime(),
  /** Base64 of IV, tag and text. Name and bindings are sealed with it: changed here, it does not open. */
  sealed: z.string().max(20_000),
});
type Entry = z.infer<typeof Entry>;

const VaultFile = z.strictObject({
  version: z.literal(1),
  key: KeyKeeper,
  secrets: z.array(Entry).max(1000),
});
type VaultFile = z.infer<typeof VaultFile>;

export const MAX_SECRET_CHARACTERS = 4000;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export type SecretListing = SecretBindings & Readonly<{ name: string; setAt: string }>;

export class SecretVault {
  readonly #dataFolder: string;

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder;
  }

  get path(): string {
    return join(this.#dataFolder, 'secrets.json');
  }

  /** Everything but the values. @throws ProtocolError SECRET_UNAVAILABLE for a file that can't be read. */
  list(): readonly SecretListing[] {
    return (this.#read()?.secrets ?? []).map(({ name, urls, apps, setAt }) => ({ name, urls, apps, setAt }));
  }

  get keeper(): KeyKeeper | null {
    return this.#read()?.key ?? null;
  }

  /** Sets or replaces. @throws ProtocolError VALIDATION_ERROR, SECRET_UNAVAILABLE */
  async set(name: string, value: string, bindings: SecretBindings): Promise<void> {
    if (!SecretName.safeParse(name).success)
      throw invalid('A name has letters, digits, dots, dashes and underscores, 64 at most.');
    if (value === '' || [...value].length > MAX_SECRET_CHARACTERS)
      throw invalid(`A value has 1 to ${MAX_SECRET_CHARACTERS} characters.`);
    // A line end would send a form on its own, and arrive as a key.
    if (/\p{Cc}/u.test(value)) throw invalid('A value has no line ends and no control characters.');
    if (bindings.urls.length + bindings.apps.length === 0)
      throw invalid('Say where it may be typed: an address or an application.');
    for (const url of bindings.urls)
      if (
        originOf(url.replace('*.', '').replace(/\*+$/, '')) === null ||
        /^[^/]*\*[^./]/.test(url) ||
        url === '*'
      )
        throw invalid('An address names its host, such as https://bank.example or https://*.bank.example.');
    for (const app of bindings.apps)
      if (app.includes('*')) throw invalid('An application is named whole, without a star.');
    const before = this.#read();
    const { keeper, key } =
      before === null
        ? await makeVaultKey(this.#dataFolder)
        : { keeper: before.key, key: await loadVaultKey(before.key, this.#dataFolder) };
    const about = {
      name,
      urls: [...bindings.urls],
      apps: [...bindings.apps],
      setAt: new Date().toISOString(),
    };
    const others = (before?.secrets ?? []).filter((entry) => entry.name !== name);
    this.#write({
      version: 1,
      key: keeper,
      secrets: [...others, { ...about, sealed: seal(key, about, value) }],
    });
  }

  /** @returns whether there was one. */
  remove(name: string): boolean {
    const before = this.#read();
    if (before === null || !before.secrets.some((entry) => entry.name === name)) return false;
    this.#write({ ...before, secrets: before.secrets.filter((entry) => entry.name !== name) });
    return true;
  }

  /** @throws ProtocolError SECRET_UNKNOWN, SECRET_UNAVAILABLE */
  async open(name: string): Promise<{ value: Secret; bindings: SecretBindings }> {
    const file = this.#read();
    const entry = file?.secrets.find((candidate) => candidate.name === name);
    if (file === null || entry === undefined)
      throw new ProtocolError(
        'SECRET_UNKNOWN',
        `This desktop has no secret "${name}"; \`deskhand secrets set ${name}\` makes one.`,
      );
    const key = await loadVaultKey(file.key, this.#dataFolder);
    return { value: new Secret(unseal(key, entry)), bindings: { urls: entry.urls, apps: entry.apps } };
  }

  #read(): VaultFile | null {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw new ProtocolError('SECRET_UNAVAILABLE', `${this.path} cannot be read.`, {}, { cause });
    }
    try {
      return decodeText(VaultFile, text);
    } catch (cause) {
      throw new ProtocolError('SECRET_UNAVAILABLE', `${this.path} is damaged.`, {}, { cause });
    }
  }

  #write(file: VaultFile): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    replaceFile(this.path, `${JSON.stringify(file, null, 2)}\n`);
  }
}

function seal(key: Buffer, about: Omit<Entry, 'sealed'>, value: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(associated(about));
  const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64');
}

function unseal(key: Buffer, entry: Entry): string {
  const bytes = Buffer.from(entry.sealed, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES));
    decipher.setAAD(associated(entry));
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    const text = bytes.subarray(IV_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new ProtocolError(
      'SECRET_UNAVAILABLE',
      `The secret "${entry.name}" does not open: its name or bindings were changed by hand, or the key is another. Set it again.`,
      {},
      { cause },
    );
  }
}

function associated({ name, urls, apps, setAt }: Omit<Entry, 'sealed'>): Buffer {
  return Buffer.from(JSON.stringify(['deskhand-secret-1', name, urls, apps, setAt]));
}

function invalid(message: string): ProtocolError {
  return new ProtocolError('VALIDATION_ERROR', message);
}
