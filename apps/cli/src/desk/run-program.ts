import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandProblem } from '../output/problem.ts';

/** Runs one of our own programs in the foreground; its exit status becomes ours. */
export function runProgram(
  entry: string,
  args: readonly string[],
  context: Context,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (!existsSync(entry))
    throw new CommandProblem('NOT_FOUND', `${entry} is not part of this installation.`, {
      todo: 'Run it from a clone of the repository.',
    });
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
      env: { ...context.env, ...env },
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
