import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
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
  | Readonly<{ intact: false; line: number; reason: string }>;

/** Beside the log: number and hash of an entry that is known to be in it. */
export function auditHeadFile(path: string): string {
  return `${path}.head`;
}

const AuditHead = z.object({ seq: z.int().min(0), hash: z.string() });

/** Checks the chain from the first line on, and that it goes as far as its head says. @throws the file system's error. */
export function verifyAuditLog(path: string): AuditVerification {
  const lines = readFileSync(path, 'utf8').split('\n');
  let previous = AUDIT_GENESIS;
  let entries = 0;
  let last = 0;
  const head = readHead(path);
  for (const [index, text] of lines.entries()) {
    if (text === '' && index === lines.length - 1) break;
    const entry = parseAuditLine(text);
    if (entry === undefined) return { intact: false, line: index + 1, reason: 'not an audit entry' };
    const { hash, ...body } = entry;
    if (body.prev !== previous)
      return { intact: false, line: index + 1, reason: 'an entry before it is missing or changed' };
    if (auditHash(body) !== hash) return { intact: false, line: index + 1, reason: 'it was changed' };
    previous = hash;
    entries += 1;
    if (head !== undefined && entry.seq === head.seq && hash !== head.hash)
      return { intact: false, line: index + 1, reason: 'it is not the entry that was here' };
    last = entry.seq;
  }
  // A log that goes further than its head was cut off by a crash between the two; a shorter one lost entries.
  if (head !== undefined && last < head.seq)
    return {
      intact: false,
      line: entries + 1,
      reason: `entries up to number ${head.seq} are missing at the end`,
    };
  return { intact: true, entries };
}

function readHead(path: string): z.infer<typeof AuditHead> | undefined {
  try {
    return AuditHead.parse(JSON.parse(readFileSync(auditHeadFile(path), 'utf8')));
  } catch {
    // Logs from before there was one; a head that was taken away proves nothing either way.
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
