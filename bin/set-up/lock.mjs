import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetUpError } from './set-up-error.mjs';

const waitCeilingMs = 8 * 60_000;

/**
 * One installation at a time in one clone (`npm start` and `npm test` may be started side by side).
 * @returns {Promise<() => void>} releases the lock
 */
export async function holdLock(repository, stream, { ceilingMs = waitCeilingMs, pollMs = 250 } = {}) {
  const path = join(repository, '.deskhand/set-up.lock');
  const giveUpAt = Date.now() + ceilingMs;
  let told = false;
  for (;;) {
    const owner = tryToTake(path);
    if (owner === process.pid) return () => rmSync(path, { force: true });
    if (owner === undefined) continue;
    if (!told)
      stream.write(`set-up: another set-up of this clone is running (process ${owner}); waiting for it\n`);
    told = true;
    if (Date.now() > giveUpAt) {
      throw new SetUpError(
        `another set-up (process ${owner}) has not ended; end it, or remove ${path}, then try again`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Our own pid when taken, the owner's when it lives, undefined when a dead owner's lock was removed. */
function tryToTake(path) {
  try {
    mkdirSync(dirname(path), { recursive: true });
    takeAtomically(path);
    return process.pid;
  } catch (error) {
    if (error.code !== 'EEXIST') {
      throw new SetUpError(`${path} can't be written (${error.code}); own this clone, then try again`);
    }
  }
  const owner = readOwner(path);
  if (owner !== undefined && owner !== process.pid && isAlive(owner)) return owner;
  rmSync(path, { force: true });
  return undefined;
}

/** A link appears with its content in one go; nobody can read a half-written lock and think its owner dead. */
function takeAtomically(path) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, String(process.pid));
  try {
    linkSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

function readOwner(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
