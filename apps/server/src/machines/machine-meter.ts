import { errorAttributes, type Logger } from '@deskhand/base';
import type { Ledger } from '../ledger/ledger.ts';
import type { Database } from '../storage/database.ts';
import { hourlyCents, type MachinePrices, type MachineRow } from './machine-record.ts';
import type { MachineService } from './machine-service.ts';

/** How often states are looked at: a change between two looks loses at most this much, in the payer's favour. */
const LOOK_MS = 15_000;
const MINUTE_MS = 60_000;

type Parts = {
  database: Database;
  ledger: Ledger;
  machines: MachineService;
  prices: MachinePrices;
  now: () => number;
  /** Measures the minutes: nobody pays for a clock that was set forward, or for hours of sleep. */
  steadyMs: () => number;
  log: Logger;
};

type Running = { centsPerHour: number; sinceMs: number; countedMinutes: number };

/**
 * Machine hours: whole minutes of an unchanged state, at the operator's price of that state, into the ledger as whole
 * cents; what is less than a cent waits with the machine. Time without a server is not counted. Free by default, and
 * then nothing is looked at at all.
 */
export class MachineMeter implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #running = new Map<string, Running>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    const { linux, windows, stopped } = this.#parts.prices;
    if (linux + windows + stopped === 0) return;
    this.#timer = setInterval(() => {
      this.look().catch((error) =>
        this.#parts.log.warn('machine hours could not be counted', errorAttributes(error)),
      );
    }, LOOK_MS);
    this.#timer.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
  }

  /** Counts what has passed since the last look. */
  async look(): Promise<void> {
    const { database, machines, prices, steadyMs } = this.#parts;
    const rows = await database.read
      .selectFrom('machines')
      .selectAll()
      .where('removed_at', 'is', null)
      .execute();
    const nowMs = steadyMs();
    const seen = new Set<string>();
    for (const row of rows) {
      const centsPerHour = hourlyCents(machines.status(row), row.os_type, prices);
      if (centsPerHour === 0) continue;
      seen.add(row.id);
      const running = this.#running.get(row.id);
      if (running?.centsPerHour !== centsPerHour) {
        this.#running.set(row.id, { centsPerHour, sinceMs: nowMs, countedMinutes: 0 });
        continue;
      }
      const minutes = Math.floor((nowMs - running.sinceMs) / MINUTE_MS) - running.countedMinutes;
      if (minutes <= 0) continue;
      await this.#charge(row, minutes * centsPerHour);
      running.countedMinutes += minutes;
    }
    for (const id of this.#running.keys()) if (!seen.has(id)) this.#running.delete(id);
  }

  async #charge({ id }: MachineRow, centMinutes: number): Promise<void> {
    const { database, ledger, now } = this.#parts;
    await database.write(async (tx) => {
      const row = await tx.selectFrom('machines').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined || row.removed_at !== null) return;
      const due = row.metered_cent_minutes + centMinutes;
      const cents = Math.floor(due / 60);
      const billed = row.billed_cents + cents;
      await tx
        .updateTable('machines')
        .set({ metered_cent_minutes: due % 60, billed_cents: billed })
        .where('id', '=', id)
        .execute();
      if (cents === 0) return;
      await ledger.add(
        tx,
        { accountId: row.account_id, mode: row.mode },
        {
          operation: 'machine_hours',
          operationId: id,
          // The sum so far names the entry: written once, whatever is repeated.
          step: billed,
          cents,
          usage: null,
          at: new Date(now()).toISOString(),
        },
      );
    });
  }
}
