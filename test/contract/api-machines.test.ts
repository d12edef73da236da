import { eventually, FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start({ link_grace_ms: '400' });
});
afterEach(() => server[Symbol.asyncDispose]());

type Created = {
  machine: { id: string; status: string };
  enrollment: { token: string; expires_at: string; agent_url: string };
};
const create = (body: Record<string, unknown> = {}) =>
  server.call<Created>('POST', '/machines', { display_name: 'desk', ...body });

describe('registering and pairing (v1-api.md 7.1–7.3)', () => {
  it('[7.3] is provisioning until its daemon came, then running, then error while it is away', async () => {
    const { body, headers } = await create();
    expect(body.machine.status).toBe('provisioning');
    expect(headers.get('warning')).toMatch(/^199 /);
    expect(body.enrollment.agent_url).toBe(`${server.origin.replace('http', 'ws')}/link`);
    const daemon = await FakeDaemon.connect({ origin: server.origin, auth: { code: body.enrollment.token } });
    expect(daemon.machineId).toBe(body.machine.id);
    expect(daemon.machineToken).toEqual(expect.any(String));
    const get = await server.call<Record<string, unknown>>('GET', `/machines/${body.machine.id}`);
    expect(get.body).toMatchObject({
      id: body.machine.id,
      status: 'running',
      provider: 'self_hosted',
      desktop_enabled: true,
    });
    expect(get.body.machine).toMatchObject({ id: body.machine.id, status: 'running' });
    daemon.cut();
    await eventually(async () =>
      expect((await server.call('GET', `/machines/${body.machine.id}`)).body.status).toBe('error'),
    );
    // It keeps its id.
    await daemon.open();
    expect((await server.call('GET', `/machines/${body.machine.id}`)).body.status).toBe('running');
    await daemon[Symbol.asyncDispose]();
  });

  it('[7.2] a code is good once, and typed loosely', async () => {
    const { body } = await create();
    const code = body.enrollment.token;
    await (
      await FakeDaemon.connect({
        origin: server.origin,
        auth: { code: ` ${code.toLowerCase().replaceAll('-', ' ')}` },
      })
    )[Symbol.asyncDispose]();
    await expect(FakeDaemon.connect({ origin: server.origin, auth: { code } })).rejects.toThrow(
      'PAIRING_FAILED',
    );
  });

  it('[7.2] a newer code voids the older one; guessing is slowed down', async () => {
    const { body } = await create();
    const again = await server.call<Created>('POST', `/machines/${body.machine.id}/enroll`);
    await expect(
      FakeDaemon.connect({ origin: server.origin, auth: { code: body.enrollment.token } }),
    ).rejects.toThrow('PAIRING_FAILED');
    for (let guess = 0; guess < 9; guess += 1)
      await expect(
        FakeDaemon.connect({ origin: server.origin, auth: { code: `WRONG-${guess}` } }),
      ).rejects.toThrow('PAIRING_FAILED');
    await expect(
      FakeDaemon.connect({ origin: server.origin, auth: { code: again.body.enrollment.token } }),
    ).rejects.toThrow('RATE_LIMITED');
  });

  it('refuses a wrong token, an unknown version, a first message that is no hello', async () => {
    const daemon = await server.desktop();
    await expect(
      FakeDaemon.connect({
        origin: server.origin,
        auth: { machineId: daemon.machineId, token: 'x'.repeat(40) },
      }),
    ).rejects.toThrow('MACHINE_TOKEN_INVALID');
    await expect(
      FakeDaemon.connect({ origin: server.origin, auth: { machineId: 'nobody', token: 'x'.repeat(40) } }),
    ).rejects.toThrow('MACHINE_TOKEN_INVALID');
  });

  it('[7.1] [11#25] deleting cuts the link, voids the token, cancels its runs; a second delete is 404', async () => {
    const daemon = await server.desktop();
    const running = await server.createRun(daemon.machineId, 'forever', { max_steps: 1000 });
    const queued = await server.createRun(daemon.machineId, 'done');
    await server.untilStatus(running.id, 'running');
    const answer = await server.call('DELETE', `/machines/${daemon.machineId}`);
    expect(answer.body).toMatchObject({ machine_id: daemon.machineId, status: 'terminated' });
    expect((await daemon.closed).code).toBe(4003);
    for (const run of [running, queued])
      expect(await server.run(run.id)).toMatchObject({
        status: 'cancelled',
        error: { code: 'MACHINE_REMOVED' },
        result: null,
      });
    await expect(daemon.open()).rejects.toThrow('MACHINE_TOKEN_INVALID');
    expect((await server.call('DELETE', `/machines/${daemon.machineId}`)).body).toMatchObject({
      error: { code: 'MACHINE_NOT_FOUND' },
    });
    const list = await server.call<{ data: unknown[] }>('GET', '/machines');
    expect(list.body.data).toEqual([]);
  });

  it('the newer of two sockets of one machine wins', async () => {
    const daemon = await server.desktop();
    const second = new FakeDaemon({
      origin: server.origin,
      auth: { machineId: daemon.machineId, token: String(daemon.machineToken) },
    });
    await second.open();
    expect((await daemon.closed).code).toBe(4000);
    const run = await server.createRun(daemon.machineId, 'click:1,1 done');
    await server.untilStatus(run.id, 'succeeded');
    expect([daemon.performed.length, second.performed.length]).toEqual([0, 1]);
    await second[Symbol.asyncDispose]();
  });

  it('[7.1] sets and clears when it unregisters itself', async () => {
    const { body } = await create({ ttl_minutes: 5 });
    const cleared = await server.call('PATCH', `/machines/${body.machine.id}`, { ttl_minutes: 0 });
    expect(cleared.body).toMatchObject({ ttl_minutes: null, auto_destroy_at: null });
    const set = await server.call('PATCH', `/machines/${body.machine.id}`, { ttl_minutes: 60 });
    expect(set.body).toMatchObject({ ttl_minutes: 60, auto_destroy_at: expect.any(String) });
    expect((await server.call('PATCH', `/machines/${body.machine.id}`, { ttl_minutes: 3 })).status).toBe(422);
    expect((await server.call('PATCH', `/machines/${body.machine.id}`, {})).status).toBe(422);
  });
});

describe('stop, start, restart (v1-api.md 7.1)', () => {
  it('[7.1] stop ends the run and refuses new ones until start', async () => {
    const daemon = await server.desktop();
    const run = await server.createRun(daemon.machineId, 'forever', { max_steps: 1000 });
    await server.untilStatus(run.id, 'running');
    expect((await server.call('POST', `/machines/${daemon.machineId}/stop`)).body.status).toBe('stopped');
    expect(await server.untilStatus(run.id, 'cancelled')).toMatchObject({
      error: { code: 'STOPPED_BY_USER' },
    });
    const refused = await server.call('POST', '/runs', { machine_id: daemon.machineId, task: 'done' });
    expect([refused.status, refused.body]).toEqual([
      409,
      { error: expect.objectContaining({ code: 'INVALID_STATE', current_state: 'stopped' }) },
    ]);
    const twice = await server.call('POST', `/machines/${daemon.machineId}/stop`, {});
    expect(twice.body).toMatchObject({ error: { code: 'INVALID_STATE', allowed_from: ['running'] } });
    expect((await server.call('POST', `/machines/${daemon.machineId}/start`)).body.status).toBe('running');
    await server.untilStatus((await server.createRun(daemon.machineId, 'done')).id, 'succeeded');
  });

  it('[7.1] restart makes the desktop connect again', async () => {
    const daemon = await server.desktop();
    expect(await server.call('POST', `/machines/${daemon.machineId}/restart`)).toMatchObject({
      status: 200,
      body: { machine_id: daemon.machineId, status: 'restarting' },
    });
    expect((await daemon.closed).code).toBe(4003);
  });

  it('the kill switch ends the run as STOPPED_BY_USER; the API cannot re-arm it', async () => {
    const daemon = await server.desktop();
    const run = await server.createRun(daemon.machineId, 'forever', { max_steps: 1000 });
    await eventually(() => expect(daemon.performed.length).toBeGreaterThan(1));
    daemon.event('stopped', { latched: true, control: 'stopped' });
    expect(await server.untilStatus(run.id, 'cancelled')).toMatchObject({
      error: { code: 'STOPPED_BY_USER' },
      result: null,
    });
    expect((await server.call('GET', `/machines/${daemon.machineId}`)).body.status).toBe('stopped');
    expect((await server.call('POST', '/runs', { machine_id: daemon.machineId, task: 'x' })).status).toBe(
      409,
    );
    expect((await server.call('POST', `/machines/${daemon.machineId}/start`)).body).toMatchObject({
      error: { code: 'INVALID_STATE', latched: true },
    });
    daemon.event('latch_cleared', { latched: false, control: 'armed' });
    await eventually(async () =>
      expect((await server.call('GET', `/machines/${daemon.machineId}`)).body.status).toBe('running'),
    );
    await server.untilStatus((await server.createRun(daemon.machineId, 'done')).id, 'succeeded');
  });

  it('[KILL8] a stop hotkey that is not armed: no run starts, waiting ones wait, and both go on once it is', async () => {
    const daemon = await server.desktop();
    const first = await server.createRun(daemon.machineId, 'click:1,1 wait:400 done');
    const waiting = await server.createRun(daemon.machineId, 'done');
    await server.untilStatus(first.id, 'running');
    daemon.event('hotkey_changed', { hotkey: { armed: false, reason: 'Another program holds it.' } });
    const refusal = await eventually(async () => {
      const answer = await server.call('POST', '/runs', { machine_id: daemon.machineId, task: 'done' });
      expect(answer.status).toBe(409);
      return answer.body;
    });
    expect(refusal).toMatchObject({
      error: { code: 'NOT_ARMED', message: expect.stringContaining('Another program holds it.') },
    });
    await server.untilStatus(first.id, 'succeeded');
    expect((await server.run(waiting.id)).status).toBe('queued');
    daemon.event('hotkey_changed', {
      hotkey: { armed: false, reason: 'Another program holds it.', override: true },
    });
    await server.untilStatus(waiting.id, 'succeeded');
    await server.untilStatus((await server.createRun(daemon.machineId, 'done')).id, 'succeeded');
  });

  it('a latch that was tripped while the server was away is known at hello', async () => {
    const daemon = await server.desktop();
    daemon.cut();
    const again = new FakeDaemon({
      origin: server.origin,
      auth: { machineId: daemon.machineId, token: String(daemon.machineToken) },
      latched: true,
      control: 'stopped',
    });
    await again.open();
    expect((await server.call('GET', `/machines/${daemon.machineId}`)).body).toMatchObject({
      status: 'stopped',
      latched: true,
    });
    await again[Symbol.asyncDispose]();
  });
});

describe('a person at the desktop', () => {
  it('[3.3] [11#13] takes over: the run waits with the reason, acts on no older picture, and goes on when handed back', async () => {
    const daemon = await server.desktop();
    const run = await server.createRun(daemon.machineId, 'click:1,1 wait:2000 click:2,2 click:3,3 done');
    const stream = server.follow(run.id);
    await eventually(() => expect(daemon.performed.length).toBe(1));
    daemon.event('person_took_over', { control: 'paused', reason: 'you moved the mouse' });
    expect(await server.untilStatus(run.id, 'awaiting_human')).toMatchObject({
      awaiting_human_reason: 'you moved the mouse',
    });
    const api = await server.call('POST', `/runs/${run.id}/resume`);
    expect([api.status, api.body]).toEqual([
      409,
      { error: expect.objectContaining({ code: 'INVALID_STATE', control: 'paused' }) },
    ]);
    expect(daemon.performed.length).toBe(1);
    daemon.event('resumed', { control: 'armed' });
    await stream.ended;
    expect((await server.run(run.id)).status).toBe('succeeded');
    expect(daemon.performed.length).toBeGreaterThanOrEqual(2);
    expect(server.minds.turns.flatMap((turn) => turn.messages)).toContainEqual({ from: 'takeover' });
    // The step that was under way when the person came is told about once they gave the desktop back.
    const paused = stream.types.indexOf('awaiting_human');
    expect(stream.types[paused + 1]).toBe('resumed');
  });

  it('[3.3] [SSE7] in the middle of a step: awaiting_human stays the last event, the step is told and billed once after it', async () => {
    const { daemon, run, stream, finish } = await midStep();
    daemon.event('person_took_over', { control: 'paused', reason: 'you moved the mouse' });
    await eventually(() => expect(stream.types.at(-1)).toBe('awaiting_human'));
    finish();
    // What the step did and cost counts at once, so that nothing is lost should the run end here.
    await eventually(async () =>
      expect(await server.run(run.id)).toMatchObject({ steps_completed: 1, cost_cents: 5 }),
    );
    expect(stream.types.at(-1)).toBe('awaiting_human');
    const late = server.follow(run.id, { 'last-event-id': String(stream.events.at(-1)?.data.seq) });
    daemon.event('resumed', { control: 'armed' });
    await stream.ended;
    await late.ended;
    const after = stream.types.slice(stream.types.indexOf('awaiting_human') + 1);
    expect(after.slice(0, 5)).toEqual(['resumed', 'status', 'tool_result', 'step', 'billing']);
    expect(late.types).toEqual(after);
    expect(stream.types.filter((type) => type === 'billing')).toHaveLength(1);
    expect(stream.events.map((event) => event.data.seq)).toEqual(stream.events.map((_, index) => index + 1));
  });

  it('[3.3] [SSE7] cancelled while a person has the desktop: what the step did is told before the end', async () => {
    const { daemon, run, stream, finish } = await midStep();
    daemon.event('person_took_over', { control: 'paused', reason: 'you moved the mouse' });
    await server.untilStatus(run.id, 'awaiting_human');
    finish();
    await eventually(async () => expect((await server.run(run.id)).steps_completed).toBe(1));
    await server.call('POST', `/runs/${run.id}/cancel`);
    await stream.ended;
    expect(stream.types.slice(stream.types.indexOf('awaiting_human') + 1)).toEqual([
      'tool_result',
      'step',
      'billing',
      'status',
      'done',
    ]);
  });

  it('cancels the current run from the desktop, and no other', async () => {
    const daemon = await server.desktop();
    const running = await server.createRun(daemon.machineId, 'forever', { max_steps: 1000 });
    const queued = await server.createRun(daemon.machineId, 'done');
    await server.untilStatus(running.id, 'running');
    daemon.personCommand('cancel', queued.id);
    daemon.personCommand('cancel', running.id);
    await server.untilStatus(running.id, 'cancelled');
    expect((await server.untilStatus(queued.id, 'succeeded')).status).toBe('succeeded');
  });

  it('answers a question from the desktop', async () => {
    const daemon = await server.desktop();
    const run = await server.createRun(daemon.machineId, 'ask:which? done');
    await server.untilStatus(run.id, 'awaiting_human');
    await eventually(() =>
      expect(daemon.narrated.at(-1)).toMatchObject({ status: 'awaiting_human', awaitingReason: 'which?' }),
    );
    daemon.personCommand('resume', run.id, 'the left one');
    await server.untilStatus(run.id, 'succeeded');
    expect(server.minds.turns.flatMap((turn) => turn.messages)).toContainEqual({
      from: 'human',
      note: 'the left one',
    });
  });

  it('hears the story of the run, without typed text', async () => {
    const daemon = await server.desktop();
    const run = await server.createRun(daemon.machineId, 'type:hunter2 done');
    await server.untilStatus(run.id, 'succeeded');
    await eventually(() =>
      expect(daemon.narrated.at(-1)).toMatchObject({ runId: run.id, status: 'succeeded' }),
    );
    expect(daemon.narrated).toContainEqual(
      expect.objectContaining({ action: 'Type 7 characters', outcome: 'confirmed', step: 1 }),
    );
    expect(JSON.stringify(daemon.narrated)).not.toContain('hunter2');
  });
});

describe('the link', () => {
  it('a cut shorter than the grace time is bridged: the unanswered command is sent again and done once', async () => {
    let cutOnce = true;
    const daemon: FakeDaemon = await server.desktop({
      perform: (command) => {
        if (cutOnce && command.operations.length === 2) {
          cutOnce = false;
          setTimeout(() => daemon.cut(), 0);
          setTimeout(() => void daemon.open(), 100);
        }
        return command.operations.map(() => ({ status: 'confirmed' as const, durationMs: 1 }));
      },
    });
    // The answer is lost with the socket: perform settles in the next turn.
    const run = await server.createRun(daemon.machineId, 'click:1,1 batch:2 click:3,3 done');
    expect(await server.untilStatus(run.id, 'succeeded', 'failed')).toMatchObject({
      status: 'succeeded',
      steps_completed: 3,
    });
    expect(daemon.performed.map((command) => command.operations.length)).toEqual([1, 2, 1]);
    expect(new Set(daemon.performed.map((command) => command.id)).size).toBe(3);
  });

  it('a cut longer than the grace time ends the run as MACHINE_DISCONNECTED', async () => {
    const daemon = await server.desktop();
    const run = await server.createRun(daemon.machineId, 'click:1,1 wait:60000 done');
    await eventually(() => expect(daemon.performed.length).toBe(1));
    daemon.cut();
    expect(await server.untilStatus(run.id, 'failed')).toMatchObject({
      error: { code: 'MACHINE_DISCONNECTED' },
      result: { passed: false },
    });
  });

  it('a daemon that restarted in between is not sent the same command again', async () => {
    let first = true;
    const daemon: FakeDaemon = await server.desktop({
      perform: () => {
        if (!first) return [{ status: 'confirmed' as const, durationMs: 1 }];
        first = false;
        setTimeout(() => daemon.cut(), 0);
        return new Promise(() => {});
      },
    });
    const run = await server.createRun(daemon.machineId, 'click:1,1 click:2,2 done');
    await daemon.closed.then(() => {});
    const reborn = new FakeDaemon({
      origin: server.origin,
      auth: { machineId: daemon.machineId, token: String(daemon.machineToken) },
    });
    await reborn.open();
    await server.untilStatus(run.id, 'succeeded');
    expect(daemon.performed.length).toBe(1);
    expect(reborn.received).not.toContain(daemon.performed[0]?.id);
    const log = await server.call<{ data: Array<{ type: string; outcome?: string; code?: string }> }>(
      'GET',
      `/runs/${run.id}/log`,
    );
    expect(log.body.data).toContainEqual(
      expect.objectContaining({
        type: 'tool_result',
        outcome: 'failed',
        code: 'ACTION_ABORTED',
        success: false,
      }),
    );
    await reborn[Symbol.asyncDispose]();
  });

  it('runs of one machine go one at a time, first in first out; epochs only rise', async () => {
    const daemon = await server.desktop();
    const runs = [];
    for (let index = 0; index < 5; index += 1)
      runs.push(await server.createRun(daemon.machineId, `click:${index + 1},1 click:1,1 done`));
    for (const run of runs) await server.untilStatus(run.id, 'succeeded');
    const order = (await Promise.all(runs.map((run) => server.run(run.id)))).map((run) =>
      String(run.started_at),
    );
    expect(order).toEqual([...order].sort());
    const epochs = daemon.performed.map((command) => command.epoch);
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    expect(new Set(epochs).size).toBe(5);
  });

  it('queues a run while its desktop is away and starts it when it comes', async () => {
    const daemon = await server.desktop();
    daemon.cut();
    await eventually(async () =>
      expect((await server.call('GET', `/machines/${daemon.machineId}`)).body.status).toBe('error'),
    );
    const run = await server.createRun(daemon.machineId, 'click:1,1 done');
    expect((await server.run(run.id)).status).toBe('queued');
    await daemon.open();
    await server.untilStatus(run.id, 'succeeded');
  });

  it('a message that breaks the protocol ends that connection only', async () => {
    const daemon = await server.desktop();
    daemon.sendRaw('{"type":"result"');
    expect((await daemon.closed).code).toBe(1008);
    await daemon.open();
    const run = await server.createRun(daemon.machineId, 'done');
    await server.untilStatus(run.id, 'succeeded');
  });
});

describe('snapshot (v1-api.md 7.1)', () => {
  it('[7.1] exists for virtual machines only, once per idempotency key', async () => {
    const daemon = await server.desktop();
    expect((await server.call('POST', `/machines/${daemon.machineId}/snapshot`)).body).toMatchObject({
      error: { code: 'FEATURE_NOT_AVAILABLE' },
    });
    const asTest = { 'x-api-key': server.testKey };
    const made = await server.call<Created>('POST', '/machines', { display_name: 'v' }, asTest);
    expect(made.body).not.toHaveProperty('enrollment');
    const route = `/machines/${made.body.machine.id}/snapshot`;
    const keyed = { ...asTest, 'idempotency-key': 'snap' };
    const first = await server.call('POST', route, {}, keyed);
    expect(first.body).toMatchObject({ snapshot_id: expect.stringMatching(/^snap_/), credits_charged: 1 });
    expect((await server.call('POST', route, {}, keyed)).body).toEqual(first.body);
    expect((await server.call('GET', '/usage', undefined, asTest)).body).toMatchObject({ total_credits: 1 });
  });
});

describe('screenshot (v1-api.md 7.1)', () => {
  it('[7.1] [11#24] shows the desktop, or says why not', async () => {
    const daemon = await server.desktop();
    const shot = await server.call('GET', `/machines/${daemon.machineId}/screenshot`);
    expect(shot.body).toMatchObject({
      machine_id: daemon.machineId,
      mime_type: 'image/jpeg',
      width: 1280,
      height: 800,
      image_b64: expect.any(String),
    });
    expect(shot.headers.get('cache-control')).toBe('no-store');
    daemon.cut();
    await eventually(async () => {
      const gone = await server.call('GET', `/machines/${daemon.machineId}/screenshot`);
      expect([gone.status, gone.headers.get('retry-after')]).toEqual([503, '5']);
      expect(gone.body).toMatchObject({
        error: { code: 'UPSTREAM_UNAVAILABLE', retryable: true, retry_after: 5 },
      });
    });
    expect((await server.call('GET', '/machines/nobody/screenshot')).body).toMatchObject({
      error: { code: 'MACHINE_NOT_FOUND' },
    });
  });
});

/** A run whose first step is under way until `finish`. */
async function midStep() {
  const { promise: under, resolve: finish } = Promise.withResolvers<void>();
  const daemon = await server.desktop({
    perform: async (command) => {
      await under;
      return command.operations.map(() => ({ status: 'confirmed' as const, durationMs: 1 }));
    },
  });
  const run = await server.createRun(daemon.machineId, 'click:1,1 done');
  const stream = server.follow(run.id);
  await eventually(() => expect(stream.types).toContain('tool_call'));
  return { daemon, run, stream, finish };
}
