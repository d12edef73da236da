import { describe, expect, it } from 'vitest';
import { canonicalUrl, originOf, parseUrlPattern, urlMatches, wildcard } from './url-pattern.ts';

const matches = (pattern: string, url: string, options = {}) => {
  const found = canonicalUrl(url);
  return found !== null && urlMatches(parseUrlPattern(pattern), found, options);
};

describe('an address as the browser understands it', () => {
  it.each([
    ['HTTPS://Bank.Example.:443/a?b#c', 'https://bank.example/a?b'],
    ['https://user:pass@bank.example/', 'https://bank.example/'],
    ['https:\\\\bank.example\\x', 'https://bank.example/x'],
    ['ht\ntps://ban\tk.example', 'https://bank.example/'],
    ['view-source:https://bank.example/x', 'https://bank.example/x'],
    ['blob:https://bank.example/1-2', 'https://bank.example/1-2'],
    ['https://bücher.example', 'https://xn--bcher-kva.example/'],
    ['https://bаnk.example', 'https://xn--bnk-6cd.example/'],
    ['http://0x7f000001:8080/', 'http://127.0.0.1:8080/'],
    ['http://127.1/', 'http://127.0.0.1/'],
    ['bank.example/x', 'https://bank.example/x'],
    ['localhost:3000/x', 'https://localhost:3000/x'],
    ['java\nscript:alert(1)', 'javascript:alert(1)'],
  ])('%j is %s', (text, href) => expect(canonicalUrl(text)?.href).toBe(href));

  it.each(['', 'https://', 'https://a b/', 'http://[::1'])('%j is none', (text) =>
    expect(canonicalUrl(text)).toBeNull(),
  );

  it('has an origin that can be shown', () => {
    expect(originOf('https://user@Bank.example.:443/a')).toBe('https://bank.example');
    expect(originOf('http://127.0.0.1:80/')).toBe('http://127.0.0.1');
    expect(originOf('about:blank')).toBeNull();
  });
});

describe('a pattern over addresses', () => {
  it.each([
    ['https://bank.example/*', 'https://bank.example/login', true],
    ['https://bank.example/*', 'https://bank.example.evil.example/', false],
    ['https://bank.example/*', 'https://bank.example@evil.example/', false],
    ['https://bank.example/*', 'https://evil.example/https://bank.example/', false],
    ['https://bank.example/*', 'http://bank.example/', false],
    ['https://bank.example', 'HTTPS://BANK.example.:443/x', true],
    ['bank.example', 'http://bank.example:8080/x', true],
    ['bank.example', 'https://evilbank.example/', false],
    ['*.bank.example', 'https://login.bank.example/', true],
    ['*.bank.example', 'https://bank.example/', true],
    ['*.bank.example', 'https://evilbank.example/', false],
    ['*bank*', 'https://evil.example/?bank', false],
    ['*bank*', 'https://mybank.example/', true],
    ['bücher.example', 'https://xn--bcher-kva.example/', true],
    ['bank.example', 'https://bаnk.example/', false],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080/x', true],
    ['127.0.0.1:8080', 'http://127.0.0.1:8081/x', false],
    ['127.0.0.1:8080', 'http://0x7f.1:8080/', true],
    ['http://127.0.0.1:8080/admin*', 'http://127.0.0.1:8080/admin/x', true],
    ['http://127.0.0.1:8080/admin*', 'http://127.0.0.1:8080/shop?x=/admin', false],
    ['chrome:*', 'chrome://settings/', true],
    ['chrome:*', 'view-source:chrome://settings/', true],
    ['javascript:*', ' JavaScript:alert(1)', true],
    ['file:*', 'file:///etc/passwd', true],
    ['*', 'https://anything.example/', true],
    ['*://bank.example/*', 'http://bank.example/', true],
  ])('%s and %s: %s', (pattern, url, expected) => expect(matches(pattern, url)).toBe(expected));

  it('bound to one place, means the usual port and https', () => {
    const bound = { exactPort: true };
    expect(matches('bank.example', 'https://bank.example/', bound)).toBe(true);
    expect(matches('bank.example', 'http://bank.example/', bound)).toBe(false);
    expect(matches('https://bank.example', 'https://bank.example:8443/', bound)).toBe(false);
    expect(matches('https://bank.example:8443', 'https://bank.example:8443/', bound)).toBe(true);
    expect(matches('http://127.0.0.1:3000', 'http://127.0.0.1:3000/login', bound)).toBe(true);
  });
});

it('stars are matched in linear time', () => {
  expect(wildcard('*a'.repeat(60), `${'a'.repeat(5000)}b`)).toBe(false);
  expect(wildcard('a*a', 'a')).toBe(false);
  expect(wildcard('*b', 'ab')).toBe(true);
});
