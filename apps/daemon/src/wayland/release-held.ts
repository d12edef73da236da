import { silentLogger, sleep } from '@deskhand/base';
import { ButtonRelease } from './button-release.ts';
import { openWayland } from './connection.ts';

/** A program of its own, like `x11/release-held.ts`: lets go on the compositor at a path, several times, and ends. */
const LOOK_AGAIN_MS = [0, 50, 100, 250];
const CEILING_MS = 3000;

setTimeout(() => process.exit(1), CEILING_MS).unref();
const [socket = ''] = process.argv.slice(2);
const compositor = await openWayland({ socket, log: silentLogger });
const release = new ButtonRelease(compositor);
for (const ms of LOOK_AGAIN_MS) {
  await sleep(ms);
  await release.now();
}
process.exit(0);
