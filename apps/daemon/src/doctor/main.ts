import { Scope, silentLogger } from '@deskhand/base';
import { ProtocolError, type SenseCheck } from '@deskhand/protocol';
import { NO_OWN_WINDOWS } from '../capture/index.ts';
import { openDesktopSenses } from '../desktop/open-desktop-senses.ts';
import { findDisplayServer } from '../find-display-server.ts';
import { startVirtualDesktop } from '../virtual-desktop/index.ts';
import { examineSenses } from './examine-senses.ts';

/**
 * Tries this desktop without a daemon, for `deskhand doctor`: prints one JSON object, `{ desktop, checks }`. With
 * `--virtual`, or where there is no display, a private desktop is made for it and taken away again.
 */
async function main(): Promise<void> {
  const scope = new Scope();
  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => ending.abort());
  const { signal } = ending;
  let checks: SenseCheck[];
  let desktop = 'this desktop';
  try {
    if (
      process.platform === 'linux' &&
      (process.argv.includes('--virtual') || !(process.env.DISPLAY || process.env.WAYLAND_DISPLAY))
    ) {
      desktop = 'a private desktop, made for this';
      const virtual = scope.use('virtual desktop', await startVirtualDesktop({ log: silentLogger, signal }));
      Object.assign(process.env, virtual.env);
    }
    const dataDir = process.env.DESKHAND_DATA ?? process.cwd();
    const server = await findDisplayServer(process.env, {
      platform: process.platform,
      dataDir,
      log: silentLogger,
    });
    const opened = scope.use(
      'senses',
      await openDesktopSenses({
        server,
        dataDir,
        virtual: false,
        covered: () => [],
        ownWindows: () => NO_OWN_WINDOWS,
        probePanel: async () => null,
        policyRoots: () => [],
        log: silentLogger,
        signal,
      }),
    );
    checks = await examineSenses({
      senses: opened.senses,
      server,
      exclusion: opened.exclusion(),
      inputBackend: null,
      log: silentLogger,
      signal,
    });
  } catch (error) {
    const detail = error instanceof ProtocolError ? error.message : String(error);
    checks = [
      {
        name: 'capture',
        state: 'fail',
        detail,
        ms: null,
        todo: 'npm run setup, or `deskhand up --virtual`.',
      },
    ];
  }
  await scope.close().catch(() => {});
  process.stdout.write(`${JSON.stringify({ desktop, checks })}\n`, () => process.exit(0));
}

await main();
