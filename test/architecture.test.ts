import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAst } from 'vitest/node';

/** base ← protocol ← { agent, client } ← apps/*: which workspace packages each one may import. */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  protocol: ['base'],
  agent: ['protocol', 'base'],
  client: ['protocol', 'base'],
  replay: ['protocol', 'base'],
  server: ['agent', 'protocol', 'base'],
  daemon: ['protocol', 'base'],
  overlay: ['client', 'replay', 'protocol', 'base'],
  cli: ['client', 'replay', 'protocol', 'base'],
};

/**
 * Third-party edges: who may load what at run time. A library behind few files can be swapped there.
 * `import type` is free, since nothing of it is left at run time; so are tests.
 */
const edges: readonly { packages: RegExp; only: readonly string[] }[] = [
  { packages: /^@nut-tree-fork\/|^@nut-tree\//, only: ['apps/daemon/src/**/nut-*.ts'] },
  { packages: /^screenshot-desktop$/, only: ['apps/daemon/src/capture/**'] },
  { packages: /^sharp$/, only: ['apps/daemon/src/capture/**'] },
  { packages: /^x11$/, only: ['apps/daemon/src/x11/**'] },
  { packages: /^dbus-next$/, only: ['apps/daemon/src/dbus/**'] },
  { packages: /^playwright(-core)?$/, only: ['apps/daemon/src/browser/**'] },
  {
    packages: /^ws$/,
    only: [
      'apps/daemon/src/link/**',
      'apps/server/src/{machines,testing}/**',
      'apps/overlay/src/{main,browser}/**',
    ],
  },
  { packages: /^(kysely|node:sqlite|better-sqlite3|pg)$/, only: ['apps/server/src/storage/**'] },
  {
    packages: /^ai$|^@ai-sdk\//,
    only: ['packages/agent/src/engines/vision/**', 'packages/agent/src/verifier/**'],
  },
  // Loading electron outside Electron tries to download it, so everything else gets what it needs handed in.
  { packages: /^electron$/, only: ['apps/overlay/src/main/entry.ts', 'apps/overlay/src/preload/**'] },
];

const repository = resolve(import.meta.dirname, '..');

interface ImportSite {
  readonly specifier: string;
  /** Nothing of it is left once the types are stripped. */
  readonly typeOnly: boolean;
}

type Manifest = { dependencies?: Record<string, string>; devDependencies?: Record<string, string> };

describe('architecture', () => {
  const files = sourceFiles();

  it('sees the source of every workspace package', () => {
    const seen = new Set(files.map((file) => file.split('/')[1]));
    expect([...seen].sort()).toEqual(Object.keys(mayImport).sort());
  });

  it('holds: directions, package borders, declared packages, third-party edges', () => {
    const found = files.flatMap((file) => violations(file, readFileSync(resolve(repository, file), 'utf8')));
    expect(found).toEqual([]);
  });

  it('holds: no file needs itself by way of others, not even for a type', () => {
    const sources = new Map(files.map((file) => [file, readFileSync(resolve(repository, file), 'utf8')]));
    expect(circlesOf(sources)).toEqual([]);
  });

  it('finds a circle through files that are apart, and none where two need the same', () => {
    const circle = circlesOf(
      new Map([
        ['apps/x/src/a.ts', `import type { B } from './deep/b.ts';`],
        ['apps/x/src/deep/b.ts', `export { c } from '../c.ts'; import '../d.ts';`],
        ['apps/x/src/c.ts', `const a = await import('./a.ts'); import './d.ts';`],
        ['apps/x/src/d.ts', `import { sleep } from '@deskhand/base';`],
      ]),
    );
    expect(circle).toEqual(['apps/x/src/a.ts → apps/x/src/deep/b.ts → apps/x/src/c.ts → apps/x/src/a.ts']);
  });

  it.each<[file: string, source: string, complaint: string]>([
    ['packages/protocol/src/x.ts', `import { a } from '@deskhand/agent';`, 'protocol may not import agent'],
    ['packages/base/src/x.ts', `export * from '@deskhand/protocol';`, 'base may not import protocol'],
    ['packages/base/src/x.test.ts', `import '@deskhand/protocol';`, 'base may not import protocol'],
    ['packages/client/src/x.ts', `import type { A } from '@deskhand/agent';`, 'client may not import agent'],
    ['apps/daemon/src/x.ts', `type A = import('@deskhand/agent').A;`, 'daemon may not import agent'],
    ['apps/daemon/src/x.ts', `const a = await import('@deskhand/client');`, 'daemon may not import client'],
    ['apps/cli/src/x.ts', `import { up } from '@deskhand/server';`, 'cli may not import server'],
    [
      'apps/overlay/src/x.tsx',
      `const a = <p>{require('@deskhand/daemon')}</p>;`,
      'overlay may not import daemon',
    ],
    ['apps/cli/src/x.ts', `import { d } from '../../daemon/src/index.ts';`, 'leaves its package'],
    [
      'packages/agent/src/deep/x.ts',
      `export { d } from '../../../protocol/src/index.ts';`,
      'leaves its package',
    ],
    ['apps/server/src/x.ts', `import { scripted } from '@deskhand/agent/testing';`, 'is for tests'],
    ['apps/server/src/x.ts', `import sharp from 'sharp';`, 'is not declared'],
    ['apps/server/src/x.ts', `import _ from 'lodash/fp';`, 'is not declared'],
    [
      'apps/daemon/src/settle/x.ts',
      `import sharp from 'sharp';`,
      'sharp belongs in apps/daemon/src/capture/**',
    ],
    ['apps/daemon/src/input/x.ts', `import { type K } from 'x11';`, 'x11 belongs in apps/daemon/src/x11/**'],
    [
      'apps/daemon/src/x11/input.ts',
      `import '@nut-tree-fork/nut-js';`,
      'belongs in apps/daemon/src/**/nut-*.ts',
    ],
    [
      'apps/daemon/src/words/x.ts',
      `import p from 'playwright-core/lib/x';`,
      'belongs in apps/daemon/src/browser/**',
    ],
    ['apps/server/src/runs/x.ts', `import { sql } from 'kysely';`, 'belongs in apps/server/src/storage/**'],
    [
      'apps/server/src/runs/x.ts',
      `import { DatabaseSync } from 'node:sqlite';`,
      'belongs in apps/server/src/storage/**',
    ],
    [
      'packages/agent/src/run-loop.ts',
      `import { generateText } from 'ai';`,
      'ai belongs in packages/agent/src/engines',
    ],
    ['apps/overlay/src/main/window.ts', `import { BrowserWindow } from 'electron';`, 'electron belongs in'],
  ])('objects to %s with %s', (file, source, complaint) => {
    expect(violations(file, source)).toEqual([expect.stringContaining(complaint)]);
  });

  it.each<[file: string, source: string]>([
    [
      'apps/daemon/src/capture/encode-frame.ts',
      `import sharp from 'sharp'; import { sleep } from '@deskhand/base';`,
    ],
    ['apps/daemon/src/input/nut-input.ts', `import { mouse } from '@nut-tree-fork/nut-js';`],
    ['apps/daemon/src/settle/x.test.ts', `import sharp from 'sharp'; import { expect } from 'vitest';`],
    ['apps/server/src/runs/x.ts', `import type { Kysely } from 'kysely'; import { join } from 'node:path';`],
    ['apps/server/src/runs/x.test.ts', `import { scripted } from '@deskhand/agent/testing';`],
    ['apps/overlay/src/main/window.ts', `import type { BrowserWindow } from 'electron';`],
    ['apps/overlay/src/preload/preload.ts', `import { contextBridge } from 'electron';`],
    [
      'apps/cli/src/commands/run.ts',
      `import { x } from '../x.ts'; // import 'sharp'\nconst t = "import 'ws'";`,
    ],
  ])('has nothing against %s with %s', (file, source) => {
    expect(violations(file, source)).toEqual([]);
  });
});

/** Every rule that `source` breaks if it lay at `file` (posix path from the repository root). */
function violations(file: string, source: string): string[] {
  const [parent, own = ''] = file.split('/');
  const isTest = /\.test\.tsx?$/.test(file);
  const declared = declaredPackages(`${parent}/${own}`, isTest);
  const found: string[] = [];
  for (const { specifier, typeOnly } of importsOf(file, source)) {
    const complain = (why: string) => found.push(`${file}: '${specifier}' ${why}`);
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(file), specifier);
      if (!target.startsWith(`${parent}/${own}/`)) complain('leaves its package; import it by its name');
      continue;
    }
    const [, workspacePackage, entry] = /^@deskhand\/([^/]+)(.*)$/.exec(specifier) ?? [];
    if (workspacePackage !== undefined) {
      const allowed = mayImport[own] ?? [];
      if (workspacePackage !== own && !allowed.includes(workspacePackage)) {
        complain(`is the wrong way: ${own} may not import ${workspacePackage}`);
      } else if (entry === '/testing' && !isTest) complain('is for tests');
      continue;
    }
    const name = packageName(specifier);
    if (!name.startsWith('node:') && !declared.has(name)) {
      complain(`is not declared in ${parent}/${own}/package.json`);
      continue;
    }
    const edge = edges.find(({ packages }) => packages.test(name));
    if (edge === undefined || typeOnly || isTest) continue;
    if (!edge.only.some((pattern) => posix.matchesGlob(file, pattern))) {
      complain(`at run time: ${name} belongs in ${edge.only.join(', ')}`);
    }
  }
  return found;
}

/** Each way on which a file's imports lead back to it, once. @param sources text by posix path. */
function circlesOf(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at !== -1) found.push([...way.slice(at), file].join(' → '));
    if (at !== -1 || done.has(file)) return;
    for (const { specifier } of importsOf(file, sources.get(file) ?? '')) {
      const target = posix.join(posix.dirname(file), specifier);
      if (specifier.startsWith('.') && sources.has(target)) visit(target, [...way, file]);
    }
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
  return [...new Set(found)];
}

/** What a file imports, exports from, requires or names in an import type; literal specifiers only. */
function importsOf(file: string, source: string): ImportSite[] {
  const sites: ImportSite[] = [];
  const visit = (node: unknown): void => {
    for (const item of Array.isArray(node) ? node : []) visit(item);
    if (!isNode(node)) return;
    const specifier = literal(node.source);
    if (specifier !== undefined) {
      const typeOnly =
        node.type === 'TSImportType' || node.importKind === 'type' || node.exportKind === 'type';
      sites.push({ specifier, typeOnly });
    }
    const required = node.type === 'CallExpression' ? requireArgument(node) : undefined;
    if (required !== undefined) sites.push({ specifier: required, typeOnly: false });
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(source, { lang: file.endsWith('x') ? 'tsx' : 'ts' }).body);
  return sites;
}

/** The argument of `require('…')` and `require.resolve('…')`. */
function requireArgument(call: SyntaxNode): string | undefined {
  const callee = call.callee;
  if (!isNode(callee)) return undefined;
  const target = callee.type === 'MemberExpression' ? callee.object : callee;
  if (!isNode(target) || target.name !== 'require') return undefined;
  return Array.isArray(call.arguments) ? literal(call.arguments[0]) : undefined;
}

type SyntaxNode = { readonly type: string } & Record<string, unknown>;

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function literal(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}

function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** pnpm refuses undeclared packages, except those of the root; tests may use these. */
function declaredPackages(folder: string, isTest: boolean): Set<string> {
  const manifests = isTest ? [folder, '.'] : [folder];
  return new Set(
    manifests.flatMap((place) => {
      const manifest: Manifest = JSON.parse(readFileSync(resolve(repository, place, 'package.json'), 'utf8'));
      return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    }),
  );
}

function sourceFiles(): string[] {
  return ['apps', 'packages'].flatMap((parent) =>
    readdirSync(resolve(repository, parent))
      .filter((name) => existsSync(resolve(repository, parent, name, 'package.json')))
      .flatMap((name) =>
        readdirSync(resolve(repository, parent, name, 'src'), { recursive: true, encoding: 'utf8' })
          .filter((path) => /\.tsx?$/.test(path))
          .map((path) => `${parent}/${name}/src/${path.split(sep).join('/')}`),
      ),
  );
}
