import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pinnedNode, substituteFile } from './find-node.mjs';
import { readManifest, workspaceFolders } from './repository.mjs';

const stampFile = 'node_modules/.deskhand-setup';

/** Hash of everything that decides what must lie in node_modules, and of the machine it was made for. */
export function setUpKey(repository) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', 'bin/system-packages.json'];
  for (const folder of workspaceFolders(repository)) files.push(join(folder, 'package.json'));
  for (const file of files) {
    const path = join(repository, file);
    hash.update(`${file}\n`).update(existsSync(path) ? readFileSync(path) : 'absent');
  }
  return hash.digest('hex');
}

/** Why the packages must be installed (again), or undefined when they need not. */
export function reasonToInstall(repository) {
  const path = join(repository, stampFile);
  if (!existsSync(path)) return 'not installed yet';
  if (readFileSync(path, 'utf8').trim() !== setUpKey(repository)) return 'the list of packages changed';
  const gone = keyFiles(repository).find((file) => !existsSync(join(repository, file)));
  return gone === undefined ? undefined : `${gone} is gone`;
}

export function writeStamp(repository) {
  const path = join(repository, stampFile);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${setUpKey(repository)}\n`);
}

/** Every declared dependency's folder (a link into the store: a broken link counts as gone), and the Node to use. */
function keyFiles(repository) {
  const files = existsSync(join(repository, substituteFile)) ? [] : [pinnedNode()];
  for (const folder of workspaceFolders(repository)) {
    const manifest = readManifest(repository, folder);
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
      files.push(join(folder, 'node_modules', name));
    }
  }
  return files;
}
