import type { Kysely } from 'kysely';

/** How our own windows were kept out of each picture; of older ones nobody knows any more. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('run_screenshots').addColumn('exclusion', 'text').execute();
}
