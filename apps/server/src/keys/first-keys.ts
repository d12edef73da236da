import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { SCOPES } from '@deskhand/protocol';
import { z } from 'zod';
import type { Database } from '../storage/database.ts';
import { writePrivateFile } from '../storage/private-file.ts';
import type { KeyStore } from './key-store.ts';
import { LOCAL_ACCOUNT } from './owner.ts';

/** What the commands of the same person on the same computer read; mode 0600. */
const Credentials = z.object({ api_key: z.string(), test_api_key: z.string(), base_url: z.string() });
export type Credentials = z.infer<typeof Credentials>;

/**
 * Makes sure that the account exists and that `credentials.json` holds a live and a test admin key that work,
 * and the address of this very start.
 */
export async function writeCredentials(
  parts: { database: Database; keys: KeyStore; dataFolder: string; now: () => number },
  baseUrl: string,
): Promise<Credentials> {
  const file = path.join(parts.dataFolder, 'credentials.json');
  const kept = await readCredentials(file);
  const credentials: Credentials = {
    api_key: await usableKey(parts.keys, kept?.api_key, 'live'),
    test_api_key: await usableKey(parts.keys, kept?.test_api_key, 'test'),
    base_url: baseUrl,
  };
  if (JSON.stringify(kept) !== JSON.stringify(credentials))
    await writePrivateFile(file, `${JSON.stringify(credentials, null, 2)}\n`);
  return credentials;
}

export async function ensureLocalAccount(database: Database, now: () => number): Promise<void> {
  await database.write((tx) =>
    tx
      .insertInto('accounts')
      .values({ id: LOCAL_ACCOUNT, created_at: new Date(now()).toISOString(), spent_cents: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  );
}

/** The kept key while it works; a new one when it was lost or revoked. */
async function usableKey(keys: KeyStore, kept: string | undefined, mode: 'live' | 'test'): Promise<string> {
  if (kept !== undefined && keys.identify(kept)?.kind === mode) return kept;
  const { key } = await keys.mint(
    { accountId: LOCAL_ACCOUNT, mode },
    mode,
    `this computer (${mode})`,
    SCOPES,
  );
  return key;
}

async function readCredentials(file: string): Promise<Credentials | undefined> {
  try {
    return Credentials.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}
