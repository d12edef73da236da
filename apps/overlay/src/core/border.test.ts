import { intersection } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { borderLook, stripsOf } from './border.ts';

describe('border', () => {
  it('shows none while nobody but the person is in control', () => {
    expect(borderLook('idle')).toBeNull();
    expect(borderLook('pairing')).toBeNull();
    expect(borderLook('running')).not.toBeNull();
  });

  it('lies on the display’s edge without overlapping itself', () => {
    const display = { x: -1920, y: 100, width: 1920, height: 1080 };
    const strips = stripsOf(display, 4);
    for (const [index, strip] of strips.entries()) {
      expect(intersection(display, strip)).toEqual(strip);
      for (const other of strips.slice(index + 1)) expect(intersection(strip, other)).toBeNull();
    }
    const area = strips.reduce((sum, strip) => sum + strip.width * strip.height, 0);
    expect(area).toBe(1920 * 1080 - 1912 * 1072);
  });
});
