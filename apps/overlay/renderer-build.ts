import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InlineConfig, Plugin } from 'vite';

const root = import.meta.dirname;

/** Where `electron-vite build` leaves the renderer. */
export const RENDERER_OUT = join(root, 'out', 'renderer');
const BUILD_ID_FILE = 'build-id';
/** What the renderer is made of. */
const sources = ['src/ui', 'src/core', 'renderer-build.ts', 'package.json'];

/** One bundle for Electron and for browsers; both builds use this. */
export function rendererConfig(outDir: string): InlineConfig {
  return {
    configFile: false,
    root: join(root, 'src', 'ui'),
    base: './',
    publicDir: false,
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'chrome132',
      modulePreload: false,
      // Everything is served from this folder; a data: URL would need a hole in the CSP.
      assetsInlineLimit: 0,
      sourcemap: false,
      // electron-vite would leave it readable; the panel is meant to stay small.
      minify: true,
      cssMinify: true,
      reportCompressedSize: false,
      rolldownOptions: {
        input: {
          index: join(root, 'src', 'ui', 'index.html'),
          electron: join(root, 'src', 'ui', 'electron.html'),
        },
      },
    },
    plugins: [writeBuildId(outDir)],
  };
}

/** Hash of the sources: tells a build that is older than them. */
export function sourceId(): string {
  const hash = createHash('sha256');
  for (const path of sources.flatMap(filesUnder).sort())
    hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

/** The source hash a finished build carries, or null. */
export function buildIdOf(outDir: string): string | null {
  try {
    return readFileSync(join(outDir, BUILD_ID_FILE), 'utf8');
  } catch {
    return null;
  }
}

function writeBuildId(outDir: string): Plugin {
  let id = '';
  return {
    name: 'deskhand-build-id',
    buildStart() {
      // Taken before the build: a file that changes meanwhile makes the result stale, not falsely fresh.
      id = sourceId();
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
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}
