import { Operation, type OperationInput, WindowInfo } from '@deskhand/protocol';
import { DEFAULT_POLICY, PolicyFile, policySchema } from '@deskhand/protocol/policy-file';
import { describe, expect, it } from 'vitest';
import { decide, decideOrigin, type PolicyQuestion } from './policy.ts';
import { hasRootBelow, isTerminal } from './root-terminal.ts';

const around = { workFolder: '/data/work', savedPaths: new Set<string>() };

const policyOf = (changes: Record<string, unknown>) =>
  ({ state: 'loaded', policy: PolicyFile.parse({ ...DEFAULT_POLICY, ...changes }) }) as const;

const window = (application: string, title = 'A title') =>
  WindowInfo.parse({
    id: '0x1',
    title,
    application,
    bounds: { x: 0, y: 0, width: 10, height: 10 },
    active: true,
  });

const ask = (
  policy: ReturnType<typeof policyOf>,
  operation: OperationInput,
  rest: Partial<PolicyQuestion> = {},
) => decide(policy, { operation: Operation.parse(operation), window: window('Mousepad'), ...rest }, around);

const click: OperationInput = { type: 'click', point: { x: 1, y: 1 } };
const type: OperationInput = { type: 'type_text', text: 'x' };
const go = (url: string): OperationInput => ({ type: 'browser_navigate', url });

describe('an address that lies', () => {
  const closed = policyOf({
    urls: { default: 'deny', rules: [{ match: 'https://shop.example/*', verdict: 'allow' }] },
  });
  const open = policyOf({
    urls: { default: 'allow', rules: [{ match: 'https://bank.example/*', verdict: 'deny' }] },
  });

  it.each([
    'https://shop.example@evil.example/',
    'https://shop.example.evil.example/',
    'https://evil.example/https://shop.example/',
    'https://evil.example/?https://shop.example/',
    'https://evil.example#https://shop.example/',
    'https:\\\\evil.example\\@shop.example/',
    'https://shop.exаmple/',
    'http://shop.example/',
    'https://shop.example%2eevil.example/',
  ])('[POL4] is not allowed in the name of another: %s', (url) =>
    expect(ask(closed, go(url))).toMatchObject({ verdict: 'deny' }),
  );

  it.each([
    'https://bank.example/login',
    'HTTPS://BANK.EXAMPLE/login',
    'https://bank.example./login',
    'https://bank.example:443/login',
    'https://user:pass@bank.example/login',
    'https:\\\\bank.example\\login',
    'https:/bank.example/login',
    'view-source:https://bank.example/login',
    'ht\ttps://bank.exa\nmple/login',
    '  https://bank.example/login',
    'bank.example/login',
    'https://ｂａｎｋ.example/login',
  ])('[POL4] is denied however it is spelt: %j', (url) =>
    expect(ask(open, go(url))).toMatchObject({ verdict: 'deny' }),
  );

  it('[POL4] counts for the page that gets the input, however one came there', () => {
    const pageUrl = 'https://bank.example/transfer';
    for (const operation of [click, type])
      expect(ask(open, operation, { pageUrl })).toMatchObject({
        verdict: 'deny',
        rule: 'urls:https://bank.example/*',
      });
    expect(ask(open, click, { pageUrl: 'https://other.example/' })).toMatchObject({ verdict: 'allow' });
  });
});

describe('a window that lies', () => {
  it.each<[what: string, window: WindowInfo, names: string[], verdict: string]>([
    ['an innocent class over a password manager', window('Mousepad'), ['keepassxc'], 'deny'],
    ['the other part of the class', window('Editor'), ['keepassxc', 'Editor'], 'deny'],
    ['letters of another width', window('ＫｅｅＰａｓｓＸＣ'), [], 'deny'],
    ['letters that can’t be seen', window('Kee\u200bPass\u200dXC'), [], 'deny'],
    ['an innocent title', window('KeePassXC', 'Untitled – Mousepad'), [], 'deny'],
    ['a frightening title only', window('Mousepad', 'KeePassXC – polkit'), [], 'allow'],
  ])('[POL3] %s', (_what, lying, names, verdict) =>
    expect(ask(policyOf({}), type, { window: lying, names })).toMatchObject({ verdict }),
  );

  it('[POL3] is known however its letters are put together, in the window and in the rule', () => {
    const [whole, parts] = ['Schlüssel'.normalize('NFC'), 'Schlüssel'.normalize('NFD')];
    for (const match of [whole, parts, `*${parts}*`])
      for (const name of [whole, parts]) {
        const policy = policyOf({ applications: { default: 'allow', rules: [{ match, verdict: 'deny' }] } });
        expect(ask(policy, type, { window: window(name) })).toMatchObject({ verdict: 'deny' });
        const titles = policyOf({ titles: { default: 'allow', rules: [{ match, verdict: 'deny' }] } });
        expect(ask(titles, type, { window: window('Editor', name) })).toMatchObject({ verdict: 'deny' });
      }
  });

  it('[POL3] is never allowed by its title what its application is denied', () => {
    const policy = policyOf({ titles: { default: 'allow', rules: [{ match: '*', verdict: 'allow' }] } });
    expect(ask(policy, type, { window: window('KeePassXC') })).toMatchObject({ verdict: 'deny' });
  });

  it('[POL3] passes for ours in no spelling', () => {
    for (const names of [['deskhand'], ['ｄｅｓｋｈａｎｄ'], ['Deskhand Panel']])
      expect(ask(policyOf({}), click, { names })).toMatchObject({ verdict: 'deny', rule: 'own_window' });
  });
});

describe('kinds of action', () => {
  it('[POL6] password fields and terminals with root are asked about, whatever the application is allowed', () => {
    const policy = policyOf({
      applications: { default: 'deny', rules: [{ match: 'Mousepad', verdict: 'allow' }] },
    });
    expect(ask(policy, type)).toMatchObject({ verdict: 'allow' });
    expect(ask(policy, type, { kinds: ['type_password'] })).toMatchObject({
      verdict: 'ask',
      rule: 'actions:type_password',
    });
    expect(ask(policy, click, { kinds: ['root_terminal'] })).toMatchObject({ verdict: 'ask' });
  });

  it('[POL6] holds for a file written before there were kinds', () => {
    const { actions: _actions, ...older } = DEFAULT_POLICY;
    const policy = { state: 'loaded', policy: PolicyFile.parse(older) } as const;
    expect(
      decide(
        policy,
        { operation: Operation.parse(type), window: window('x'), kinds: ['type_password'] },
        around,
      ),
    ).toMatchObject({ verdict: 'ask' });
  });

  it('[POL3] the strictest of all rules counts', () => {
    const policy = policyOf({
      actions: { default: 'allow', rules: [{ match: 'key_*', verdict: 'deny', why: 'No keys.' }] },
      applications: { default: 'ask', rules: [] },
    });
    expect(ask(policy, { type: 'key_combo', keys: ['ctrl', 'w'] })).toMatchObject({
      verdict: 'deny',
      rule: 'actions:key_*',
      reason: 'No keys.',
    });
    expect(ask(policy, click)).toMatchObject({ verdict: 'ask', rule: 'applications:default' });
    expect(
      ask(policyOf({ actions: { default: 'deny', rules: [] }, terminal: { allow: true } }), {
        type: 'run_command',
        command: 'ls',
      }),
    ).toMatchObject({ verdict: 'deny', rule: 'actions:default' });
  });
});

describe('who may start runs', () => {
  const moment = { serverIsLocal: false, now: new Date(2026, 0, 5, 12), ranMs: null };
  it('[POL5] is asked about for other servers, until somebody is named', () => {
    const starter = 'wss://desk.example laptop (key_1)';
    expect(decideOrigin(policyOf({}), { ...moment, starter })).toMatchObject({
      verdict: 'ask',
      rule: 'runs:other_servers',
    });
    const known = policyOf({
      runs: { ...DEFAULT_POLICY.runs, starters: [{ match: 'wss://desk.example *', verdict: 'allow' }] },
    });
    expect(decideOrigin(known, { ...moment, starter })).toMatchObject({ verdict: 'allow' });
    expect(decideOrigin(known, { ...moment, starter: 'wss://desk.example.evil.example x' })).toMatchObject({
      verdict: 'ask',
    });
  });
});

describe('root in a terminal', () => {
  it('is seen in what runs below it, by another user than root', () => {
    expect(isTerminal(['Xfce4-terminal'])).toBe(true);
    expect(isTerminal(['Mousepad'])).toBe(false);
    // Process 1 of every system runs as root; a desktop of root's own says nothing.
    expect(hasRootBelow(0, 1000)).toBe(true);
    expect(hasRootBelow(0, 0)).toBe(false);
    expect(hasRootBelow(process.pid, 1000, '/nowhere')).toBe(false);
  });
});

it('[POL1] the schema that is printed takes the first policy', () => {
  const schema = policySchema();
  expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
  expect(Object.keys(schema.properties as object)).toEqual(
    expect.arrayContaining([
      'version',
      'runs',
      'applications',
      'titles',
      'urls',
      'actions',
      'terminal',
      'files',
    ]),
  );
});
