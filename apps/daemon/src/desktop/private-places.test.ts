import type { WindowInfo } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { paintOverAll } from '../capture/paint.ts';
import type { WindowSystem } from '../ports.ts';
import { PrivatePlaces, type PrivateRules } from './private-places.ts';

const window = (application: string, title: string, x: number, minimized = false): WindowInfo => ({
  id: `0x${x}`,
  title,
  application,
  bounds: { x, y: 0, width: 100, height: 50 },
  active: false,
  minimized,
});

function places(rules: Partial<PrivateRules>, windows: WindowInfo[] | Error): PrivatePlaces {
  const system = {
    windows: async () => {
      if (windows instanceof Error) throw windows;
      return windows;
    },
  } as unknown as WindowSystem;
  return new PrivatePlaces(() => ({ windows: [], regions: [], ...rules }), system);
}

describe('what the person marked private', () => {
  it('is found by application or title, without case, and by place', async () => {
    const region = { x: 5, y: 5, width: 10, height: 10 };
    const hidden = places({ windows: ['*KeePass*', 'salary*'], regions: [region] }, [
      window('keepassxc', 'Vault', 0),
      window('Text editor', 'Salary 2026.txt', 200),
      window('Text editor', 'Notes', 400),
      window('keepassxc', 'Vault', 600, true),
    ]);
    expect((await hidden.places()).map(({ x }) => x)).toEqual([5, 0, 200]);
    expect(hidden.hidesPoint({ x: 14, y: 14 })).toBe(true);
    expect(hidden.hidesPoint({ x: 15, y: 14 })).toBe(false);
    expect(hidden.hides(window('Text editor', 'Notes', 0))).toBe(false);
    expect(hidden.hides(null)).toBe(false);
  });

  it('is found however its letters are put together', async () => {
    const hidden = places({ windows: ['Gehälter*'.normalize('NFD')] }, []);
    expect(hidden.hides(window('Editor', 'Gehälter 2026'.normalize('NFC'), 0))).toBe(true);
    expect(hidden.hides(window('Editor', 'Ge\u200bhälter 2026', 0))).toBe(true);
  });

  it('costs nothing when nothing is, and no picture is taken when windows cannot be found', async () => {
    expect(places({}, new Error('gone')).any).toBe(false);
    await expect(places({ windows: ['*secret*'] }, new Error('gone')).places()).rejects.toMatchObject({
      code: 'CAPTURE_FAILED',
    });
  });

  it.each(['bgrx', 'rgb'] as const)('is covered in a picture that is read for words: %s', (format) => {
    const step = format === 'bgrx' ? 4 : 3;
    const image = { width: 10, height: 6, format, pixels: new Uint8Array(60 * step).fill(9) };
    paintOverAll(image, { x: 100, y: 50, width: 10, height: 6 }, [{ x: 98, y: 52, width: 5, height: 2 }]);
    const covered = Array.from({ length: 60 }, (_, at) => image.pixels[at * step] === 128);
    for (const [at, is] of covered.entries())
      expect(is, `pixel ${at}`).toBe(at % 10 < 3 && Math.floor(at / 10) >= 2 && Math.floor(at / 10) < 4);
  });
});
