export { databaseAsOf } from '../storage/old-database.ts';
export { FakeDaemon, type FakeDaemonOptions, type Performed } from './fake-daemon.ts';
export { ScriptedMinds } from './scripted-minds.ts';
export { ServerProcess } from './server-process.ts';
export { SseClient, type SseClientEvent } from './sse-client.ts';
export { eventually, TestServer } from './test-server.ts';
