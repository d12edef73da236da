import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { PARTS } from '../desk/parts.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';

export function register(program: Command, context: Context): void {
  program
    .command('bench')
    .description('the benchmarks, side by side with what people use instead')
    .argument('[name]', 'which one (default: list them)')
    .option('--json', 'machine-readable')
    .action((name: string | undefined, flags: { json?: boolean }) =>
      runProgram(
        PARTS.bench,
        [...(name === undefined ? [] : [name]), ...(flags.json ? ['--json'] : [])],
        context,
      ),
    );
}

/** Runs one of our own programs in the foreground with its exit status as ours. */
function runProgram(entry: string, args: readonly string[], context: Context): Promise<void> {
  if (!existsSync(entry))
    throw new CommandProblem('NOT_FOUND', `${entry} is not part of this installation.`, {
      todo: 'Run it from a clone of the repository.',
    });
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
      env: context.env,
      stdio: 'inherit',
    });
    context.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    child.once('error', reject);
    child.once('exit', (code) => {
      context.exit(code === 0 ? EXIT.ok : code === 2 ? EXIT.usage : EXIT.failed);
      resolve();
    });
  });
}
