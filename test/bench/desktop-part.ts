import type { BenchTable } from './benchmark.ts';
import { captureTable, overlayTable } from './desktop-capture.ts';
import { startBusyDesktop, startCompositor } from './desktop-screen.ts';
import { primitivesTable, settleTable } from './desktop-steps.ts';
import { typingTable } from './desktop-typing.ts';

/** `node desktop-part.ts WIDTHxHEIGHT`: its tables as JSON on stdout, progress on stderr. */
const [width = 0, height = 0] = (process.argv[2] ?? '').split('x').map(Number);
if (!(width > 0 && height > 0)) throw new Error('usage: desktop-part.ts WIDTHxHEIGHT');

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort(new Error('stopped')));
process.once('SIGINT', () => stop.abort(new Error('stopped')));
const { signal } = stop;
const progress = (line: string) => console.error(line);

const tables: BenchTable[] = [];
{
  await using busy = await startBusyDesktop({ width, height });
  const large = width * height > 4_000_000;
  tables.push(await captureTable(busy, { rounds: large ? 20 : 40, signal, progress }));
  tables.push(await overlayTable(busy, { rounds: large ? 20 : 60, signal }));
  const picom = await startCompositor(busy.desktop, signal);
  tables.push(await overlayTable(busy, { rounds: large ? 20 : 60, signal, compositor: 'picom' }));
  await picom.close();
  if (!large) {
    tables.push(await primitivesTable(busy, { signal, progress }));
    tables.push(await settleTable(busy, { trials: 20, signal, progress }));
    // Last: some rivals change the keyboard map for every character, which keeps the window manager busy for a while.
    tables.push(await typingTable(busy, { signal, progress }));
  }
  console.log(JSON.stringify(tables));
}
