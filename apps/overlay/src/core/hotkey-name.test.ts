import { describe, expect, it } from 'vitest';
import { hotkeyName, type Platform, toAccelerator } from './hotkey-name.ts';

describe('hotkey names', () => {
  it.each<[string, Platform, string]>([
    ['ctrl+alt+shift+escape', 'linux', 'Ctrl+Alt+Shift+Esc'],
    ['Ctrl+Alt+Shift+Esc', 'windows', 'Ctrl+Alt+Shift+Esc'],
    ['Ctrl+Alt+Shift+Esc', 'macos', 'Control-Option-Shift-Esc'],
    ['super+f12', 'linux', 'Super+F12'],
    ['super+f12', 'windows', 'Win+F12'],
    ['meta+k', 'macos', 'Command-K'],
  ])('prints %s on %s as its keyboard does', (chord, platform, name) => {
    expect(hotkeyName(chord, platform)).toBe(name);
  });

  it.each([
    ['Ctrl+Alt+Shift+Esc', 'Control+Alt+Shift+Escape'],
    ['ctrl+f12', 'Control+F12'],
    ['Ctrl', undefined],
    ['Ctrl+Hyper', undefined],
    ['', undefined],
  ])('turns %j into the accelerator %j', (chord, accelerator) => {
    expect(toAccelerator(chord)).toBe(accelerator);
  });
});
