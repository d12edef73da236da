import { describe, expect, it } from 'vitest';
import { toPageUrl } from './page-url.ts';

const noFiles = () => false;

describe('toPageUrl', () => {
  it.each([
    ['https://example.org/a?b#c', 'https://example.org/a?b#c'],
    ['HTTP://Example.org', 'http://example.org/'],
    ['example.org', 'https://example.org/'],
    ['example.org/docs', 'https://example.org/docs'],
    ['localhost:8080', 'http://localhost:8080/'],
    ['localhost', 'http://localhost/'],
    ['127.0.0.1:3000/docs', 'http://127.0.0.1:3000/docs'],
    ['[::1]:3000', 'http://[::1]:3000/'],
    ['example.org:8443/x', 'https://example.org:8443/x'],
    ['localhost.example.org', 'https://localhost.example.org/'],
    ['  https://example.org  ', 'https://example.org/'],
    ['about:blank', 'about:blank'],
  ])('reads %j as %s', (input, url) => {
    expect(toPageUrl(input, noFiles)).toBe(url);
  });

  it.each(['', '  ', 'two words', 'https://', 'http://[', 'a\u0000b'])('refuses %j as malformed', (input) => {
    expect(() => toPageUrl(input, noFiles)).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }));
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,hi',
    'chrome://settings',
    'view-source:https://example.org',
    'about:config',
    'ftp://example.org',
    'https://user:pass@example.org',
    'file:///etc/passwd',
    'devtools://x',
  ])('denies %j', (input) => {
    expect(() => toPageUrl(input, noFiles)).toThrow(expect.objectContaining({ code: 'POLICY_DENIED' }));
  });

  it('opens a file the policy allows, judged by its path', () => {
    const asked: string[] = [];
    const url = toPageUrl('file:///home/a/x%20y.html', (path) => {
      asked.push(path);
      return true;
    });
    expect(url).toBe('file:///home/a/x%20y.html');
    expect(asked).toEqual(['/home/a/x y.html']);
  });
});
