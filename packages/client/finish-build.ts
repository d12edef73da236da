import { copyFileSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a package of what `tsc -p tsconfig.build.json` wrote to `out`: plain JavaScript with types for who has nothing of
 * this repository, with the parts of it that the SDK needs inside. `npm pack ./packages/client/out` makes the tarball.
 */

const OUT = process.argv[2] ?? path.join(import.meta.dirname, 'out');
/** Packages of this repository that are inside, and where. */
const INSIDE = {
  '@deskhand/base': 'base/src/index.js',
  '@deskhand/protocol': 'protocol/src/index.js',
} as const;

type PackageFile = { name: string; version: string; license: string; description: string };

const read = (file: string) => readFileSync(path.join(import.meta.dirname, file), 'utf8');

for (const file of globSync('**/*.{js,d.ts}', { cwd: OUT })) {
  const text = readFileSync(path.join(OUT, file), 'utf8');
  const finished = text.replace(
    /(?<=\bfrom |\bimport\()(['"])([^'"]+)\1/g,
    (_, quote: string, from: string) => {
      const inside = INSIDE[from as keyof typeof INSIDE];
      if (inside === undefined) return `${quote}${from.replace(/^(\..*)\.ts$/, '$1.js')}${quote}`;
      const relative = path.posix.relative(path.posix.dirname(file.replaceAll(path.sep, '/')), inside);
      return `${quote}${relative.startsWith('.') ? relative : `./${relative}`}${quote}`;
    },
  );
  if (finished !== text) writeFileSync(path.join(OUT, file), finished);
}

const { name, version, license, description } = JSON.parse(read('package.json')) as PackageFile;
const zod = JSON.parse(read('node_modules/zod/package.json')) as PackageFile;
const manifest = {
  name,
  version,
  license,
  description,
  type: 'module',
  sideEffects: false,
  engines: { node: '>=20.3' },
  exports: { '.': { types: './client/src/index.d.ts', default: './client/src/index.js' } },
  types: './client/src/index.d.ts',
  dependencies: { zod: zod.version },
};
writeFileSync(path.join(OUT, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync(path.join(import.meta.dirname, '../../LICENSE'), path.join(OUT, 'LICENSE'));
copyFileSync(path.join(import.meta.dirname, 'README.md'), path.join(OUT, 'README.md'));
