import { describe, expect, it } from 'vitest';
import { DEFAULT_STOP_HOTKEY, parseStopChord } from './stop-chord.ts';

describe('the stop chord', () => {
  it.each([
    [DEFAULT_STOP_HOTKEY, 'linux', 'Ctrl+Alt+Shift+Esc'],
    [DEFAULT_STOP_HOTKEY, 'darwin', 'Control-Option-Shift-Esc'],
    ['Control + Alt + F12', 'linux', 'Ctrl+Alt+F12'],
    ['super+shift+q', 'linux', 'Super+Shift+Q'],
    ['ctrl+alt+page_down', 'win32', 'Ctrl+Alt+Page Down'],
  ])('%s on %s is shown as that keyboard prints it: %s', (text, platform, label) => {
    expect(parseStopChord(text, platform).label).toBe(label);
  });

  it.each(['', 'escape', 'ctrl+c', 'ctrl+alt', 'ctrl+alt+a+b', 'ctrl+alt+nonsense'])(
    'refuses %j, which would be pressed by accident or never',
    (text) => {
      expect(() => parseStopChord(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );
});
