import { existsSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type ErrorCode, ProtocolError } from '@deskhand/protocol';
import { Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { MIGRATIONS } from './migrations/index.ts';
import type { DB, Tx } from './schema.ts';
import { NodeSqliteDialect } from './sqlite-dialect.ts';
import { taken, writeOnce } from './write-once.ts';

/** Most units of work that share one commit; keeps a burst from holding readers off for long. */
const MAX_BATCH = 512;
/** For so long a failed commit is taken as the state of things. */
const FAILING_MS = 30_000;

type Work = {
  run: (tx: Tx) => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
};

/**
 * The truth. Embedded: one SQLite file, WAL, `synchronous=FULL`, locked by this process for as long as it is open.
 *
 * `write` groups commits: all units of work asked for in one turn of the event loop run in one transaction,
 * each inside its own savepoint, and share one fsync. A promise settles only after that commit.
 */
export class Database implements AsyncDisposable {
  /** For reads; they see committed rows only. */
  readonly read: Kysely<DB>;
  readonly #sqlite: DatabaseSync;
  /** Run on the connection itself, which the transaction holds: around every unit of work, so they cost what they cost. */
  readonly #savepoint: Readonly<Record<'begin' | 'release' | 'rollback', StatementSync>>;
  #queue: Work[] = [];
  #flushing: Promise<void> | undefined;
  #scheduled = false;
  #closed = false;
  /** When the last commit failed; null while commits succeed. */
  #failedSteadyMs: number | null = null;
  readonly #commitListeners = new Set<() => void>();

  private constructor(sqlite: DatabaseSync) {
    this.#sqlite = sqlite;
    this.#savepoint = {
      begin: sqlite.prepare('savepoint work'),
      release: sqlite.prepare('release work'),
      rollback: sqlite.prepare('rollback to work'),
    };
    this.read = new Kysely<DB>({ dialect: new NodeSqliteDialect(sqlite) });
  }

  /**
   * Opens, locks and migrates.
   * @throws ProtocolError DATA_FOLDER_IN_USE when another process has it, DATA_FOLDER_UNWRITABLE, DB_UNAVAILABLE.
   */
  static async open(file: string): Promise<Database> {
    let sqlite: DatabaseSync;
    try {
      sqlite = new DatabaseSync(file, { timeout: 500 });
    } catch (cause) {
      throw openProblem(cause, file);
    }
    try {
      // Exclusive before the first access: then WAL needs no shared memory and the lock is held until close.
      sqlite.exec('pragma locking_mode = exclusive');
      sqlite.exec('pragma journal_mode = wal');
      sqlite.exec('pragma synchronous = full');
      sqlite.exec('pragma foreign_keys = on');
      // What is erased (secrets of ended runs) is overwritten where that costs no extra write.
      sqlite.exec('pragma secure_delete = fast');
      sqlite.exec('pragma journal_size_limit = 16777216');
      sqlite.exec('begin immediate; commit');
      const database = new Database(sqlite);
      await database.#migrate(file);
      return database;
    } catch (cause) {
      sqlite.close();
      throw cause instanceof ProtocolError ? cause : openProblem(cause, file);
    }
  }

  /**
   * Runs `work` inside a transaction and resolves after it is on disk.
   * What `work` throws rolls back only its own changes and rejects only this promise.
   * @throws ProtocolError DB_UNAVAILABLE, DB_UNAVAILABLE means nothing was stored.
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.#closed)
      return Promise.reject(new ProtocolError('SERVICE_UNAVAILABLE', 'The server is stopping.'));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run: work, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Called after each commit, before the promises of its writers settle. @returns its own unsubscribe. */
  onCommit(listener: () => void): () => void {
    this.#commitListeners.add(listener);
    return () => this.#commitListeners.delete(listener);
  }

  /** A consistent copy in one file, made while serving. @throws ProtocolError INVALID_PATH, DATA_FOLDER_UNWRITABLE */
  async backupTo(file: string): Promise<void> {
    if (existsSync(file)) throw taken(file);
    try {
      // VACUUM INTO reads one consistent state and writes a compact file without a WAL beside it and without what was
      // erased. It holds everything else for 2 ms per MB. SQLite's page-wise backup would not, but it fails while a
      // transaction is open, and each rollback on this connection begins it anew: beside a writer it need not end.
      await writeOnce(file, async (partial) => {
        await sql`vacuum into ${partial}`.execute(this.read);
      });
    } catch (cause) {
      if (cause instanceof ProtocolError) throw cause;
      throw new ProtocolError(
        'DATA_FOLDER_UNWRITABLE',
        `The backup could not be written to ${file}.`,
        {},
        { cause },
      );
    }
  }

  /**
   * False from a commit that failed until one succeeds; when nobody has tried for a while, asking tries a small one (on a
   * full disk what is small may still fit where something larger does not). For health.
   */
  async writable(): Promise<boolean> {
    if (this.#failedSteadyMs === null) return !this.#closed;
    if (performance.now() - this.#failedSteadyMs < FAILING_MS) return false;
    try {
      await this.write(async (tx) => {
        await sql`update accounts set created_at = created_at`.execute(tx);
      });
      return true;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushing;
    await this.#flush();
    await this.read.destroy();
    // Kysely closes the file only if it was ever used.
    if (this.#sqlite.isOpen) this.#sqlite.close();
  }

  #schedule(): void {
    if (this.#scheduled || this.#flushing !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flushing = this.#flush().finally(() => {
        this.#flushing = undefined;
        if (this.#queue.length > 0) this.#schedule();
      });
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#queue.splice(0, MAX_BATCH);
    if (batch.length === 0) return;
    const done: Array<{ work: Work; value: unknown }> = [];
    const refused: Array<{ work: Work; error: unknown }> = [];
    try {
      await this.read.transaction().execute(async (tx) => {
        for (const work of batch) {
          this.#savepoint.begin.run();
          try {
            done.push({ work, value: await work.run(tx) });
            this.#savepoint.release.run();
          } catch (error) {
            // The whole transaction is gone (disk full, I/O error): nobody's work was stored.
            if (!this.#sqlite.isTransaction) throw error;
            this.#savepoint.rollback.run();
            this.#savepoint.release.run();
            if (isStorageFault(error)) throw error;
            if (done.at(-1)?.work === work) done.pop();
            refused.push({ work, error });
          }
        }
      });
    } catch (cause) {
      const refusedWorks = new Set(refused.map(({ work }) => work));
      for (const { work, error } of refused) work.reject(error);
      this.#failedSteadyMs = performance.now();
      const fault = storageProblem(cause);
      for (const work of batch) if (!refusedWorks.has(work)) work.reject(fault);
      return;
    }
    if (done.length > 0) this.#failedSteadyMs = null;
    for (const listener of this.#commitListeners) listener();
    for (const { work, value } of done) work.resolve(value);
    for (const { work, error } of refused) work.reject(error);
  }

  async #migrate(file: string): Promise<void> {
    const migrator = new Migrator({
      db: this.read,
      provider: { getMigrations: async () => MIGRATIONS },
    });
    const known = await migrator.getMigrations();
    const pending = known.filter((migration) => migration.executedAt === undefined);
    const applied = await this.#appliedNames();
    const unknown = applied.filter((name) => MIGRATIONS[name] === undefined);
    if (unknown.length > 0)
      throw new ProtocolError(
        'DB_UNAVAILABLE',
        `The database was written by a newer Deskhand (${unknown.join(', ')}); start that one, or restore a backup.`,
      );
    if (pending.length === 0) return;
    // A copy from before the change: going back means putting it in place.
    if (applied.length > 0) {
      const copy = `${file}.before-${pending[0]?.name}.bak`;
      if (!existsSync(copy)) await this.backupTo(copy);
    }
    const { error } = await migrator.migrateToLatest();
    if (error === undefined) return;
    const why = isStorageFault(error) ? ` ${whyNotStored(error)}` : '';
    throw new ProtocolError(
      'DB_UNAVAILABLE',
      applied.length > 0
        ? `The database could not be brought up to date.${why} The copy beside it is untouched.`
        : `The database could not be made in ${path.dirname(file)}.${why}`,
      {},
      { cause: error },
    );
  }

  async #appliedNames(): Promise<string[]> {
    const tables = await this.read.introspection.getTables({ withInternalKyselyTables: true });
    if (!tables.some((table) => table.name === 'kysely_migration')) return [];
    const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
      this.read,
    );
    return rows.map((row) => row.name);
  }
}

/** Primary result codes of SQLite that say "this machine cannot store it now". */
const STORAGE_FAULTS = new Set([5, 6, 8, 10, 11, 13, 14, 23, 26]);

function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

function isStorageFault(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && STORAGE_FAULTS.has(code);
}

function whyNotStored(cause: unknown): string {
  const code = sqliteCode(cause);
  if (code === 13) return 'The disk is full.';
  return code === 8 ? 'The data folder is read-only.' : 'The database cannot be written.';
}

function storageProblem(cause: unknown): ProtocolError {
  return new ProtocolError(
    'DB_UNAVAILABLE',
    `${whyNotStored(cause)} Nothing of this request was stored; try again once that is put right.`,
    { retry_after: 5 },
    { cause },
  );
}

function openProblem(cause: unknown, file: string): ProtocolError {
  const code = sqliteCode(cause);
  const [errorCode, message]: [ErrorCode, string] =
    code === 5 || code === 6
      ? [
          'DATA_FOLDER_IN_USE',
          `Another Deskhand uses ${file}. Stop it, or choose another folder with --data or DESKHAND_DATA.`,
        ]
      : code === 26 || code === 11
        ? [
            'DB_UNAVAILABLE',
            `${file} is not a sound database. Restore a backup (deskhand backup made it), or move it away.`,
          ]
        : [
            'DATA_FOLDER_UNWRITABLE',
            `${file} cannot be opened for writing. Check its owner, its mode and the free space.`,
          ];
  return new ProtocolError(errorCode, message, {}, { cause });
}
