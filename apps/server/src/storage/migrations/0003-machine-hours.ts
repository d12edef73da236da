import type { Kysely } from 'kysely';

/** Machine hours: what a machine has cost so far, and the part of a cent that is still to come. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['billed_cents', 'metered_cent_minutes'])
    await db.schema
      .alterTable('machines')
      .addColumn(column, 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
}
