import { describe, expect, it } from 'vitest';
import { hostForUrl } from '../up/household.ts';
import { linkUrl } from './serve.ts';

describe('linkUrl', () => {
  it.each([
    ['http://127.0.0.1:8787', 'ws://127.0.0.1:8787'],
    ['http://127.0.0.1:8787/v1', 'ws://127.0.0.1:8787'],
    ['https://desk.example.org/v1', 'wss://desk.example.org'],
    ['wss://desk.example.org', 'wss://desk.example.org'],
  ])('%s → %s', (from, to) => {
    expect(linkUrl(from)).toBe(to);
  });

  it.each(['nonsense', 'ftp://x', ''])('refuses %j with what a URL looks like', (text) => {
    expect(() => linkUrl(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', todo: expect.stringContaining('http') }),
    );
  });
});

describe('hostForUrl', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['::', '[::1]'],
    ['::1', '[::1]'],
    ['localhost', 'localhost'],
  ])('%s is reached as %s', (bound, reached) => {
    expect(hostForUrl(bound)).toBe(reached);
  });
});
