import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The other programs of this house, started as processes and never imported. */
const at = (relative: string) => fileURLToPath(new URL(`../../../../${relative}`, import.meta.url));

export const PARTS = {
  server: at('apps/server/src/main.ts'),
  daemon: at('apps/daemon/src/main.ts'),
  browserPanel: at('apps/overlay/src/browser/main.ts'),
  terminalPanel: at('apps/overlay/src/terminal/main.ts'),
  overlayApp: at('apps/overlay'),
  bench: at('test/bench/main.ts'),
  tasks: at('test/tasks/main.ts'),
  backup: at('apps/server/src/storage/backup.ts'),
  modelProbe: at('apps/server/src/probe-model.ts'),
  daemonDoctor: at('apps/daemon/src/doctor/main.ts'),
  systemPackages: at('bin/system-packages.json'),
  repository: at('.'),
} as const;

/**
 * Node's flags for our long-lived parts. A small young generation keeps an idle server near 120 MB instead
 * of 135 and costs 7 % of its top request rate (`deskhand bench api`).
 */
export const PART_NODE_FLAGS: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=2',
];

/**
 * Environment of the server's process: with its compiled code at hand Node never loads its type stripper (17 MB), also
 * not for the entry file; two allocation arenas are enough for its few threads. The folder is its owner's alone.
 */
export function serverEnv(dataFolder: string, env: NodeJS.ProcessEnv): Record<string, string> {
  return {
    NODE_COMPILE_CACHE: env.NODE_COMPILE_CACHE ?? path.join(dataFolder, 'cache', 'code'),
    MALLOC_ARENA_MAX: '2',
  };
}

/** Electron's executable, where its download has happened. */
export function electronBinary(env: NodeJS.ProcessEnv): string | undefined {
  const override = env.ELECTRON_OVERRIDE_DIST_PATH;
  const name =
    process.platform === 'win32'
      ? 'electron.exe'
      : process.platform === 'darwin'
        ? 'Electron.app/Contents/MacOS/Electron'
        : 'electron';
  const candidates = [
    ...(override === undefined ? [] : [`${override}/${name}`]),
    at(`apps/overlay/node_modules/electron/dist/${name}`),
  ];
  return candidates.find((candidate) => existsSync(candidate));
}
