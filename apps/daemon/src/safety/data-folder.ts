import { mkdirSync, statSync } from 'node:fs';
import { ProtocolError } from '@deskhand/protocol';

/**
 * Makes the folder that holds policy, latch, secrets and audit log, ours alone; one that is there must not be one that
 * others can put a policy of theirs into.
 * @throws ProtocolError DATA_FOLDER_UNWRITABLE
 */
export function makeDataFolder(dataDir: string): void {
  const cannot = (what: string, cause?: unknown) =>
    new ProtocolError(
      'DATA_FOLDER_UNWRITABLE',
      `The data folder ${dataDir} ${what}`,
      {},
      cause === undefined ? undefined : { cause },
    );
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw cannot(`cannot be made (${(cause as NodeJS.ErrnoException).code}).`, cause);
  }
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const { uid: owner, gid, mode } = statSync(dataDir);
  // Root's own word counts for root: nobody below it could have put the folder there to be trusted.
  if (owner !== uid && uid !== 0) throw cannot(`belongs to user ${owner}; use one of your own (--data DIR).`);
  const others = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== process.getgid?.());
  if (others)
    throw cannot(`can be written by others, who could replace the policy; run: chmod go-w '${dataDir}'`);
}
