import { homedir } from 'node:os';
import path from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The platform's per-user data folder for Deskhand (surface.md 3). Node only (own subpath). */
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
