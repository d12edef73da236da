import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually, TestServer } from '@deskhand/server/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A wall clock that somebody sets: forward and back by hours, while everything goes on. */

const HOUR_MS = 3_600_000;

let server: TestServer;
/** How far the wall clock is off; what really passes is not. */
let offMs = 0;

beforeEach(async () => {
  offMs = 0;
  server = await TestServer.start(
    { webhook_retry_seconds: '1,1', rate_per_key_per_minute: '3000' },
    { overrides: { now: () => Date.now() + offMs, steadyMs: () => performance.now() } },
  );
});
afterEach(() => server[Symbol.asyncDispose]());

const register = async () =>
  (await server.call<{ machine: { id: string } }>('POST', '/machines', { display_name: 'away' })).body.machine
    .id;

const endOf = async (runId: string) => {
  const { status, error } = await eventually(async () => {
    const run = await server.run(runId);
    expect(run.finished_at).not.toBeNull();
    return run;
  }, 30_000);
  return [status, error?.code ?? null];
};

describe('a wall clock that is set back by hours', () => {
  it('[2.4] gives no run more time than it was started with, queued, running or waiting', async () => {
    const desktop = await server.desktop();
    const [queued, running, waiting] = [
      await server.createRun(await register(), 'x', { deadline_seconds: 2 }),
      await server.createRun(desktop.machineId, 'wait:120000', { deadline_seconds: 3 }),
      await server.createRun((await server.desktop()).machineId, 'ask:go?', {
        awaiting_human_timeout_seconds: 2,
      }),
    ];
    await server.untilStatus(running.id, 'running');
    await server.untilStatus(waiting.id, 'awaiting_human');
    offMs = -5 * HOUR_MS;
    expect(await endOf(queued.id)).toEqual(['timed_out', 'DEADLINE_EXCEEDED']);
    expect(await endOf(running.id)).toEqual(['timed_out', 'DEADLINE_EXCEEDED']);
    expect(await endOf(waiting.id)).toEqual(['timed_out', 'AWAITING_HUMAN_TIMEOUT']);
    // And a run that is started afterwards has its own time, no more and no less.
    const later = await server.createRun(await register(), 'x', { deadline_seconds: 1 });
    expect(await endOf(later.id)).toEqual(['timed_out', 'DEADLINE_EXCEEDED']);
  });

  it('[2.4] a deadline outlives an answered question', async () => {
    const desktop = await server.desktop();
    const run = await server.createRun(desktop.machineId, 'ask:go? wait:120000', { deadline_seconds: 3 });
    await server.untilStatus(run.id, 'awaiting_human');
    offMs = -HOUR_MS;
    await server.call('POST', `/runs/${run.id}/resume`);
    expect(await endOf(run.id)).toEqual(['timed_out', 'DEADLINE_EXCEEDED']);
  });

  it('[4] delays no webhook that is to be tried again', async () => {
    let posts = 0;
    const receiver: Server = createServer((request, response) => {
      request.resume();
      posts += 1;
      if (posts === 1) offMs = -3 * HOUR_MS;
      response.writeHead(posts < 3 ? 503 : 200).end();
    });
    await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
    const run = await server.createRun(await register(), 'x', {
      webhook_url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
    });
    await server.call('POST', `/runs/${run.id}/cancel`);
    await eventually(
      async () =>
        expect(
          await server.server.parts.database.read
            .selectFrom('webhook_deliveries')
            .select(['state', 'attempts'])
            .execute(),
        ).toEqual([{ state: 'delivered', attempts: 3 }]),
      30_000,
    );
    receiver.close();
  });

  it('[1.3] makes nobody who asked too often wait for hours', async () => {
    offMs = -2 * HOUR_MS;
    let refused: Awaited<ReturnType<TestServer['call']>> | undefined;
    for (let asked = 0; asked < 4000 && refused === undefined; asked += 1) {
      const answer = await server.call('GET', '/models');
      if (asked === 50) offMs = -4 * HOUR_MS;
      if (answer.status === 429) refused = answer;
    }
    expect(Number(refused?.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    const resetAt = Number(refused?.headers.get('x-ratelimit-reset')) * 1000;
    expect(resetAt - (Date.now() + offMs)).toBeLessThanOrEqual(61_000);
  });
});

describe('a wall clock that is set forward by hours and back again', () => {
  it('[1.5] keeps what idempotency keys led to, the links of desktops and the runs without a deadline', async () => {
    const desktop = await server.desktop();
    const run = await server.createRun(desktop.machineId, 'wait:1000 click:1,1 done');
    const body = { display_name: 'once' };
    const first = await server.call('POST', '/machines', body, { 'idempotency-key': 'once' });
    for (const hours of [20, 0, -20, 0]) {
      offMs = hours * HOUR_MS;
      expect((await server.call('POST', '/machines', body, { 'idempotency-key': 'once' })).body).toEqual(
        first.body,
      );
      expect(
        (await server.call<{ status: string }>('GET', `/machines/${desktop.machineId}`)).body.status,
      ).toBe('running');
    }
    await server.untilStatus(run.id, 'succeeded');
    expect(desktop.performed.length).toBe(1);
  });
});
