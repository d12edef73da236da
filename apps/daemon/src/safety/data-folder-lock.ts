import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ProtocolError } from '@deskhand/protocol';
import { z } from 'zod';

const Holder = z.object({ pid: z.int().min(1), started: z.string() });

/**
 * One daemon per data folder. The lock names a process and when it started, so that what a kill -9 left behind
 * is known for what it is even if its pid belongs to somebody else by now.
 */
export class DataFolderLock implements Disposable {
  readonly #path: string;
  #held = true;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws ProtocolError DATA_FOLDER_IN_USE, DATA_FOLDER_UNWRITABLE */
  static take(dataDir: string): DataFolderLock {
    const path = join(dataDir, 'daemon.lock');
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        const file = openSync(path, 'wx', 0o600);
        writeSync(file, `${JSON.stringify({ pid: process.pid, started: startOf(process.pid) })}\n`);
        closeSync(file);
        return new DataFolderLock(path);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
          throw new ProtocolError(
            'DATA_FOLDER_UNWRITABLE',
            `The data folder ${dataDir} cannot be written (${(cause as NodeJS.ErrnoException).code}).`,
            {},
            { cause },
          );
        const holder = readHolder(path);
        if (holder !== undefined && isAlive(holder))
          throw new ProtocolError(
            'DATA_FOLDER_IN_USE',
            `The desktop of ${dataDir} is already served by process ${holder.pid}; end it or use another --data DIR.`,
          );
        rmSync(path, { force: true });
      }
    }
    throw new ProtocolError('DATA_FOLDER_IN_USE', `Another Deskhand is starting on ${dataDir}; try again.`);
  }

  [Symbol.dispose](): void {
    if (!this.#held) return;
    this.#held = false;
    rmSync(this.#path, { force: true });
  }
}

function readHolder(path: string): z.infer<typeof Holder> | undefined {
  try {
    return Holder.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function isAlive(holder: z.infer<typeof Holder>): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const started = startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

/** When a process started, in the kernel's clock ticks; '' where that cannot be known. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name in parentheses may hold anything: count fields after it. Start time is field 22.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
