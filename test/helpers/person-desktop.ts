import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { isAlive } from './up-process.ts';
import { startXDesktop, type XDesktop } from './x-desktop.ts';

const run = promisify(execFile);

/**
 * A desktop with a person in front of it: an X server shown in a window of another one. What is typed and
 * moved on the outer server reaches the inner one through its own keyboard and mouse, which are not XTEST,
 * just as real devices are not.
 */
export interface PersonDesktop extends AsyncDisposable {
  /** Display that is lent to the agent. */
  readonly display: string;
  /** The X server that is lent. */
  readonly serverPid: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** xdotool with the person's hands. Coordinates are those of the inner desktop. */
  person(...args: string[]): Promise<string>;
  /** Runs a program on the lent display to its end: judges, and xdotool as an agent would. */
  ask(command: string, ...args: string[]): Promise<string>;
  /** Starts a program on the lent display and waits for its window. */
  xterm(...command: string[]): Promise<{ pid: number; windowId: string }>;
  start(command: string, args?: readonly string[]): { pid: number };
  /** Keys and buttons that are down on the lent display, any device. */
  held(): Promise<string[]>;
}

export async function startPersonDesktop(): Promise<PersonDesktop> {
  const outer: XDesktop = await startXDesktop({ width: 1300, height: 900 });
  try {
    const folder = mkdtempSync(join(tmpdir(), 'deskhand-person-'));
    const displayFile = join(outer.folder, 'display');
    const { pid: serverPid } = outer.start('sh', [
      '-c',
      `exec Xephyr -ac -screen 1280x800 -displayfd 3 3>${displayFile}`,
    ]);
    const number = await eventually(() => readFileSync(displayFile, 'utf8').trim(), { what: 'Xephyr' });
    const environment = { ...outer.environment, DISPLAY: `:${number}`, XAUTHORITY: '/dev/null' };
    const ask = async (command: string, ...args: string[]) =>
      (await run(command, args, { env: environment, timeout: 20_000 })).stdout;
    let manager = outer.start('openbox', ['--sm-disable'], environment);
    await eventually(
      async () => {
        // One that came before the server was quite ready is gone for good.
        if (!isAlive(manager.pid)) manager = outer.start('openbox', ['--sm-disable'], environment);
        return (await ask('xprop', '-root', '_NET_SUPPORTING_WM_CHECK')).includes('0x');
      },
      { what: 'the inner window manager', timeoutMs: 30_000, everyMs: 100 },
    );
    const xephyr = await eventually(
      async () => (await outer.ask('xdotool', 'search', '--name', 'Xephyr')).trim().split('\n')[0],
      { what: 'the window of Xephyr' },
    );
    await outer.ask('xdotool', 'windowmove', '--sync', xephyr, '0', '0').catch(() => '');
    // It has a name before it is shown, and what is not shown can't have the focus.
    await eventually(() => outer.ask('xdotool', 'windowfocus', xephyr).then(() => true), {
      what: 'the focus on Xephyr',
    });
    // xdotool counts the frame of a window twice.
    const geometry = await outer.ask('xwininfo', '-id', xephyr);
    const absolute = (axis: 'X' | 'Y') =>
      Number(new RegExp(`Absolute upper-left ${axis}: +(-?\\d+)`).exec(geometry)?.[1]);
    const offset = { x: absolute('X'), y: absolute('Y') };
    // A pointer over the inner desktop, so that its keyboard follows the person's.
    await outer.ask('xdotool', 'mousemove', String(offset.x + 640), String(offset.y + 400));
    const start = (command: string, args: readonly string[] = []) => outer.start(command, args, environment);
    return {
      display: `:${number}`,
      serverPid,
      environment,
      folder,
      ask,
      start,
      async person(...args) {
        const inner = args.map((arg, index) => {
          const verb = args[index - 1] === 'mousemove' ? 'x' : args[index - 2] === 'mousemove' ? 'y' : null;
          return verb === null ? arg : String(Number(arg) + offset[verb]);
        });
        return outer.ask('xdotool', ...inner);
      },
      async xterm(...command) {
        const { pid } = start('xterm', command.length === 0 ? [] : ['-e', ...command]);
        const windowId = await eventually(
          async () =>
            (await ask('xdotool', 'search', '--onlyvisible', '--class', 'xterm')).trim().split('\n')[0],
          { what: 'an xterm window' },
        );
        return { pid, windowId };
      },
      async held() {
        const list = await ask('xinput', 'list', '--short');
        const found: string[] = [];
        for (const line of list.split('\n').filter((text) => text.includes('slave'))) {
          const id = /id=(\d+)/.exec(line)?.[1];
          if (id === undefined) continue;
          const state = await ask('xinput', 'query-state', id);
          for (const match of state.matchAll(/(?:key|button)\[\d+\]=down/g))
            found.push(`device ${id}: ${match[0]}`);
        }
        return found;
      },
      [Symbol.asyncDispose]: () => outer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await outer[Symbol.asyncDispose]();
    throw error;
  }
}
