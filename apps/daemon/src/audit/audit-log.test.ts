import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { auditFiles } from '@deskhand/protocol/audit-chain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditLog, verifyAuditLog } from './audit-log.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-audit-'));
  path = join(folder, 'audit.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(count: number, what = 'did'): void {
  using log = AuditLog.open(path, silentLogger);
  for (let index = 0; index < count; index += 1) log.append({ kind: 'person', what: `${what} ${index}` });
}

describe('the audit log', () => {
  it('[AUDIT] goes on where it ended, in one chain', () => {
    write(3);
    write(2);
    expect(verifyAuditLog(path)).toEqual({ intact: true, entries: 5 });
    const seqs = lines().map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(seqs).toEqual([1, 2, 3, 4, 5]);
  });

  it('[AUDIT] shows a changed, a missing and a moved line', () => {
    write(5);
    const original = lines();
    const save = (changed: string[]) => writeFileSync(path, `${changed.join('\n')}\n`);
    save(original.map((line) => line.replace('did 2', 'did X')));
    expect(verifyAuditLog(path)).toEqual({ intact: false, file: path, line: 3, reason: 'it was changed' });
    save(original.filter((_line, index) => index !== 2));
    expect(verifyAuditLog(path)).toMatchObject({ intact: false, line: 3 });
    save([0, 2, 1, 3, 4].map((index) => original[index] as string));
    expect(verifyAuditLog(path)).toMatchObject({ intact: false, line: 2 });
    save(original);
    expect(verifyAuditLog(path)).toMatchObject({ intact: true });
  });

  it('[AUDIT] shows that entries are missing at the end', () => {
    write(5);
    writeFileSync(path, `${lines().slice(0, 3).join('\n')}\n`);
    expect(verifyAuditLog(path)).toEqual({
      intact: false,
      file: path,
      line: 4,
      reason: 'entries up to number 5 are missing at the end',
    });
  });

  it('[AUDIT] shows entries that were written anew from the first on', () => {
    write(3);
    const head = readFileSync(`${path}.head`);
    rmSync(path);
    // Other words: the same ones within the same millisecond would be the same log.
    write(3, 'said to have done');
    writeFileSync(`${path}.head`, head);
    expect(verifyAuditLog(path)).toMatchObject({ intact: false, line: 3 });
  });

  it('[AUDIT] mends a line that a crash cut off, and says so', () => {
    write(2);
    appendFileSync(path, '{"seq":3,"at":"20');
    write(1);
    expect(verifyAuditLog(path)).toEqual({ intact: true, entries: 4 });
    expect(JSON.parse(lines()[2] as string)).toMatchObject({ seq: 3, kind: 'mended', bytes: 17 });
    expect(JSON.parse(lines()[3] as string)).toMatchObject({ seq: 4, what: 'did 0' });
  });

  it('[AUDIT] is intact after a crash at any byte', () => {
    write(3);
    const whole = readFileSync(path);
    const [one = '', two = ''] = lines();
    rmSync(`${path}.head`);
    for (let length = one.length + 1; length <= one.length + two.length + 2; length += 7) {
      writeFileSync(path, whole.subarray(0, length));
      rmSync(`${path}.head`, { force: true });
      write(1);
      expect(verifyAuditLog(path), `${length} bytes`).toMatchObject({ intact: true });
    }
  });

  it('is readable by its owner only and empty ones are intact', () => {
    write(0);
    expect(verifyAuditLog(path)).toEqual({ intact: true, entries: 0 });
  });
});

describe('an audit log that has grown', () => {
  const limits = { fileBytes: 2000, keptFiles: 3 };
  const files = () =>
    readdirSync(folder)
      .filter((name) => /^audit\.jsonl(\.\d+)?$/.test(name))
      .sort();

  /** Writes until it has begun anew so often; a file becomes full at a sync only. */
  async function grow(times: number, log = AuditLog.open(path, silentLogger, limits)): Promise<number> {
    using open = log;
    let written = 0;
    let begun = 0;
    for (let inode = statSync(path).ino; begun < times; written += 1) {
      open.append({ kind: 'person', what: `did ${written}` });
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (statSync(path).ino === inode) continue;
      inode = statSync(path).ino;
      begun += 1;
    }
    open.append({ kind: 'person', what: 'the last' });
    return written + 1;
  }
  const seqs = () =>
    auditFiles(path).flatMap(({ path: file }) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { seq: number }).seq),
    );

  it('[AUDIT] goes on in a new file, in one chain over all of them, also after a restart', async () => {
    const first = await grow(2);
    expect(files()).toHaveLength(3);
    expect(verifyAuditLog(path)).toEqual({ intact: true, entries: first });
    write(1);
    expect(verifyAuditLog(path)).toEqual({ intact: true, entries: first + 1 });
    expect(seqs()).toEqual(Array.from({ length: first + 1 }, (_, index) => index + 1));
  });

  it('[AUDIT] keeps a bounded number of files, and what is left is provably what followed', async () => {
    const entries = await grow(6);
    expect(files()).toHaveLength(1 + limits.keptFiles);
    const kept = seqs();
    expect(kept.at(-1)).toBe(entries);
    expect(kept[0]).toBeGreaterThan(1);
    expect(verifyAuditLog(path)).toEqual({ intact: true, entries: kept.length });
    // The next oldest does not go unnoticed.
    const [oldest] = auditFiles(path);
    rmSync(String(oldest?.path));
    expect(verifyAuditLog(path)).toMatchObject({ intact: false, line: 1, file: auditFiles(path)[0]?.path });
  });

  it('[AUDIT] names the file in which a line was changed, and notices one that is missing in the middle', async () => {
    await grow(3);
    const second = String(auditFiles(path)[1]?.path);
    const original = readFileSync(second, 'utf8');
    writeFileSync(second, original.replace('did', 'dad'));
    expect(verifyAuditLog(path)).toMatchObject({ intact: false, file: second, line: 1 });
    rmSync(second);
    expect(verifyAuditLog(path)).toMatchObject({ intact: false });
  });

  it('[AUDIT] loses nothing by an end at any moment of beginning a new file', async () => {
    const entries = await grow(4);
    const [oldest] = auditFiles(path);
    const base = readFileSync(`${path}.base`);
    const full = String(auditFiles(path).at(-2)?.path);
    // After the old one was put aside, before the new one has its name.
    const newest = readFileSync(path);
    rmSync(path);
    writeFileSync(`${path}.next`, '');
    rmSync(`${path}.head`);
    const before = seqs();
    write(1);
    expect(seqs()).toEqual([...before, Number(before.at(-1)) + 1]);
    expect(verifyAuditLog(path)).toMatchObject({ intact: true });
    // After it was noted that the oldest is to go, before it went.
    writeFileSync(path, newest);
    rmSync(`${path}.head`);
    const last = readFileSync(String(oldest?.path), 'utf8').trimEnd().split('\n').at(-1) as string;
    const { seq, hash } = JSON.parse(last) as { seq: number; hash: string };
    writeFileSync(`${path}.base`, JSON.stringify({ seq, hash }));
    expect(verifyAuditLog(path)).toMatchObject({ intact: true });
    expect(seqs()[0]).toBe(seq + 1);
    // Before that was noted.
    writeFileSync(`${path}.base`, base);
    expect(verifyAuditLog(path)).toMatchObject({ intact: true });
    expect(seqs().at(-1)).toBe(entries);
    expect(readFileSync(full, 'utf8')).toContain('"seq"');
  });

  it('[AUDIT] is whole again after a disk that took a part of a line', () => {
    const small = join(folder, 'small');
    mkdirSync(small);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]).status !== 0) return;
    try {
      const log = join(small, 'audit.jsonl');
      {
        using open = AuditLog.open(log, silentLogger);
        for (let index = 0; index < 500; index += 1) open.append({ kind: 'person', what: 'x'.repeat(index) });
      }
      const found = verifyAuditLog(log);
      expect(found).toMatchObject({ intact: true });
      expect(found.intact && found.entries).toBeLessThan(500);
    } finally {
      spawnSync('umount', ['-l', small]);
    }
  });
});

function lines(): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}
