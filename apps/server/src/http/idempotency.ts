import { createHash } from 'node:crypto';
import { sleep } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import type { Owner } from '../keys/owner.ts';
import type { Database } from '../storage/database.ts';
import type { Tx } from '../storage/schema.ts';
import type { Seal } from '../storage/seal.ts';
import { validationError } from './to-http-error.ts';

const KEPT_MS = 24 * 3_600_000;
const RESERVED_MS = 10 * 60_000;
/** A duplicate waits this long for the first. */
const WAIT_MS = 25_000;
const POLL_MS = 250;
const SWEEP_MS = 10 * 60_000;

export type IdempotencyKey = Readonly<{ key: string; fingerprint: string; owner: Owner; requestId: string }>;

/** An answer, fresh or repeated. */
export type Answer = Readonly<{ status: number; body: Record<string, unknown>; replayed: boolean }>;

/**
 * The request's `Idempotency-Key`, bound to what it asks for.
 * @returns null when it has none.
 * @throws ProtocolError VALIDATION_ERROR for a malformed one
 */
export function idempotencyKeyOf(request: {
  header: string | string[] | undefined;
  method: string;
  path: string;
  body: unknown;
  owner: Owner;
  requestId: string;
}): IdempotencyKey | null {
  const { header, owner, requestId } = request;
  if (header === undefined) return null;
  if (typeof header !== 'string' || !/^[A-Za-z0-9_:-]{1,128}$/.test(header))
    throw validationError([
      {
        loc: ['header', 'Idempotency-Key'],
        msg: 'Idempotency-Key has 1 to 128 characters of A-Z a-z 0-9 _ : -',
        type: 'string_pattern_mismatch',
      },
    ]);
  const fingerprint = createHash('sha256')
    .update(`${request.method} ${request.path} ${canonical(request.body)}`)
    .digest('hex');
  return { key: header, fingerprint, owner, requestId };
}

/** JSON with sorted keys: the same request however its client orders the fields. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
      .join(',')}}`;
  return JSON.stringify(value) ?? 'null';
}

type Row = {
  fingerprint: string;
  state: 'processing' | 'completed';
  status: number | null;
  body: string | null;
  request_id: string;
  expires_at: string;
};

/**
 * One effect per (account, mode, key), however often it is asked for.
 *
 * `transact`: for work that is one transaction. The record is stored with the work, so there is no moment,
 * not even a crash, at which one exists without the other.
 * `perform`: for work that reaches outside. A reservation is stored first; a crash in between leaves
 * "outcome unknown", which is what the key then answers.
 */
export class Idempotency implements AsyncDisposable {
  readonly #database: Database;
  readonly #seal: Seal;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: { database: Database; seal: Seal; now: () => number }) {
    this.#database = parts.database;
    this.#seal = parts.seal;
    this.#now = parts.now;
  }

  /** Settles what an earlier process left in flight, then sweeps. */
  async start(): Promise<void> {
    const left = await this.#database.read
      .selectFrom('idempotency')
      .selectAll()
      .where('state', '=', 'processing')
      .execute();
    for (const row of left)
      await this.#database.write((tx) =>
        this.#complete(
          tx,
          {
            key: row.key,
            fingerprint: row.fingerprint,
            owner: { accountId: row.account_id, mode: row.mode },
            requestId: row.request_id,
          },
          500,
          {
            error: {
              code: 'INTERNAL_ERROR',
              message: 'The server ended while this was under way; whether it took effect is unknown.',
              type: 'server_error',
              request_id: row.request_id,
              retryable: false,
              retry_with_same_idempotency_key: false,
            },
          },
        ),
      );
    this.#timer = setInterval(() => void this.#sweep().catch(() => {}), SWEEP_MS);
    this.#timer.unref();
  }

  /**
   * @param key null: just does the work.
   * @throws ProtocolError IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_FLIGHT, and what `work` throws (which frees the key)
   */
  async transact<T>(
    key: IdempotencyKey | null,
    work: (tx: Tx) => Promise<{ body: Record<string, unknown>; effect: T }>,
  ): Promise<Answer & { effect: T | null }> {
    for (;;) {
      const answer = await this.#database.write(async (tx) => {
        const known = key === null ? null : await this.#find(tx, key);
        if (known === 'in flight') return null;
        if (known !== null) return { ...known, effect: null };
        const { body, effect } = await work(tx);
        if (key !== null) await this.#complete(tx, key, 200, body);
        return { status: 200, body, replayed: false, effect };
      });
      if (answer !== null) return answer;
      if (key !== null) await this.#awaitFirst(key);
    }
  }

  /** @param work 5xx it throws count as "outcome unknown" once `dispatched` was called. */
  async perform(
    key: IdempotencyKey | null,
    work: (dispatched: () => void) => Promise<Record<string, unknown>>,
    toBody: (error: ProtocolError) => { status: number; body: Record<string, unknown> },
  ): Promise<Answer> {
    if (key === null) return { status: 200, body: await work(() => {}), replayed: false };
    for (;;) {
      const known = await this.#database.write(async (tx) => {
        const found = await this.#find(tx, key);
        if (found === null) await this.#reserve(tx, key);
        return found;
      });
      if (known === 'in flight') await this.#awaitFirst(key);
      else if (known !== null) return known;
      else break;
    }
    let dispatched = false;
    try {
      const body = await work(() => {
        dispatched = true;
      });
      await this.#database.write((tx) => this.#complete(tx, key, 200, body));
      return { status: 200, body, replayed: false };
    } catch (error) {
      const unknown = dispatched && (!(error instanceof ProtocolError) || error.status >= 500);
      const known =
        error instanceof ProtocolError
          ? error
          : new ProtocolError('INTERNAL_ERROR', 'The server met a fault it did not expect.');
      if (unknown) {
        const { status, body } = toBody(known);
        await this.#database.write((tx) => this.#complete(tx, key, status, body));
      } else
        await this.#database.write((tx) =>
          tx
            .deleteFrom('idempotency')
            .where('account_id', '=', key.owner.accountId)
            .where('mode', '=', key.owner.mode)
            .where('key', '=', key.key)
            .execute(),
        );
      throw error;
    }
  }

  /** For `GET /v1/idempotency/{key}`. */
  async lookup(
    owner: Owner,
    key: string,
  ): Promise<{
    status: 'completed' | 'processing';
    request_id: string;
    result?: unknown;
    original_status?: number;
  } | null> {
    const row = await this.#row(this.#database.read, { owner, key });
    if (row === undefined) return null;
    if (row.state === 'processing' || row.body === null)
      return { status: 'processing', request_id: row.request_id };
    return {
      status: 'completed',
      request_id: row.request_id,
      result: this.#open(row.body, owner, key),
      original_status: row.status ?? 200,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
  }

  async #find(tx: Tx, key: IdempotencyKey): Promise<Answer | 'in flight' | null> {
    const row = await this.#row(tx, key);
    if (row === undefined) return null;
    if (row.fingerprint !== key.fingerprint)
      throw new ProtocolError(
        'IDEMPOTENCY_KEY_REUSED',
        'This Idempotency-Key belongs to a different request. Use a new key for a new request.',
      );
    if (row.state === 'processing' || row.body === null) return 'in flight';
    return { status: row.status ?? 200, body: this.#open(row.body, key.owner, key.key), replayed: true };
  }

  async #row(db: Pick<Tx, 'selectFrom'>, key: { owner: Owner; key: string }): Promise<Row | undefined> {
    return db
      .selectFrom('idempotency')
      .selectAll()
      .where('account_id', '=', key.owner.accountId)
      .where('mode', '=', key.owner.mode)
      .where('key', '=', key.key)
      .where('expires_at', '>', new Date(this.#now()).toISOString())
      .executeTakeFirst();
  }

  #open(sealed: string, owner: Owner, key: string): Record<string, unknown> {
    return JSON.parse(this.#seal.open(sealed, purpose(owner, key))) as Record<string, unknown>;
  }

  async #reserve(tx: Tx, key: IdempotencyKey): Promise<void> {
    await this.#put(tx, key, { state: 'processing', status: null, body: null, keptMs: RESERVED_MS });
  }

  async #complete(tx: Tx, key: IdempotencyKey, status: number, body: Record<string, unknown>): Promise<void> {
    const sealed = this.#seal.close(JSON.stringify(body), purpose(key.owner, key.key));
    await this.#put(tx, key, { state: 'completed', status, body: sealed, keptMs: KEPT_MS });
  }

  async #put(
    tx: Tx,
    key: IdempotencyKey,
    values: { state: 'processing' | 'completed'; status: number | null; body: string | null; keptMs: number },
  ): Promise<void> {
    const nowMs = this.#now();
    const row = {
      fingerprint: key.fingerprint,
      state: values.state,
      request_id: key.requestId,
      status: values.status,
      body: values.body,
      created_at: new Date(nowMs).toISOString(),
      expires_at: new Date(nowMs + values.keptMs).toISOString(),
    };
    await tx
      .insertInto('idempotency')
      .values({ account_id: key.owner.accountId, mode: key.owner.mode, key: key.key, ...row })
      // An expired record under the same key is as good as none.
      .onConflict((conflict) => conflict.columns(['account_id', 'mode', 'key']).doUpdateSet(row))
      .execute();
  }

  async #awaitFirst(key: IdempotencyKey): Promise<void> {
    const untilMs = this.#now() + WAIT_MS;
    while (this.#now() < untilMs) {
      await sleep(POLL_MS);
      const row = await this.#row(this.#database.read, key);
      if (row === undefined || row.state === 'completed') return;
    }
    throw new ProtocolError(
      'IDEMPOTENCY_IN_FLIGHT',
      'The first request with this Idempotency-Key is still running.',
      { retry_after: 2 },
    );
  }

  async #sweep(): Promise<void> {
    await this.#database.write((tx) =>
      tx.deleteFrom('idempotency').where('expires_at', '<=', new Date(this.#now()).toISOString()).execute(),
    );
  }
}

function purpose(owner: Owner, key: string): string {
  return `idempotency ${owner.accountId} ${owner.mode} ${key}`;
}
