import { openEmbedded } from '@deskhand/server/testing/seams';
import { describe } from 'vitest';
import { blobsSuite, busSuite, databaseSuite, queueSuite } from './api-seams.contract.ts';

describe('queue, embedded', () => queueSuite(() => openEmbedded.queue()));
describe('bus, embedded', () => busSuite(() => openEmbedded.bus()));
describe('blobs, embedded', () => blobsSuite(() => openEmbedded.blobs()));
describe('database, embedded', () => databaseSuite(() => openEmbedded.database()));
