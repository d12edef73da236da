import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { PARTS } from '../desk/parts.ts';
import { runProgram } from '../desk/run-program.ts';

export function register(program: Command, context: Context): void {
  program
    .command('backup')
    .description(
      'a consistent copy of the database in FILE, also while the server runs, and its secret key in FILE.key',
    )
    .argument('<file>', 'file to write; must not exist yet')
    .option('--data <dir>', 'data folder')
    .action((file: string, flags: { data?: string }) =>
      runProgram(PARTS.backup, [file], context, { DESKHAND_DATA: context.dataFolder(flags.data) }),
    );
}
