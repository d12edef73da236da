import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { eventually, type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: TestServer;
let desktop: FakeDaemon;

beforeAll(async () => {
  server = await TestServer.start();
  desktop = await server.desktop();
});
afterAll(() => server[Symbol.asyncDispose]());

describe('a run from create to done (v1-api.md 2, 3)', () => {
  it('[2.3] [11#1] answers both name pairs, drives the desktop and streams every event once', async () => {
    const created = await server.call('POST', '/runs', {
      machine_id: desktop.machineId,
      task: 'click:5,6 type:secret-words batch:3 done',
      metadata: { order: 7 },
    });
    expect(created.status).toBe(200);
    expect(created.body).toMatchObject({
      object: 'agent.run',
      status: 'queued',
      state: 'queued',
      metadata: { order: 7 },
      cua_version: 'v3',
      max_steps: 50,
      steps_completed: 0,
    });
    expect(created.body.id).toBe(created.body.run_id);
    expect(created.body.request_id).toBe(created.headers.get('x-coasty-request-id'));
    const stream = server.follow(String(created.body.id));
    await stream.ended;
    expect(stream.events.map((event) => event.id)).toEqual(stream.events.map((_, index) => index + 1));
    expect(stream.types).toEqual([
      'status',
      'status',
      ...['reasoning', 'tool_call', 'tool_result', 'step', 'billing'],
      ...['reasoning', 'tool_call', 'tool_result', 'step', 'billing'],
      ...[
        'reasoning',
        'tool_call',
        'tool_result',
        'tool_call',
        'tool_result',
        'tool_call',
        'tool_result',
        'step',
        'billing',
      ],
      'reasoning',
      'text',
      'status',
      'done',
    ]);
    expect(stream.raw).not.toContain('secret-words');
    const run = await server.run(String(created.body.id));
    expect(run).toMatchObject({
      status: 'succeeded',
      state: 'succeeded',
      steps_completed: 3,
      cost_cents: 15,
      credits_charged: 15,
      result: { passed: true, status: 'succeeded', summary: 'as scripted' },
      error: null,
    });
    expect(desktop.performed.map((command) => command.operations.length)).toEqual([1, 1, 3]);
    expect(desktop.performed[1]?.operations[0]).toEqual({ type: 'type_text', text: 'secret-words' });
    expect(desktop.released).toEqual(['finished']);
  });
});

describe('events (v1-api.md 3)', () => {
  it('[3.1] [11#10] frames are id, event, data, blank line; data is one JSON object with its place in it', async () => {
    const run = await server.createRun(desktop.machineId, 'click:1,1 done');
    const stream = server.follow(run.id);
    await stream.ended;
    expect(stream.headers['content-type']).toBe('text/event-stream');
    expect(stream.headers['cache-control']).toBe('no-cache, no-transform');
    expect(stream.headers['x-accel-buffering']).toBe('no');
    const frames = stream.raw.split('\n\n').filter((frame) => frame !== '');
    for (const [index, frame] of frames.entries()) {
      const lines = frame.split('\n');
      expect(lines).toHaveLength(3);
      expect(lines[0]).toBe(`id: ${index + 1}`);
      expect(lines[1]).toMatch(/^event: [a-z_]+$/);
      expect(lines[2]).toMatch(/^data: \{.*\}$/);
      const data = JSON.parse(String(lines[2]).slice(6));
      expect(data).toMatchObject({ seq: index + 1, run_id: run.id, type: String(lines[1]).slice(7) });
      expect(data.created_at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
      if (data.status !== undefined) expect(data.state).toBe(data.status);
    }
  });

  it('[3.2] [11#11] resumes after Last-Event-ID, which wins over ?after; nonsense counts as 0', async () => {
    const run = await server.createRun(desktop.machineId, 'click:1,1 done');
    const all = server.follow(run.id);
    await all.ended;
    const ids = async (headers: Record<string, string>, query = '') => {
      const stream = server.follow(run.id, headers, query);
      await stream.ended;
      expect(stream.status).toBe(200);
      return stream.events.map((event) => event.id);
    };
    const from = (after: number) => all.events.map((event) => event.id).filter((id) => id > after);
    expect(await ids({ 'last-event-id': '4' })).toEqual(from(4));
    expect(await ids({}, '?after=6')).toEqual(from(6));
    expect(await ids({ 'last-event-id': '4' }, '?after=6')).toEqual(from(4));
    expect(await ids({ 'last-event-id': 'x' })).toEqual(from(0));
    expect(await ids({}, '?after=-3')).toEqual(from(0));
    expect(await ids({ 'last-event-id': String(all.lastId) })).toEqual([]);
    expect(await ids({ 'last-event-id': '999999' })).toEqual([]);
  });

  it('[3.2] HEAD gets the head alone, at once, and its connection serves on while the run does', async () => {
    const run = await server.createRun(desktop.machineId, 'wait:120000');
    const { port } = new URL(server.server.baseUrl);
    const socket = connect(Number(port), '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => {
      text += String(bytes);
    });
    const head = (path: string) =>
      socket.write(`HEAD ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nx-api-key: ${server.key}\r\n\r\n`);
    head(`/v1/runs/${run.id}/events`);
    head(`/v1/runs/${run.id}`);
    await eventually(() => expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2));
    socket.destroy();
    expect((await server.call('POST', `/runs/${run.id}/cancel`)).status).toBe(200);
    expect(text).not.toContain('"seq"');
  });

  it('[11#13] the markers of test machines mean nothing on a desktop that somebody lends', async () => {
    const run = await server.createRun(desktop.machineId, 'done [pause] [fail]');
    await server.untilStatus(run.id, 'succeeded');
    const stream = server.follow(run.id);
    await stream.ended;
    expect(stream.types).not.toContain('awaiting_human');
  });

  it('[3.2] a GET after an event shows at least that state', async () => {
    const run = await server.createRun(desktop.machineId, 'click:1,1 done');
    const stream = server.follow(run.id);
    await eventually(() => expect(stream.types).toContain('billing'));
    expect((await server.run(run.id)).cost_cents).toBe(5);
    await stream.ended;
  });

  it('[3.1] [3.3] /log holds the same events; typed text is in neither', async () => {
    const run = await server.createRun(desktop.machineId, 'type:hunter2 done');
    const stream = server.follow(run.id);
    await stream.ended;
    const log = await server.call<{ run_id: string; data: Array<Record<string, unknown>> }>(
      'GET',
      `/runs/${run.id}/log`,
    );
    // Flat as in the stream, and beside it `{seq, type, data}` as the OpenAPI of the public service has it.
    expect(log.body.data.map(({ data: _, ...flat }) => flat)).toEqual(
      stream.events.map((event) => event.data),
    );
    for (const { data, seq, type, run_id, created_at, ...payload } of log.body.data) {
      expect(data).toEqual(payload);
      expect([seq, type, run_id, created_at]).not.toContain(undefined);
    }
    expect(JSON.stringify(log.body)).not.toContain('hunter2');
    const call = stream.events.find((event) => event.event === 'tool_call')?.data;
    expect(call).toMatchObject({
      step: 1,
      tool: 'type_text',
      action_type: 'type_text',
      params: { characters: 7 },
    });
  });

  it('[3.3] [11#14] [11#26] emits the parameters of both generations', async () => {
    const run = await server.createRun(desktop.machineId, 'click:3,4 done');
    const stream = server.follow(run.id);
    await stream.ended;
    expect(stream.events.find((event) => event.event === 'tool_call')?.data.params).toEqual({
      x: 3,
      y: 4,
      button: 'left',
      clicks: 1,
    });
  });
});

describe('how many open runs a machine may have (v1-api.md 2.1)', () => {
  it('[2.2] refuses the one too many, also when many come at once, and lets in again once one has ended', async () => {
    await using own = await TestServer.start({ max_queued_runs_per_machine: '3' });
    const { body } = await own.call<{ machine: { id: string } }>('POST', '/machines', {
      display_name: 'small',
    });
    const ask = () => own.call('POST', '/runs', { machine_id: body.machine.id, task: 'done' });
    const answers = await Promise.all(Array.from({ length: 8 }, ask));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429, 429, 429, 429]);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({ error: { code: 'TOO_MANY_RUNS' } });
    const open = answers.filter(({ status }) => status === 200).map((answer) => String(answer.body.id));
    for (const id of open.slice(0, 2))
      expect((await own.call('POST', `/runs/${id}/cancel`)).status).toBe(200);
    expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual([200, 200, 429]);
  });
});

describe('ends of a run (v1-api.md 2.4, surface.md 4)', () => {
  it('[2.4] fails with TASK_FAILED when the engine gives up', async () => {
    const run = await server.createRun(desktop.machineId, 'fail:no-such-button');
    const stream = server.follow(run.id);
    await stream.ended;
    expect(stream.types.slice(-3)).toEqual(['error', 'status', 'done']);
    expect(await server.run(run.id)).toMatchObject({
      status: 'failed',
      error: { code: 'TASK_FAILED', message: 'no-such-button' },
      result: { passed: false, status: 'failed' },
    });
  });

  it('[2.4] fails with MAX_STEPS_REACHED and a failed result', async () => {
    const run = await server.createRun(desktop.machineId, 'forever', { max_steps: 2 });
    expect(await server.untilStatus(run.id, 'failed')).toMatchObject({
      steps_completed: 2,
      error: { code: 'MAX_STEPS_REACHED' },
      result: { passed: false },
    });
  });

  it('[2.2] [11#44] fails with BUDGET_EXCEEDED before it would be passed', async () => {
    const run = await server.createRun(desktop.machineId, 'forever', { budget_cents: 12 });
    expect(await server.untilStatus(run.id, 'failed')).toMatchObject({
      cost_cents: 10,
      error: { code: 'BUDGET_EXCEEDED' },
    });
  });

  it('[2.4] times out at its deadline, counted from creation', async () => {
    const run = await server.createRun(desktop.machineId, 'forever', {
      deadline_seconds: 1,
      max_steps: 1000,
    });
    const ended = await server.untilStatus(run.id, 'timed_out');
    expect(ended).toMatchObject({ error: { code: 'DEADLINE_EXCEEDED' }, result: null });
    expect(Date.parse(String(ended.finished_at)) - Date.parse(ended.created_at)).toBeGreaterThanOrEqual(1000);
  });

  it('[2.6] refuses a forbidden action as a whole, with the rule, before anything is sent', async () => {
    const before = desktop.performed.length;
    const run = await server.createRun(desktop.machineId, 'batch:3 done', {
      action_policy: { blocked_actions: ['click'] },
    });
    const ended = await server.untilStatus(run.id, 'failed');
    expect(ended.error).toMatchObject({ code: 'ACTION_POLICY_VIOLATION', rule: 'blocked_actions' });
    expect(desktop.performed.length).toBe(before);
    expect(ended).not.toHaveProperty('action_policy');
  });

  it('[5] [11#4] v4 is judged: a no goes back to the engine, unknown is never success', async () => {
    server.minds.verdicts = [
      { judgement: 'unsatisfied', reason: 'the file is missing', confidence: 0.9, evidence: [] },
      { judgement: 'satisfied', reason: 'now it is there', confidence: 0.9, evidence: ['file'] },
    ];
    const repaired = await server.createRun(desktop.machineId, 'click:1,1 done done', { cua_version: 'v4' });
    expect(await server.untilStatus(repaired.id, 'succeeded')).toMatchObject({
      result: { passed: true, verdict: { passed: true, reason: 'now it is there', evidence: ['file'] } },
    });
    server.minds.verdicts = [{ judgement: 'unknown', reason: 'cannot see', confidence: 0.2, evidence: [] }];
    const unsure = await server.createRun(desktop.machineId, 'done', { cua_version: 'v5' });
    expect(await server.untilStatus(unsure.id, 'failed')).toMatchObject({
      cua_version: 'v5',
      error: { code: 'VERIFICATION_FAILED' },
      result: { passed: false, verdict: { passed: false } },
    });
  });

  it('[6] v1 steps cost 8', async () => {
    const run = await server.createRun(desktop.machineId, 'click:1,1 done', { cua_version: 'v1' });
    expect((await server.untilStatus(run.id, 'succeeded')).cost_cents).toBe(8);
  });
});

describe('cancel and resume (v1-api.md 2.5)', () => {
  it('[2.5] cancels a running run: nothing is sent afterwards, everything is released', async () => {
    const run = await server.createRun(desktop.machineId, 'forever', { max_steps: 1000 });
    const before = desktop.performed.length;
    await eventually(() => expect(desktop.performed.length).toBeGreaterThan(before + 3));
    const answer = await server.call('POST', `/runs/${run.id}/cancel`);
    const sent = desktop.received.length;
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: 'cancelled', state: 'cancelled', error: null, result: null });
    expect(answer.body.finished_at).toEqual(expect.any(String));
    await eventually(() => expect(desktop.released.at(-1)).toBe('cancelled'));
    // What was on the wire when the answer came may still arrive; nothing is sent after that.
    expect(desktop.received.length).toBeLessThanOrEqual(sent + 1);
    const stream = server.follow(run.id);
    await stream.ended;
    expect(stream.types.slice(-2)).toEqual(['status', 'done']);
    const again = await server.call('POST', `/runs/${run.id}/cancel`, {});
    expect(again.status).toBe(409);
    expect(again.body.error).toMatchObject({
      code: 'INVALID_STATE',
      current_state: 'cancelled',
      allowed_from: ['queued', 'running', 'awaiting_human'],
    });
  });

  it('[3.2] [11#12] pauses for a human, stays open, and goes on with the note', async () => {
    const run = await server.createRun(desktop.machineId, 'click:1,1 ask:which? click:2,2 done');
    const stream = server.follow(run.id);
    const paused = await server.untilStatus(run.id, 'awaiting_human');
    expect(paused).toMatchObject({ awaiting_human_reason: 'which?' });
    expect(paused.awaiting_human_since).toEqual(expect.any(String));
    await eventually(() => expect(stream.types.slice(-2)).toEqual(['status', 'awaiting_human']));
    const answer = await server.call('POST', `/runs/${run.id}/resume`, { note: 'the second one' });
    expect(answer.body).toMatchObject({ status: 'running', awaiting_human_reason: null });
    await stream.ended;
    const at = stream.types.indexOf('resumed');
    expect(stream.types[at + 1]).toBe('status');
    expect(stream.events[at]?.data.note).toBe('the second one');
    expect(stream.types.at(-1)).toBe('done');
    expect(server.minds.turns.flatMap((turn) => turn.messages)).toContainEqual({
      from: 'human',
      note: 'the second one',
    });
    const late = await server.call('POST', `/runs/${run.id}/resume`, {});
    expect([late.status, (late.body.error as { code: string }).code]).toEqual([409, 'RESUME_CONFLICT']);
  });

  it('[2.5] refuses to resume a run that asks nothing', async () => {
    const run = await server.createRun(desktop.machineId, 'wait:5000 done');
    const answer = await server.call('POST', `/runs/${run.id}/resume`);
    expect(answer.status).toBe(409);
    expect(answer.body.error).toMatchObject({
      code: 'NOT_AWAITING_HUMAN',
      allowed_from: ['awaiting_human'],
      required_state: 'awaiting_human',
    });
    await server.call('POST', `/runs/${run.id}/cancel`);
  });

  it.each([
    ['fail', 'failed'],
    ['cancel', 'cancelled'],
  ])('on_awaiting_human %s ends as %s with AWAITING_HUMAN and never waits', async (policy, status) => {
    const run = await server.createRun(desktop.machineId, 'ask:may-I? done', { on_awaiting_human: policy });
    const stream = server.follow(run.id);
    await stream.ended;
    expect(await server.run(run.id)).toMatchObject({ status, error: { code: 'AWAITING_HUMAN' } });
    expect(stream.types).not.toContain('awaiting_human');
  });

  it('[2.4] gives up a question nobody answers', async () => {
    const run = await server.createRun(desktop.machineId, 'ask:anyone? done', {
      awaiting_human_timeout_seconds: 1,
    });
    expect(await server.untilStatus(run.id, 'timed_out')).toMatchObject({
      error: { code: 'AWAITING_HUMAN_TIMEOUT' },
    });
  });
});

describe('lists and screenshots (v1-api.md 1.6, 2.7)', () => {
  it('[1.6] lists newest first, by state, with a limit', async () => {
    const first = await server.createRun(desktop.machineId, 'done');
    const second = await server.createRun(desktop.machineId, 'done');
    await server.untilStatus(second.id, 'succeeded');
    const list = await server.call<{ data: Array<{ id: string }>; has_more: boolean; object: string }>(
      'GET',
      '/runs?limit=2&status=succeeded',
    );
    expect(list.body.data.map((run) => run.id)).toEqual([second.id, first.id]);
    expect(list.body).toMatchObject({ object: 'list', has_more: true });
    for (const limit of ['0', '201', 'ten', '-1', '1.5'])
      expect((await server.call('GET', `/runs?limit=${limit}`)).body).toMatchObject({
        error: { code: 'INVALID_LIMIT', min: 1, max: 200 },
      });
    const wrong = await server.call('GET', '/runs?status=sleeping');
    expect([wrong.status, wrong.body]).toEqual([
      400,
      {
        error: expect.objectContaining({
          code: 'INVALID_STATUS_FILTER',
          valid_options: expect.arrayContaining(['queued']),
        }),
      },
    ]);
  });

  it('[2.7] serves the frames the engine saw, oldest first, paged, with pixels on request', async () => {
    const run = await server.createRun(desktop.machineId, 'click:1,1 click:2,2 click:3,3 done');
    await server.untilStatus(run.id, 'succeeded');
    type Page = {
      data: Array<{ index: number; step: number; sha256: string; image_b64?: string; size_bytes: number }>;
      has_more: boolean;
    };
    const all = await server.call<Page>('GET', `/runs/${run.id}/screenshots`);
    expect(all.body.data.map((shot) => shot.index)).toEqual([0, 1, 2, 3]);
    const page = await server.call<Page>(
      'GET',
      `/runs/${run.id}/screenshots?limit=2&after_index=0&include_image=true`,
    );
    expect(page.body.has_more).toBe(true);
    expect(page.headers.get('cache-control')).toBe('no-store');
    for (const shot of page.body.data) {
      const bytes = Buffer.from(String(shot.image_b64), 'base64');
      expect(bytes.length).toBe(shot.size_bytes);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(shot.sha256);
    }
  });
});
