import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Each end-to-end file runs its own X display, browser and daemon: two cores bear one such file at a time. */
const desktopsAtOnce = Math.max(1, Math.min(2, Math.floor(availableParallelism() / 2)));

/** A real server and its clients, and no desktop that is driven: they wait more than they work. */
const serverAlone = [
  'test/contract/{api,client,model,provider,spec,third-party}-*.test.ts',
  'test/faults/server-*.test.ts',
  'test/security/api-*.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.{ts,tsx}',
            'apps/*/src/**/*.test.{ts,tsx}',
            'test/architecture.test.ts',
            'bin/**/*.test.mjs',
          ],
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'server',
          include: serverAlone,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/{contract,e2e,faults,security}/**/*.test.ts'],
          exclude: serverAlone,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: desktopsAtOnce,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
