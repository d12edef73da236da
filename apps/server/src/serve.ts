import { flushCompileCache } from 'node:module';
import { errorAttributes, StopError } from '@deskhand/base';
import { ProtocolError } from '@deskhand/protocol';
import { type Config, readConfig } from './config.ts';
import { createLogger } from './log.ts';
import { startServer } from './server.ts';
import { settleHeap } from './settle-heap.ts';

/** Longest orderly end; then the process goes anyway, which it must survive at any line. */
const CLOSING_MS = 1500;

/** After the start, when who waited for it has had its first answers. */
const SETTLE_AFTER_MS = 1500;

/** Problems of the person's set-up rather than faults: exit status 2 and one line that says what to do. */
const USAGE_PROBLEMS = new Set([
  'CONFIG_INVALID',
  'PORT_IN_USE',
  'DATA_FOLDER_IN_USE',
  'DATA_FOLDER_UNWRITABLE',
  'DB_UNAVAILABLE',
]);

/** The whole life of the server process: configuration, start, wait for a reason to end, orderly end. */
export async function serve(): Promise<void> {
  // Before anything that takes time: a stop that comes early still counts.
  const stopping = stopSignal();
  let config: Config;
  try {
    config = readConfig(process.env);
  } catch (error) {
    giveUp(error);
    return;
  }
  const log = createLogger(config.log_level);
  for (const warning of config.warnings) log.warn(warning);
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', errorAttributes(error)));
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', errorAttributes(error));
    // State may be half changed in memory; on disk it is not. Start afresh.
    process.exit(1);
  });
  try {
    const server = await startServer(config, log, { env: process.env });
    // Now, since a server is as often killed as stopped; nothing to do from the second start on.
    flushCompileCache();
    process.send?.({ type: 'ready', port: server.port, host: server.host, warnings: config.warnings });
    // Later: clients wait for ready, nobody waits for this.
    const settling = setTimeout(settleHeap, SETTLE_AFTER_MS);
    const reason = await stopping;
    clearTimeout(settling);
    log.info('stopping', { reason });
    const timer = setTimeout(() => {
      log.warn('not closed in time, leaving');
      process.exit(0);
    }, CLOSING_MS);
    await server[Symbol.asyncDispose]();
    clearTimeout(timer);
    process.exit(0);
  } catch (error) {
    // A problem of the set-up is told in one line; a fault wants its whole story.
    if (!(error instanceof ProtocolError)) log.error('the server ended', errorAttributes(error));
    giveUp(error);
  }
}

/** Resolves with why this process must end: a signal, or the end of the parent that started it. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve(name));
    if (process.send !== undefined) process.on('disconnect', () => resolve('parent gone'));
  });
}

function giveUp(error: unknown): void {
  const known = error instanceof ProtocolError;
  const code = known ? error.code : error instanceof StopError ? error.reason : 'INTERNAL_ERROR';
  const message = known
    ? error.message
    : 'The server met a fault it did not expect; the lines above have the details.';
  // Once: a parent tells it in its own words.
  if (process.connected) process.send?.({ type: 'problem', code, message });
  else process.stderr.write(`${code}: ${message.replaceAll('\n', ' ')}\n`);
  process.exitCode = known && USAGE_PROBLEMS.has(code) ? 2 : 1;
  // The channel to the parent would keep us alive.
  if (process.connected) process.disconnect();
}
