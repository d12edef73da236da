import { createInterface } from 'node:readline/promises';
import { sleep } from '@deskhand/base';
import type { DaemonState } from '@deskhand/protocol';
import type { Context } from '../command.ts';
import { CommandProblem } from '../output/problem.ts';
import { inert } from '../output/terminal.ts';
import type { LocalDesk } from './local-desk.ts';

const PATIENCE_MS = 30_000;
const LOOK_MS = 100;

export type PressReport = Readonly<{
  chord: string;
  /** Guard heard it, stopped this desktop and latched. */
  heard: boolean;
  /** Permitted again afterwards. */
  reset: boolean;
}>;

/**
 * The only whole proof of the stop hotkey: a person presses it and it really stops this desktop, through the
 * same way as in an emergency. There is no mode in which the chord would do anything less.
 * @throws CommandProblem when a run is in progress, or the desktop is stopped already.
 */
export async function pressStopKey(
  desk: LocalDesk,
  running: DaemonState | undefined,
  options: { yes: boolean; patienceMs?: number },
  context: Context,
): Promise<PressReport> {
  if (running === undefined)
    throw new CommandProblem('NOT_RUNNING', 'The stop key can only be tried while this desktop runs.', {
      todo: 'Start it: deskhand up, then this command in another terminal.',
    });
  if (!context.interactive && !options.yes)
    throw new CommandProblem('INVALID_STATE', 'Trying the stop key needs a person at a terminal.', {
      todo: 'Run `deskhand doctor --press` on a terminal, or add --yes if you sit at the keyboard.',
    });
  if (running.control === 'stopped')
    throw new CommandProblem(
      'INVALID_STATE',
      'This desktop is stopped already, so nothing would be proven.',
      {
        todo: 'deskhand reset, then try again.',
      },
    );
  if (running.run !== null && ['running', 'awaiting_human'].includes(running.run.status))
    throw new CommandProblem('INVALID_STATE', `Run ${running.run.id} is in progress; the key would end it.`, {
      todo: 'Try again when it is over.',
    });
  const { chord } = running.stopHotkey;
  context.hint(`Press ${inert(chord)} now. It really stops this desktop; afterwards you permit it again.`);
  const giveUpMs = performance.now() + (options.patienceMs ?? PATIENCE_MS);
  while (!desk.latch().tripped) {
    context.signal.throwIfAborted();
    if (performance.now() > giveUpMs) return { chord, heard: false, reset: false };
    await sleep(LOOK_MS, { signal: context.signal });
  }
  const { by } = desk.latch();
  if (by !== 'hotkey') return { chord, heard: false, reset: false };
  context.hint(`Heard: this desktop is stopped, and it says so in its latch file.`);
  const reset = options.yes || (await agrees('Permit it again? [Y/n] ', context));
  if (reset) await desk.reset();
  return { chord, heard: true, reset };
}

async function agrees(question: string, context: Context): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(question, { signal: context.signal }).finally(() => lines.close());
  return !/^n/i.test(answer.trim());
}
