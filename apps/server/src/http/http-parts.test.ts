import { describe, expect, it } from 'vitest';
import { AllowedCallers } from './allowed-callers.ts';
import { keyFromHeaders } from './auth.ts';
import { canonical } from './idempotency.ts';
import { RateLimiter } from './rate-limit.ts';
import { eventCursorFrom } from './sse.ts';

describe('the cursor of a stream', () => {
  it.each<[string | undefined, unknown, number]>([
    ['7', '3', 7],
    [undefined, '3', 3],
    ['', '3', 3],
    ['-1', undefined, 0],
    ['1e3', undefined, 0],
    ['99999999999999999999', undefined, Number.MAX_SAFE_INTEGER],
    ['1.5', '3', 0],
    [undefined, ['1', '2'], 0],
    [undefined, undefined, 0],
  ])('Last-Event-ID %j, after %j → %i', (header, after, expected) => {
    expect(eventCursorFrom(header, after)).toBe(expected);
  });
});

describe('canonical JSON', () => {
  it('is the same whatever the order of fields, and differs by value, type and order of items', () => {
    expect(canonical({ b: [1, { d: null, c: '"' }], a: true })).toBe(
      canonical({ a: true, b: [1, { c: '"', d: null }] }),
    );
    const different = [{ a: 1 }, { a: '1' }, { a: [1, 2] }, { a: [2, 1] }, { a: null }, {}, [], 'a', null];
    expect(new Set(different.map(canonical)).size).toBe(different.length);
  });
});

describe('the key of a request', () => {
  it.each<[Record<string, string>, string | null]>([
    [{ 'x-api-key': 'k' }, 'k'],
    [{ 'x-api-key': ' k ' }, 'k'],
    [{ 'x-api-key': '', authorization: 'Bearer b' }, 'b'],
    [{ 'x-api-key': 'k', authorization: 'Bearer b' }, 'k'],
    [{ authorization: 'bearer b' }, 'b'],
    [{ authorization: 'Basic b' }, null],
    [{ authorization: 'Bearer' }, null],
    [{}, null],
  ])('%j → %j', (headers, expected) => {
    expect(keyFromHeaders(headers)).toBe(expected);
  });
});

describe('the rate limit', () => {
  const caller = (keyId: string) =>
    ({
      keyId,
      name: '',
      kind: 'live',
      owner: { accountId: 'a', mode: 'live' },
      scopes: new Set<string>(),
    }) as const;

  it('counts per key and per account in windows of a minute', () => {
    let nowMs = 0;
    const limiter = new RateLimiter({ perKey: 2, perAccount: 3, steadyMs: () => nowMs });
    expect(limiter.take(caller('a')).remaining).toBe(1);
    expect(limiter.take(caller('a')).remaining).toBe(0);
    expect(() => limiter.take(caller('a'))).toThrow(
      expect.objectContaining({ code: 'RATE_LIMITED', details: { scope: 'per_key', retry_after: 60 } }),
    );
    // The refused request counted for the account too.
    expect(() => limiter.take(caller('b'))).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ scope: 'per_user' }) }),
    );
    nowMs = 60_000;
    expect(limiter.take(caller('b')).remaining).toBe(1);
  });
});

describe('allowed callers', () => {
  it('knows its own names with the real port, and what the operator added', () => {
    const allowed = AllowedCallers.of({
      host: '127.0.0.1',
      port: 4000,
      publicUrl: 'https://desk.example',
      hosts: ['box.lan'],
      origins: ['https://board.example'],
    });
    for (const host of [
      '127.0.0.1:4000',
      'localhost:4000',
      '[::1]:4000',
      'desk.example',
      'box.lan',
      'box.lan:4000',
    ])
      expect(allowed.check(host, undefined)).toBeNull();
    for (const host of ['127.0.0.1', '127.0.0.1:4001', 'evil.example', undefined])
      expect(() => allowed.check(host, undefined)).toThrow(
        expect.objectContaining({ code: 'FORBIDDEN_ORIGIN' }),
      );
    expect(allowed.check('desk.example', 'https://desk.example')).toBe('https://desk.example');
    expect(allowed.check('localhost:4000', 'http://localhost:4000')).toBe('http://localhost:4000');
    expect(() => allowed.check('localhost:4000', 'https://localhost:4000')).toThrow();
  });
});
