import { installNpmPackages } from './npm-packages.mjs';
import { installSystemPackages } from './system-packages.mjs';

/**
 * Installs what is missing; quick when nothing is. System packages come first: where only a person can install them,
 * that person should not wait for the rest before being told.
 * @param {'run' | 'test'} need
 */
export async function setUp(need, repository, stream = process.stderr) {
  const startedAt = Date.now();
  await installSystemPackages(need, repository, stream);
  await installNpmPackages(repository, stream);
  stream.write(`set-up: ready (${((Date.now() - startedAt) / 1000).toFixed(1)} s)\n`);
}
