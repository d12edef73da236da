export type LogAttributes = Readonly<Record<string, unknown>>;

/**
 * The logger every part receives. Attributes, not string building; one child per run and step.
 * Never log typed text, clipboard, keys, frames or a whole config: log lengths and hashes.
 */
export interface Logger {
  debug(message: string, attributes?: LogAttributes): void;
  info(message: string, attributes?: LogAttributes): void;
  warn(message: string, attributes?: LogAttributes): void;
  error(message: string, attributes?: LogAttributes): void;
  child(attributes: LogAttributes): Logger;
}

/** Says nothing; for tests and for code that runs without a log. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

/** An error as log attributes: message and code down the cause chain, never a payload. */
export function errorAttributes(error: unknown): LogAttributes {
  const chain: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 6 && current !== undefined && current !== null; depth += 1) {
    if (current instanceof Error) {
      const code = (current as { code?: unknown }).code;
      chain.push(code === undefined ? current.message : `${String(code)}: ${current.message}`);
      current = current.cause;
    } else {
      chain.push(String(current));
      break;
    }
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return { error: chain.join(' <- '), ...(stack === undefined ? {} : { stack }) };
}
