import { homedir } from 'node:os';
import path from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `DESKHAND_DATA`, else the platform's per-user folder; absolute. Imports nothing heavy: main.ts needs it first. */
export function dataFolderFrom(env: Environment, platform: NodeJS.Platform = process.platform): string {
  return path.resolve(env.DESKHAND_DATA || defaultDataFolder(env, platform));
}

export function defaultDataFolder(
  env: Environment,
  platform: NodeJS.Platform,
  home: string = homedir(),
): string {
  switch (platform) {
    case 'darwin':
      return path.join(home, 'Library', 'Application Support', 'Deskhand');
    case 'win32':
      return path.join(env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), 'Deskhand');
    default:
      return path.join(env.XDG_DATA_HOME || path.join(home, '.local', 'share'), 'deskhand');
  }
}
