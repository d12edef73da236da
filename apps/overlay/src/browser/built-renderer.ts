import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from '@deskhand/base';

/** `apps/overlay` in a clone; the folder above `out` in a package. */
const packageRoot = join(import.meta.dirname, '..', '..');

/**
 * Folder of the built renderer. In a clone it is built when it is missing or older than its sources, which
 * takes a second or two; a package carries only the built one.
 */
export async function builtRenderer(log: Logger): Promise<string> {
  const configFile = join(packageRoot, 'overlay-build.ts');
  if (!existsSync(configFile)) return join(packageRoot, 'out', 'renderer');
  const { buildIdOf, RENDERER_OUT, rendererConfig, sourceId } = (await import(
    configFile
  )) as typeof import('../../overlay-build.ts');
  if (buildIdOf(RENDERER_OUT) === sourceId('renderer')) return RENDERER_OUT;
  log.info('building the panel, once');
  const { build } = await import('vite');
  // Built beside and renamed: another process may be reading or building the same folder.
  const fresh = mkdtempSync(join(packageRoot, 'node_modules', '.renderer-'));
  await build(rendererConfig(fresh));
  const old = `${fresh}-old`;
  if (existsSync(RENDERER_OUT)) renameSync(RENDERER_OUT, old);
  else mkdirSync(dirname(RENDERER_OUT), { recursive: true });
  try {
    renameSync(fresh, RENDERER_OUT);
  } catch (error) {
    // Somebody else was quicker with the same sources.
    if (buildIdOf(RENDERER_OUT) !== sourceId('renderer')) throw error;
    rmSync(fresh, { recursive: true, force: true });
  }
  rmSync(old, { recursive: true, force: true });
  return RENDERER_OUT;
}
