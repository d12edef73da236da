import { createHash } from 'node:crypto';
import { ProtocolError } from '@deskhand/protocol';
import type { Owner } from '../keys/owner.ts';
import type { Database } from '../storage/database.ts';
import type { Tx } from '../storage/schema.ts';
import type { Seal } from '../storage/seal.ts';
import { validationError } from './to-http-error.ts';

const KEPT_MS = 24 * 3_600_000;
/** A duplicate waits this long for the first. */
const WAIT_MS = 25_000;
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

type InFlight = Readonly<{ fingerprint: string; requestId: string; ended: Promise<void> }>;

/**
 * One effect per (account, mode, key), however often it is asked for. The record is stored in the transaction that does
 * the work, so there is no moment, not even a crash, at which one exists without the other. A repeat that comes while
 * the first is still being stored (a slow disk) waits for it, but not for ever.
 */
export class Idempotency implements AsyncDisposable {
  readonly #database: Database;
  readonly #seal: Seal;
  readonly #now: () => number;
  readonly #waitMs: number;
  readonly #inFlight = new Map<string, InFlight>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: { database: Database; seal: Seal; now: () => number; waitMs?: number | undefined }) {
    this.#database = parts.database;
    this.#seal = parts.seal;
    this.#now = parts.now;
    this.#waitMs = parts.waitMs ?? WAIT_MS;
  }

  /** Keyed requests whose effect is being stored at this moment. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  start(): void {
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
    if (key === null) return this.#store(null, work);
    const name = purpose(key.owner, key.key);
    const first = this.#inFlight.get(name);
    if (first !== undefined) {
      if (first.fingerprint !== key.fingerprint) throw reused();
      await this.#awaitFirst(first);
      // Its record is there now, or it failed and the key is free again; the transaction tells.
      return this.#store(key, work);
    }
    const storing = this.#store(key, work);
    const ended = storing.then(
      () => {},
      () => {},
    );
    this.#inFlight.set(name, { fingerprint: key.fingerprint, requestId: key.requestId, ended });
    try {
      return await storing;
    } finally {
      this.#inFlight.delete(name);
    }
  }

  #store<T>(
    key: IdempotencyKey | null,
    work: (tx: Tx) => Promise<{ body: Record<string, unknown>; effect: T }>,
  ): Promise<Answer & { effect: T | null }> {
    return this.#database.write(async (tx) => {
      const known = key === null ? null : await this.#find(tx, key);
      if (known !== null) return { ...known, effect: null };
      const { body, effect } = await work(tx);
      if (key !== null) await this.#complete(tx, key, body);
      return { status: 200, body, replayed: false, effect };
    });
  }

  async #awaitFirst({ ended }: InFlight): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<'time up'>((resolve) => {
      timer = setTimeout(() => resolve('time up'), this.#waitMs);
    });
    const how = await Promise.race([ended, timeUp]);
    clearTimeout(timer);
    if (how === 'time up')
      throw new ProtocolError(
        'IDEMPOTENCY_IN_FLIGHT',
        'The first request with this Idempotency-Key is still running. Ask again with the same key.',
        { retry_after: 2 },
      );
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
    const first = this.#inFlight.get(purpose(owner, key));
    if (first !== undefined) return { status: 'processing', request_id: first.requestId };
    const row = await this.#row(this.#database.read, { owner, key });
    if (row === undefined || row.body === null) return null;
    return {
      status: 'completed',
      request_id: row.request_id,
      result: withoutSecrets(this.#open(row.body, owner, key)),
      original_status: row.status ?? 200,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
  }

  async #find(tx: Tx, key: IdempotencyKey): Promise<Answer | null> {
    const row = await this.#row(tx, key);
    if (row === undefined || row.body === null) return null;
    if (row.fingerprint !== key.fingerprint) throw reused();
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

  async #complete(tx: Tx, key: IdempotencyKey, body: Record<string, unknown>): Promise<void> {
    const nowMs = this.#now();
    const row = {
      fingerprint: key.fingerprint,
      state: 'completed' as const,
      request_id: key.requestId,
      status: 200,
      body: this.#seal.close(JSON.stringify(body), purpose(key.owner, key.key)),
      created_at: new Date(nowMs).toISOString(),
      expires_at: new Date(nowMs + KEPT_MS).toISOString(),
    };
    await tx
      .insertInto('idempotency')
      .values({ account_id: key.owner.accountId, mode: key.owner.mode, key: key.key, ...row })
      // An expired record under the same key is as good as none.
      .onConflict((conflict) => conflict.columns(['account_id', 'mode', 'key']).doUpdateSet(row))
      .execute();
  }

  async #sweep(): Promise<void> {
    await this.#database.write((tx) =>
      tx.deleteFrom('idempotency').where('expires_at', '<=', new Date(this.#now()).toISOString()).execute(),
    );
  }
}

/** Secrets are shown again only to who repeats the whole request. */
function withoutSecrets(body: Record<string, unknown>): Record<string, unknown> {
  return {
    ...body,
    ...('webhook_secret' in body ? { webhook_secret: null } : {}),
    ...('enrollment' in body ? { enrollment: null } : {}),
  };
}

function reused(): ProtocolError {
  return new ProtocolError(
    'IDEMPOTENCY_KEY_REUSED',
    'This Idempotency-Key belongs to a different request. Use a new key for a new request.',
  );
}

function purpose(owner: Owner, key: string): string {
  return `idempotency ${owner.accountId} ${owner.mode} ${key}`;
}
