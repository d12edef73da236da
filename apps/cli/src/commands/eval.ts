import path from 'node:path';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { PARTS } from '../desk/parts.ts';
import { runProgram } from '../desk/run-program.ts';

type Flags = Readonly<{
  engine: string;
  filter?: string;
  repeat?: string;
  verify?: boolean;
  desktops?: string;
  report?: string;
  json?: boolean;
  list?: boolean;
}>;

export function register(program: Command, context: Context): void {
  program
    .command('eval')
    .description('the task suite on virtual desktops: how often an engine gets real tasks right')
    .option('--engine <engine>', 'builtin, or a model as in DESKHAND_MODEL', 'builtin')
    .option('--filter <text>', 'only tasks whose id contains one of these, separated by commas')
    .option('--repeat <n>', 'how often each task is done (default: 1)')
    .option('--verify', 'have every result judged by the verifier, and run each task’s wrong-outcome twin')
    .option('--desktops <n>', 'virtual desktops side by side, 1 or 2 (default: 1)')
    .option('--report <file>', 'also write an HTML report, with a replay of every run beside it')
    .option('--list', 'only list the tasks')
    .option('--json', 'machine-readable')
    .action((flags: Flags) => evaluate(flags, context));
}

function evaluate(flags: Flags, context: Context): Promise<void> {
  const args = ['--engine', flags.engine];
  for (const name of ['filter', 'repeat', 'desktops'] as const)
    if (flags[name] !== undefined) args.push(`--${name}`, flags[name]);
  if (flags.report !== undefined) args.push('--report', path.resolve(flags.report));
  for (const name of ['verify', 'list', 'json'] as const) if (flags[name]) args.push(`--${name}`);
  return runProgram(PARTS.tasks, args, context);
}
