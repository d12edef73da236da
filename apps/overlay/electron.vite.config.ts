import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'electron-vite';
import type { Plugin } from 'vite';
import { MAIN_OUT, RENDERER_OUT, rendererConfig, writeBuildId } from './overlay-build.ts';

const trayIcon: Plugin = {
  name: 'deskhand-tray-icon',
  buildStart() {
    const source = readFileSync(join(import.meta.dirname, 'build', 'tray.png'));
    this.emitFile({ type: 'asset', fileName: 'tray.png', source });
  },
};

/** Main as an ES module; the preload as CommonJS, because a sandboxed preload cannot import. */
export default defineConfig({
  main: {
    plugins: [trayIcon, writeBuildId('main', MAIN_OUT)],
    build: {
      outDir: 'out/main',
      rolldownOptions: {
        input: 'src/main/entry.ts',
        external: ['electron'],
        output: { format: 'es', entryFileNames: 'main.mjs' },
      },
      externalizeDeps: false,
      sourcemap: false,
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      rolldownOptions: {
        input: 'src/preload/preload.ts',
        external: ['electron'],
        output: { format: 'cjs', entryFileNames: 'preload.cjs' },
      },
      externalizeDeps: false,
      sourcemap: false,
    },
  },
  renderer: rendererConfig(RENDERER_OUT),
});
