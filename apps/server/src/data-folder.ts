import path from 'node:path';
import { defaultDataFolder, type Environment } from '@deskhand/base/data-folder';

/** `DESKHAND_DATA`, else the platform's per-user folder; absolute. Imports nothing heavy: main.ts needs it first. */
export function dataFolderFrom(env: Environment, platform: NodeJS.Platform = process.platform): string {
  return path.resolve(env.DESKHAND_DATA || defaultDataFolder(env, platform));
}
