import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { PARTS } from '../desk/parts.ts';
import { runProgram } from '../desk/run-program.ts';

export function register(program: Command, context: Context): void {
  program
    .command('bench')
    .description('the benchmarks, side by side with what people use instead')
    .argument('[name]', 'which one (default: the list of them; "all" runs every one)')
    .option('--list', 'the names')
    .option('--json', 'machine-readable')
    .action((name: string | undefined, flags: { list?: boolean; json?: boolean }) =>
      runProgram(
        PARTS.bench,
        [
          ...(name === undefined || name === 'all' ? [] : [name]),
          ...(flags.list || name === undefined ? ['--list'] : []),
          ...(flags.json ? ['--json'] : []),
        ],
        context,
      ),
    );
}
