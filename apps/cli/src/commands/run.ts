import { createInterface } from 'node:readline/promises';
import { Client } from '@deskhand/client';
import { type CuaVersion, isTerminal, type Run } from '@deskhand/protocol';
import { type Command, Option } from 'commander';
import type { Context } from '../command.ts';
import { ownMachineId, serverAccess } from '../desk/credentials.ts';
import { EXIT, exitCodeOf } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';
import { RunView } from '../output/run-view.ts';

type Flags = {
  machine?: string;
  cuaVersion: CuaVersion;
  instructions?: string;
  model?: string;
  maxSteps?: string;
  deadline?: string;
  onAwaitingHuman: 'pause' | 'fail' | 'cancel';
  webhook?: string;
  json?: boolean;
  detach?: boolean;
  data?: string;
};

export function register(program: Command, context: Context): void {
  program
    .command('run')
    .description('starts a run and shows its steps; Ctrl-C cancels it')
    .argument('<task...>', 'what to do, in plain words; best in quotes')
    .option('--machine <id>', 'which machine (default: this desktop, else the only one there is)')
    .addOption(
      new Option('--cua-version <v>', 'v4 adds an independent verifier')
        .choices(['v1', 'v3', 'v4', 'v5'])
        .default('v3'),
    )
    .option('--instructions <text>', 'extra guidance')
    .option('--model <model>', 'builtin, or provider/model (default: the server’s)')
    .option('--max-steps <n>', 'steps at most (default 50)')
    .option('--deadline <seconds>', 'time limit')
    .addOption(
      new Option('--on-awaiting-human <what>', 'when a person is needed')
        .choices(['pause', 'fail', 'cancel'])
        .default('pause'),
    )
    .option('--webhook <url>', 'URL for signed webhooks')
    .option('--json', 'events as JSON lines on stdout')
    .option('--detach', 'start it and return')
    .option('--data <dir>', 'data folder')
    .action((words: string[], flags: Flags) => run(words.join(' '), flags, context));
}

async function run(task: string, flags: Flags, context: Context): Promise<void> {
  const folder = context.dataFolder(flags.data);
  const client = new Client(serverAccess(folder, context.env));
  const created = await client.runs.create({
    machine_id: flags.machine ?? (await chooseMachine(client, folder, context)),
    task,
    cua_version: flags.cuaVersion,
    on_awaiting_human: flags.onAwaitingHuman,
    ...(flags.instructions === undefined ? {} : { instructions: flags.instructions }),
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(flags.maxSteps === undefined ? {} : { max_steps: wholeNumber('--max-steps', flags.maxSteps) }),
    ...(flags.deadline === undefined ? {} : { deadline_seconds: wholeNumber('--deadline', flags.deadline) }),
    ...(flags.webhook === undefined ? {} : { webhook_url: flags.webhook }),
  });
  if (flags.detach) {
    context.print(
      flags.json
        ? JSON.stringify(created)
        : `${created.id}  ${created.status}\nFollow it: ${context.called} show ${created.id}`,
    );
    if (created.webhook_secret !== null && !flags.json)
      context.print(`Webhook secret (shown once): ${created.webhook_secret}`);
    return;
  }
  if (!flags.json) context.print(context.style.dim(`run ${created.id}`));
  await follow(client, created, flags, context);
}

/** Shows events until the run is over; asks the person when it needs one. */
async function follow(client: Client, created: Run, flags: Flags, context: Context): Promise<void> {
  const view = new RunView(context.print, context.style);
  const cancel = () => {
    if (!flags.json) context.hint('cancelling …');
    client.runs.cancel(created.id).catch((error: { status?: number; message?: string }) => {
      // 409: it ended by itself a moment earlier, which is what we wanted.
      if (error.status !== 409)
        context.hint(
          `Cancelling failed: ${error.message ?? 'unknown'}. It may still run: ${context.called} cancel ${created.id}`,
        );
    });
  };
  context.signal.addEventListener('abort', cancel, { once: true });
  if (context.signal.aborted) cancel();
  const leave = new AbortController();
  let asking = new AbortController();
  try {
    for await (const event of client.runs.events(created.id, { signal: leave.signal })) {
      if (flags.json) context.print(JSON.stringify(event));
      else view.show(event);
      // Answered here, or in the panel, or by another program.
      if (event.type !== 'awaiting_human') asking.abort(new Error('answered'));
      if (event.type === 'awaiting_human') {
        if (!context.interactive || flags.json) {
          context.hint(`The run waits for a person: ${context.called} resume ${created.id} --note "…"`);
          context.exit(EXIT.awaitingHuman);
          return;
        }
        asking = new AbortController();
        void answer(client, created.id, context, asking.signal);
      }
    }
    const final = await client.runs.get(created.id);
    if (!isTerminal(final.status))
      throw new CommandProblem(
        'INTERNAL_ERROR',
        `The events of ${created.id} ended, but it is ${final.status}.`,
        { exitCode: EXIT.failed },
      );
    if (!flags.json) context.print(context.style.dim(`Replay: ${context.called} replay ${created.id}`));
    context.exit(exitCodeOf(final.status));
  } finally {
    context.signal.removeEventListener('abort', cancel);
    asking.abort(new Error('left'));
    leave.abort(new Error('left'));
  }
}

/** Reads one line from the person and resumes with it. The run can also be resumed or cancelled elsewhere meanwhile. */
async function answer(client: Client, runId: string, context: Context, answered: AbortSignal): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const signal = AbortSignal.any([context.signal, answered]);
    const note = (await lines.question('Your answer (empty = go on): ', { signal })).trim();
    await client.runs.resume(runId, note === '' ? {} : { note });
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== 'AbortError') context.hint(`Not resumed: ${message}`);
    // The question's line is open: what follows begins on its own.
    else if (answered.aborted) context.hint('');
  } finally {
    lines.close();
  }
}

async function chooseMachine(client: Client, folder: string, context: Context): Promise<string> {
  const own = context.env.DESKHAND_BASE_URL === undefined ? ownMachineId(folder) : undefined;
  if (own !== undefined) return own;
  const { data } = await client.machines.list();
  const [only, ...others] = data;
  if (only !== undefined && others.length === 0) return only.id;
  throw new CommandProblem(
    'MACHINE_NOT_FOUND',
    only === undefined
      ? 'This server has no machine yet.'
      : `This server has ${data.length} machines; say which.`,
    {
      todo:
        only === undefined
          ? 'Register one: deskhand up, or deskhand machines enroll.'
          : `--machine ID, one of: ${data.map((machine) => machine.id).join(', ')}`,
    },
  );
}

export function wholeNumber(flag: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new CommandProblem('VALIDATION_ERROR', `${flag} takes a whole number, not "${text}".`);
  return Number(text);
}
