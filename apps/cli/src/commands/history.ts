import { writeFileSync } from 'node:fs';
import { Client } from '@deskhand/client';
import { RunStatus } from '@deskhand/protocol';
import { collectRecord, renderReplay } from '@deskhand/replay';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { serverAccess } from '../desk/credentials.ts';
import { CommandProblem } from '../output/problem.ts';
import { RunView, runLine } from '../output/run-view.ts';
import { dollars, inert, table } from '../output/terminal.ts';
import { wholeNumber } from './run.ts';

export function register(program: Command, context: Context): void {
  const client = (data?: string) => new Client(serverAccess(context.dataFolder(data), context.env));

  program
    .command('runs')
    .description('the latest runs')
    .option('--status <status>', `one of ${RunStatus.options.join(', ')}`)
    .option('--limit <n>', 'how many (1–200)', '20')
    .option('--json', 'machine-readable')
    .option('--data <dir>', 'data folder')
    .action(async (flags: { status?: string; limit: string; json?: boolean; data?: string }) => {
      const list = await client(flags.data).runs.list({
        limit: wholeNumber('--limit', flags.limit),
        ...(flags.status === undefined ? {} : { status: parseStatus(flags.status) }),
      });
      if (flags.json) context.print(JSON.stringify(list));
      else if (list.data.length === 0) context.print('No runs yet. Start one: deskhand run "…"');
      else
        context.print(
          table(['RUN', 'STATUS', 'STEPS', 'COST', 'CREATED (UTC)', 'TASK'], list.data.map(runLine)),
        );
    });

  program
    .command('show')
    .description('one run: its state and its story')
    .argument('<run>', 'run id')
    .option('--json', 'machine-readable: {run, events}')
    .option('--data <dir>', 'data folder')
    .action(async (id: string, flags: { json?: boolean; data?: string }) => {
      const api = client(flags.data);
      const [run, log] = await Promise.all([api.runs.get(id), api.runs.log(id)]);
      if (flags.json) {
        context.print(JSON.stringify({ run, events: log }));
        return;
      }
      const { print, style } = context;
      print(
        `${style.bold(run.id)}  ${run.status}  ${run.steps_completed} of ${run.max_steps} steps  ${dollars(run.cost_cents)}`,
      );
      print(`task: ${inert(run.task, 2000)}`);
      const view = new RunView(print, style);
      for (const event of log) view.show(event);
    });

  program
    .command('replay')
    .description('one self-contained page with every step’s frame, thought and action')
    .argument('<run>', 'run id')
    .option('-o, --output <file>', 'where to write it (default: <run>.html here)')
    .option('--data <dir>', 'data folder')
    .action(async (id: string, flags: { output?: string; data?: string }) => {
      const api = client(flags.data);
      const record = await collectRecord(api, id);
      const file = flags.output ?? `${record.run.id}.html`;
      const page = renderReplay(record);
      try {
        writeFileSync(file, page, { mode: 0o600 });
      } catch (cause) {
        throw new CommandProblem('INVALID_PATH', `${file} cannot be written: ${(cause as Error).message}.`, {
          todo: 'Name another with -o FILE.html.',
          cause,
        });
      }
      context.print(file);
    });
}

function parseStatus(text: string): RunStatus {
  const parsed = RunStatus.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new CommandProblem('INVALID_STATUS_FILTER', `"${text}" is not a run state.`, {
    todo: `One of: ${RunStatus.options.join(', ')}`,
  });
}
