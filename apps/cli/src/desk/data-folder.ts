import { chmodSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { defaultDataFolder, type Environment } from '@deskhand/base/data-folder';
import { CommandProblem } from '../output/problem.ts';

/** `--data`, else DESKHAND_DATA, else the platform's folder; absolute. */
export function dataFolder(
  flag: string | undefined,
  env: Environment = process.env,
  platform = process.platform,
): string {
  return path.resolve(flag ?? (env.DESKHAND_DATA || defaultDataFolder(env, platform)));
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
