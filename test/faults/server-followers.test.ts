import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sleep } from '@deskhand/base';
import { eventually, FakeDaemon, ServerProcess, SseClient, TestServer } from '@deskhand/server/testing';
import { describe, expect, it } from 'vitest';

describe('followers of a run (v1-api.md 3.2)', { timeout: 120_000 }, () => {
  it('[3.2] cut at random bytes and back with their cursor: no gap, no duplicate', async () => {
    await using server = await TestServer.start();
    const desktop = await server.desktop();
    const task = `${Array.from({ length: 40 }, (_, index) => `click:${index + 1},1`).join(' ')} done`;
    const run = await server.createRun(desktop.machineId, task);
    const followers = Array.from({ length: 10 }, async () => {
      const ids: number[] = [];
      let done = false;
      while (!done) {
        const client = server.follow(run.id, ids.length === 0 ? {} : { 'last-event-id': String(ids.at(-1)) });
        const cut = setTimeout(() => client.close(), Math.random() * 40);
        await client.ended;
        clearTimeout(cut);
        ids.push(...client.events.map((event) => event.id));
        done = client.types.includes('done');
      }
      return ids;
    });
    const log = await server
      .untilStatus(run.id, 'succeeded')
      .then(() => server.call<{ data: Array<{ seq: number }> }>('GET', `/runs/${run.id}/log`));
    const stored = log.body.data.map((event) => event.seq);
    expect(stored).toEqual(stored.map((_, index) => index + 1));
    for (const ids of await Promise.all(followers)) expect(ids).toEqual(stored);
  });

  it('[3.2] a slow one is dropped and can come back; a fast one beside it misses nothing', async () => {
    await using server = await TestServer.start({}, { overrides: { streamPatienceMs: 300 } });
    const desktop = await server.desktop();
    const run = await server.createRun(desktop.machineId, 'wait:600000 done');
    await server.untilStatus(run.id, 'running');
    // A reader that takes the head and then nothing.
    const slow = connect(server.server.port, '127.0.0.1');
    slow.write(
      `GET /v1/runs/${run.id}/events HTTP/1.1\r\nHost: 127.0.0.1:${server.server.port}\r\nX-API-Key: ${server.key}\r\n\r\n`,
    );
    await new Promise((resolve) => slow.once('data', resolve));
    slow.pause();
    let dropped = false;
    slow.on('error', () => {});
    slow.on('close', () => {
      dropped = true;
    });
    const fast = server.follow(run.id);
    await eventually(() => expect(server.server.parts.streams.count).toBe(2));
    const { runs } = server.server.parts;
    const { epoch } = await server.server.parts.database.read
      .selectFrom('runs')
      .select('epoch')
      .where('id', '=', run.id)
      .executeTakeFirstOrThrow();
    const text = 'x'.repeat(15_000);
    for (let index = 0; index < 800 && server.server.parts.streams.count === 2; index += 1)
      await runs.append(run.id, epoch, [{ type: 'text', text }]);
    expect(server.server.parts.streams.count).toBe(1);
    slow.resume();
    await eventually(() => expect(dropped).toBe(true));
    await server.call('POST', `/runs/${run.id}/cancel`);
    await fast.ended;
    expect(fast.events.map((event) => event.id)).toEqual(fast.events.map((_, index) => index + 1));
    expect(fast.types.at(-1)).toBe('done');
    const back = server.follow(run.id, { 'last-event-id': '3' });
    await back.ended;
    expect(back.events.map((event) => event.id)).toEqual(fast.events.slice(3).map((event) => event.id));
    // One that asks for the whole story and reads nothing of it does not keep it in memory for ever.
    await eventually(() => expect(server.server.parts.streams.count).toBe(0));
    const deaf = connect(server.server.port, '127.0.0.1');
    deaf.on('error', () => {});
    deaf.pause();
    deaf.write(
      `GET /v1/runs/${run.id}/events HTTP/1.1\r\nHost: 127.0.0.1:${server.server.port}\r\nX-API-Key: ${server.key}\r\n\r\n`,
    );
    await eventually(() => expect(server.server.parts.streams.count).toBe(1));
    await eventually(() => expect(server.server.parts.streams.count).toBe(0));
    deaf.destroy();
  });

  it('a thousand at once all get everything', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'deskhand-many-'));
    const server = new ServerProcess(folder);
    try {
      await server.start();
      const key = await server.key();
      const post = async (route: string, body: unknown) =>
        (await (
          await fetch(`${server.origin}/v1${route}`, {
            method: 'POST',
            headers: { 'x-api-key': key },
            body: JSON.stringify(body),
          })
        ).json()) as {
          id: string;
          enrollment: { token: string };
        };
      const machine = await post('/machines', { display_name: 'desk' });
      const run = await post('/runs', {
        machine_id: (machine as unknown as { machine: { id: string } }).machine.id,
        task: `${Array.from({ length: 20 }, (_, index) => `click:${index + 1},1`).join(' ')} done`,
      });
      const followers: SseClient[] = [];
      for (let batch = 0; batch < 10; batch += 1) {
        for (let index = 0; index < 100; index += 1)
          followers.push(new SseClient(`${server.origin}/v1/runs/${run.id}/events`, { 'x-api-key': key }));
        await eventually(
          () => expect(followers.every((follower) => follower.events.length > 0)).toBe(true),
          30_000,
        );
      }
      await using desktop = await FakeDaemon.connect({
        origin: server.origin,
        auth: { code: machine.enrollment.token },
      });
      await Promise.all(followers.map((follower) => follower.ended));
      expect(desktop.performed.length).toBe(20);
      const expected = followers[0]?.events.map((event) => event.id);
      expect(followers[0]?.types.at(-1)).toBe('done');
      for (const follower of followers) expect(follower.events.map((event) => event.id)).toEqual(expected);
    } finally {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('[3.1] a keepalive is a comment and takes no place in the sequence', async () => {
    await using server = await TestServer.start();
    const desktop = await server.desktop();
    const run = await server.createRun(desktop.machineId, 'ask:anyone? done');
    const stream = server.follow(run.id);
    await eventually(() => expect(stream.types.at(-1)).toBe('awaiting_human'));
    await eventually(() => expect(stream.raw.endsWith(': keepalive\n\n')).toBe(true), 20_000);
    await server.call('POST', `/runs/${run.id}/resume`);
    await stream.ended;
    expect(stream.events.map((event) => event.id)).toEqual(stream.events.map((_, index) => index + 1));
    await sleep(0);
  });
});
