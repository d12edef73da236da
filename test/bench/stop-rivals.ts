import { type ChildProcess, spawn } from 'node:child_process';
import { sleep } from '@deskhand/base';
import { eventually } from '../helpers/eventually.ts';
import type { PersonDesktop } from '../helpers/person-desktop.ts';
import type { StopWatch } from './stop-watch.ts';

/** Three sentences: what an agent types in one call. */
const TEXT = 'the quick brown fox jumps over the lazy dog and then it goes home to sleep again '.repeat(3);
const STILL_MS = 400;
const CEILING_MS = 60_000;

const NUT_AGENT = `
import { keyboard } from '@nut-tree-fork/nut-js';
keyboard.config.autoDelayMs = 5;
let aborted = false;
process.on('message', () => { aborted = true; });
process.send('ready');
process.once('message', async () => {});
for (const text of [process.argv[1], process.argv[1]]) if (!aborted) await keyboard.type(text);
process.exit(0);
`;

export type RivalTrip = Readonly<{ toLastInputMs: number; held: number }>;

/**
 * What people use instead, with the best hotkey there can be: this benchmark hears the chord and tells the
 * agent in the same moment.
 */
export type Rival = Readonly<{
  name: string;
  start: (desktop: PersonDesktop) => ChildProcess;
  /** How an agent of that kind is told to abort. */
  abort: (child: ChildProcess) => void;
}>;

export const RIVALS: readonly Rival[] = [
  {
    name: 'xdotool type, abort looked at between calls',
    start: (desktop) => spawn('xdotool', ['type', '--', TEXT], { env: desktop.environment, stdio: 'ignore' }),
    abort: () => {},
  },
  {
    name: 'xdotool type, its process killed',
    start: (desktop) => spawn('xdotool', ['type', '--', TEXT], { env: desktop.environment, stdio: 'ignore' }),
    abort: (child) => child.kill('SIGKILL'),
  },
  {
    name: 'nut-js keyboard.type, abort looked at between calls',
    start: (desktop) =>
      spawn(process.execPath, ['--input-type=module', '--eval', NUT_AGENT, TEXT], {
        env: desktop.environment,
        cwd: import.meta.dirname,
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      }),
    abort: (child) => child.send?.('abort'),
  },
];

export async function rivalTrip(rival: Rival, desktop: PersonDesktop, watch: StopWatch): Promise<RivalTrip> {
  let child: ChildProcess | undefined;
  watch.clear(() => child !== undefined && rival.abort(child));
  child = rival.start(desktop);
  const ended = new Promise<void>((resolve) => child?.once('exit', () => resolve()));
  try {
    await eventually(() => watch.injected > 20, { everyMs: 2, what: 'input', timeoutMs: 20_000 });
    await desktop.person('key', 'ctrl+alt+shift+Escape');
    await Promise.race([ended, sleep(CEILING_MS)]);
    await sleep(STILL_MS);
    const { chordMs, lastInputMs } = watch.times;
    return { toLastInputMs: Math.max(0, lastInputMs - chordMs), held: (await desktop.held()).length };
  } finally {
    child.kill('SIGKILL');
    watch.clear();
    // What it left down would be in the way of the next.
    for (const key of ['ctrl', 'alt', 'shift']) await desktop.ask('xdotool', 'keyup', key);
  }
}
