import { silentLogger } from '@deskhand/base';
import { openX11 } from '@deskhand/daemon/x11';

/**
 * A program of its own, because DISPLAY and XAUTHORITY say which desktop: asks every window to close, and ends
 * the programs of those that do not (an editor that asks about unsaved work).
 */
const ASK_CEILING_MS = 2_500;
const KILL_CEILING_MS = 3_000;
const POLL_MS = 40;

await using x = await openX11({ log: silentLogger });
const managed = () => x.getNumbers(x.screen.root, '_NET_CLIENT_LIST');

const closeAtom = await x.atom('_NET_CLOSE_WINDOW');
const pager = 2;
for (const window of await managed())
  await x.sendClientMessage({ window, type: closeAtom, data: [0, pager, 0, 0, 0] });
if (!(await emptyWithin(ASK_CEILING_MS))) {
  for (const window of await managed()) x.unchecked((client) => client.KillClient(window));
  await x.sync();
  if (!(await emptyWithin(KILL_CEILING_MS))) process.exitCode = 1;
}

async function emptyWithin(ceilingMs: number): Promise<boolean> {
  const deadline = performance.now() + ceilingMs;
  for (;;) {
    if ((await managed()).length === 0) return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
