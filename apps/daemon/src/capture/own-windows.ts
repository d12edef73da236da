import { readFileSync } from 'node:fs';

/** What our own windows on the person's desktop are known by. */
export type OwnWindows = Readonly<{
  /** X ids of windows or of what is inside their frames. */
  windows: readonly number[];
  /** Processes whose windows are ours, and those of processes they started. */
  pids: readonly number[];
}>;

export const NO_OWN_WINDOWS: OwnWindows = { windows: [], pids: [] };

/** A window property by which a part of Deskhand says that a window belongs to no picture; any value. */
export const OVERLAY_PROPERTY = '_DESKHAND_OVERLAY';

/** A browser starts helpers that start helpers; a longer chain is none of ours. */
const MAX_ANCESTORS = 8;

/** Whether a process is one of `pids` or descends from one. */
export function descendsFrom(
  pid: number,
  pids: readonly number[],
  parentOf: (pid: number) => number | null = parentOnLinux,
): boolean {
  let current: number | null = pid;
  for (let depth = 0; depth <= MAX_ANCESTORS && current !== null && current > 1; depth += 1) {
    if (pids.includes(current)) return true;
    current = parentOf(current);
  }
  return false;
}

function parentOnLinux(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything, parentheses and spaces too.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return Number.isInteger(parent) ? parent : null;
  } catch {
    return null;
  }
}
