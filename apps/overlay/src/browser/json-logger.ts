import type { LogAttributes, Logger } from '@deskhand/base';

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** JSON lines in the shape of the other processes' logs, to a stream the entry file chooses. */
export function jsonLogger(write: (line: string) => void, base: LogAttributes = {}): Logger {
  const log = (level: keyof typeof LEVELS) => (message: string, attributes?: LogAttributes) =>
    write(
      `${JSON.stringify({ level: LEVELS[level], time: Date.now(), ...base, ...attributes, msg: message })}\n`,
    );
  return {
    debug: () => {},
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (attributes) => jsonLogger(write, { ...base, ...attributes }),
  };
}
