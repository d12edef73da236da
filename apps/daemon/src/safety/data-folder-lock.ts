import { join } from 'node:path';
import { LockHeldError, ProcessLock } from '@deskhand/base/process-lock';
import { ProtocolError } from '@deskhand/protocol';

/**
 * One daemon per data folder.
 * @throws ProtocolError DATA_FOLDER_IN_USE, DATA_FOLDER_UNWRITABLE
 */
export function lockDataFolder(dataDir: string): ProcessLock {
  try {
    return ProcessLock.take(join(dataDir, 'daemon.lock'));
  } catch (cause) {
    if (cause instanceof LockHeldError)
      throw new ProtocolError(
        'DATA_FOLDER_IN_USE',
        cause.pid === null
          ? `Another Deskhand is starting on ${dataDir}; try again.`
          : `The desktop of ${dataDir} is already served by process ${cause.pid}; end it or use another --data DIR.`,
        {},
        { cause },
      );
    throw new ProtocolError(
      'DATA_FOLDER_UNWRITABLE',
      `The data folder ${dataDir} cannot be written (${(cause as NodeJS.ErrnoException).code}).`,
      {},
      { cause },
    );
  }
}
