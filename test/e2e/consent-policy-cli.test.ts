import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUDIT_GENESIS, auditHash } from '@deskhand/protocol/audit-chain';
import { DEFAULT_POLICY, loadPolicy } from '@deskhand/protocol/policy-file';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deskhand } from '../helpers/up-process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-consent-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => join(folder, 'policy.json');
const run = (...args: string[]) => deskhand([...args, '--data', folder]);
const saved = () => {
  const loaded = loadPolicy(file());
  if (loaded.state !== 'loaded') throw new Error(loaded.reason);
  return loaded.policy;
};

describe('deskhand policy', () => {
  it('[POL] says that everything is denied while there is no file, and creates one once', async () => {
    expect(await run('policy')).toMatchObject({ code: 1, stderr: expect.stringContaining('denied') });
    expect(await run('policy', 'check', '--json')).toMatchObject({ code: 1 });
    expect(await run('policy', 'create')).toMatchObject({ code: 0 });
    expect(saved()).toEqual(DEFAULT_POLICY);
    expect(await run('policy', 'create')).toMatchObject({ code: 1 });
    expect((await run('policy', 'path')).stdout.trim()).toBe(file());
    expect((await run('policy')).stdout).toContain('commands in a terminal');
  });

  it('[POL] changes one rule, says so, and leaves the rest and no other file', async () => {
    await run('policy', 'create');
    expect((await run('policy', 'allow', 'terminal')).stdout).toContain('Commands in a terminal are allowed');
    await run('policy', 'allow', 'files', join(folder, 'papers'));
    await run('policy', 'ask', 'application', 'Mail', '--why', 'It sends.');
    await run('policy', 'deny', 'server', 'other');
    await run('policy', 'allow', 'application', 'MAIL');
    expect(saved()).toEqual({
      ...DEFAULT_POLICY,
      runs: { ...DEFAULT_POLICY.runs, other_servers: 'deny' },
      terminal: { allow: true },
      files: { roots: [join(folder, 'papers')] },
      applications: {
        ...DEFAULT_POLICY.applications,
        rules: [{ match: 'MAIL', verdict: 'allow' }, ...DEFAULT_POLICY.applications.rules],
      },
    });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['policy.json']);
    const again = await run('policy', 'allow', 'terminal', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ changed: false });
  });

  it.each([
    ['an unknown kind', ['policy', 'allow', 'everything']],
    ['nothing named', ['policy', 'deny', 'application']],
    ['a question that cannot be asked', ['policy', 'ask', 'terminal']],
    ['an unknown server', ['policy', 'deny', 'server', 'mine']],
  ])('changes nothing for %s', async (_what, args) => {
    await run('policy', 'create');
    const before = readFileSync(file(), 'utf8');
    expect(await run(...args)).toMatchObject({ code: 2 });
    expect(readFileSync(file(), 'utf8')).toBe(before);
  });

  it('[POL] shows each problem of a broken file with its place, and never writes over it', async () => {
    const broken = {
      ...DEFAULT_POLICY,
      terminal: { allow: 'yes' },
      applications: { default: 'maybe', rules: [{ match: 'x', verdict: 'allow' }, { match: '' }] },
    };
    writeFileSync(file(), JSON.stringify(broken));
    const { code, stdout } = await run('policy', 'check', '--json');
    expect(code).toBe(1);
    const places = (JSON.parse(stdout).problems as Array<{ place: string }>).map(({ place }) => place);
    expect(places).toEqual(
      expect.arrayContaining(['terminal.allow', 'applications.default', 'applications.rules[1].verdict']),
    );
    expect(await run('policy', 'allow', 'terminal')).toMatchObject({
      stderr: expect.stringContaining('applications.rules[1].verdict'),
    });
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual(broken);
    writeFileSync(file(), '{\n  "version": 1,\n  oops\n}');
    expect((await run('policy', 'check')).stdout).toContain('line 3, column 3');
  });
});

describe('deskhand audit', () => {
  const log = () => join(folder, 'audit.jsonl');
  const write = (entries: ReadonlyArray<Record<string, unknown>>) => {
    let prev = AUDIT_GENESIS;
    const lines = entries.map((entry, index) => {
      const body = { seq: index + 1, at: '2026-01-02T03:04:05.000Z', ...entry, prev };
      prev = auditHash(body);
      return JSON.stringify({ ...body, hash: prev });
    });
    writeFileSync(log(), `${lines.join('\n')}\n`);
  };

  it('[AUDIT] shows lines as harmless text, the newest last', async () => {
    write([
      { kind: 'person', what: 'stop' },
      { kind: 'action', application: 'evil\u001b[2J\u202e' },
    ]);
    const { code, stdout } = await run('audit');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toContain('what=stop');
    expect(lines[1]).toContain('application=evil');
    expect(stdout).not.toMatch(/[\u001b\u202e]/);
    expect((await run('audit', '--last', '1', '--json')).stdout).toContain('"seq":2');
  });

  it('[AUDIT] verifies, and names the line that was changed', async () => {
    write([{ kind: 'person', what: 'stop' }, { kind: 'reset' }, { kind: 'person', what: 'resume' }]);
    expect(await run('audit', '--verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3 entries'),
    });
    writeFileSync(log(), readFileSync(log(), 'utf8').replace('"reset"', '"other"'));
    const { code, stdout } = await run('audit', '--verify', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ intact: false, line: 2 });
  });

  it('[AUDIT] shows what came since a date, an hour or some time ago, all of it', async () => {
    const old = Array.from({ length: 60 }, () => ({ kind: 'action', at: '2026-01-01T10:00:00.000Z' }));
    const late = Array.from({ length: 60 }, () => ({ kind: 'action', at: '2026-01-02T10:00:00.000Z' }));
    write([...old, ...late, { kind: 'reset', at: new Date().toISOString() }]);
    const seqs = async (...args: string[]) =>
      (await run('audit', '--json', ...args)).stdout
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).seq);
    expect(await seqs('--since', '2026-01-02')).toEqual(Array.from({ length: 61 }, (_, index) => 61 + index));
    expect(await seqs('--since', '2026-01-01T10:00:01Z', '--last', '3')).toEqual([119, 120, 121]);
    expect(await seqs('--since', '1h')).toEqual([121]);
    expect(await run('audit', '--since', 'yesterday')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--since takes'),
    });
  });

  it('says where it looked when there is none', async () => {
    expect(await run('audit', '--verify')).toMatchObject({ code: 1, stderr: expect.stringContaining(log()) });
  });
});
