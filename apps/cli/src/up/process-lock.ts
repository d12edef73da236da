import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { CommandProblem } from '../output/problem.ts';

/**
 * One `up` per data folder. The lock names a process and when it started, so that a lock left behind
 * by kill -9 is recognised even if its pid was given to somebody else.
 */
export class ProcessLock implements Disposable {
  readonly #file: string;
  #held = true;

  private constructor(file: string) {
    this.#file = file;
  }

  /** @throws CommandProblem DATA_FOLDER_IN_USE */
  static take(folder: string): ProcessLock {
    const file = path.join(folder, 'up.lock');
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        const descriptor = openSync(file, 'wx', 0o600);
        writeSync(descriptor, `${JSON.stringify({ pid: process.pid, started: startOf(process.pid) })}\n`);
        closeSync(descriptor);
        return new ProcessLock(file);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
        const holder = readHolder(file);
        if (holder !== undefined && isAlive(holder))
          throw new CommandProblem(
            'DATA_FOLDER_IN_USE',
            `Deskhand already runs on ${folder} (process ${holder.pid}).`,
            {
              todo: 'Use that one (deskhand status), end it, or start this one with another --data DIR.',
            },
          );
        rmSync(file, { force: true });
      }
    }
    throw new CommandProblem('DATA_FOLDER_IN_USE', `The lock ${file} could not be taken.`, {
      todo: 'Another Deskhand is starting on this data folder; try again.',
    });
  }

  [Symbol.dispose](): void {
    if (!this.#held) return;
    this.#held = false;
    rmSync(this.#file, { force: true });
  }
}

type Holder = { pid: number; started: string };

function readHolder(file: string): Holder | undefined {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>;
    return typeof value.pid === 'number'
      ? { pid: value.pid, started: String(value.started ?? '') }
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const started = startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

/** When a process started, in the kernel's own clock ticks; '' where that cannot be known. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold spaces: count fields after it. Field 22 of proc(5) is the start time.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
