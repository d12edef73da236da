import { describe, expect, it } from 'vitest';
import { parseStopChord } from '../safety/stop-chord.ts';
import { StopGesture } from './stop-gesture.ts';

const CTRL = 37;
const ALT = 64;
const SHIFT = 50;
const ESCAPE = 9;
const OTHER = 38;
const NAMES: Record<number, string[]> = {
  [CTRL]: ['ctrl'],
  [ALT]: ['alt'],
  [SHIFT]: ['shift'],
  [ESCAPE]: ['escape'],
};
const KEYBOARD = 7;
const INJECTED = 5;

class Keys {
  readonly gesture = new StopGesture(parseStopChord('ctrl+alt+shift+escape', 'linux'));
  atMs = 0;
  press(keycode: number, sourceId = KEYBOARD): boolean {
    return this.#key(keycode, sourceId, true);
  }
  release(keycode: number, sourceId = KEYBOARD): boolean {
    return this.#key(keycode, sourceId, false);
  }
  tap(keycode: number, sourceId = KEYBOARD): boolean {
    const stopped = this.press(keycode, sourceId);
    this.release(keycode, sourceId);
    return stopped;
  }
  #key(keycode: number, sourceId: number, down: boolean): boolean {
    this.atMs += 10;
    const real = sourceId === KEYBOARD;
    const names = NAMES[keycode] ?? [];
    return this.gesture.key({ keycode, sourceId, names, down, real, atMs: this.atMs }) !== undefined;
  }
}

describe('the stop chord', () => {
  it.each([[[CTRL, ALT, SHIFT]], [[SHIFT, CTRL, ALT]], [[ALT, OTHER, SHIFT, CTRL]]])(
    'is the four keys in any order of modifiers, other keys held or not: %j',
    (modifiers) => {
      const keys = new Keys();
      expect(modifiers.map((key) => keys.press(key))).not.toContain(true);
      expect(keys.press(ESCAPE)).toBe(true);
    },
  );

  it('needs all of them at once', () => {
    const keys = new Keys();
    keys.press(CTRL);
    keys.press(ALT);
    keys.tap(SHIFT);
    expect(keys.press(ESCAPE)).toBe(false);
  });

  it('counts from any source: an on-screen keyboard is a person too', () => {
    const keys = new Keys();
    for (const key of [CTRL, ALT, SHIFT]) keys.press(key, INJECTED);
    expect(keys.press(ESCAPE, INJECTED)).toBe(true);
  });

  it('survives an injected release of a key that a real finger holds', () => {
    const keys = new Keys();
    for (const key of [CTRL, ALT, SHIFT]) keys.press(key);
    for (const key of [CTRL, ALT, SHIFT]) keys.release(key, INJECTED);
    expect(keys.press(ESCAPE)).toBe(true);
  });

  it('forgets what was held when told to', () => {
    const keys = new Keys();
    for (const key of [CTRL, ALT, SHIFT]) keys.press(key);
    keys.gesture.clear();
    expect(keys.press(ESCAPE)).toBe(false);
  });
});

describe('three Escapes', () => {
  it('within a second on a real keyboard stop', () => {
    const keys = new Keys();
    expect([keys.tap(ESCAPE), keys.tap(ESCAPE), keys.tap(ESCAPE)]).toEqual([false, false, true]);
  });

  it('injected ones never do, nor do they complete real ones', () => {
    const keys = new Keys();
    expect([1, 2, 3, 4].map(() => keys.tap(ESCAPE, INJECTED))).not.toContain(true);
    keys.tap(ESCAPE);
    keys.tap(ESCAPE, INJECTED);
    expect(keys.tap(ESCAPE)).toBe(false);
  });

  it('too slow, interrupted by another key, or a key that is held down do not', () => {
    const slow = new Keys();
    slow.tap(ESCAPE);
    slow.tap(ESCAPE);
    slow.atMs += 1000;
    expect(slow.tap(ESCAPE)).toBe(false);
    const interrupted = new Keys();
    interrupted.tap(ESCAPE);
    interrupted.tap(ESCAPE);
    interrupted.tap(OTHER);
    expect(interrupted.tap(ESCAPE)).toBe(false);
    const held = new Keys();
    expect([1, 2, 3, 4, 5].map(() => held.press(ESCAPE))).not.toContain(true);
  });
});
