/** Apart from the rest: these need Vitest, the others don't. */
export { openEmbedded } from './embedded-seams.ts';
export { blobsSuite, busSuite, databaseSuite, type QueueWorld, queueSuite } from './seam-suites.ts';
