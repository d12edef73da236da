import { defineConfig } from 'electron-vite';
import { RENDERER_OUT, rendererConfig } from './renderer-build.ts';

/** Main as an ES module; the preload as CommonJS, because a sandboxed preload cannot import. */
export default defineConfig({
  main: {
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
