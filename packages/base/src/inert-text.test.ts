import { describe, expect, it } from 'vitest';
import { inertLine, inertText } from './inert-text.ts';

describe('inert text', () => {
  it.each([
    ['reordering marks', 'pay \u202e001$\u202c now', 'pay 001$ now'],
    ['isolates', '\u2066a\u2069b\u061c', 'ab'],
    ['zero-width characters', 'ap\u200bpr\u200dove\ufeff', 'approve'],
    ['tag characters that hide a second text', `yes${'\u{e0041}\u{e0042}'}`, 'yes'],
    ['a filler that looks empty', 'a\u3164b\uffa0c', 'abc'],
    ['control characters and escapes', 'a\u0000b\u001b[31mc\u009d', 'ab[31mc'],
    ['lone surrogates', 'a\ud800b', 'a\ufffdb'],
    ['line breaks and tabs', 'a\r\n\tb\u2028c', 'a b c'],
    ['soft hyphens', 'dan\u00adger', 'danger'],
  ])('takes away %s', (_what, hostile, plain) => {
    expect(inertLine(hostile, 100)).toBe(plain);
  });

  it('leaves ordinary writing alone, in every script', () => {
    for (const text of [
      'Grüße, naïve café',
      'שלום עולם',
      'مرحبا',
      'नमस्ते',
      '日本語',
      '☂️ 👍🏽',
      '<b>&amp;</b>',
    ])
      expect(inertLine(text, 100)).toBe(text);
  });

  it('thins out piles of marks that climb over other lines', () => {
    const pile = `a${'\u0301'.repeat(200)}b`;
    expect(inertLine(pile, 100)).toBe(`a${'\u0301'.repeat(3)}b`);
  });

  it('clamps by characters and never cuts one in two', () => {
    expect(inertLine('👍'.repeat(10), 4)).toBe('👍👍👍…');
    expect([...inertLine('x'.repeat(100_000), 200)]).toHaveLength(200);
  });

  it('keeps a text of 100 kB of marks bounded', () => {
    expect(inertText('\u202e'.repeat(50_000) + '\u0301'.repeat(50_000), 2000).length).toBeLessThanOrEqual(
      2000,
    );
  });

  it('keeps paragraphs, two breaks at most', () => {
    expect(inertText('one\n\n\n\n  two  \r\nthree', 100)).toBe('one\n\ntwo\nthree');
  });
});
