import { describe, expect, it } from 'vitest';
import { canonicalKey, MODIFIER_KEYS, NAMED_KEYS, parseChord } from './key-names.ts';

describe('[ACT7] canonicalKey', () => {
  it.each(NAMED_KEYS)('%s is itself, in any case and spelling', (key) => {
    expect(canonicalKey(key)).toBe(key);
    expect(canonicalKey(key.toUpperCase())).toBe(key);
    expect(canonicalKey(key.replaceAll('_', '-'))).toBe(key);
    expect(canonicalKey(key.replaceAll('_', ' '))).toBe(key);
  });

  it.each([
    ['Return', 'enter'],
    ['KP_Enter', 'enter'],
    ['ESC', 'escape'],
    ['Del', 'delete'],
    ['BackSpace', 'backspace'],
    ['back_space', 'backspace'],
    ['spacebar', 'space'],
    ['Control_L', 'ctrl'],
    ['control', 'ctrl'],
    ['cmd', 'super'],
    ['Command', 'super'],
    ['win', 'super'],
    ['Meta', 'super'],
    ['option', 'alt'],
    ['Alt_R', 'altgr'],
    ['ISO_Level3_Shift', 'altgr'],
    ['PgUp', 'page_up'],
    ['Page Down', 'page_down'],
    ['Next', 'page_down'],
    ['ArrowLeft', 'left'],
    ['arrow_right', 'right'],
    ['PrtSc', 'print_screen'],
    ['ContextMenu', 'menu'],
    ['F12', 'f12'],
    ['plus', '+'],
    ['Minus', '-'],
    ['backslash', '\\'],
    ['bracketleft', '['],
  ])('%s is %s', (name, key) => {
    expect(canonicalKey(name)).toBe(key);
  });

  it.each(['a', 'Z', '7', '+', '-', 'ü', 'ß', '你', '🙂', '€', '"'])(
    'the character %s is itself',
    (character) => {
      expect(canonicalKey(character)).toBe(character);
    },
  );

  it.each([
    [' ', 'space'],
    ['\n', 'enter'],
    ['\r', 'enter'],
    ['\t', 'tab'],
  ])('the character %j is %s', (character, key) => {
    expect(canonicalKey(character)).toBe(key);
  });

  it.each([
    '',
    'hyper',
    'f25',
    'f0',
    'ctrl+s',
    'ab',
    '\u0000',
    '\u001b',
    '\u200b',
    '\ud83d',
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
  ])('%j is no key', (name) => {
    expect(canonicalKey(name)).toBeUndefined();
  });

  it('canonical names stay what they are', () => {
    for (const name of ['Return', 'cmd', 'PgDn', 'plus', ' ', 'ü']) {
      const key = canonicalKey(name) ?? expect.fail(name);
      expect(canonicalKey(key)).toBe(key);
    }
  });

  it('modifiers are named keys', () => {
    for (const key of MODIFIER_KEYS) expect(NAMED_KEYS).toContain(key);
  });
});

describe('[ACT7] parseChord', () => {
  it.each<[text: string, keys: string[]]>([
    ['ctrl+s', ['ctrl', 's']],
    ['Ctrl + Shift + S', ['ctrl', 'shift', 'S']],
    ['ctrl++', ['ctrl', '+']],
    ['ctrl+plus', ['ctrl', '+']],
    ['ctrl+-', ['ctrl', '-']],
    ['+', ['+']],
    ['enter', ['enter']],
    [' alt+F4 ', ['alt', 'f4']],
    ['cmd+option+esc', ['super', 'alt', 'escape']],
    ['ctrl+page down', ['ctrl', 'page_down']],
  ])('%s', (text, keys) => {
    expect(parseChord(text)).toEqual(keys);
  });

  it.each(['', '  ', 'ctrl+', '+s', '++', 'ctrl+hyper', 'ctrl++s', 'ctrl+constructor', 'save it'])(
    '%j is refused whole',
    (text) => {
      expect(parseChord(text)).toBeUndefined();
    },
  );
});
