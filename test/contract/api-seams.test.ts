import {
  blobsSuite,
  busSuite,
  databaseSuite,
  openEmbedded,
  queueSuite,
} from '@deskhand/server/testing/seams';
import { describe } from 'vitest';

describe('queue, embedded', () => queueSuite(() => openEmbedded.queue()));
describe('bus, embedded', () => busSuite(() => openEmbedded.bus()));
describe('blobs, embedded', () => blobsSuite(() => openEmbedded.blobs()));
describe('database, embedded', () => databaseSuite(() => openEmbedded.database()));
