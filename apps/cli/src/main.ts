import { PRODUCT_VERSION } from '@deskhand/protocol';
import { Command, CommanderError } from 'commander';
import { createContext, type Register } from './command.ts';
import * as audit from './commands/audit.ts';
import * as backup from './commands/backup.ts';
import * as desk from './commands/desk.ts';
import * as doctor from './commands/doctor.ts';
import * as evaluation from './commands/eval.ts';
import * as history from './commands/history.ts';
import * as measure from './commands/measure.ts';
import * as policy from './commands/policy.ts';
import * as registry from './commands/registry.ts';
import * as run from './commands/run.ts';
import * as secrets from './commands/secrets.ts';
import * as serve from './commands/serve.ts';
import * as up from './commands/up.ts';
import { EXIT } from './exit-codes.ts';
import { problemFrom } from './output/problem.ts';
import { styleFor } from './output/terminal.ts';

const commands: readonly Register[] = [
  up.register,
  serve.register,
  run.register,
  desk.register,
  history.register,
  registry.register,
  policy.register,
  secrets.register,
  audit.register,
  doctor.register,
  measure.register,
  evaluation.register,
  backup.register,
];

async function main(): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // The second time the person means it.
      if (stop.signal.aborted && name === 'SIGINT') process.exit(130);
      stop.abort(new Error(name));
    });
  }
  const context = createContext(stop.signal);
  const program = new Command('deskhand')
    .description('Lend your own desktop to an agent, watch every step, stop it at once.')
    .version(PRODUCT_VERSION, '-V, --version')
    .helpOption('-h, --help')
    .showHelpAfterError('(add --help for what this command takes)')
    .exitOverride();
  for (const register of commands) register(program, context);
  overrideExit(program);
  try {
    await program.parseAsync(process.argv);
    return context.exitCode();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const problem = problemFrom(error);
    const style = styleFor(process.stderr, process.env);
    process.stderr.write(`${style.red(`deskhand: ${problem.code}`)}: ${problem.message}\n`);
    if (problem.todo !== undefined) process.stderr.write(`  ${problem.todo}\n`);
    if (process.env.DESKHAND_DEBUG) process.stderr.write(`${(error as Error).stack ?? ''}\n`);
    return problem.exitCode;
  }
}

/** Subcommands must throw instead of ending the process, as the program does. */
function overrideExit(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    overrideExit(child);
  }
}

process.exitCode = await main();
