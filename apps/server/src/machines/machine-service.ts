import { createHash, timingSafeEqual } from 'node:crypto';
import { errorAttributes, type Logger, randomHex } from '@deskhand/base';
import {
  CreateMachineRequest,
  type DesktopEvent,
  type Hello,
  LINK_PATH,
  type MachineId,
  MachineId as MachineIdSchema,
  type MachineRecord,
  type MachineStatus,
  mintMachineId,
  mintTestMachineId,
  ProtocolError,
  UNNAMED_MACHINE,
} from '@deskhand/protocol';
import type { Owner } from '../keys/owner.ts';
import type { Database } from '../storage/database.ts';
import type { Tx } from '../storage/schema.ts';
import { sql } from '../storage/sql.ts';
import type { LinkConnection } from './link-connection.ts';
import type { HubListener, LinkAuthority, MachineHub } from './machine-hub.ts';
import { type MachinePrices, type MachineRow, machineStatus, toMachine } from './machine-record.ts';
import { issuePairingCode, PairingGuard, redeemPairingCode } from './pairing.ts';

const REMOVAL_CHECK_MS = 5000;

type Parts = {
  database: Database;
  now: () => number;
  steadyMs: () => number;
  log: Logger;
  prices: MachinePrices;
  /** Where desktops dial in; known once the server listens. */
  linkUrl: () => string;
};

export type LifecycleChange = 'start' | 'stop' | 'restart';

/** The registry of desktops: who they are, whether they may be driven, how they prove themselves. */
export class MachineService implements LinkAuthority, HubListener, AsyncDisposable {
  readonly #parts: Parts;
  readonly #pairing: PairingGuard;
  #hub: MachineHub | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #removedListeners = new Set<(machineId: string) => Promise<void>>();
  readonly #suspendedListeners = new Set<(machineId: string) => void>();
  readonly #availabilityListeners = new Set<(machineId: string) => void>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#pairing = new PairingGuard(parts.steadyMs);
  }

  /** The hub needs an authority and we need the hub: joined once, in the composition root. */
  attach(hub: MachineHub): void {
    this.#hub = hub;
    hub.listen(this);
    this.#timer = setInterval(() => void this.#removeExpired(), REMOVAL_CHECK_MS);
    this.#timer.unref();
  }

  /** Told when a machine is gone for good, before the caller is answered. */
  onRemoved(listener: (machineId: string) => Promise<void>): () => void {
    this.#removedListeners.add(listener);
    return () => this.#removedListeners.delete(listener);
  }

  /** Told when remote control was suspended over the API, before the caller is answered. */
  onSuspended(listener: (machineId: string) => void): () => void {
    this.#suspendedListeners.add(listener);
    return () => this.#suspendedListeners.delete(listener);
  }

  /** Told when a machine may have become able or unable to take a run. */
  onAvailability(listener: (machineId: string) => void): () => void {
    this.#availabilityListeners.add(listener);
    return () => this.#availabilityListeners.delete(listener);
  }

  isConnected(machineId: string): boolean {
    return this.#hub?.connection(machineId)?.isOpen ?? false;
  }

  record(row: MachineRow): MachineRecord {
    return toMachine(row, this.isConnected(row.id), this.#parts.prices);
  }

  status(row: MachineRow): MachineStatus {
    return machineStatus(row, this.isConnected(row.id));
  }

  /** Inside the caller's transaction. A test key's machine is virtual and needs no enrolment. */
  async create(
    tx: Tx,
    owner: Owner,
    request: CreateMachineRequest,
  ): Promise<{ row: MachineRow; enrollment: { token: string; expires_at: string; agent_url: string } }> {
    const nowMs = this.#parts.now();
    const at = iso(nowMs);
    const row = await tx
      .insertInto('machines')
      .values({
        id: owner.mode === 'test' ? mintTestMachineId() : mintMachineId(),
        account_id: owner.accountId,
        mode: owner.mode,
        display_name: request.display_name,
        os_type: owner.mode === 'test' ? 'linux' : request.os_type,
        desktop_enabled: request.desktop_enabled || owner.mode === 'test' ? 1 : 0,
        cpu_cores: request.cpu_cores,
        memory_gb: request.memory_gb,
        storage_gb: request.storage_gb,
        metadata: request.metadata === null ? null : JSON.stringify(request.metadata),
        created_at: at,
        started_at: owner.mode === 'test' ? at : null,
        ttl_minutes: request.ttl_minutes,
        auto_destroy_at: request.ttl_minutes === null ? null : iso(nowMs + request.ttl_minutes * 60_000),
        suspended: 0,
        latched: 0,
        epoch: 0,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    const { code, expiresAt } = await issuePairingCode(tx, row.id, nowMs);
    return { row, enrollment: { token: code, expires_at: expiresAt, agent_url: this.#parts.linkUrl() } };
  }

  /** A new code for a machine that is registered already, e.g. a desktop that lost its token. */
  async enrollAgain(machineId: string): Promise<{ token: string; expires_at: string; agent_url: string }> {
    const { code, expiresAt } = await this.#parts.database.write((tx) =>
      issuePairingCode(tx, machineId, this.#parts.now()),
    );
    return { token: code, expires_at: expiresAt, agent_url: this.#parts.linkUrl() };
  }

  /** @throws ProtocolError MACHINE_NOT_FOUND, also for machines of others. */
  async find(owner: Owner, machineId: string): Promise<MachineRow> {
    return findMachine(this.#parts.database.read, owner, machineId);
  }

  findIn(tx: Tx, owner: Owner, machineId: string): Promise<MachineRow> {
    return findMachine(tx, owner, machineId);
  }

  /**
   * An idle machine for a task: connected, allowed to be driven and without an open run; the preferred one first, then
   * the one registered first. A test key's virtual desktop is made when none is idle, up to as many as may be up at once.
   * @returns null when there is none
   */
  async idleFor(
    tx: Tx,
    owner: Owner,
    wanted: { osType: string | null; preferredId: string | null; virtualAtMost: number },
  ): Promise<MachineRow | null> {
    const all = await tx
      .selectFrom('machines')
      .selectAll()
      .where('account_id', '=', owner.accountId)
      .where('mode', '=', owner.mode)
      .where('removed_at', 'is', null)
      .orderBy('position')
      .execute();
    const busy = await tx
      .selectFrom('runs')
      .select('machine_id')
      .distinct()
      .where('finished_at', 'is', null)
      .execute();
    const taken = new Set(busy.map((run) => run.machine_id));
    const idle = all.filter(
      (row) =>
        !taken.has(row.id) &&
        this.status(row) === 'running' &&
        (wanted.osType === null || row.os_type === wanted.osType) &&
        (owner.mode === 'test' || this.#mayStartNow(row.id)),
    );
    const chosen = idle.find((row) => row.id === wanted.preferredId) ?? idle[0];
    if (chosen !== undefined) return chosen;
    if (owner.mode === 'live' || (wanted.osType ?? 'linux') !== 'linux' || all.length >= wanted.virtualAtMost)
      return null;
    const request = CreateMachineRequest.parse({ display_name: 'For tasks' });
    return (await this.create(tx, owner, request)).row;
  }

  #mayStartNow(machineId: string): boolean {
    const connection = this.#hub?.connection(machineId);
    return (
      connection?.isOpen === true &&
      connection.control === 'armed' &&
      connection.hotkeyProblem === null &&
      !connection.latch.tripped
    );
  }

  /** By id alone: for parts of the server itself. */
  async row(machineId: string): Promise<MachineRow | undefined> {
    return this.#parts.database.read
      .selectFrom('machines')
      .selectAll()
      .where('id', '=', machineId)
      .executeTakeFirst();
  }

  /** Newest first. */
  async list(owner: Owner, limit: number): Promise<{ rows: MachineRow[]; hasMore: boolean }> {
    const rows = await this.#parts.database.read
      .selectFrom('machines')
      .selectAll()
      .where('account_id', '=', owner.accountId)
      .where('mode', '=', owner.mode)
      .where('removed_at', 'is', null)
      .orderBy('position', 'desc')
      .limit(limit + 1)
      .execute();
    return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
  }

  /** @param ttlMinutes null clears the timer. */
  async setTtl(owner: Owner, machineId: string, ttlMinutes: number | null): Promise<MachineRow> {
    return this.#parts.database.write(async (tx) => {
      await findMachine(tx, owner, machineId);
      return tx
        .updateTable('machines')
        .set({
          ttl_minutes: ttlMinutes,
          auto_destroy_at: ttlMinutes === null ? null : iso(this.#parts.now() + ttlMinutes * 60_000),
        })
        .where('id', '=', machineId)
        .returningAll()
        .executeTakeFirstOrThrow();
    });
  }

  /**
   * Allows, suspends or renews remote control. A latch that the person tripped stays tripped.
   * @throws ProtocolError INVALID_STATE
   */
  async change(owner: Owner, machineId: string, change: LifecycleChange): Promise<MachineRow> {
    const row = await this.#parts.database.write(async (tx) => {
      const before = await findMachine(tx, owner, machineId);
      const status = this.status(before);
      const allowedFrom: MachineStatus[] = change === 'start' ? ['stopped', 'suspended'] : ['running'];
      if (!allowedFrom.includes(status))
        throw new ProtocolError(
          'INVALID_STATE',
          `The machine is ${status}; ${change} needs ${allowedFrom.join(' or ')}.`,
          {
            current_state: status,
            allowed_from: allowedFrom,
          },
        );
      if (change === 'start' && before.latched !== 0)
        throw new ProtocolError(
          'INVALID_STATE',
          'The person at this desktop tripped its kill switch. Only a person there can re-arm it: deskhand reset.',
          { current_state: status, allowed_from: allowedFrom, latched: true },
        );
      if (change === 'restart') return before;
      return tx
        .updateTable('machines')
        .set({ suspended: change === 'stop' ? 1 : 0 })
        .where('id', '=', machineId)
        .returningAll()
        .executeTakeFirstOrThrow();
    });
    if (change === 'stop') for (const listener of [...this.#suspendedListeners]) listener(machineId);
    if (change === 'restart') this.#hub?.drop(machineId, 'restarted over the API');
    this.#available(machineId);
    return row;
  }

  /** Unregisters: its token is void, its link cut, its runs cancelled by whoever listens. */
  async remove(owner: Owner, machineId: string): Promise<MachineRow> {
    const row = await this.#parts.database.write(async (tx) => {
      await findMachine(tx, owner, machineId);
      return this.#removeIn(tx, machineId);
    });
    await this.#afterRemoval(machineId);
    return row;
  }

  // ---- as the link's authority -------------------------------------------------------------------

  async authenticate(
    hello: Hello,
    address: string,
  ): Promise<{ machineId: MachineId; machineToken: string | null }> {
    if (hello.auth.type === 'token') {
      const row = await this.row(hello.auth.machineId);
      const given = hashToken(hello.auth.token);
      const expected = row?.token_hash ?? hashToken('no such machine');
      const same = timingSafeEqual(Buffer.from(given, 'hex'), Buffer.from(expected, 'hex'));
      if (row === undefined || row.removed_at !== null || row.token_hash === null || !same)
        throw new ProtocolError(
          'MACHINE_TOKEN_INVALID',
          'This server does not know this desktop’s token. Pair it again: deskhand pair.',
        );
      return { machineId: hello.auth.machineId, machineToken: null };
    }
    this.#pairing.check(address);
    const { code, name } = hello.auth;
    const token = `mtk_${randomHex(48)}`;
    try {
      const machineId = await this.#parts.database.write(async (tx) => {
        const id = await redeemPairingCode(tx, code, this.#parts.now());
        const updated = await tx
          .updateTable('machines')
          .set({
            token_hash: hashToken(token),
            display_name: sql<string>`case when display_name = ${UNNAMED_MACHINE} then ${name} else display_name end`,
          })
          .where('id', '=', id)
          .where('removed_at', 'is', null)
          .returning('id')
          .executeTakeFirst();
        if (updated === undefined)
          throw new ProtocolError('PAIRING_FAILED', 'The machine this code was for is gone.');
        return MachineIdSchema.parse(updated.id);
      });
      return { machineId, machineToken: token };
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'PAIRING_FAILED') this.#pairing.failed(address);
      throw error;
    }
  }

  // ---- as the hub's listener ---------------------------------------------------------------------

  async connecting(connection: LinkConnection): Promise<void> {
    const { hello, machineId } = connection;
    const at = iso(this.#parts.now());
    await this.#parts.database.write((tx) =>
      tx
        .updateTable('machines')
        .set({
          started_at: sql<string>`coalesce(started_at, ${at})`,
          last_seen_at: at,
          boot_id: hello.bootId,
          os_type: hello.capabilities.os,
          desktop_enabled: hello.displays.length > 0 ? 1 : 0,
          displays: JSON.stringify(hello.displays),
          capabilities: JSON.stringify(hello.capabilities),
          latched: hello.latch.tripped ? 1 : 0,
          latch_reason: latchReason(hello.latch),
          // A server that was set back to an older copy must not issue epochs the daemon has passed.
          epoch: sql<number>`case when epoch < ${hello.lastEpoch} then ${hello.lastEpoch} else epoch end`,
        })
        .where('id', '=', machineId)
        .execute(),
    );
  }

  /** Why no run may start on a connected desktop although it is neither stopped nor suspended. */
  hotkeyProblem(machineId: string): string | null {
    return this.#hub?.connection(machineId)?.hotkeyProblem ?? null;
  }

  connected(connection: LinkConnection): void {
    this.#available(connection.machineId);
  }

  disconnected(connection: LinkConnection): void {
    const at = iso(this.#parts.now());
    this.#store(connection.machineId, { last_seen_at: at });
    this.#available(connection.machineId);
  }

  desktopEvent(connection: LinkConnection, event: DesktopEvent): void {
    this.#store(connection.machineId, {
      latched: event.latch.tripped ? 1 : 0,
      latch_reason: latchReason(event.latch),
      ...(event.displays === undefined ? {} : { displays: JSON.stringify(event.displays) }),
    });
    this.#available(connection.machineId);
  }

  personCommand(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
  }

  #store(
    machineId: string,
    values: Partial<Pick<MachineRow, 'last_seen_at' | 'latched' | 'latch_reason' | 'displays'>>,
  ): void {
    this.#parts.database
      .write((tx) => tx.updateTable('machines').set(values).where('id', '=', machineId).execute())
      .then(() => this.#available(machineId))
      .catch((error) =>
        this.#parts.log.warn('a desktop’s state could not be stored', {
          machineId,
          ...errorAttributes(error),
        }),
      );
  }

  #available(machineId: string): void {
    for (const listener of [...this.#availabilityListeners]) listener(machineId);
  }

  async #removeIn(tx: Tx, machineId: string): Promise<MachineRow> {
    await tx.deleteFrom('pairing_codes').where('machine_id', '=', machineId).execute();
    return tx
      .updateTable('machines')
      .set({ removed_at: iso(this.#parts.now()), token_hash: null })
      .where('id', '=', machineId)
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  async #afterRemoval(machineId: string): Promise<void> {
    // Runs end because the machine is removed, not because its link is lost.
    const told = [...this.#removedListeners].map((listener) => listener(machineId));
    this.#hub?.drop(machineId, 'unregistered');
    await Promise.all(told);
  }

  async #removeExpired(): Promise<void> {
    try {
      const expired = await this.#parts.database.read
        .selectFrom('machines')
        .select('id')
        .where('removed_at', 'is', null)
        .where('auto_destroy_at', '<=', iso(this.#parts.now()))
        .execute();
      for (const { id } of expired) {
        await this.#parts.database.write((tx) => this.#removeIn(tx, id));
        await this.#afterRemoval(id);
        this.#parts.log.info('machine unregistered when its time was up', { machineId: id });
      }
    } catch (error) {
      this.#parts.log.warn('expired machines could not be removed', errorAttributes(error));
    }
  }
}

async function findMachine(db: Pick<Tx, 'selectFrom'>, owner: Owner, machineId: string): Promise<MachineRow> {
  const row = await db
    .selectFrom('machines')
    .selectAll()
    .where('id', '=', machineId)
    .where('account_id', '=', owner.accountId)
    .where('mode', '=', owner.mode)
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined)
    throw new ProtocolError(
      'MACHINE_NOT_FOUND',
      `There is no machine ${machineId.slice(0, 128)} for this key.`,
    );
  return row;
}

export function linkUrlOf(origin: string): string {
  return `${origin.replace(/^http/, 'ws')}${LINK_PATH}`;
}

function latchReason(latch: {
  tripped: boolean;
  by?: string | undefined;
  reason?: string | undefined;
}): string | null {
  if (!latch.tripped) return null;
  return [latch.by, latch.reason].filter((part) => part !== undefined).join(': ') || 'kill switch';
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
