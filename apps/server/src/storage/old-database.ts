import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { MIGRATIONS } from './migrations/index.ts';
import { NodeSqliteDialect } from './sqlite-dialect.ts';

/** For tests: a new database as the release left it whose last migration this was. */
export async function databaseAsOf(file: string, last: string): Promise<void> {
  const known = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name <= last));
  const sqlite = new DatabaseSync(file);
  const db = new Kysely<unknown>({ dialect: new NodeSqliteDialect(sqlite) });
  try {
    const { error } = await new Migrator({
      db,
      provider: { getMigrations: async () => known },
    }).migrateToLatest();
    if (error !== undefined) throw error;
  } finally {
    await db.destroy();
    if (sqlite.isOpen) sqlite.close();
  }
}
