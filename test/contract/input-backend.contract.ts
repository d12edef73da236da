import type { InputBackend } from '@deskhand/daemon/ports';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

/** An independent witness of what reaches an application. */
export type InputWitness = Readonly<{
  /** Desktop size. */
  width: number;
  height: number;
  /** Where the witnessing window is. */
  target: { x: number; y: number };
  /** What becomes of a place that is on no screen; usually the nearest one is taken. */
  outside?: 'refused';
  /** Events since the last call, in order: `press 1`, `release 1`, `key a`, `key up a` … */
  events(atLeast: number): Promise<string[]>;
  pointer(): Promise<{ x: number; y: number }>;
  /** What the system says is down. */
  held(): Promise<string[]>;
}>;

/** What every {@link InputBackend} promises; run on each implementation. */
export function inputBackendContract(
  name: string,
  open: () => Promise<{ backend: InputBackend; witness: InputWitness }>,
): void {
  describe(`InputBackend contract: ${name}`, () => {
    let backend: InputBackend;
    let witness: InputWitness;
    beforeAll(async () => {
      ({ backend, witness } = await open());
      await backend.moveTo(witness.target);
      await witness.events(0);
    });
    afterEach(async () => {
      expect(await witness.held()).toEqual([]);
    });
    afterAll(() => backend?.[Symbol.asyncDispose]());

    it('moves the pointer to exact pixels and never outside the screen', async () => {
      for (const point of [
        { x: 0, y: 0 },
        { x: 123, y: 45 },
        { x: witness.width - 1, y: witness.height - 1 },
      ]) {
        await backend.moveTo(point);
        expect(await witness.pointer()).toEqual(point);
        expect(await backend.pointer()).toEqual(point);
      }
      const outside = backend.moveTo({ x: -50, y: witness.height + 900 });
      if (witness.outside === 'refused') {
        await expect(outside).rejects.toMatchObject({ code: 'INPUT_FAILED' });
        expect(await witness.pointer()).toEqual({ x: witness.width - 1, y: witness.height - 1 });
      } else {
        await outside;
        expect(await witness.pointer()).toEqual({ x: 0, y: witness.height - 1 });
      }
      await backend.moveTo(witness.target);
    });

    it.each([
      ['left', 1],
      ['middle', 2],
      ['right', 3],
    ] as const)('presses and releases the %s button', async (button, number) => {
      await backend.button(button, true);
      expect(await witness.held()).toHaveLength(1);
      await backend.button(button, false);
      expect(await witness.events(2)).toEqual([`press ${number}`, `release ${number}`]);
    });

    it.each([
      ['up', 4],
      ['down', 5],
      ['left', 6],
      ['right', 7],
    ] as const)('turns the wheel %s, one notch', async (direction, number) => {
      await backend.wheel(direction);
      expect(await witness.events(2)).toEqual([`press ${number}`, `release ${number}`]);
    });

    it.each([
      'enter',
      'tab',
      'escape',
      'home',
      'page_down',
      'left',
      'f5',
      'f12',
      'space',
      'delete',
      'a',
      '7',
      '-',
    ])('presses and releases the key %s', async (key) => {
      await backend.key(key, true);
      await backend.key(key, false);
      expect(await witness.events(2)).toEqual([`key ${key}`, `key up ${key}`]);
    });

    it('holds a chord in order', async () => {
      for (const key of ['ctrl', 'shift', 'x']) await backend.key(key, true);
      expect(await witness.held()).toHaveLength(3);
      for (const key of ['x', 'shift', 'ctrl']) await backend.key(key, false);
      expect(await witness.events(6)).toEqual([
        'key ctrl',
        'key shift',
        'key x',
        'key up x',
        'key up shift',
        'key up ctrl',
      ]);
    });

    it.each(['f24x', 'hyper', '\u{1f600}'])('refuses a key it has not: %j, pressing nothing', async (key) => {
      await expect(backend.key(key, true)).rejects.toMatchObject({ code: 'UNKNOWN_KEY' });
      await expect(backend.checkKey?.(key)).rejects.toMatchObject({ code: 'UNKNOWN_KEY' });
      expect(await witness.events(0)).toEqual([]);
    });

    it('releases everything at once, twice without harm', async () => {
      await backend.key('shift', true);
      await backend.key('a', true);
      await backend.button('left', true);
      expect(await witness.held()).toHaveLength(3);
      await backend.releaseAll();
      expect(await witness.held()).toEqual([]);
      await backend.releaseAll();
      await witness.events(6);
    });

    it('types nothing when the text cannot be typed', async () => {
      const { signal } = new AbortController();
      await expect(backend.typeText('a\u0000b', () => {}, { signal })).rejects.toMatchObject({
        code: 'TEXT_NOT_TYPEABLE',
      });
      expect(await witness.events(0)).toEqual([]);
    });
  });
}
