import { Observation, Operation, type OperationInput } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { DomainGuard, taskDomain } from './task-domain.ts';

const field = (states: string[], name = 'A field', role = 'text_field') => ({
  id: 'f',
  source: 'dom',
  role,
  name,
  states,
  bounds: { x: 0, y: 0, width: 50, height: 20 },
});

const at = (url: string | null, elements: unknown[] = [], application = 'Chromium') =>
  Observation.parse({
    frame: null,
    windows: [{ id: 'w', title: '', application, bounds: { x: 0, y: 0, width: 9, height: 9 }, active: true }],
    activeWindowId: 'w',
    elements,
    page: url === null ? null : { url, title: '' },
    settle: { settledMs: 0, reason: 'quiet' },
  });

const go = (url: string): OperationInput => ({ type: 'browser_navigate', url });
const click: OperationInput = { type: 'click', point: { x: 5, y: 5 } };
const type: OperationInput = { type: 'type_text', text: 'hunter2' };

function rule(task: string, operation: OperationInput, now = at(null), first = now): string | null {
  const guard = new DomainGuard(taskDomain(task, null));
  guard.saw(first);
  guard.saw(now);
  return guard.departure([Operation.parse(operation)], now)?.rule ?? null;
}

describe('what a task is about', () => {
  it.each([
    ['Go to https://shop.example/cart and buy milk', go('https://shop.example/milk'), null],
    ['Go to www.shop.example and buy milk', go('https://pay.shop.example/'), null],
    ['Buy milk at shop.example', go('https://evil.example/'), 'domain:site'],
    ['Buy milk at shop.example', go('https://shop.example@evil.example/'), 'domain:site'],
    ['Buy milk at shop.example', go('https://shop.example.evil.example/'), 'domain:site'],
    ['Open http://127.0.0.1:3000', go('http://127.0.0.1:3000/x'), null],
    ['Open http://127.0.0.1:3000', go('http://127.0.0.1:8080/admin'), 'domain:site'],
    ['Search the web for the tallest tower', go('https://towers.example/'), null],
    ['Buy milk', { type: 'run_command', command: 'ls' }, 'domain:terminal'],
    ['Run "ls" in a terminal', { type: 'run_command', command: 'ls' }, null],
    ['Delete the file /tmp/a.txt', { type: 'run_command', command: 'rm -- /tmp/a.txt' }, null],
    ['Delete the file /tmp/a.txt', { type: 'run_command', command: 'rm -- /tmp/b.txt' }, 'domain:terminal'],
    ['If "Old" is visible, delete /tmp/a.txt', { type: 'run_command', command: 'rm -- /tmp/a.txt' }, null],
    ['Buy milk', { type: 'open_application', name: 'Terminal' }, 'domain:terminal'],
    ['Buy milk', { type: 'open_application', name: 'Text Editor' }, null],
    ['Buy milk at shop.example', go('https://shop.example/tool.exe'), 'domain:download'],
  ] as const)('[POL7] “%s”, %j: %s', (task, operation, expected) =>
    expect(rule(task, operation as OperationInput, at('https://shop.example/'))).toBe(
      // The pages of 127.0.0.1 are looked at from the first of them.
      expected,
    ),
  );

  it('names sites only where it means one', () => {
    const sites = (task: string) => [...taskDomain(task, null).sites];
    expect(sites('Save notes.md and /tmp/log.txt, mail ann@shop.example, version 1.2')).toEqual([]);
    expect(sites('Go to HTTPS://www.Shop.Example:443/a.html.')).toEqual(['shop.example']);
    expect(sites('open localhost:3000 and 127.0.0.1:80')).toEqual(['localhost:3000', '127.0.0.1:80']);
  });

  it('[POL7] a page that a redirect or a link led to gets no input; going back does not count', () => {
    const task = 'Buy milk at shop.example';
    for (const operation of [click, type, { type: 'key_press', keys: ['enter'] } as OperationInput])
      expect(rule(task, operation, at('https://evil.example/'))).toBe('domain:site');
    expect(rule(task, { type: 'key_combo', keys: ['alt', 'left'] }, at('https://evil.example/'))).toBeNull();
    expect(rule(task, click, at('https://shop.example/'))).toBeNull();
    expect(rule(task, click, at(null))).toBeNull();
  });

  it('[POL7] a task without a site means the page that lay open, or the first one chosen before any page', () => {
    expect(rule('Buy milk', click, at('https://shop.example/'))).toBeNull();
    expect(rule('Buy milk', go('https://evil.example'), at('https://shop.example/'))).toBe('domain:site');
    expect(rule('Buy milk', go('https://shop.example'), at(null))).toBeNull();
    const guard = new DomainGuard(taskDomain('Buy milk', null));
    guard.saw(at(null));
    expect(guard.departure([Operation.parse(go('https://shop.example'))], at(null))).toBeNull();
    guard.saw(at('https://shop.example/'));
    expect(
      guard.departure([Operation.parse(go('https://evil.example'))], at('https://shop.example/')),
    ).toMatchObject({ rule: 'domain:site' });
  });

  it('[POL7] passwords are for tasks that speak of them, or for the vault', () => {
    const login = at('https://shop.example/', [field(['focused', 'protected'])]);
    expect(rule('Buy milk', type, login)).toBe('domain:credentials');
    expect(rule('Sign in with the password hunter2', type, login)).toBeNull();
    expect(rule('Buy milk', { type: 'type_text', text: '{{secret:shop}}' }, login)).toBeNull();
  });

  it('[POL7] bait is not clicked, terminals are not typed into', () => {
    const bait = at('https://shop.example/', [field([], 'Download FreeTool.exe', 'link')]);
    expect(rule('Buy milk', click, bait)).toBe('domain:download');
    expect(rule('Download the invoice', click, bait)).toBeNull();
    expect(rule('Buy milk', type, at(null, [], 'XTerm'))).toBe('domain:terminal');
  });

  it('[POL7] what a person allowed holds for that site or kind only', () => {
    const guard = new DomainGuard(taskDomain('Buy milk at shop.example', null));
    const page = at('https://evil.example/');
    const found = guard.departure([Operation.parse(click)], page);
    guard.grant(found as NonNullable<typeof found>);
    expect(guard.departure([Operation.parse(click)], page)).toBeNull();
    expect(guard.departure([Operation.parse(click)], at('https://other.example/'))).not.toBeNull();
    expect(guard.departure([Operation.parse({ type: 'run_command', command: 'x' })], page)).not.toBeNull();
  });
});
