import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pinnedNode } from './find-node.mjs';
import { workspaceFolders } from './repository.mjs';
import { makeScratch } from './scratch.mjs';
import { reasonToInstall, writeStamp } from './stamp.mjs';

function installedClone() {
  return makeScratch({
    'package.json': '{"devDependencies":{"turbo":"1"}}',
    'pnpm-lock.yaml': 'lock 1',
    'pnpm-workspace.yaml': "packages:\n  - apps/*\n  - 'test'\n\n# later\ncatalog:\n  - nothing\n",
    'bin/system-packages.json': '[]',
    'apps/one/package.json': '{"dependencies":{"@scope/a":"1"}}',
    'apps/not-a-package/readme': '',
    'test/package.json': '{}',
    'node_modules/turbo/package.json': '{}',
    'apps/one/node_modules/@scope/a/package.json': '{}',
    [pinnedNode()]: '#!/bin/sh\n',
  });
}

describe('the stamp of set-up', () => {
  it('knows the workspace folders', () => {
    using clone = installedClone();
    expect(workspaceFolders(clone.folder)).toEqual(['', 'apps/one', 'test']);
  });

  it('says "not installed yet" before, and nothing after', () => {
    using clone = installedClone();
    expect(reasonToInstall(clone.folder)).toBe('not installed yet');
    writeStamp(clone.folder);
    expect(reasonToInstall(clone.folder)).toBeUndefined();
  });

  it.each([
    ['pnpm-lock.yaml', 'lock 2'],
    ['pnpm-workspace.yaml', 'packages:\n  - apps/*\n'],
    ['package.json', '{"devDependencies":{"turbo":"1"},"version":"2"}'],
    ['apps/one/package.json', '{"dependencies":{"@scope/a":"2"}}'],
    ['apps/two/package.json', '{}'],
    ['bin/system-packages.json', '[{}]'],
    ['.npmrc', 'x=1'],
  ])('no longer holds when %s changes', (path, text) => {
    using clone = installedClone();
    writeStamp(clone.folder);
    clone.write(path, text);
    expect(reasonToInstall(clone.folder)).toBe('the list of packages changed');
  });

  it.each([[pinnedNode()], ['node_modules/turbo'], [join('apps/one', 'node_modules', '@scope/a')]])(
    'no longer holds when %s is gone',
    (path) => {
      using clone = installedClone();
      writeStamp(clone.folder);
      rmSync(join(clone.folder, path), { recursive: true });
      expect(reasonToInstall(clone.folder)).toBe(`${path} is gone`);
      mkdirSync(join(clone.folder, path), { recursive: true });
      expect(reasonToInstall(clone.folder)).toBeUndefined();
    },
  );
});
