import type { LogAttributes, Logger } from '@deskhand/base';
import pino from 'pino';

/** JSON lines on stderr. What must never be logged is listed in base/log.ts; the paths here are a second net. */
export function createLogger(level: string): Logger {
  const root = pino(
    {
      level,
      base: { part: 'server' },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: ['key', 'token', 'secret', 'authorization', 'text', '*.text', '*.token', '*.secret'],
        censor: '[secret]',
      },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  return adapt(root);
}

function adapt(log: pino.Logger): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, attributes?: LogAttributes) =>
      log[level](attributes ?? {}, message);
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (attributes) => adapt(log.child({ ...attributes })),
  };
}
