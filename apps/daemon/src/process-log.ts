import type { LogAttributes, Logger } from '@deskhand/base';

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;
export type LogLevel = keyof typeof LEVELS;

/**
 * JSON lines on standard error, in pino's shape and without its weight: guard and hands must be small, must
 * not lose a line when they are about to die, and must survive a log nobody reads.
 */
export function processLog(part: string, minimum: LogLevel, base: LogAttributes = {}): Logger {
  const write = (level: LogLevel, msg: string, attributes: LogAttributes = {}) => {
    if (LEVELS[level] < LEVELS[minimum]) return;
    const line = {
      level: LEVELS[level],
      time: Date.now(),
      pid: process.pid,
      part,
      ...base,
      ...attributes,
      msg,
    };
    try {
      process.stderr.write(`${JSON.stringify(line)}\n`);
    } catch {
      // Nothing depends on the log.
    }
  };
  return {
    debug: (message, attributes) => write('debug', message, attributes),
    info: (message, attributes) => write('info', message, attributes),
    warn: (message, attributes) => write('warn', message, attributes),
    error: (message, attributes) => write('error', message, attributes),
    child: (attributes) => processLog(part, minimum, { ...base, ...attributes }),
  };
}

export function logLevelFrom(text: string | undefined): LogLevel {
  return text !== undefined && Object.hasOwn(LEVELS, text) ? (text as LogLevel) : 'info';
}
