import { posix, win32 } from 'node:path';

/** The data folder the overlay belongs to: `DESKHAND_DATA`, else the platform's own, as every Deskhand program finds it. */
export function dataDirOf(
  env: Readonly<Record<string, string | undefined>>,
  nodePlatform: string,
  home: string,
): string {
  if (env.DESKHAND_DATA) return env.DESKHAND_DATA;
  switch (nodePlatform) {
    case 'darwin':
      return posix.join(home, 'Library', 'Application Support', 'Deskhand');
    case 'win32':
      return win32.join(env.LOCALAPPDATA || win32.join(home, 'AppData', 'Local'), 'Deskhand');
    default:
      return posix.join(env.XDG_DATA_HOME || posix.join(home, '.local', 'share'), 'deskhand');
  }
}
