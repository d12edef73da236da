import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditLog, verifyAuditLog } from './audit-log.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-audit-'));
  path = join(folder, 'audit.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(count: number): void {
  using log = AuditLog.open(path, silentLogger);
  for (let index = 0; index < count; index += 1) log.append({ kind: 'person', what: `did ${index}` });
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
    expect(verifyAuditLog(path)).toEqual({ intact: false, line: 3, reason: 'it was changed' });
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
      line: 4,
      reason: 'entries up to number 5 are missing at the end',
    });
  });

  it('[AUDIT] shows entries that were written anew from the first on', () => {
    write(3);
    const head = readFileSync(`${path}.head`);
    rmSync(path);
    write(3);
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

function lines(): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}
