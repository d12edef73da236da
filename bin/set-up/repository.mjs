import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone this file lies in. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Folders that hold a package.json: the root (as ''), then what pnpm-workspace.yaml names, sorted. */
export function workspaceFolders(repository) {
  const folders = [''];
  for (const pattern of workspacePatterns(readFileSync(join(repository, 'pnpm-workspace.yaml'), 'utf8'))) {
    if (!pattern.endsWith('/*')) {
      folders.push(pattern);
      continue;
    }
    const parent = pattern.slice(0, -2);
    if (!existsSync(join(repository, parent))) continue;
    for (const name of readdirSync(join(repository, parent))) folders.push(`${parent}/${name}`);
  }
  return folders.filter((folder) => existsSync(join(repository, folder, 'package.json'))).sort();
}

/** The `packages:` list; our file uses plain names and one trailing `/*` only. */
function workspacePatterns(yaml) {
  const patterns = [];
  let inside = false;
  for (const line of yaml.split(/\r?\n/)) {
    if (/^\S/.test(line)) inside = line.startsWith('packages:');
    const item = inside && /^\s+-\s+["']?([^"'\s]+)["']?\s*$/.exec(line);
    if (item) patterns.push(item[1]);
  }
  return patterns;
}

export function readManifest(repository, folder) {
  return JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8'));
}
