import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Operation, type OperationInput, WindowInfo } from '@deskhand/protocol';
import { DEFAULT_POLICY, PolicyFile, writeDefaultPolicy } from '@deskhand/protocol/policy-file';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decide, decideOrigin } from './policy.ts';
import { PolicyReader } from './policy-file.ts';

const around = { workFolder: '/data/work', savedPaths: new Set(['/home/me/letter.txt']) };
const loaded = { state: 'loaded', policy: DEFAULT_POLICY } as const;
const click: OperationInput = { type: 'click', point: { x: 1, y: 1 } };

const window = (application: string, title = 'A title') =>
  WindowInfo.parse({
    id: '0x1',
    title,
    application,
    bounds: { x: 0, y: 0, width: 10, height: 10 },
    active: true,
  });

const verdict = (operation: OperationInput, application: string | null = 'Mousepad') =>
  decide(
    loaded,
    { operation: Operation.parse(operation), window: application === null ? null : window(application) },
    around,
  );

const moment = (serverIsLocal: boolean, now = new Date(2026, 0, 5, 12), ranMs: number | null = null) => ({
  serverIsLocal,
  starter: 'wss://desk.example laptop (key_1)',
  now,
  ranMs,
});

describe('the policy nobody has touched', () => {
  it.each<
    [what: string, operation: OperationInput, application: string | null, verdict: string, rule: string]
  >([
    ['clicks an editor', click, 'Mousepad', 'allow', 'applications:default'],
    ['clicks the bare desktop', click, null, 'allow', 'applications:default'],
    ['waits', { type: 'wait', ms: 1 }, null, 'allow', 'wait'],
    [
      'types into a password manager',
      { type: 'type_text', text: 'x' },
      'KeePassXC',
      'deny',
      'applications:*keepass*',
    ],
    ['clicks a screen lock', click, 'i3lock', 'deny', 'applications:*i3lock*'],
    [
      'types a password for the system',
      { type: 'type_text', text: 'x' },
      'Polkit-gnome-agent',
      'deny',
      'applications:*polkit*',
    ],
    ['clicks our own panel', click, 'Deskhand', 'deny', 'own_window'],
    [
      'opens a password manager',
      { type: 'open_application', name: '1Password' },
      null,
      'deny',
      'applications:*1password*',
    ],
    ['runs a command', { type: 'run_command', command: 'ls' }, null, 'deny', 'terminal'],
    [
      'reads in its own folder',
      { type: 'read_file', path: '/data/work/a/b.txt' },
      null,
      'allow',
      'files:/data/work',
    ],
    ['reads its neighbour', { type: 'read_file', path: '/data/work/../machine.json' }, null, 'deny', 'files'],
    [
      'reads a folder that only begins alike',
      { type: 'read_file', path: '/data/workshop/x' },
      null,
      'deny',
      'files',
    ],
    [
      'reads what it saved',
      { type: 'stat_file', path: '/home/me/letter.txt' },
      null,
      'allow',
      'files:saved_by_this_run',
    ],
    ['reads something else', { type: 'stat_file', path: '/home/me/other.txt' }, null, 'deny', 'files'],
    ['reads a relative path', { type: 'read_file', path: 'x' }, null, 'deny', 'files'],
    [
      'visits a page',
      { type: 'browser_navigate', url: 'https://example.org/' },
      null,
      'allow',
      'urls:default',
    ],
    [
      'opens the browser’s settings',
      { type: 'browser_navigate', url: 'chrome://settings' },
      null,
      'deny',
      'urls:chrome:*',
    ],
    [
      'runs a script as a page',
      { type: 'browser_navigate', url: ' javascript:alert(1)' },
      null,
      'deny',
      'urls:javascript:*',
    ],
    [
      'reads a file through the browser',
      { type: 'browser_navigate', url: 'file:///etc/passwd' },
      null,
      'deny',
      'files',
    ],
    [
      'shows its own file',
      { type: 'browser_navigate', url: 'file:///data/work/a.html' },
      null,
      'allow',
      'files:/data/work',
    ],
  ])('%s', (_what, operation, application, expected, rule) => {
    expect(verdict(operation, application)).toMatchObject({ verdict: expected, rule });
  });

  it.each(['missing', 'broken'] as const)('denies everything when the file is %s', (state) => {
    const question = { operation: Operation.parse(click), window: window('Mousepad') };
    expect(decide({ state, reason: 'because', problems: [] }, question, around)).toEqual({
      verdict: 'deny',
      rule: `policy_${state}`,
      reason: 'because',
    });
  });

  it.each<[local: boolean, runs: PolicyFile['runs'], verdict: string, rule: string]>([
    [
      true,
      { ...DEFAULT_POLICY.runs, local_server: 'allow', other_servers: 'deny' },
      'allow',
      'runs:local_server',
    ],
    [
      false,
      { ...DEFAULT_POLICY.runs, local_server: 'allow', other_servers: 'deny' },
      'deny',
      'runs:other_servers',
    ],
    [
      true,
      { ...DEFAULT_POLICY.runs, local_server: 'ask', other_servers: 'allow' },
      'ask',
      'runs:local_server',
    ],
  ])('says whose runs may act: local %s, %j', (local, runs, expected, rule) => {
    const policy = { ...DEFAULT_POLICY, runs };
    expect(decideOrigin({ state: 'loaded', policy }, moment(local))).toMatchObject({
      verdict: expected,
      rule,
    });
    expect(decideOrigin({ state: 'missing', reason: 'gone' }, moment(local)).verdict).toBe('deny');
  });

  it('compares titles too, and takes the first rule that fits', () => {
    const policy = PolicyFile.parse({
      ...DEFAULT_POLICY,
      applications: {
        default: 'deny',
        rules: [
          { match: 'Chromium', verdict: 'allow' },
          { match: 'chrom*', verdict: 'deny' },
        ],
      },
      titles: { default: 'allow', rules: [{ match: '*bank*', verdict: 'ask' }] },
    });
    const ask = (application: string, title: string) =>
      decide(
        { state: 'loaded', policy },
        { operation: Operation.parse(click), window: window(application, title) },
        around,
      );
    expect(ask('chromium', 'News').verdict).toBe('allow');
    expect(ask('chromium', 'My Bank (1+1) [x]')).toMatchObject({ verdict: 'ask', rule: 'titles:*bank*' });
    expect(ask('chrome', 'News')).toMatchObject({ verdict: 'deny', rule: 'applications:chrom*' });
    expect(ask('xterm', 'News')).toMatchObject({ verdict: 'deny', rule: 'applications:default' });
  });
});

describe('policy.json', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'deskhand-policy-'));
    path = join(folder, 'policy.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is written once, readable, and never replaced', () => {
    writeDefaultPolicy(path);
    expect(new PolicyReader(path).current).toEqual({ state: 'loaded', policy: DEFAULT_POLICY });
    expect(readFileSync(path, 'utf8').split('\n').length).toBeGreaterThan(20);
    expect(() => writeDefaultPolicy(path)).toThrow();
  });

  it('hides what keeps passwords also while there is no file yet, or a broken one', () => {
    const reader = new PolicyReader(path);
    expect(reader.private).toEqual(DEFAULT_POLICY.private);
    writeFileSync(path, '{');
    expect(reader.private.windows).toContain('*keepass*');
    writeFileSync(
      path,
      JSON.stringify({ ...DEFAULT_POLICY, private: { windows: ['*salary*'], regions: [] } }),
    );
    expect(reader.private.windows).toEqual(['*salary*']);
    writeFileSync(path, '{');
    expect(reader.private.windows).toEqual(['*salary*']);
  });

  it('[POL1] denies and waits for nothing where the file is a pipe, a folder or far too large', () => {
    execFileSync('mkfifo', [path]);
    expect(new PolicyReader(path).current).toMatchObject({ state: 'missing' });
    rmSync(path);
    mkdirSync(path);
    expect(new PolicyReader(path).current).toMatchObject({ state: 'missing' });
    rmSync(path, { recursive: true });
    writeFileSync(path, '');
    truncateSync(path, 3 * 1024 ** 3);
    expect(new PolicyReader(path).current).toMatchObject({
      state: 'broken',
      reason: expect.stringContaining('kB'),
    });
  });

  it('counts from the next question on when it is edited, broken, mended or removed', () => {
    const reader = new PolicyReader(path);
    expect(reader.current).toMatchObject({ state: 'missing' });
    writeFileSync(path, '{');
    expect(reader.current).toMatchObject({ state: 'broken' });
    writeDefaultPolicyOver(path);
    expect(reader.current).toMatchObject({ state: 'loaded' });
    writeFileSync(path, JSON.stringify({ ...DEFAULT_POLICY, terminal: { alow: true } }));
    expect(reader.current).toMatchObject({ state: 'broken', reason: expect.stringContaining('terminal') });
    rmSync(path);
    expect(reader.current).toMatchObject({ state: 'missing' });
  });
});

function writeDefaultPolicyOver(path: string): void {
  rmSync(path, { force: true });
  writeDefaultPolicy(path);
}

describe('hours and length', () => {
  const decideAt = (runs: Partial<PolicyFile['runs']>, now: Date, ranMs: number | null = null) =>
    decideOrigin(
      { state: 'loaded', policy: { ...DEFAULT_POLICY, runs: { ...DEFAULT_POLICY.runs, ...runs } } },
      moment(true, now, ranMs),
    );
  // 5 January 2026 is a Monday.
  const at = (day: number, hour: number, minute = 0) => new Date(2026, 0, day, hour, minute);

  it.each([
    ['before', at(5, 8, 59), 'deny'],
    ['from its first minute', at(5, 9), 'allow'],
    ['to its last', at(5, 17, 59), 'allow'],
    ['after', at(5, 18), 'deny'],
    ['on another day', at(10, 12), 'deny'],
  ])('[POL] a working day: %s', (_what, now, expected) => {
    const hours: PolicyFile['runs']['hours'] = [
      { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '18:00' },
    ];
    expect(decideAt({ hours }, now).verdict).toBe(expected);
  });

  it.each([
    ['its evening', at(5, 23), 'allow'],
    ['its morning after', at(6, 5, 59), 'allow'],
    ['the morning before', at(5, 3), 'deny'],
    ['the day after', at(6, 12), 'deny'],
    ['the evening after', at(6, 23), 'deny'],
  ])('[POL] a night belongs to the day it began on: %s', (_what, now, expected) => {
    expect(decideAt({ hours: [{ days: ['mon'], from: '22:00', to: '06:00' }] }, now).verdict).toBe(expected);
  });

  it('[POL] a run ends after its minutes', () => {
    expect(decideAt({ max_minutes: 30 }, at(5, 12), 30 * 60_000 - 1).verdict).toBe('allow');
    expect(decideAt({ max_minutes: 30 }, at(5, 12), 30 * 60_000)).toMatchObject({
      verdict: 'deny',
      rule: 'runs:max_minutes',
    });
    expect(decideAt({ max_minutes: 30 }, at(5, 12)).verdict).toBe('allow');
  });
});
