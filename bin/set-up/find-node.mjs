import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** First Node that runs our TypeScript as is, without a flag; `bin/deskhand` names the same one. */
export const oldestNode = [24, 15];

/** What every Deskhand process is started with; `bin/deskhand` and `bin/deskhand.cmd` hold the same. */
export const nodeFlags = ['--disable-warning=ExperimentalWarning'];

/** Holds the path of the machine's own Node; written by set-up only where the pinned one can't run. */
export const substituteFile = 'node_modules/.deskhand-node';

export function pinnedNode(platform = process.platform) {
  return `node_modules/node/bin/node${platform === 'win32' ? '.exe' : ''}`;
}

/** The Node that set-up chose, as an absolute path, or undefined before set-up. */
export function findNode(repository) {
  const substitute = join(repository, substituteFile);
  if (existsSync(substitute)) return readFileSync(substitute, 'utf8').trim();
  const pinned = join(repository, pinnedNode());
  return existsSync(pinned) ? pinned : undefined;
}

/** `v24.21.0` of a Node binary, or undefined when it can't run here. */
export function versionOf(node) {
  try {
    return execFileSync(node, ['--version'], { encoding: 'utf8', timeout: 10_000, stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}
