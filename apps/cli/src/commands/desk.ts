import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { sleep } from '@deskhand/base';
import { Client } from '@deskhand/client';
import type { DaemonState, LatchState } from '@deskhand/protocol';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { ownMachineId, serverAccess } from '../desk/credentials.ts';
import { isNotRunning, LocalDesk } from '../desk/local-desk.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';
import { dollars, inert } from '../output/terminal.ts';

/** Guard tells the daemon of a reset within moments. */
const RESET_HEARD_MS = 1000;
const RESET_LOOK_MS = 20;

type Common = { data?: string; json?: boolean };

export function register(program: Command, context: Context): void {
  const desk = (flags: Common) => new LocalDesk(context.dataFolder(flags.data), context.env);

  program
    .command('stop')
    .description('trips the kill switch of this desktop; works with the server gone or frozen')
    .option('--reason <text>', 'said to whoever finds it stopped')
    .option('--json')
    .option('--data <dir>', 'data folder')
    .action(async (flags: Common & { reason?: string }) => {
      const folder = context.dataFolder(flags.data);
      if (!existsSync(folder) && !(await desk(flags).isAlive()))
        throw new CommandProblem('NOT_RUNNING', `Nothing was stopped: there is no data folder ${folder}.`, {
          todo: 'Name the right one with --data DIR or DESKHAND_DATA; the stop hotkey works on every desktop.',
          exitCode: EXIT.failed,
        });
      const by = await desk(flags).stop(flags.reason);
      const confirmed = by.includes('guard');
      if (flags.json) context.print(JSON.stringify({ stopped: true, confirmed, by }));
      else if (confirmed)
        context.print(context.style.red('Stopped. Nothing will run until `deskhand reset`.'));
      else
        context.print(
          context.style.red(
            'Latched: no guard answered, so nothing was running or it is gone. Nothing will run until `deskhand reset`.',
          ),
        );
    });

  program
    .command('reset')
    .description('re-arms this desktop after a stop; starts nothing')
    .option('--yes', 'do not ask')
    .option('--json')
    .option('--data <dir>', 'data folder')
    .action((flags: Common & { yes?: boolean }) => reset(flags, desk(flags), context));

  program
    .command('pause')
    .description('take over: the agent waits, you have the desktop')
    .option('--json')
    .option('--data <dir>', 'data folder')
    .action(async (flags: Common) => {
      await running(() => desk(flags).command('takeover'), context.dataFolder(flags.data));
      context.print(
        flags.json ? JSON.stringify({ paused: true }) : 'You have control. Hand it back: deskhand resume.',
      );
    });

  program
    .command('resume')
    .description('hand back to the agent, or answer a run that waits for a person')
    .argument('[run]', 'run id (default: this desktop’s run)')
    .option('--note <text>', 'what the agent should know')
    .option('--json')
    .option('--data <dir>', 'data folder')
    .action(async (run: string | undefined, flags: Common & { note?: string }) => {
      const note = flags.note === undefined ? {} : { note: flags.note };
      if (run !== undefined) {
        const resumed = await new Client(
          serverAccess(context.dataFolder(flags.data), context.env),
        ).runs.resume(run, note);
        context.print(flags.json ? JSON.stringify(resumed) : `${resumed.id}  ${resumed.status}`);
        return;
      }
      let was: DaemonState | undefined;
      await running(async () => {
        was = await desk(flags).status();
        await desk(flags).command('hand_back', note);
      }, context.dataFolder(flags.data));
      context.print(flags.json ? JSON.stringify({ paused: false }) : handedBack(was));
    });

  program
    .command('cancel')
    .description('ends a run')
    .argument('<run>', 'run id')
    .option('--json')
    .option('--data <dir>', 'data folder')
    .action(async (run: string, flags: Common) => {
      const cancelled = await new Client(
        serverAccess(context.dataFolder(flags.data), context.env),
      ).runs.cancel(run);
      context.print(flags.json ? JSON.stringify(cancelled) : `${cancelled.id}  ${cancelled.status}`);
    });

  program
    .command('status')
    .description('this desktop: armed, stopped or paused, and what runs on it')
    .option('--json')
    .option('--data <dir>', 'data folder')
    .action((flags: Common) => status(flags, desk(flags), context));
}

/** What a hand-back changed, in words. */
export function handedBack(was: Pick<DaemonState, 'control' | 'run'> | undefined): string {
  if (was === undefined || was.run?.status === 'awaiting_human') return 'The agent has control again.';
  if (was.control !== 'paused') return 'Nothing was paused.';
  return was.run === null
    ? 'Handed back: agents may use this desktop again. No run waits for it.'
    : 'The agent has control again.';
}

async function reset(flags: Common & { yes?: boolean }, desk: LocalDesk, context: Context): Promise<void> {
  const folder = context.dataFolder(flags.data);
  if (!existsSync(folder) && !(await desk.isAlive()))
    throw new CommandProblem('NOT_RUNNING', `Nothing was reset: there is no data folder ${folder}.`, {
      todo: 'Name the right one with --data DIR or DESKHAND_DATA.',
      exitCode: EXIT.failed,
    });
  if (!flags.yes) {
    if (!context.interactive)
      throw new CommandProblem(
        'INVALID_STATE',
        'Nothing was reset: only a person re-arms this desktop, and there is no terminal to ask on.',
        {
          todo: 'Run `deskhand reset` on a terminal, or add --yes if you are that person.',
        },
      );
    const latch = desk.latch();
    if (latch.tripped) context.print(`${stoppedBy(latch)}.`);
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await lines
      .question('Let agents use this desktop again? [y/N] ', { signal: context.signal })
      .finally(() => lines.close());
    if (!/^y(es)?$/i.test(answer.trim())) {
      context.print('Nothing changed.');
      context.exit(EXIT.failed);
      return;
    }
  }
  await desk.reset();
  const now = await afterReset(desk);
  if (flags.json) {
    const after = now === undefined ? {} : { state: now.control, state_reason: now.controlReason };
    context.print(JSON.stringify({ stopped: false, ...after }));
  } else context.print(resetDone(now));
}

/** What the daemon makes of it, which hears of the reset from guard; undefined when none runs. */
async function afterReset(desk: LocalDesk): Promise<DaemonState | undefined> {
  const giveUpMs = performance.now() + RESET_HEARD_MS;
  try {
    for (;;) {
      const state = await desk.status();
      if (state.control !== 'stopped' || performance.now() > giveUpMs) return state;
      await sleep(RESET_LOOK_MS);
    }
  } catch {
    return undefined;
  }
}

/** What a reset changed, in words; also when something else still keeps agents out. */
export function resetDone(
  now: Pick<DaemonState, 'control' | 'controlReason' | 'stopHotkey'> | undefined,
): string {
  const why = now?.controlReason ?? null;
  if (now?.control === 'paused' && why !== null)
    return `The stop is reset, but nothing may run yet: ${inert(why)}`;
  if (now?.stopHotkey.armed === false && now.stopHotkey.override !== true)
    return `The stop is reset, but no run starts: the stop hotkey is NOT ARMED: ${inert(now.stopHotkey.reason ?? 'unknown')}`;
  return 'Armed. New runs may start; none was started.';
}

async function status(flags: Common, desk: LocalDesk, context: Context): Promise<void> {
  const folder = context.dataFolder(flags.data);
  let state: DaemonState;
  try {
    state = await desk.status();
  } catch (error) {
    if (!isNotRunning(error)) throw error;
    // A frozen or dead daemon must not hide a tripped switch.
    const guard = await desk.guardStatus();
    const latch = desk.latch();
    if (guard === undefined && !latch.tripped)
      throw new CommandProblem('NOT_RUNNING', `No Deskhand desktop runs on ${folder}.`, {
        todo: 'Start it: deskhand up (or name another with --data DIR).',
        exitCode: EXIT.failed,
      });
    if (flags.json)
      context.print(JSON.stringify(offline(folder, guard?.control ?? 'stopped', guard?.hotkey.chord ?? '')));
    else {
      context.print(
        `${latch.tripped ? 'stopped' : (guard?.control ?? 'stopped')}: the daemon does not answer${latch.tripped ? `. ${stoppedBy(latch)}; deskhand reset permits runs again` : ''}.`,
      );
    }
    return;
  }
  if (flags.json) {
    context.print(JSON.stringify(statusJson(state)));
    return;
  }
  const { print, style } = context;
  const colour =
    state.control === 'armed' ? style.green : state.control === 'stopped' ? style.red : style.yellow;
  const why = state.control === 'paused' ? state.controlReason : null;
  print(
    `${colour(state.control)}${why === null ? '' : `: ${inert(why)}`}   ${state.name} (${state.machineId ?? 'not registered'})`,
  );
  if (state.latch.tripped) print(`           ${stoppedBy(state.latch)}; deskhand reset permits runs again.`);
  print(
    state.run === null
      ? 'run        none'
      : `run        ${state.run.id}  ${state.run.status}  step ${state.run.step} of ${state.run.maxSteps}  ${dollars(state.run.costCents)}`,
  );
  print(
    `STOP       ${state.stopHotkey.chord}${state.stopHotkey.armed ? '' : style.red(`  NOT ARMED: ${inert(state.stopHotkey.reason ?? 'unknown')}${state.stopHotkey.override ? ' (runs are allowed all the same)' : ' No run starts.'}`)}`,
  );
  print(
    `server     ${state.server.url ?? '–'}  ${state.server.connected ? 'connected' : style.yellow('not connected')}`,
  );
  print(`panel      ${state.overlay.kind}${state.overlay.connected ? '' : ' (not connected)'}`);
  print(
    `displays   ${state.displays.map((display) => `${display.bounds.width}x${display.bounds.height}${display.primary ? ' (primary)' : ''}`).join(', ')}${state.display === null ? '' : `   ${state.display}`}`,
  );
  print(
    `backends   capture ${state.backends.capture}, input ${state.backends.input}, accessibility ${state.backends.accessibility}`,
  );
}

/** Who stopped it, when and why; never without saying at least somebody did. */
export function stoppedBy({ by, at, reason }: LatchState): string {
  const when = at === undefined ? '' : ` at ${at.replace('T', ' ').slice(0, 19)} UTC`;
  return `Stopped by ${STOPPERS[by ?? ''] ?? inert(by ?? 'somebody')}${when}${reason ? `: ${inert(reason)}` : ''}`;
}

const STOPPERS: Readonly<Record<string, string>> = {
  hotkey: 'the stop hotkey',
  panel: 'the STOP button',
  cli: '`deskhand stop`',
  tray: 'the tray',
  api: 'the API',
  latch_file: 'the latch file',
};

/** The shape promised in surface.md 2. */
function statusJson(state: DaemonState) {
  return {
    machine_id: state.machineId,
    name: state.name,
    state: state.control,
    state_reason: state.controlReason,
    run:
      state.run === null
        ? null
        : { id: state.run.id, status: state.run.status, step: state.run.step, max_steps: state.run.maxSteps },
    stop_hotkey: state.stopHotkey.chord,
    stop_hotkey_armed: state.stopHotkey.armed,
    stop_hotkey_reason: state.stopHotkey.reason ?? null,
    stop_hotkey_pressed_at: state.stopHotkey.pressedAt ?? null,
    runs_allowed_unarmed: state.stopHotkey.override ?? false,
    server: { url: state.server.url, connected: state.server.connected },
    overlay: { kind: state.overlay.kind, connected: state.overlay.connected },
    displays: state.displays.map((display) => ({
      id: display.id,
      x: display.bounds.x,
      y: display.bounds.y,
      width: display.bounds.width,
      height: display.bounds.height,
      scale: display.scale,
      primary: display.primary,
    })),
    backends: state.backends,
    latch: state.latch,
    guard_alive: state.guardAlive,
  };
}

function offline(folder: string, control: 'armed' | 'stopped' | 'paused', chord: string) {
  return {
    machine_id: ownMachineId(folder) ?? null,
    name: '',
    state: control,
    run: null,
    stop_hotkey: chord,
    server: { url: null, connected: false },
    overlay: { kind: 'none', connected: false },
    displays: [],
    backends: { capture: 'none', input: 'none', accessibility: 'none' },
  };
}

async function running(work: () => Promise<void>, folder: string): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (isNotRunning(cause))
      throw new CommandProblem('NOT_RUNNING', `No Deskhand desktop runs on ${folder}.`, {
        todo: 'Start it: deskhand up (or name another with --data DIR).',
        exitCode: EXIT.failed,
        cause,
      });
    throw cause;
  }
}
