import { describe, expect, it } from 'vitest';
import { inert, seconds, styleFor, table } from './terminal.ts';

describe('inert', () => {
  it('removes escape sequences, control characters and direction overrides of hostile text', () => {
    const hostile = 'ok\u001b[2J\u001b]0;title\u0007\r\nnext\u202egnp.exe\u200b';
    const text = inert(hostile);
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u200b-\u200f]/);
    expect(text).toContain('ok');
    expect(text).toContain('next');
  });

  it('cuts by characters, never inside a surrogate pair', () => {
    expect(inert('🙂'.repeat(10), 4)).toBe('🙂🙂🙂…');
    expect(inert('short', 400)).toBe('short');
  });
});

describe('styleFor', () => {
  it('colours only a terminal that wants it', () => {
    expect(styleFor({ isTTY: true }, {}).red('x')).toBe('\u001b[31mx\u001b[39m');
    expect(styleFor({ isTTY: false }, {}).red('x')).toBe('x');
    expect(styleFor({ isTTY: true }, { NO_COLOR: '1' }).red('x')).toBe('x');
    expect(styleFor({ isTTY: true }, { TERM: 'dumb' }).red('x')).toBe('x');
  });
});

describe('table', () => {
  it('aligns columns and leaves no trailing blanks', () => {
    expect(
      table(
        ['A', 'LONG'],
        [
          ['xxxx', '1'],
          ['y', '22'],
        ],
      ),
    ).toBe('A     LONG\nxxxx  1\ny     22');
  });
});

describe('seconds', () => {
  it.each([
    [940, '0.9 s'],
    [12_400, '12 s'],
    [65_000, '1 min 05 s'],
  ])('%i ms is "%s"', (ms, text) => {
    expect(seconds(ms)).toBe(text);
  });
});
