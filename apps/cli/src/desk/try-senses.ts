import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DaemonState, SenseCheck } from '@deskhand/protocol';
import type { Context } from '../command.ts';
import type { LocalDesk } from './local-desk.ts';
import { PARTS } from './parts.ts';

const run = promisify(execFile);
const CEILING_MS = 90_000;

/**
 * Eyes and hands, tried: by the daemon that runs, else by a process of its own on this display, or on a private desktop
 * when `virtual` is asked for or no display is there.
 */
export async function trySenses(
  desk: LocalDesk,
  running: DaemonState | undefined,
  context: Context,
  options: { virtual: boolean },
): Promise<readonly SenseCheck[]> {
  try {
    if (running !== undefined && !options.virtual) return await desk.examine();
    const { stdout } = await run(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        PARTS.daemonDoctor,
        ...(options.virtual ? ['--virtual'] : []),
      ],
      { env: context.env as NodeJS.ProcessEnv, timeout: CEILING_MS, signal: context.signal },
    );
    return (JSON.parse(stdout) as { checks: SenseCheck[] }).checks;
  } catch (error) {
    context.signal.throwIfAborted();
    const detail = `could not be tried: ${(error as Error).message.split('\n')[0]}`;
    return [{ name: 'capture', state: 'fail', detail, ms: null, todo: 'npm run setup' }];
  }
}
