import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { InlineConfig, Plugin } from 'vite';
import { compiledWords } from './compile-words.ts';

const root = import.meta.dirname;

/** Where `electron-vite build` leaves the bundles. */
export const RENDERER_OUT = join(root, 'out', 'renderer');
export const MAIN_OUT = join(root, 'out', 'main');
const BUILD_ID_FILE = 'build-id';
/** Languages there are words for. */
export const LANGUAGES = readdirSync(join(root, 'src', 'locales'))
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace('.json', ''));
const always = ['overlay-build.ts', 'compile-words.ts', 'package.json'];
/** What each bundle is made of; main takes the workspace packages in. */
const SOURCES = {
  renderer: ['src/ui', 'src/core', 'src/locales', ...always],
  main: [
    'src/main',
    'src/preload',
    'src/host',
    'src/core',
    'src/locales',
    'src/browser',
    'electron.vite.config.ts',
    ...always,
  ],
} as const;
type Bundle = keyof typeof SOURCES;

/** One bundle for Electron and for browsers; both builds use this. */
export function rendererConfig(outDir: string): InlineConfig {
  return {
    configFile: false,
    root: join(root, 'src', 'ui'),
    base: './',
    publicDir: false,
    logLevel: 'warn',
    // The same bundle whatever NODE_ENV the builder has: tests build it on demand, too.
    mode: 'production',
    define: { 'process.env.NODE_ENV': JSON.stringify('production') },
    // Preact's own factory instead of its second one for JSX, which is built from the same again.
    oxc: {
      jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' },
      jsxInject: "import { Fragment, h } from 'preact'",
    },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'chrome132',
      // The page names all its scripts at once, so that none waits for another to ask for it.
      modulePreload: { polyfill: false },
      // Everything is served from this folder; a data: URL would need a hole in the CSP.
      assetsInlineLimit: 0,
      sourcemap: false,
      // electron-vite would leave it readable; the panel is meant to stay small.
      minify: 'terser',
      terserOptions: {
        ecma: 2020,
        module: true,
        compress: { passes: 3, unsafe_arrows: true },
        format: { comments: false },
      },
      cssMinify: true,
      reportCompressedSize: false,
      rolldownOptions: {
        input: {
          index: join(root, 'src', 'ui', 'index.html'),
          ring: join(root, 'src', 'ui', 'ring.html'),
        },
      },
    },
    plugins: [compiledWords(join(root, 'src', 'locales'), LANGUAGES), writeBuildId('renderer', outDir)],
  };
}

/** Hash of the sources: tells a build that is older than them. */
export function sourceId(bundle: Bundle): string {
  const hash = createHash('sha256');
  for (const path of SOURCES[bundle].flatMap(filesUnder).sort())
    hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

/** True when both bundles are there and as new as their sources. */
export function isBuilt(): boolean {
  return buildIdOf(RENDERER_OUT) === sourceId('renderer') && buildIdOf(MAIN_OUT) === sourceId('main');
}

/** The source hash a finished build carries, or null. */
export function buildIdOf(outDir: string): string | null {
  try {
    return readFileSync(join(outDir, BUILD_ID_FILE), 'utf8');
  } catch {
    return null;
  }
}

export function writeBuildId(bundle: Bundle, outDir: string): Plugin {
  let id = '';
  return {
    name: 'deskhand-build-id',
    buildStart() {
      // Taken before the build: a file that changes meanwhile makes the result stale, not falsely fresh.
      id = sourceId(bundle);
    },
    closeBundle() {
      writeFileSync(join(outDir, BUILD_ID_FILE), id);
    },
  };
}

function filesUnder(path: string): string[] {
  if (/\.\w+$/.test(path)) return [path];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
