import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { descendsFrom } from './own-windows.ts';

describe('whose window it is', () => {
  it('finds an ancestor, also a far one, and stops at strangers and loops', () => {
    const parents: Record<number, number> = { 50: 40, 40: 30, 30: 1, 60: 61, 61: 60 };
    const parentOf = (pid: number) => parents[pid] ?? null;
    expect(descendsFrom(50, [30], parentOf)).toBe(true);
    expect(descendsFrom(30, [30], parentOf)).toBe(true);
    expect(descendsFrom(30, [50], parentOf)).toBe(false);
    expect(descendsFrom(60, [30], parentOf)).toBe(false);
    expect(descendsFrom(50, [1], parentOf)).toBe(false);
  });

  it.runIf(process.platform === 'linux')('knows real processes', async () => {
    const child = spawn('sleep', ['100']);
    try {
      expect(descendsFrom(child.pid as number, [process.pid])).toBe(true);
      expect(descendsFrom(process.pid, [child.pid as number])).toBe(false);
      expect(descendsFrom(999_999_999, [process.pid])).toBe(false);
    } finally {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    }
  });
});
