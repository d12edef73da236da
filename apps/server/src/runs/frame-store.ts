import { errorAttributes, type Logger } from '@deskhand/base';
import type { Blobs } from '../seams/blobs.ts';
import type { Database } from '../storage/database.ts';

const SWEEP_MS = 10 * 60_000;
const BATCH = 500;

type Parts = {
  database: Database;
  blobs: Blobs;
  log: Logger;
  now: () => number;
  maxAgeMs: number;
  maxBytes: number;
};

/** Every picture an engine saw, once by content, for as long as age and total size allow. */
export class FrameStore implements AsyncDisposable {
  readonly #parts: Parts;
  #limits: { maxAgeMs: number; maxBytes: number };
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#limits = { maxAgeMs: parts.maxAgeMs, maxBytes: parts.maxBytes };
  }

  /** New limits from the next sweep on. */
  limit(limits: { maxAgeMs: number; maxBytes: number }): void {
    this.#limits = limits;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#sweeping ??= this.sweep()
        .catch((error) => this.#parts.log.warn('old pictures could not be removed', errorAttributes(error)))
        .finally(() => {
          this.#sweeping = undefined;
        });
    }, SWEEP_MS);
    this.#timer.unref();
  }

  /** @returns the content hash. */
  keep(bytes: Uint8Array): Promise<string> {
    return this.#parts.blobs.put(bytes);
  }

  get(sha256: string): Promise<Uint8Array | null> {
    return this.#parts.blobs.get(sha256);
  }

  /** Removes what is too old, then the oldest until the rest fits. Rows stay, marked as erased. */
  async sweep(): Promise<void> {
    const { now } = this.#parts;
    const { maxAgeMs, maxBytes } = this.#limits;
    await this.#erase(new Date(now() - maxAgeMs).toISOString());
    for (;;) {
      const excess = (await this.#keptBytes()) - maxBytes;
      if (excess <= 0) return;
      const oldest = await this.#parts.database.read
        .selectFrom('run_screenshots')
        .select(['taken_at', 'size_bytes'])
        .where('erased', '=', 0)
        .orderBy('taken_at')
        .limit(BATCH)
        .execute();
      let freed = 0;
      let until: string | undefined;
      for (const row of oldest) {
        freed += row.size_bytes;
        until = row.taken_at;
        if (freed >= excess) break;
      }
      if (until === undefined) return;
      // Up to and including that moment.
      await this.#erase(`${until}\u0000`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  async #keptBytes(): Promise<number> {
    const row = await this.#parts.database.read
      .selectFrom((db) =>
        db
          .selectFrom('run_screenshots')
          .select((select) => ['sha256', select.fn.max('size_bytes').as('bytes')])
          .where('erased', '=', 0)
          .groupBy('sha256')
          .as('kept'),
      )
      .select((select) => select.fn.sum<number | null>('bytes').as('total'))
      .executeTakeFirst();
    return row?.total ?? 0;
  }

  async #erase(before: string): Promise<void> {
    const { database, blobs } = this.#parts;
    for (;;) {
      const rows = await database.read
        .selectFrom('run_screenshots')
        .select('sha256')
        .distinct()
        .where('erased', '=', 0)
        .where('taken_at', '<', before)
        .limit(BATCH)
        .execute();
      if (rows.length === 0) return;
      const hashes = rows.map((row) => row.sha256);
      const gone = await database.write(async (tx) => {
        await tx
          .updateTable('run_screenshots')
          .set({ erased: 1 })
          .where('sha256', 'in', hashes)
          .where('taken_at', '<', before)
          .execute();
        const kept = await tx
          .selectFrom('run_screenshots')
          .select('sha256')
          .distinct()
          .where('sha256', 'in', hashes)
          .where('erased', '=', 0)
          .execute();
        const still = new Set(kept.map((row) => row.sha256));
        return hashes.filter((hash) => !still.has(hash));
      });
      for (const hash of gone) await blobs.remove(hash);
    }
  }
}
