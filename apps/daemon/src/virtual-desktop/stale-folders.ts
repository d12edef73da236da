import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { isProcessAlive } from '@deskhand/base/process-lock';

const PREFIX = 'deskhand-desktop-';
const NAME = /^deskhand-desktop-(\d+)-[A-Za-z0-9]{6}$/;

/** A private folder for one virtual desktop; its name says which process owns it. Mode 0700. */
export function createDesktopFolder(parent: string): Promise<string> {
  return mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
}

/**
 * Removes folders of desktops whose owner was killed before it could tidy up. A folder stays when its
 * owner lives, when it belongs to somebody else, or when its session bus still answers (the owner may
 * be in another process namespace).
 */
export async function removeStaleDesktopFolders(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => [] as string[]);
  for (const name of names) {
    const owner = NAME.exec(name)?.[1];
    if (owner === undefined || isProcessAlive(Number(owner))) continue;
    const folder = join(parent, name);
    const found = await lstat(folder).catch(() => null);
    if (found === null || !found.isDirectory() || found.uid !== process.getuid?.()) continue;
    if (await answers(join(folder, 'bus'))) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
