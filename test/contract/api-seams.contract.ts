import { createHash } from 'node:crypto';
import { sleep } from '@deskhand/base';
import { eventually } from '@deskhand/server/testing';
import type { Blobs, Bus, Database, Job, Queue, QueueWorld, Stop } from '@deskhand/server/testing/seams';
import { expect, it } from 'vitest';

/** One suite per seam, run on every implementation: what keeps the embedded and the fleet twin the same. */

export function queueSuite(open: () => Promise<QueueWorld>): void {
  const inWorld = async (work: (world: QueueWorld) => Promise<void>) => {
    const world = await open();
    try {
      await work(world);
    } finally {
      await world.close();
    }
  };
  const record = (
    queue: Queue,
    name: string,
    max: number,
    handle: (job: Job) => Promise<void> = async () => {},
  ) => {
    const seen: Array<{ data: unknown; attempt: number }> = [];
    const stop: Stop = queue.consume(name, max, async (job) => {
      seen.push({ data: job.data, attempt: job.attempt });
      await handle(job);
    });
    return { seen, stop };
  };

  it('runs a job once, after its transaction', () =>
    inWorld(async ({ database, queue }) => {
      const { seen, stop } = record(queue, 'q', 4);
      await database.write((tx) => queue.enqueue(tx, 'q', { n: 1 }));
      await eventually(() => expect(seen).toEqual([{ data: { n: 1 }, attempt: 1 }]));
      await stop();
    }));

  it('a rollback leaves no job', () =>
    inWorld(async ({ database, queue }) => {
      const { seen, stop } = record(queue, 'q', 4);
      await expect(
        database.write(async (tx) => {
          await queue.enqueue(tx, 'q', { n: 1 });
          throw new Error('rolled back');
        }),
      ).rejects.toThrow('rolled back');
      await database.write((tx) => queue.enqueue(tx, 'q', { n: 2 }));
      await eventually(() => expect(seen).toHaveLength(1));
      expect(seen[0]?.data).toEqual({ n: 2 });
      await stop();
    }));

  it('jobs of one key go one at a time and in order; other keys go beside them', () =>
    inWorld(async ({ database, queue }) => {
      const running = new Map<string, number>();
      const order: string[] = [];
      let most = 0;
      const { seen, stop } = record(queue, 'q', 10, async ({ data }) => {
        const key = String(data.key);
        running.set(key, (running.get(key) ?? 0) + 1);
        expect(running.get(key)).toBe(1);
        most = Math.max(
          most,
          [...running.values()].reduce((sum, count) => sum + count, 0),
        );
        order.push(`${key}${String(data.n)}`);
        await sleep(5);
        running.set(key, 0);
      });
      for (let n = 0; n < 6; n += 1)
        for (const key of ['a', 'b', 'c'])
          await database.write((tx) => queue.enqueue(tx, 'q', { key, n }, { key }));
      await eventually(() => expect(seen).toHaveLength(18));
      for (const key of ['a', 'b', 'c'])
        expect(order.filter((item) => item.startsWith(key))).toEqual(
          [0, 1, 2, 3, 4, 5].map((n) => `${key}${n}`),
        );
      expect(most).toBeGreaterThan(1);
      await stop();
    }));

  it('never runs more than it was allowed to', () =>
    inWorld(async ({ database, queue }) => {
      let running = 0;
      let most = 0;
      const { seen, stop } = record(queue, 'q', 2, async () => {
        running += 1;
        most = Math.max(most, running);
        await sleep(5);
        running -= 1;
      });
      await database.write(async (tx) => {
        for (let n = 0; n < 10; n += 1) await queue.enqueue(tx, 'q', { n });
      });
      await eventually(() => expect(seen).toHaveLength(10));
      expect(most).toBe(2);
      await stop();
    }));

  it('tries a failed job again, with its key still blocked', () =>
    inWorld(async ({ database, queue }) => {
      const { seen, stop } = record(queue, 'q', 4, async ({ data, attempt }) => {
        if (data.n === 1 && attempt < 3) throw new Error('not yet');
      });
      for (const n of [1, 2]) await database.write((tx) => queue.enqueue(tx, 'q', { n }, { key: 'k' }));
      await eventually(() => expect(seen.map((job) => (job.data as { n: number }).n)).toEqual([1, 1, 1, 2]));
      expect(seen.map((job) => job.attempt)).toEqual([1, 2, 3, 1]);
      await stop();
    }));

  it('keeps a job back until its time', () =>
    inWorld(async ({ database, queue }) => {
      const { seen, stop } = record(queue, 'q', 4);
      const dueMs = Date.now() + 150;
      await database.write(async (tx) => {
        await queue.enqueue(tx, 'q', { n: 'later' }, { startAfter: new Date(dueMs) });
        await queue.enqueue(tx, 'q', { n: 'now' });
      });
      await eventually(() => expect(seen).toHaveLength(2));
      expect(seen.map((job) => (job.data as { n: string }).n)).toEqual(['now', 'later']);
      expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
      await stop();
    }));

  it('a job under way when the process died is run again by the next, and counts the attempt', () =>
    inWorld(async ({ database, queue, restart }) => {
      const first = record(
        queue,
        'q',
        4,
        ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      );
      await database.write(async (tx) => {
        await queue.enqueue(tx, 'q', { n: 1 }, { key: 'k' });
        await queue.enqueue(tx, 'q', { n: 2 }, { key: 'k' });
      });
      await eventually(() => expect(first.seen).toHaveLength(1));
      const second = record(await restart(), 'q', 4);
      await eventually(() => expect(second.seen).toHaveLength(2));
      expect(second.seen).toEqual([
        { data: { n: 1 }, attempt: 2 },
        { data: { n: 2 }, attempt: 1 },
      ]);
      await second.stop();
    }));

  it('stopping aborts the handlers and waits for them', () =>
    inWorld(async ({ database, queue }) => {
      let ended = false;
      const { seen, stop } = record(queue, 'q', 4, async ({ signal }) => {
        await sleep(60_000, { signal }).catch(() => {});
        ended = true;
      });
      await database.write((tx) => queue.enqueue(tx, 'q', {}));
      await eventually(() => expect(seen).toHaveLength(1));
      await stop();
      expect(ended).toBe(true);
    }));
}

export function busSuite(open: () => Promise<{ bus: Bus; close: () => Promise<void> }>): void {
  const inWorld = async (work: (bus: Bus) => Promise<void>) => {
    const world = await open();
    try {
      await work(world.bus);
    } finally {
      await world.close();
    }
  };
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const bytes = (value: string) => new TextEncoder().encode(value);

  it('reaches every subscriber of the subject, and only those', () =>
    inWorld(async (bus) => {
      const got: string[] = [];
      const stops = [
        bus.subscribe('a', (message) => got.push(`1${text(message)}`)),
        bus.subscribe('a', (message) => got.push(`2${text(message)}`)),
        bus.subscribe('b', (message) => got.push(`3${text(message)}`)),
      ];
      bus.publish('a', bytes('x'));
      await eventually(() => expect(got.sort()).toEqual(['1x', '2x']));
      for (const stop of stops) stop();
    }));

  it('an unsubscribed listener hears nothing more; one listener twice hears twice', () =>
    inWorld(async (bus) => {
      let heard = 0;
      const listener = () => {
        heard += 1;
      };
      const stops = [bus.subscribe('a', listener), bus.subscribe('a', listener)];
      bus.publish('a', bytes('x'));
      await eventually(() => expect(heard).toBe(2));
      stops[0]?.();
      bus.publish('a', bytes('x'));
      await eventually(() => expect(heard).toBe(3));
      stops[1]?.();
      bus.publish('a', bytes('x'));
      await sleep(20);
      expect(heard).toBe(3);
    }));

  it('keeps the order of one publisher', () =>
    inWorld(async (bus) => {
      const got: string[] = [];
      const stop = bus.subscribe('a', (message) => got.push(text(message)));
      const sent = Array.from({ length: 500 }, (_, index) => String(index));
      for (const message of sent) bus.publish('a', bytes(message));
      await eventually(() => expect(got).toEqual(sent));
      stop();
    }));

  it('answers requests, says when nobody does or nobody in time', () =>
    inWorld(async (bus) => {
      await expect(bus.request('rpc', bytes('x'), 1000)).rejects.toMatchObject({
        code: 'UPSTREAM_UNAVAILABLE',
      });
      const stop = bus.serve('rpc', async (message) => bytes(text(message).toUpperCase()));
      expect(text(await bus.request('rpc', bytes('abc'), 1000))).toBe('ABC');
      stop();
      const hang = bus.serve('rpc', () => new Promise(() => {}));
      await expect(bus.request('rpc', bytes('x'), 30)).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
      hang();
    }));
}

export function blobsSuite(open: () => Promise<{ blobs: Blobs; close: () => Promise<void> }>): void {
  const inWorld = async (work: (blobs: Blobs) => Promise<void>) => {
    const world = await open();
    try {
      await work(world.blobs);
    } finally {
      await world.close();
    }
  };

  it('gives back what was put, by its hash, once however often', () =>
    inWorld(async (blobs) => {
      const bytes = Buffer.from('a picture, say');
      const id = createHash('sha256').update(bytes).digest('hex');
      expect(await Promise.all([blobs.put(bytes), blobs.put(bytes), blobs.put(bytes)])).toEqual([id, id, id]);
      expect(Buffer.from((await blobs.get(id)) ?? []).equals(bytes)).toBe(true);
    }));

  it('has nothing under unknown, odd or removed ids', () =>
    inWorld(async (blobs) => {
      const id = await blobs.put(Buffer.from('x'));
      await blobs.remove(id);
      await blobs.remove(id);
      for (const odd of [id, '', '../../etc/passwd', 'f'.repeat(64)]) expect(await blobs.get(odd)).toBeNull();
      await blobs.remove('../../etc/passwd');
    }));

  it('takes empty and large ones', () =>
    inWorld(async (blobs) => {
      for (const bytes of [Buffer.alloc(0), Buffer.alloc(8 * 1024 * 1024, 7)]) {
        const id = await blobs.put(bytes);
        expect((await blobs.get(id))?.length).toBe(bytes.length);
      }
    }));
}

export function databaseSuite(open: () => Promise<{ database: Database; close: () => Promise<void> }>): void {
  const inWorld = async (work: (database: Database) => Promise<void>) => {
    const world = await open();
    try {
      await work(world.database);
    } finally {
      await world.close();
    }
  };
  const account = (id: string) => ({ id, created_at: '', spent_cents: 0 });
  const ids = async (database: Database) =>
    (await database.read.selectFrom('accounts').select('id').orderBy('id').execute()).map((row) => row.id);

  it('units of work that share a commit fail alone', () =>
    inWorld(async (database) => {
      const results = await Promise.allSettled(
        ['a', 'b', 'a', 'c'].map((id, index) =>
          database.write(async (tx) => {
            await tx.insertInto('accounts').values(account(id)).execute();
            if (id === 'c') throw new Error('changed my mind');
            return index;
          }),
        ),
      );
      expect(results.map((result) => result.status)).toEqual([
        'fulfilled',
        'fulfilled',
        'rejected',
        'rejected',
      ]);
      expect(await ids(database)).toEqual(['a', 'b']);
    }));

  it('what write resolved is seen by every later read; readers never see half', () =>
    inWorld(async (database) => {
      const writing = database.write(async (tx) => {
        await tx.insertInto('accounts').values(account('x')).execute();
        await tx.insertInto('accounts').values(account('y')).execute();
      });
      const during = await ids(database);
      expect([0, 2]).toContain(during.length);
      await writing;
      expect(await ids(database)).toEqual(['x', 'y']);
    }));

  it('a counter raised by many at once counts every one', () =>
    inWorld(async (database) => {
      await database.write((tx) => tx.insertInto('accounts').values(account('n')).execute());
      await Promise.all(
        Array.from({ length: 300 }, () =>
          database.write(async (tx) => {
            const row = await tx
              .selectFrom('accounts')
              .select('spent_cents')
              .where('id', '=', 'n')
              .executeTakeFirstOrThrow();
            await tx
              .updateTable('accounts')
              .set({ spent_cents: row.spent_cents + 1 })
              .where('id', '=', 'n')
              .execute();
          }),
        ),
      );
      const row = await database.read
        .selectFrom('accounts')
        .selectAll()
        .where('id', '=', 'n')
        .executeTakeFirstOrThrow();
      expect(row.spent_cents).toBe(300);
    }));
}
