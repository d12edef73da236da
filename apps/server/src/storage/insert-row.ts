import { CompiledQuery, type Insertable, type Selectable } from 'kysely';
import type { DB, Tx } from './schema.ts';

const statements = new Map<string, string>();

/**
 * `insert` of one row, with the statement's text made once per table and set of columns: for rows that every request
 * writes, where building and compiling the query costs more than running it.
 */
export async function insertRow<Table extends keyof DB & string>(
  tx: Tx,
  table: Table,
  values: Insertable<DB[Table]>,
): Promise<void> {
  await tx.executeQuery(CompiledQuery.raw(statementFor(table, values, ''), Object.values(values)));
}

/** As {@link insertRow}. @returns the row as stored, with its defaults. */
export async function insertedRow<Table extends keyof DB & string>(
  tx: Tx,
  table: Table,
  values: Insertable<DB[Table]>,
): Promise<Selectable<DB[Table]>> {
  const { rows } = await tx.executeQuery<Selectable<DB[Table]>>(
    CompiledQuery.raw(statementFor(table, values, ' returning *'), Object.values(values)),
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`The row inserted into ${table} was not given back.`);
  return row;
}

function statementFor(table: string, values: object, tail: string): string {
  const columns = Object.keys(values);
  const shape = `${table} ${columns.join(' ')}${tail}`;
  const known = statements.get(shape);
  if (known !== undefined) return known;
  const statement = `insert into ${quoted(table)} (${columns.map(quoted).join(', ')}) values (${columns
    .map(() => '?')
    .join(', ')})${tail}`;
  statements.set(shape, statement);
  return statement;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
