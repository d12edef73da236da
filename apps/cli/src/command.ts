import type { Command } from 'commander';
import { dataFolder } from './desk/data-folder.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type Style, styleFor } from './output/terminal.ts';

/** What every command receives: where to speak, which desktop, and when to stop. */
export type Context = Readonly<{
  env: NodeJS.ProcessEnv;
  /** stdout, one line. With --json this is for programs only. */
  print(line: string): void;
  /** stderr, one line: progress and hints. */
  hint(line: string): void;
  style: Style;
  /** What a person types to call this program: `bin/deskhand` where it is in no PATH. */
  called: string;
  interactive: boolean;
  /** Aborts at Ctrl-C or SIGTERM. A second Ctrl-C ends the process at once. */
  signal: AbortSignal;
  /** Exit status of the process once the command has returned. */
  exit(code: ExitCode): void;
  dataFolder(flag: string | undefined): string;
}>;

export type Register = (program: Command, context: Context) => void;

export function createContext(signal: AbortSignal): Context & { exitCode(): ExitCode } {
  let exitCode: ExitCode = EXIT.ok;
  // A reader that has seen enough (`| head -1`) closes the pipe; that is no fault of ours.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(exitCode);
    });
  return {
    env: process.env,
    print: (line) => void process.stdout.write(`${line}\n`),
    hint: (line) => void process.stderr.write(`${line}\n`),
    style: styleFor(process.stdout, process.env),
    called: process.env.DESKHAND_CALLED || 'deskhand',
    interactive: process.stdin.isTTY === true && process.stdout.isTTY === true,
    signal,
    exit: (code) => {
      exitCode = code;
    },
    exitCode: () => exitCode,
    dataFolder: (flag) => dataFolder(flag, process.env),
  };
}
