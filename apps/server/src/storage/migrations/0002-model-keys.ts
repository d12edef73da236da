import type { Kysely } from 'kysely';

/** Model keys of one's own: stored ones, and the copy an open run holds. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('llm_keys')
    .addColumn('account_id', 'text', (c) => c.notNull())
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('sealed', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('llm_keys_key', ['account_id', 'provider'])
    .execute();
  await db.schema.alterTable('runs').addColumn('llm_key', 'text').execute();
}
