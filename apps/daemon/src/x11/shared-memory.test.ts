import { statSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SharedMemory } from './shared-memory.ts';

describe.runIf(process.platform === 'linux')('memory shared with the X server', () => {
  it('is claimed whole before the server writes to it, and has no name anybody could open', () => {
    const memory = new SharedMemory(2_500_000);
    try {
      const { size, blocks, nlink } = statSync(`/proc/self/fd/${memory.descriptor}`);
      expect([size, nlink]).toEqual([2_500_000, 0]);
      expect(blocks * 512).toBeGreaterThanOrEqual(2_500_000);
    } finally {
      memory.close();
    }
  });

  it('is read from any place on, and refuses what lies beyond its end', () => {
    const memory = new SharedMemory(100);
    writeSync(
      memory.descriptor,
      Uint8Array.from({ length: 100 }, (_, index) => index),
      0,
      100,
      0,
    );
    const part = new Uint8Array(3);
    memory.read(97, part);
    expect([...part]).toEqual([97, 98, 99]);
    expect(() => memory.read(98, part)).toThrow(RangeError);
    expect(() => memory.read(-1, part)).toThrow(RangeError);
    memory.close();
    memory.close();
    expect(() => memory.read(0, part)).toThrow('given back');
  });
});
