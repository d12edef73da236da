import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';

/**
 * A lock file that names a process and when it started, so that what a kill -9 left behind is known for
 * what it is, even if its pid belongs to somebody else by now. Node only (own subpath).
 */
export class ProcessLock implements Disposable {
  readonly #file: string;
  #held = true;

  private constructor(file: string) {
    this.#file = file;
  }

  /**
   * @param file path of the lock; its folder exists.
   * @throws LockHeldError when a living process has it; the file system's error when it cannot be written.
   */
  static take(file: string): ProcessLock {
    // More than one round: a stale lock is removed, and another process may take it in between.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        const descriptor = openSync(file, 'wx', 0o600);
        writeSync(descriptor, `${JSON.stringify({ pid: process.pid, started: startOf(process.pid) })}\n`);
        closeSync(descriptor);
        return new ProcessLock(file);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
        const holder = readHolder(file);
        if (holder !== undefined && isSameProcessAlive(holder)) throw new LockHeldError(file, holder.pid);
        rmSync(file, { force: true });
      }
    }
    throw new LockHeldError(file, null);
  }

  /** Idempotent; never removes a lock that is not ours any more. */
  [Symbol.dispose](): void {
    if (!this.#held) return;
    this.#held = false;
    rmSync(this.#file, { force: true });
  }
}

/** Somebody else has the lock. `pid` is null when several processes fight over it at this moment. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  readonly pid: number | null;
  constructor(file: string, pid: number | null) {
    super(`${file} is held by ${pid === null ? 'a process that is starting' : `process ${pid}`}`);
    this.pid = pid;
  }
}

/** True for a process that runs; a dead one whose parent has not asked yet (a zombie) does not count. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return statFields(pid)?.[0] !== 'Z';
}

type Holder = Readonly<{ pid: number; started: string }>;

function readHolder(file: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(file, 'utf8')) as { pid?: unknown; started?: unknown };
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1) return undefined;
    return { pid, started: typeof started === 'string' ? started : '' };
  } catch {
    return undefined;
  }
}

function isSameProcessAlive(holder: Holder): boolean {
  if (!isProcessAlive(holder.pid)) return false;
  const started = startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

/** When a process started, in the kernel's clock ticks; '' where that cannot be known. */
function startOf(pid: number): string {
  return statFields(pid)?.[19] ?? '';
}

/** Fields of /proc/PID/stat from the third on (state, parent, …); undefined on other systems. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name in parentheses may hold anything: count fields after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
