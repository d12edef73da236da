import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errorAttributes, type Logger } from '@deskhand/base';
import { AUDIT_GENESIS, auditHash, auditHeadFile, parseAuditLine } from '@deskhand/protocol/audit-chain';

export { verifyAuditLog } from '@deskhand/protocol/audit-chain';

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
  | Readonly<{ kind: 'secret'; run: string | null; names: string; where: string | null; verdict: string }>
  | Readonly<{ kind: 'person'; what: string }>
  | Readonly<{ kind: 'stopped'; by: string; reason: string }>
  /** A run came while the stop hotkey did not work. `overridden`: the person had allowed that beforehand. */
  | Readonly<{ kind: 'not_armed'; run: string | null; reason: string; overridden: boolean }>
  | Readonly<{ kind: 'session'; what: string; away: boolean }>
  | Readonly<{ kind: 'reset' }>
  /** The end of a line that a crash cut off was taken away. */
  | Readonly<{ kind: 'mended'; bytes: number }>;

const TAIL_BYTES = 64 * 1024;
/** Actions come many a second: they reach the disk within this time, everything else at once. */
const SYNC_WITHIN_MS = 1000;

/** Append-only JSON lines; each carries the hash of the one before, so a changed or missing line shows. */
export class AuditLog implements Disposable {
  readonly #path: string;
  readonly #log: Logger;
  #syncing: NodeJS.Timeout | undefined;
  #running = false;
  #again = false;
  #file: number | undefined;
  #seq: number;
  #previous: string;

  private constructor(path: string, file: number, seq: number, previous: string, log: Logger) {
    this.#path = path;
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
    // The rest after the last line end is a line that a crash cut off: nobody was told that it is there.
    const torn = Buffer.byteLength(lines.pop() ?? '');
    if (torn > 0) ftruncateSync(file, size - torn);
    const last = lines.findLast((line) => parseAuditLine(line) !== undefined);
    const entry = last === undefined ? undefined : parseAuditLine(last);
    const opened = new AuditLog(path, file, entry?.seq ?? 0, entry?.hash ?? AUDIT_GENESIS, log);
    if (torn > 0) opened.append({ kind: 'mended', bytes: torn });
    return opened;
  }

  /** A full disk is logged, not thrown: what the person asked for must not fail over its record. */
  append(entry: AuditEntry): void {
    if (this.#file === undefined) return;
    const body = { seq: this.#seq + 1, at: new Date().toISOString(), ...entry, prev: this.#previous };
    const hash = auditHash(body);
    try {
      writeSync(this.#file, `${JSON.stringify({ ...body, hash })}\n`);
      this.#seq = body.seq;
      this.#previous = hash;
      if (entry.kind !== 'action') this.#syncSoon();
      else this.#syncing ??= setTimeout(() => this.#syncSoon(), SYNC_WITHIN_MS).unref();
    } catch (error) {
      this.#log.error('the audit log cannot be written', errorAttributes(error));
    }
  }

  /**
   * Brings it to the disk, then notes how far it goes: entries that are missing at the end show. A busy disk takes
   * seconds for it, and guard counts a daemon that stands still for two as hung: nobody waits here.
   */
  #syncSoon(): void {
    clearTimeout(this.#syncing);
    this.#syncing = undefined;
    this.#again = this.#running;
    if (this.#running || this.#file === undefined) return;
    this.#running = true;
    const file = this.#file;
    const head = this.#head();
    const temporary = `${auditHeadFile(this.#path)}.new`;
    void (async () => {
      try {
        await promisify(fdatasync)(file);
        await writeFile(temporary, head, { mode: 0o600 });
        // Ended meanwhile: then the last head was written at once.
        if (this.#file !== undefined) await rename(temporary, auditHeadFile(this.#path));
      } catch (error) {
        if (this.#file !== undefined)
          this.#log.error('the audit log cannot be brought to the disk', errorAttributes(error));
      } finally {
        this.#running = false;
        if (this.#again) this.#syncSoon();
      }
    })();
  }

  #head(): string {
    return `${JSON.stringify({ seq: this.#seq, hash: this.#previous })}\n`;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#syncing);
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      fdatasyncSync(file);
      // A name of its own: the other one may just be written.
      const temporary = `${auditHeadFile(this.#path)}.last`;
      writeFileSync(temporary, this.#head(), { mode: 0o600 });
      renameSync(temporary, auditHeadFile(this.#path));
    } catch (error) {
      this.#log.error('the audit log cannot be brought to the disk', errorAttributes(error));
    }
    closeSync(file);
  }
}
