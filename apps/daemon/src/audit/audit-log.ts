import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errorAttributes, type Logger } from '@deskhand/base';
import { replaceFile } from '@deskhand/base/replace-file';
import {
  AUDIT_GENESIS,
  type AuditLine,
  type AuditMark,
  auditBaseFile,
  auditFiles,
  auditFullFile,
  auditHash,
  auditHeadFile,
  parseAuditLine,
  readAuditMark,
} from '@deskhand/protocol/audit-chain';

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

export type AuditLimits = Readonly<{
  /** A file that has grown to this is full. */
  fileBytes: number;
  /** Full files that are kept beside the one that is written to. */
  keptFiles: number;
}>;
/** Some 300,000 actions. */
const LIMITS: AuditLimits = { fileBytes: 16 * 1024 * 1024, keptFiles: 7 };

/**
 * Append-only JSON lines; each carries the hash of the one before, so a changed or missing line shows. A file that is
 * full is put aside under the number of its last entry, the chain goes on in a new one, and the oldest give way.
 */
export class AuditLog implements Disposable {
  readonly #path: string;
  readonly #log: Logger;
  readonly #limits: AuditLimits;
  #syncing: NodeJS.Timeout | undefined;
  #running = false;
  #again = false;
  #file: number | undefined;
  #bytes: number;
  #seq: number;
  #previous: string;

  private constructor(
    path: string,
    limits: AuditLimits,
    file: number,
    bytes: number,
    last: AuditMark,
    log: Logger,
  ) {
    this.#path = path;
    this.#limits = limits;
    this.#file = file;
    this.#bytes = bytes;
    this.#seq = last.seq;
    this.#previous = last.hash;
    this.#log = log;
  }

  static open(path: string, log: Logger, limits: AuditLimits = LIMITS): AuditLog {
    const file = openSync(path, 'a+', 0o600);
    const { last, size, torn } = readTail(file);
    // The rest after the last line end is a line that a crash cut off: nobody was told that it is there.
    if (torn > 0) ftruncateSync(file, size - torn);
    const before = last ?? lastOfFullFiles(path) ?? { seq: 0, hash: AUDIT_GENESIS };
    const opened = new AuditLog(path, limits, file, size - torn, before, log);
    if (torn > 0) opened.append({ kind: 'mended', bytes: torn });
    opened.#dropOldest();
    return opened;
  }

  /** A full disk is logged, not thrown: what the person asked for must not fail over its record. */
  append(entry: AuditEntry): void {
    if (this.#file === undefined) return;
    const body = { seq: this.#seq + 1, at: new Date().toISOString(), ...entry, prev: this.#previous };
    const hash = auditHash(body);
    try {
      this.#bytes += writeWhole(this.#file, `${JSON.stringify({ ...body, hash })}\n`, this.#bytes);
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
    const syncedSeq = this.#seq;
    const temporary = `${auditHeadFile(this.#path)}.new`;
    void (async () => {
      try {
        await promisify(fdatasync)(file);
        await writeFile(temporary, head, { mode: 0o600 });
        // Ended meanwhile: then the last head was written at once.
        if (this.#file !== undefined) await rename(temporary, auditHeadFile(this.#path));
        // Only with every line of it on the disk: what comes after a power cut must not follow lines that were lost.
        if (this.#bytes >= this.#limits.fileBytes) {
          if (this.#seq === syncedSeq) this.#beginNewFile();
          else this.#again = true;
        }
      } catch (error) {
        if (this.#file !== undefined)
          this.#log.error('the audit log cannot be brought to the disk', errorAttributes(error));
      } finally {
        this.#running = false;
        if (this.#again) this.#syncSoon();
      }
    })();
  }

  /** Nothing is lost by an end between any two of these: the new file is named last, the old one never missing. */
  #beginNewFile(): void {
    const full = this.#file;
    if (full === undefined) return;
    const empty = `${this.#path}.next`;
    const file = openSync(empty, 'a+', 0o600);
    const aside = auditFullFile(this.#path, this.#seq);
    try {
      renameSync(this.#path, aside);
      try {
        renameSync(empty, this.#path);
      } catch (error) {
        renameSync(aside, this.#path);
        throw error;
      }
    } catch (error) {
      closeSync(file);
      throw error;
    }
    this.#file = file;
    this.#bytes = 0;
    closeSync(full);
    this.#dropOldest();
  }

  /** Notes first what the kept ones follow: a file that is there in spite of it counts as gone. */
  #dropOldest(): void {
    try {
      const full = fullFiles(this.#path);
      for (const { path } of full.slice(0, Math.max(0, full.length - this.#limits.keptFiles))) {
        const last = lastOf(path);
        if (last === undefined) return;
        replaceFile(auditBaseFile(this.#path), `${JSON.stringify(last)}\n`);
        rmSync(path, { force: true });
      }
    } catch (error) {
      this.#log.error('old files of the audit log could not be taken away', errorAttributes(error));
    }
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

/**
 * A full disk takes a part of a line and says no more than how much: what comes after it would not be an entry.
 * @param size of the file before; it has that again when this throws.
 * @returns how many bytes it has grown.
 */
function writeWhole(file: number, line: string, size: number): number {
  const bytes = Buffer.from(line);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    return bytes.length;
  } catch (error) {
    ftruncateSync(file, size);
    throw error;
  }
}

/** The last whole entry of a file, and what a crash left behind it. */
function readTail(file: number): { last: AuditMark | undefined; size: number; torn: number } {
  const { size } = fstatSync(file);
  const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
  readSync(file, tail, 0, tail.length, size - tail.length);
  const lines = tail.toString('utf8').split('\n');
  const torn = Buffer.byteLength(lines.pop() ?? '');
  const entry = lines.map(parseAuditLine).findLast((found): found is AuditLine => found !== undefined);
  return { last: entry === undefined ? undefined : { seq: entry.seq, hash: entry.hash }, size, torn };
}

function lastOf(path: string): AuditMark | undefined {
  const file = openSync(path, 'r');
  try {
    return readTail(file).last;
  } finally {
    closeSync(file);
  }
}

/** Oldest first, without the one that is written to. */
function fullFiles(path: string) {
  return auditFiles(path).filter(({ lastSeq }) => Number.isFinite(lastSeq));
}

/** Where a crash came before the first entry of a new file. */
function lastOfFullFiles(path: string): AuditMark | undefined {
  const newest = fullFiles(path).at(-1);
  return newest === undefined ? readAuditMark(auditBaseFile(path)) : lastOf(newest.path);
}
