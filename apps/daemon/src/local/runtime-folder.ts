import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { randomHex, Secret } from '@deskhand/base';
import type { RuntimePaths } from '@deskhand/base/runtime-paths';
import { ProtocolError } from '@deskhand/protocol';

/**
 * Makes the folder of the local sockets, ours alone.
 * @throws ProtocolError DATA_FOLDER_UNWRITABLE when it is a link, another user's, or cannot be closed to others.
 */
export function ensureRuntimeFolder(paths: RuntimePaths): void {
  const { dir } = paths;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const found = lstatSync(dir);
    if (!found.isDirectory()) throw new Error('it is not a folder');
    if (process.platform === 'win32') return;
    if (found.uid !== process.getuid?.()) throw new Error(`it belongs to user ${found.uid}`);
    if ((found.mode & 0o077) !== 0) chmodSync(dir, 0o700);
  } catch (cause) {
    throw new ProtocolError(
      'DATA_FOLDER_UNWRITABLE',
      `The folder for local sockets ${dir} cannot be used: ${(cause as Error).message}.`,
      {},
      { cause },
    );
  }
}

/** A new token for a person's tools, readable by this user only. */
export function writePersonToken(paths: RuntimePaths): Secret {
  const token = randomHex(64);
  rmSync(paths.tokenFile, { force: true });
  writeFileSync(paths.tokenFile, token, { mode: 0o600, flag: 'wx' });
  return new Secret(token);
}

/** Takes away what `writePersonToken` and the sockets left; quiet when somebody was faster. */
export function removeRuntimeFolder(paths: RuntimePaths): void {
  rmSync(paths.dir, { recursive: true, force: true });
}
