import type { Owner } from '../keys/owner.ts';
import type { Database } from '../storage/database.ts';
import type { Tx } from '../storage/schema.ts';
import { sql } from '../storage/sql.ts';

export type LedgerEntry = Readonly<{
  operation: string;
  operationId: string;
  /** 0 for operations without steps. */
  step: number;
  cents: number;
  usage: { inputTokens: number; outputTokens: number } | null;
  at: string;
}>;

export type Balance = Readonly<{ cents: number; unlimited: boolean }>;

type Wallet = { cents: number | null; unlimitedShowsCents: number };

/** Append-only: an entry is written once per (account, mode, operation, id, step) and never changed. */
export class Ledger {
  readonly #wallet: Wallet;

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
  }

  /** @returns false when this very thing was charged before. */
  async add(tx: Tx, owner: Owner, entry: LedgerEntry): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('ledger')
      .values({
        account_id: owner.accountId,
        mode: owner.mode,
        operation: entry.operation,
        operation_id: entry.operationId,
        step: entry.step,
        cents: entry.cents,
        input_tokens: entry.usage?.inputTokens ?? 0,
        output_tokens: entry.usage?.outputTokens ?? 0,
        created_at: entry.at,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows !== 1n) return false;
    // Test keys see the nominal price and pay nothing.
    if (owner.mode === 'live' && entry.cents !== 0)
      await tx
        .updateTable('accounts')
        .set({ spent_cents: sql<number>`spent_cents + ${entry.cents}` })
        .where('id', '=', owner.accountId)
        .execute();
    return true;
  }

  async canPay(tx: Tx, owner: Owner, cents: number): Promise<boolean> {
    if (owner.mode === 'test' || this.#wallet.cents === null) return true;
    return (await this.#balance(tx, owner)).cents >= cents;
  }

  balance(database: Database, owner: Owner): Promise<Balance> {
    return this.#balance(database.read, owner);
  }

  /** The balance inside a transaction. */
  balanceIn(tx: Tx, owner: Owner): Promise<Balance> {
    return this.#balance(tx, owner);
  }

  async #balance(db: Pick<Tx, 'selectFrom'>, owner: Owner): Promise<Balance> {
    if (this.#wallet.cents === null) return { cents: this.#wallet.unlimitedShowsCents, unlimited: true };
    const row = await db
      .selectFrom('accounts')
      .select('spent_cents')
      .where('id', '=', owner.accountId)
      .executeTakeFirst();
    return { cents: this.#wallet.cents - (row?.spent_cents ?? 0), unlimited: false };
  }
}
