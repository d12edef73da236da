import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.ts';

const value = 'hunter2-hush';
const secret = new Secret(value);

describe('Secret', () => {
  it('is read by reveal() alone', () => {
    expect(secret.reveal()).toBe(value);
    expect(new Secret('').reveal()).toBe('');
  });

  it.each<[way: string, text: () => string]>([
    ['template', () => `${secret}`],
    ['concatenation', () => `key: ${String(secret)}`],
    ['JSON', () => JSON.stringify({ key: secret, list: [secret] })],
    ['inspect', () => inspect({ key: secret }, { depth: 10, showHidden: true, showProxy: true })],
    ['console formats', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['an error and its cause', () => inspect(new Error(`no: ${secret}`, { cause: { secret } }))],
    ['its own and inherited properties', () => JSON.stringify(Object.getOwnPropertyDescriptors(secret))],
    ['a structured clone', () => inspect(structuredClone({ secret }))],
    ['a spread copy', () => JSON.stringify({ ...secret })],
  ])('says nothing through %s', (_way, text) => {
    expect(text()).not.toContain(value);
  });

  it('shows that something is hidden', () => {
    expect(`${secret}`).toBe('[secret]');
    expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
    expect(inspect(secret)).toBe('[secret]');
  });
});
