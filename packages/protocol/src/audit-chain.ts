import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';

/**
 * How the lines of an audit log hang together: each carries the hash of the one before. Written by the daemon,
 * verified by anybody. Node only (own subpath).
 */
export const AuditLine = z.looseObject({
  seq: z.int(),
  at: z.string().optional(),
  kind: z.string().optional(),
  prev: z.string(),
  hash: z.string(),
});
export type AuditLine = z.infer<typeof AuditLine>;

/** What the first line follows. */
export const AUDIT_GENESIS = '0'.repeat(64);

export type AuditVerification =
  | Readonly<{ intact: true; entries: number }>
  | Readonly<{ intact: false; file: string; line: number; reason: string }>;

/** Beside the log: number and hash of an entry that is known to be in it. */
export function auditHeadFile(path: string): string {
  return `${path}.head`;
}

/** Beside the log: number and hash of the newest entry that gave way to newer ones; what is kept follows it. */
export function auditBaseFile(path: string): string {
  return `${path}.base`;
}

/** A file that was full, named by the number of its last entry. */
export function auditFullFile(path: string, lastSeq: number): string {
  return `${path}.${String(lastSeq).padStart(SEQ_DIGITS, '0')}`;
}

const SEQ_DIGITS = 12;
const FULL_FILE = new RegExp(`\\.(\\d{${SEQ_DIGITS},15})$`);

const AuditMark = z.object({ seq: z.int().min(0), hash: z.string() });
export type AuditMark = z.infer<typeof AuditMark>;

/**
 * All files of a log, oldest first; the last is the one that is written to, and may be missing.
 * @throws the file system's error, ENOENT where there is no folder.
 */
export function auditFiles(path: string): ReadonlyArray<Readonly<{ path: string; lastSeq: number }>> {
  const { seq: gone } = readAuditMark(auditBaseFile(path)) ?? { seq: 0 };
  const name = basename(path);
  const full = readdirSync(dirname(path))
    .filter((file) => file.startsWith(`${name}.`) && FULL_FILE.test(file))
    .map((file) => ({ path: join(dirname(path), file), lastSeq: Number(FULL_FILE.exec(file)?.[1]) }))
    // A crash came between noting that it is to go and taking it away.
    .filter(({ lastSeq }) => lastSeq > gone)
    .sort((a, b) => a.lastSeq - b.lastSeq);
  return existsSync(path) ? [...full, { path, lastSeq: Number.POSITIVE_INFINITY }] : full;
}

/**
 * Checks the chain over all files, from the first line that is kept on, and that it goes as far as its head says.
 * @throws the file system's error, ENOENT where there is no log.
 */
export function verifyAuditLog(path: string): AuditVerification {
  const files = auditFiles(path);
  // For the file system's own words.
  if (files.length === 0) readFileSync(path);
  const head = readAuditMark(auditHeadFile(path));
  const base = readAuditMark(auditBaseFile(path));
  let previous = base?.hash ?? AUDIT_GENESIS;
  let entries = 0;
  let last = base?.seq ?? 0;
  let place = { file: path, line: 1 };
  for (const { path: file } of files) {
    const lines = readFileSync(file, 'utf8').split('\n');
    for (const [index, text] of lines.entries()) {
      if (text === '' && index === lines.length - 1) break;
      const wrong = (reason: string) => ({ intact: false, file, line: index + 1, reason }) as const;
      const entry = parseAuditLine(text);
      if (entry === undefined) return wrong('not an audit entry');
      const { hash, ...body } = entry;
      if (body.prev !== previous) return wrong('an entry before it is missing or changed');
      if (auditHash(body) !== hash) return wrong('it was changed');
      previous = hash;
      entries += 1;
      if (head !== undefined && entry.seq === head.seq && hash !== head.hash)
        return wrong('it is not the entry that was here');
      last = entry.seq;
      place = { file, line: index + 2 };
    }
  }
  // A log that goes further than its head was cut off by a crash between the two; a shorter one lost entries.
  if (head !== undefined && last < head.seq)
    return { intact: false, ...place, reason: `entries up to number ${head.seq} are missing at the end` };
  return { intact: true, entries };
}

/** Undefined for logs from before there was one; a mark that was taken away proves nothing either way. */
export function readAuditMark(file: string): AuditMark | undefined {
  try {
    return AuditMark.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

export function auditHash(body: Record<string, unknown>): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}

/** @returns the entry as it stands there (a parsed copy may have its keys in another order), or undefined. */
export function parseAuditLine(text: string): AuditLine | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    return undefined;
  }
  return AuditLine.safeParse(entry).success ? (entry as AuditLine) : undefined;
}
