import { eventually, type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let server: TestServer;
let desktop: FakeDaemon;
beforeEach(async () => {
  server = await TestServer.start();
  desktop = await server.desktop();
});
afterEach(() => server[Symbol.asyncDispose]());

const log = async (runId: string) =>
  (
    await server.call<{ data: Array<{ seq: number; type: string; status?: string }> }>(
      'GET',
      `/runs/${runId}/log`,
    )
  ).body.data;

describe('a driver that was replaced (engine.md 9, test 6)', () => {
  it('can store nothing more, whatever it tries; the newer one goes on', async () => {
    const { runs } = server.server.parts;
    desktop.cut();
    await eventually(async () =>
      expect((await server.call('GET', `/machines/${desktop.machineId}`)).body.status).toBe('error'),
    );
    const run = await server.createRun(desktop.machineId, 'done');
    const old = await runs.claim(run.id);
    const newer = await runs.claim(run.id);
    if (old === null || newer === null) throw new Error('no claim');
    expect(newer.epoch).toBe(old.epoch + 1);
    const before = await log(run.id);
    const zombie = old.epoch;
    const fenced = expect.objectContaining({ name: 'StopError', reason: 'interrupted' });
    const action = {
      commandId: 'cmd_1',
      step: 1,
      bootId: null,
      frameId: null,
      operations: [{ type: 'wait' as const, ms: 1 }],
      descriptions: ['Wait 1 ms'],
    };
    for (const attempt of [
      () => runs.append(run.id, zombie, [{ type: 'text', text: 'still here' }]),
      () => runs.actionStarted(run.id, zombie, action),
      () => runs.stepCompleted(run.id, zombie, { step: 1, usage: null, timings: {} }),
      () =>
        runs.screenshot(run.id, zombie, 1, {
          step: 1,
          takenAt: '',
          width: 1,
          height: 1,
          mimeType: 'image/jpeg',
          sizeBytes: 1,
          sha256: 'x',
          degraded: false,
          exclusion: 'none_needed',
        }),
      () =>
        runs.change(
          run.id,
          { type: 'finished', passed: true, result: { passed: true, status: 'succeeded', summary: '' } },
          { epoch: zombie },
        ),
      () => runs.setEngine(run.id, zombie, 'zombie'),
    ])
      await expect(attempt()).rejects.toEqual(fenced);
    expect(await log(run.id)).toEqual(before);
    await runs.append(run.id, newer.epoch, [{ type: 'text', text: 'mine now' }]);
    expect((await log(run.id)).at(-1)).toMatchObject({ type: 'text', seq: before.length + 1 });
    expect((await server.call('GET', '/usage')).body).toMatchObject({ total_credits: 0 });
  });

  it('a step is billed once however often it is closed; an answer counts once (test 11)', async () => {
    const { runs } = server.server.parts;
    desktop.cut();
    const run = await server.createRun(desktop.machineId, 'done');
    const claim = await runs.claim(run.id);
    if (claim === null) throw new Error('no claim');
    const operations = [{ type: 'wait' as const, ms: 1 }];
    await runs.actionStarted(run.id, claim.epoch, {
      commandId: 'cmd_1',
      step: 1,
      bootId: null,
      frameId: null,
      operations,
      descriptions: ['Wait 1 ms'],
    });
    const outcomes = [{ status: 'confirmed' as const, durationMs: 1 }];
    for (const _ of [1, 2, 3]) {
      await runs.actionFinished(run.id, claim.epoch, {
        commandId: 'cmd_1',
        step: 1,
        operations,
        outcomes,
        descriptions: ['Wait 1 ms'],
      });
      await runs.stepCompleted(run.id, claim.epoch, { step: 1, usage: null, timings: {} });
    }
    expect(await server.run(run.id)).toMatchObject({ steps_completed: 1, cost_cents: 5 });
    expect((await log(run.id)).map((event) => event.type)).toEqual([
      'status',
      'status',
      'tool_call',
      'tool_result',
      'step',
      'billing',
    ]);
  });
});

describe('decisions that race (engine.md 9, test 13)', () => {
  it('fifty cancels at once: one succeeds, one end is stored', async () => {
    const run = await server.createRun(desktop.machineId, 'forever', { max_steps: 1000 });
    await server.untilStatus(run.id, 'running');
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => server.call('POST', `/runs/${run.id}/cancel`)),
    );
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 409)).toHaveLength(49);
    expect((await log(run.id)).filter((event) => event.type === 'done')).toHaveLength(1);
  });

  it('cancel against success: one terminal state, and everybody sees the same', {
    timeout: 120_000,
  }, async () => {
    const ends = new Set<string>();
    // A slow machine needs longer for a run: the spread of moments grows until both sides have won.
    let spreadMs = 14;
    for (let round = 0; round < 40 || (ends.size < 2 && round < 200); round += 1) {
      if (round > 0 && round % 20 === 0 && !ends.has('succeeded')) spreadMs *= 3;
      const run = await server.createRun(desktop.machineId, 'click:1,1 done');
      const stream = server.follow(run.id);
      await new Promise((resolve) => setTimeout(resolve, (spreadMs * (round % 20)) / 20));
      const answer = await server.call('POST', `/runs/${run.id}/cancel`);
      await stream.ended;
      const state = await server.run(run.id);
      ends.add(state.status);
      expect(state.status).toBe(answer.status === 200 ? 'cancelled' : 'succeeded');
      expect(stream.events.filter((event) => event.event === 'done')).toHaveLength(1);
      expect(stream.events.at(-1)?.data).toMatchObject({ type: 'done', status: state.status });
      const events = await log(run.id);
      expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    }
    // The race was really run from both sides.
    expect(ends).toEqual(new Set(['cancelled', 'succeeded']));
  });

  it('two people answer one question: one is too late', async () => {
    const run = await server.createRun(desktop.machineId, 'ask:which? wait:200 done');
    await server.untilStatus(run.id, 'awaiting_human');
    const answers = await Promise.all(
      ['left', 'right'].map((note) => server.call('POST', `/runs/${run.id}/resume`, { note })),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
    await server.untilStatus(run.id, 'succeeded');
    expect((await log(run.id)).filter((event) => event.type === 'resumed')).toHaveLength(1);
  });

  it('cancels in every state: queued, running, awaiting a human', async () => {
    const first = await server.createRun(desktop.machineId, 'ask:which? done');
    const queued = await server.createRun(desktop.machineId, 'done');
    await server.untilStatus(first.id, 'awaiting_human');
    for (const run of [queued, first]) {
      expect((await server.call('POST', `/runs/${run.id}/cancel`)).body.status).toBe('cancelled');
      expect((await log(run.id)).slice(-2).map((event) => event.type)).toEqual(['status', 'done']);
    }
    await server.untilStatus((await server.createRun(desktop.machineId, 'done')).id, 'succeeded');
  });
});

describe('a server that is stopped and started again and again', () => {
  it('keeps a run that waits for a person as long as it may wait', async () => {
    const run = await server.createRun(desktop.machineId, 'ask:which? done');
    await server.untilStatus(run.id, 'awaiting_human');
    // More often than a run may take the server down (max_claims_without_progress).
    for (let round = 0; round < 5; round += 1) {
      await server.stop();
      await server.boot();
      await desktop.open();
      // It is driven again: its desktop was told.
      await eventually(() => expect(desktop.narrated.at(-1)?.status).toBe('awaiting_human'));
      desktop.narrated.length = 0;
    }
    const resumed = await server.call('POST', `/runs/${run.id}/resume`, { note: 'the left one' });
    expect([resumed.status, resumed.body.status]).toEqual([200, 'running']);
  });
});

describe('pictures (design.md 3)', () => {
  it('are removed by size, oldest first; their rows stay and say so; a picture two runs saw stays for the other', async () => {
    const run = await server.createRun(desktop.machineId, 'click:1,1 click:2,2 click:3,3 done');
    await server.untilStatus(run.id, 'succeeded');
    const store = server.server.parts.frames;
    store.limit({ maxAgeMs: 3_600_000, maxBytes: 1024 });
    await store.sweep();
    type Shots = { data: Array<{ index: number; image_b64?: string; image_unavailable?: boolean }> };
    const shots = await server.call<Shots>('GET', `/runs/${run.id}/screenshots?include_image=1`);
    expect(
      shots.body.data.map((shot) => [
        shot.index,
        shot.image_unavailable === true,
        shot.image_b64 !== undefined,
      ]),
    ).toEqual([
      [0, true, false],
      [1, true, false],
      [2, false, true],
      [3, false, true],
    ]);
  });
});
