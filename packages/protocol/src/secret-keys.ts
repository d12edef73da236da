import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, lstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ProtocolError } from './errors.ts';

/** Where the key of a vault is kept. `file` is for systems without a keychain of their own. */
export const KeyKeeper = z.enum(['libsecret', 'macos_keychain', 'windows_dpapi', 'file']);
export type KeyKeeper = z.infer<typeof KeyKeeper>;

const KEY_BYTES = 32;
const SERVICE = 'deskhand-vault';
const PROGRAM_CEILING_MS = 15_000;

type Keep = Readonly<{ load(): Promise<Buffer | null>; store(key: Buffer): Promise<void> }>;

/**
 * The key of this vault where its file says it is kept.
 * @throws ProtocolError SECRET_UNAVAILABLE when it is not there (any more).
 */
export async function loadVaultKey(keeper: KeyKeeper, dataFolder: string): Promise<Buffer> {
  const key = await keepFor(keeper, dataFolder).load();
  if (key?.length === KEY_BYTES) return key;
  throw new ProtocolError(
    'SECRET_UNAVAILABLE',
    `The key of the vault is not in ${PLACES[keeper]} any more; the secrets must be set again.`,
  );
}

/** Makes a key and keeps it in the system's keychain, or where that can't be had in a file of mode 0600. */
export async function makeVaultKey(
  dataFolder: string,
  platform: NodeJS.Platform = process.platform,
): Promise<{ keeper: KeyKeeper; key: Buffer }> {
  const key = randomBytes(KEY_BYTES);
  const own = platform === 'darwin' ? 'macos_keychain' : platform === 'win32' ? 'windows_dpapi' : 'libsecret';
  try {
    const keep = keepFor(own, dataFolder);
    await keep.store(key);
    // A keychain that is locked or only pretends is none.
    if ((await keep.load())?.equals(key) === true) return { keeper: own, key };
  } catch {
    // No such program, no keychain service, or a person who said no.
  }
  await keepFor('file', dataFolder).store(key);
  return { keeper: 'file', key };
}

const PLACES: Readonly<Record<KeyKeeper, string>> = {
  libsecret: 'this desktop’s key ring',
  macos_keychain: 'the login keychain',
  windows_dpapi: 'secrets.key, sealed for this Windows user',
  file: 'secrets.key',
};

function keepFor(keeper: KeyKeeper, dataFolder: string): Keep {
  // Two data folders of one person have a key each.
  const account = createHash('sha256').update(dataFolder).digest('hex').slice(0, 16);
  const file = join(dataFolder, 'secrets.key');
  switch (keeper) {
    case 'file':
      return {
        load: async () => decoded(readPrivate(file)),
        store: async (key) => writePrivate(file, key.toString('base64')),
      };
    case 'libsecret': {
      const attributes = ['service', SERVICE, 'account', account];
      return {
        load: async () => decoded(await run('secret-tool', ['lookup', ...attributes])),
        store: async (key) => {
          await run(
            'secret-tool',
            ['store', '--label=Deskhand vault', ...attributes],
            key.toString('base64'),
          );
        },
      };
    }
    case 'macos_keychain':
      return {
        load: async () =>
          decoded(await run('security', ['find-generic-password', '-s', SERVICE, '-a', account, '-w'])),
        // Read from its input, so that the key is in no process list.
        store: async (key) => {
          const command = `add-generic-password -U -s ${SERVICE} -a ${account} -w ${key.toString('base64')}\n`;
          await run('security', ['-i'], command);
        },
      };
    case 'windows_dpapi':
      return {
        load: async () => {
          const sealed = readPrivate(file);
          return sealed === null ? null : decoded(await powershell('Unprotect', sealed));
        },
        store: async (key) => writePrivate(file, await powershell('Protect', key.toString('base64'))),
      };
  }
}

/** Base64 in, base64 out, by the current Windows user's own key. */
function powershell(direction: 'Protect' | 'Unprotect', base64: string): Promise<string> {
  const script = `Add-Type -AssemblyName System.Security; $b=[Convert]::FromBase64String([Console]::In.ReadToEnd().Trim()); [Convert]::ToBase64String([Security.Cryptography.ProtectedData]::${direction}($b,$null,'CurrentUser'))`;
  return run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', script], base64);
}

function decoded(text: string | null): Buffer | null {
  return text === null || text.trim() === '' ? null : Buffer.from(text.trim(), 'base64');
}

/** @throws ProtocolError SECRET_UNAVAILABLE for a file that others may read: its key is nobody's secret any more. */
function readPrivate(file: string): string | null {
  let mode: number;
  try {
    const found = lstatSync(file);
    if (!found.isFile()) throw new ProtocolError('SECRET_UNAVAILABLE', `${file} is not a plain file.`);
    mode = found.mode;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new ProtocolError(
      'SECRET_UNAVAILABLE',
      `Others may read ${file}. Make it private again (chmod 600) and think of its secrets as known.`,
    );
  return readFileSync(file, 'utf8');
}

function writePrivate(file: string, text: string): void {
  const handle = openSync(file, 'w', 0o600);
  try {
    writeSync(handle, `${text}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  chmodSync(file, 0o600);
}

/** @returns what it printed. @throws when it is missing, fails, or does not end. Nothing of it is quoted. */
function run(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: PROGRAM_CEILING_MS,
      windowsHide: true,
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`${program} ended with ${code}`)),
    );
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
