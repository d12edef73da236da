import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { errorAttributes, type Logger } from '@deskhand/base';
import { z } from 'zod';

/** What happened, never what was typed. */
export type AuditEntry =
  | Readonly<{ kind: 'started'; version: string }>
  | Readonly<{ kind: 'run_began'; run: string; requestedBy: string; engine: string }>
  | Readonly<{ kind: 'run_ended'; run: string; why: string }>
  | Readonly<{
      kind: 'action';
      run: string | null;
      action: string;
      application: string | null;
      /** Its id: a title may repeat what was typed. */
      window: string | null;
      outcome: string;
      code?: string | undefined;
    }>
  | Readonly<{ kind: 'policy'; run: string | null; action: string; verdict: string; rule: string }>
  | Readonly<{ kind: 'person'; what: string }>
  | Readonly<{ kind: 'stopped'; by: string; reason: string }>
  | Readonly<{ kind: 'reset' }>;

const Line = z.looseObject({ seq: z.int(), prev: z.string(), hash: z.string() });
const GENESIS = '0'.repeat(64);
const TAIL_BYTES = 64 * 1024;

/** Append-only JSON lines; each carries the hash of the one before, so a changed or missing line shows. */
export class AuditLog implements Disposable {
  readonly #log: Logger;
  #file: number | undefined;
  #seq: number;
  #previous: string;

  private constructor(file: number, seq: number, previous: string, log: Logger) {
    this.#file = file;
    this.#seq = seq;
    this.#previous = previous;
    this.#log = log;
  }

  static open(path: string, log: Logger): AuditLog {
    const file = openSync(path, 'a+', 0o600);
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, tail, 0, tail.length, size - tail.length);
    const lines = tail.toString('utf8').split('\n');
    // The rest after the last line end is a line that a crash cut off: close it, and verification shows it.
    if (lines.pop() !== '') writeSync(file, '\n');
    const last = lines.findLast((line) => Line.safeParse(parse(line)).success);
    if (last === undefined) return new AuditLog(file, 0, GENESIS, log);
    const { seq, hash } = Line.parse(parse(last));
    return new AuditLog(file, seq, hash, log);
  }

  /** A full disk is logged, not thrown: what the person asked for must not fail over its record. */
  append(entry: AuditEntry): void {
    if (this.#file === undefined) return;
    const body = { seq: this.#seq + 1, at: new Date().toISOString(), ...entry, prev: this.#previous };
    const hash = hashOf(body);
    try {
      writeSync(this.#file, `${JSON.stringify({ ...body, hash })}\n`);
      this.#seq = body.seq;
      this.#previous = hash;
    } catch (error) {
      this.#log.error('the audit log cannot be written', errorAttributes(error));
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

export type AuditVerification =
  | Readonly<{ intact: true; entries: number }>
  | Readonly<{ intact: false; line: number; reason: string }>;

/** Checks the chain from the first line on. */
export function verifyAuditLog(path: string): AuditVerification {
  const lines = readFileSync(path, 'utf8').split('\n');
  let previous = GENESIS;
  let entries = 0;
  for (const [index, text] of lines.entries()) {
    if (text === '' && index === lines.length - 1) break;
    const entry = parse(text);
    if (!Line.safeParse(entry).success)
      return { intact: false, line: index + 1, reason: 'not an audit entry' };
    // The entry as it stands there: a parsed copy may have its keys in another order.
    const { hash, ...body } = entry as z.infer<typeof Line>;
    if (body.prev !== previous)
      return { intact: false, line: index + 1, reason: 'an entry before it is missing or changed' };
    if (hashOf(body) !== hash) return { intact: false, line: index + 1, reason: 'it was changed' };
    previous = hash;
    entries += 1;
  }
  return { intact: true, entries };
}

function hashOf(body: Record<string, unknown>): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
