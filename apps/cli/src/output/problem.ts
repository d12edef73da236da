import { type ErrorCode, ProtocolError } from '@deskhand/protocol';
import { EXIT, type ExitCode } from '../exit-codes.ts';

/**
 * A failure a person should read: a code, what was wanted and found, what to do, and the exit status.
 * Thrown by commands; printed once, in main.
 */
export class CommandProblem extends Error {
  override readonly name = 'CommandProblem';
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly todo: string | undefined;
  constructor(
    code: ErrorCode | string,
    message: string,
    options: { todo?: string; exitCode?: ExitCode; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exitCode = options.exitCode ?? EXIT.usage;
    this.todo = options.todo;
  }
}

/** Answers of a server that say the command or its set-up was wrong, not that the work failed. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'VALIDATION_ERROR',
  'INVALID_LIMIT',
  'INVALID_STATUS_FILTER',
  'INVALID_API_KEY',
  'INSUFFICIENT_SCOPE',
  'MACHINE_NOT_FOUND',
  'RUN_NOT_FOUND',
  'NOT_FOUND',
]);

/** Anything thrown, as code, message and exit status. */
export function problemFrom(error: unknown): CommandProblem {
  if (error instanceof CommandProblem) return error;
  if (error instanceof ProtocolError) return new CommandProblem(error.code, error.message, { cause: error });
  const { code, message } = error as { code?: unknown; message?: unknown };
  return new CommandProblem(
    typeof code === 'string' ? code : 'INTERNAL_ERROR',
    typeof message === 'string' ? message : String(error),
    { cause: error, exitCode: USAGE_CODES.has(String(code)) ? EXIT.usage : EXIT.failed },
  );
}
