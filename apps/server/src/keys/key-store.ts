import { createHash } from 'node:crypto';
import { randomHex, type Secret } from '@deskhand/base';
import {
  DEFAULT_SCOPES,
  KEY_PREFIXES,
  type KeyKind,
  mintKeyId,
  ProtocolError,
  SCOPES,
  type Scope,
} from '@deskhand/protocol';
import type { Database } from '../storage/database.ts';
import type { Mode, Tx } from '../storage/schema.ts';
import { LOCAL_ACCOUNT, type Owner } from './owner.ts';

const USE_FLUSH_MS = 30_000;
/** Characters of a key that lists may show. */
const SHOWN_PREFIX = 16;

/** A key that was accepted. */
export type KeyIdentity = Readonly<{
  keyId: string;
  name: string;
  kind: KeyKind;
  owner: Owner;
  scopes: ReadonlySet<string>;
}>;

export type ListedKey = Readonly<{
  key_id: string;
  name: string;
  tier: string;
  scopes: readonly string[];
  created_at: string;
  last_used_at: string | null;
  key_prefix: string;
}>;

type Parts = {
  database: Database;
  now: () => number;
  maxPerAccount: number;
  /** Literal keys from the configuration; never stored. */
  extraKeys: readonly Secret[];
};

/**
 * API keys. Stored as SHA-256 only; all active ones are in memory by hash, so checking a request costs no
 * query and takes the same time whatever the key is.
 */
export class KeyStore implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #byHash = new Map<string, KeyIdentity>();
  readonly #lastUsedMs = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const rows = await this.#parts.database.read
      .selectFrom('api_keys')
      .selectAll()
      .where('revoked_at', 'is', null)
      .execute();
    for (const row of rows)
      this.#byHash.set(row.hash, {
        keyId: row.id,
        name: row.name,
        kind: row.kind,
        owner: { accountId: row.account_id, mode: row.kind === 'test' ? 'test' : 'live' },
        scopes: new Set(JSON.parse(row.scopes) as string[]),
      });
    for (const secret of this.#parts.extraKeys) {
      const key = secret.reveal();
      const kind = kindOf(key) ?? 'live';
      this.#byHash.set(hashKey(key), {
        keyId: `key_configured_${hashKey(key).slice(0, 8)}`,
        name: 'from the configuration',
        kind,
        owner: { accountId: LOCAL_ACCOUNT, mode: kind === 'test' ? 'test' : 'live' },
        scopes: new Set(SCOPES),
      });
    }
    this.#timer = setInterval(() => void this.#flushUse().catch(() => {}), USE_FLUSH_MS);
    this.#timer.unref();
  }

  /** @returns who the key belongs to, or null for an unknown or revoked one. */
  identify(key: string): KeyIdentity | null {
    const identity = this.#byHash.get(hashKey(key));
    if (identity === undefined) return null;
    this.#lastUsedMs.set(identity.keyId, this.#parts.now());
    return identity;
  }

  /**
   * @param scopes null: the default grant, as far as the creator has it.
   * @throws ProtocolError INSUFFICIENT_SCOPE when the creator lacks one of them, CONFLICT at the limit.
   */
  async create(
    creator: KeyIdentity,
    request: { name: string; scopes: readonly Scope[] | null },
  ): Promise<{ key: string; listed: ListedKey }> {
    const missing = request.scopes?.find((scope) => !creator.scopes.has(scope));
    if (missing !== undefined)
      throw new ProtocolError(
        'INSUFFICIENT_SCOPE',
        `A key cannot be given ${missing}, which the key that creates it lacks.`,
        {
          required_scope: missing,
          current_scopes: [...creator.scopes],
        },
      );
    const scopes = request.scopes ?? DEFAULT_SCOPES.filter((scope) => creator.scopes.has(scope));
    const mode = creator.owner.mode;
    return this.mint(creator.owner, mode, request.name, scopes);
  }

  async mint(
    owner: Owner,
    mode: Mode,
    name: string,
    scopes: readonly string[],
  ): Promise<{ key: string; listed: ListedKey }> {
    const { database, now, maxPerAccount } = this.#parts;
    const key = `${KEY_PREFIXES[mode]}${randomHex(48)}`;
    const row = {
      id: mintKeyId(),
      account_id: owner.accountId,
      kind: mode,
      name,
      hash: hashKey(key),
      prefix: key.slice(0, SHOWN_PREFIX),
      scopes: JSON.stringify(scopes),
      tier: 'enterprise',
      created_at: new Date(now()).toISOString(),
    };
    await database.write(async (tx) => {
      await refuseBeyondLimit(tx, owner.accountId, maxPerAccount);
      await tx.insertInto('api_keys').values(row).execute();
    });
    this.#byHash.set(row.hash, {
      keyId: row.id,
      name,
      kind: mode,
      owner: { accountId: owner.accountId, mode },
      scopes: new Set(scopes),
    });
    const listed = {
      key_id: row.id,
      name,
      tier: row.tier,
      scopes,
      created_at: row.created_at,
      last_used_at: null,
      key_prefix: row.prefix,
    };
    return { key, listed };
  }

  /** Active keys of the same mode, oldest first. */
  async list(owner: Owner): Promise<ListedKey[]> {
    await this.#flushUse();
    const rows = await this.#parts.database.read
      .selectFrom('api_keys')
      .selectAll()
      .where('account_id', '=', owner.accountId)
      .where('kind', 'in', owner.mode === 'test' ? ['test'] : ['live', 'legacy'])
      .where('revoked_at', 'is', null)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows.map((row) => ({
      key_id: row.id,
      name: row.name,
      tier: row.tier,
      scopes: JSON.parse(row.scopes) as string[],
      created_at: row.created_at,
      last_used_at: row.last_used_at,
      key_prefix: row.prefix,
    }));
  }

  /** Effective at once. @returns false when there is no such key for this owner. */
  async revoke(owner: Owner, keyId: string): Promise<boolean> {
    const row = await this.#parts.database.write((tx) =>
      tx
        .updateTable('api_keys')
        .set({ revoked_at: new Date(this.#parts.now()).toISOString() })
        .where('id', '=', keyId)
        .where('account_id', '=', owner.accountId)
        .where('kind', 'in', owner.mode === 'test' ? ['test'] : ['live', 'legacy'])
        .where('revoked_at', 'is', null)
        .returning('hash')
        .executeTakeFirst(),
    );
    if (row === undefined) return false;
    this.#byHash.delete(row.hash);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#flushUse().catch(() => {});
  }

  async #flushUse(): Promise<void> {
    if (this.#lastUsedMs.size === 0) return;
    const used = [...this.#lastUsedMs];
    this.#lastUsedMs.clear();
    await this.#parts.database.write(async (tx) => {
      for (const [keyId, atMs] of used)
        await tx
          .updateTable('api_keys')
          .set({ last_used_at: new Date(atMs).toISOString() })
          .where('id', '=', keyId)
          .execute();
    });
  }
}

export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function kindOf(key: string): KeyKind | null {
  for (const [kind, prefix] of Object.entries(KEY_PREFIXES))
    if (key.startsWith(prefix)) return kind as KeyKind;
  return null;
}

async function refuseBeyondLimit(tx: Tx, accountId: string, limit: number): Promise<void> {
  const { count } = await tx
    .selectFrom('api_keys')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow();
  if (count >= limit)
    throw new ProtocolError(
      'CONFLICT',
      `The account has ${count} active keys, which is the most it may have. Revoke one first.`,
      { limit },
    );
}
