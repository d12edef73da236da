import { readConfig } from '../config.ts';
import { createLogger } from '../log.ts';
import { startServer } from '../server.ts';
import { ScriptedMinds } from './scripted-minds.ts';

/** The server as a process of its own, with the engine that obeys its task: for tests that kill it. */
const config = readConfig(process.env);
const server = await startServer(config, createLogger(config.log_level), { minds: new ScriptedMinds() });
process.send?.({ type: 'ready', port: server.port, host: server.host });
const end = () => void server[Symbol.asyncDispose]().then(() => process.exit(0));
process.on('SIGTERM', end);
process.on('disconnect', () => process.exit(0));
