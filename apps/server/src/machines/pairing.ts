import { createHash, randomInt } from 'node:crypto';
import { ProtocolError } from '@deskhand/protocol';
import type { Tx } from '../storage/schema.ts';

export const PAIRING_CODE_MS = 10 * 60_000;
/** Wrong codes from one address within a minute before it has to wait. */
const MAX_FAILURES_PER_ADDRESS = 10;
/** The same from everywhere together: codes are short-lived, not long. */
const MAX_FAILURES_TOGETHER = 100;
const WINDOW_MS = 60_000;

/** Without the letters and digits people mix up. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';

/** Something a person can read out: three groups of five, 74 bits. */
export function mintPairingCode(): string {
  const group = () => Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `${group()}-${group()}-${group()}`;
}

/** Codes are compared as people type them: case and separators don't matter. */
export function hashPairingCode(code: string): string {
  return createHash('sha256')
    .update(code.toUpperCase().replace(/[^A-Z0-9]/g, ''))
    .digest('hex');
}

/** Stores a code for a machine; earlier unused ones of that machine are void. @returns the code, shown once. */
export async function issuePairingCode(
  tx: Tx,
  machineId: string,
  nowMs: number,
): Promise<{ code: string; expiresAt: string }> {
  const code = mintPairingCode();
  const expiresAt = new Date(nowMs + PAIRING_CODE_MS).toISOString();
  await tx
    .deleteFrom('pairing_codes')
    .where('machine_id', '=', machineId)
    .where('used_at', 'is', null)
    .execute();
  await tx
    .insertInto('pairing_codes')
    .values({
      code_hash: hashPairingCode(code),
      machine_id: machineId,
      created_at: new Date(nowMs).toISOString(),
      expires_at: expiresAt,
    })
    .execute();
  return { code, expiresAt };
}

/**
 * Uses a code up.
 * @returns the machine it was issued for.
 * @throws ProtocolError PAIRING_FAILED, the same for wrong, used and expired.
 */
export async function redeemPairingCode(tx: Tx, code: string, nowMs: number): Promise<string> {
  const at = new Date(nowMs).toISOString();
  const row = await tx
    .updateTable('pairing_codes')
    .set({ used_at: at })
    .where('code_hash', '=', hashPairingCode(code))
    .where('used_at', 'is', null)
    .where('expires_at', '>', at)
    .returning('machine_id')
    .executeTakeFirst();
  if (row === undefined)
    throw new ProtocolError(
      'PAIRING_FAILED',
      'The pairing code is wrong, used or expired. Ask the server for a new one: deskhand machines enroll.',
    );
  return row.machine_id;
}

/** Slows guessing down. */
export class PairingGuard {
  readonly #failures: Array<{ atMs: number; address: string }> = [];
  readonly #steadyMs: () => number;

  constructor(steadyMs: () => number) {
    this.#steadyMs = steadyMs;
  }

  /** @throws ProtocolError RATE_LIMITED */
  check(address: string): void {
    const since = this.#steadyMs() - WINDOW_MS;
    while (this.#failures[0] !== undefined && this.#failures[0].atMs < since) this.#failures.shift();
    const own = this.#failures.filter((failure) => failure.address === address).length;
    if (own >= MAX_FAILURES_PER_ADDRESS || this.#failures.length >= MAX_FAILURES_TOGETHER)
      throw new ProtocolError('RATE_LIMITED', 'Too many wrong pairing codes; wait a minute.', {
        retry_after: 60,
      });
  }

  failed(address: string): void {
    this.#failures.push({ atMs: this.#steadyMs(), address });
  }
}
