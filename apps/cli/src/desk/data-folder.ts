import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { CommandProblem } from '../output/problem.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The platform's per-user data folder for Deskhand (surface.md 3). */
export function defaultDataFolder(platform: NodeJS.Platform, env: Env, home: string = homedir()): string {
  switch (platform) {
    case 'darwin':
      return path.join(home, 'Library', 'Application Support', 'Deskhand');
    case 'win32':
      return path.join(env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), 'Deskhand');
    default:
      return path.join(env.XDG_DATA_HOME || path.join(home, '.local', 'share'), 'deskhand');
  }
}

/** `--data`, else DESKHAND_DATA, else the platform's folder; absolute. */
export function dataFolder(
  flag: string | undefined,
  env: Env = process.env,
  platform = process.platform,
): string {
  return path.resolve(flag ?? env.DESKHAND_DATA ?? defaultDataFolder(platform, env));
}

/** Makes the folder with mode 0700. @throws CommandProblem DATA_FOLDER_UNWRITABLE */
export function ensureDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!statSync(folder).isDirectory()) throw new Error('it is not a folder');
    if (process.platform !== 'win32') chmodSync(folder, 0o700);
  } catch (cause) {
    throw new CommandProblem(
      'DATA_FOLDER_UNWRITABLE',
      `The data folder ${folder} cannot be used: ${(cause as Error).message}.`,
      {
        todo: 'Choose another with --data DIR or DESKHAND_DATA.',
        cause,
      },
    );
  }
}
