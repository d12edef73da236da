import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { silentLogger } from '@deskhand/base';
import { FileBlobs } from '../seams/file-blobs.ts';
import { LocalBus } from '../seams/local-bus.ts';
import { LocalQueue } from '../seams/local-queue.ts';
import type { Queue } from '../seams/queue.ts';
import { Database } from '../storage/database.ts';

export type QueueWorld = {
  database: Database;
  queue: Queue;
  /** As if the process had died and another came: nothing in memory survives. */
  restart: () => Promise<Queue>;
  close: () => Promise<void>;
};

/** The embedded twin of each seam, each in a folder of its own. */
export const openEmbedded = {
  async database(): Promise<{ database: Database; close: () => Promise<void> }> {
    const folder = await mkdtemp(path.join(tmpdir(), 'deskhand-seam-'));
    const database = await Database.open(path.join(folder, 'test.sqlite'));
    return {
      database,
      close: async () => {
        await database[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },

  async queue(): Promise<QueueWorld> {
    const { database, close } = await this.database();
    const queues: LocalQueue[] = [];
    const make = async () => {
      const queue = new LocalQueue({
        database,
        log: silentLogger,
        now: Date.now,
        steadyMs: () => performance.now(),
      });
      queues.push(queue);
      await queue.start();
      return queue;
    };
    return {
      database,
      queue: await make(),
      restart: async () => {
        await queues.at(-1)?.[Symbol.asyncDispose]();
        return make();
      },
      close: async () => {
        for (const queue of queues) await queue[Symbol.asyncDispose]();
        await close();
      },
    };
  },

  async bus(): Promise<{ bus: LocalBus; close: () => Promise<void> }> {
    return { bus: new LocalBus(), close: async () => {} };
  },

  async blobs(): Promise<{ blobs: FileBlobs; close: () => Promise<void> }> {
    const folder = await mkdtemp(path.join(tmpdir(), 'deskhand-blobs-'));
    return { blobs: new FileBlobs(folder), close: () => rm(folder, { recursive: true, force: true }) };
  },
};
