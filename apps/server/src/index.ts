export { type Config, readConfig, SETTINGS } from './config.ts';
export { createLogger } from './log.ts';
export type { Minds } from './runs/minds.ts';
export { type Overrides, type Server, startServer } from './server.ts';
