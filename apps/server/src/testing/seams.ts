export type { Blobs } from '../seams/blobs.ts';
export type { Bus } from '../seams/bus.ts';
export type { Job, Queue, Stop } from '../seams/queue.ts';
export type { Database } from '../storage/database.ts';
export { openEmbedded, type QueueWorld } from './embedded-seams.ts';
