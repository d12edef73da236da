import type { ColumnDefinitionBuilderCallback, Kysely } from 'kysely';
import { SqliteAdapter } from 'kysely';

/** A primary key that counts up and never reuses a number, in either database. */
export function autoIncrement(db: Kysely<unknown>): ColumnDefinitionBuilderCallback {
  const sqlite = db.getExecutor().adapter instanceof SqliteAdapter;
  return (column) =>
    sqlite ? column.primaryKey().autoIncrement() : column.primaryKey().generatedAlwaysAsIdentity();
}
