import { Secret } from '@deskhand/base';
import { type LlmProvider, ProtocolError } from '@deskhand/protocol';
import type { Owner } from '../keys/owner.ts';
import type { Database } from '../storage/database.ts';
import type { LlmKeysTable, Tx } from '../storage/schema.ts';
import type { Seal } from '../storage/seal.ts';

export type ListedLlmKey = Readonly<{
  provider: LlmProvider;
  key_fingerprint: string;
  created_at: string;
  updated_at: string;
}>;

/**
 * Model keys that people store to be used with their runs: sealed, shown as a fingerprint only. One per provider;
 * they belong to the live mode, since the desktops of test keys are nobody's.
 */
export class LlmKeyStore {
  readonly #database: Database;
  readonly #seal: Seal;
  readonly #now: () => number;

  constructor(parts: { database: Database; seal: Seal; now: () => number }) {
    this.#database = parts.database;
    this.#seal = parts.seal;
    this.#now = parts.now;
  }

  /** Stores or replaces. @throws ProtocolError LLM_PROVIDER_UNSUPPORTED for a test key's owner */
  async put(owner: Owner, provider: LlmProvider, key: Secret): Promise<{ fingerprint: string }> {
    if (owner.mode === 'test')
      throw new ProtocolError('LLM_PROVIDER_UNSUPPORTED', 'Model keys are stored with a live key.');
    const at = new Date(this.#now()).toISOString();
    const fingerprint = this.fingerprint(key);
    const changed = { sealed: this.#seal.close(key.reveal(), purpose(owner, provider)), fingerprint };
    await this.#database.write((tx) =>
      tx
        .insertInto('llm_keys')
        .values({ account_id: owner.accountId, provider, ...changed, created_at: at, updated_at: at })
        .onConflict((conflict) =>
          conflict.columns(['account_id', 'provider']).doUpdateSet({ ...changed, updated_at: at }),
        )
        .execute(),
    );
    return { fingerprint };
  }

  async list(owner: Owner): Promise<ListedLlmKey[]> {
    if (owner.mode === 'test') return [];
    const rows = await this.#database.read
      .selectFrom('llm_keys')
      .select(['provider', 'fingerprint', 'created_at', 'updated_at'])
      .where('account_id', '=', owner.accountId)
      .orderBy('provider')
      .execute();
    return rows.map(({ fingerprint, ...row }) => ({ ...row, key_fingerprint: fingerprint }));
  }

  /** @returns false when there was none. Open runs keep their own copies. */
  async delete(owner: Owner, provider: LlmProvider): Promise<boolean> {
    if (owner.mode === 'test') return false;
    const { numDeletedRows } = await this.#database.write((tx) =>
      tx
        .deleteFrom('llm_keys')
        .where('account_id', '=', owner.accountId)
        .where('provider', '=', provider)
        .executeTakeFirstOrThrow(),
    );
    return numDeletedRows > 0n;
  }

  /** Inside the transaction that creates a run with it. */
  async openIn(tx: Tx, owner: Owner, provider: LlmProvider): Promise<Secret | null> {
    const row: Pick<LlmKeysTable, 'sealed'> | undefined = await tx
      .selectFrom('llm_keys')
      .select('sealed')
      .where('account_id', '=', owner.accountId)
      .where('provider', '=', provider)
      .executeTakeFirst();
    return row === undefined ? null : new Secret(this.#seal.open(row.sealed, purpose(owner, provider)));
  }

  /** Tells keys apart without showing anything of them: keyed, so that it can't be guessed at offline. */
  fingerprint(key: Secret): string {
    return this.#seal.fingerprint(key.reveal(), 'llm key');
  }
}

function purpose(owner: Owner, provider: LlmProvider): string {
  return `llm key ${owner.accountId} ${provider}`;
}
