import { RunEvent } from '@deskhand/protocol';
import { eventually, type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: TestServer;
let desktop: FakeDaemon;
/** Registered and never connected: what is queued for it stays queued. */
let away: string;

beforeAll(async () => {
  server = await TestServer.start({ max_steps_ceiling: '600' });
  desktop = await server.desktop();
  away = await register(server);
});
afterAll(() => server[Symbol.asyncDispose]());

type ErrorAnswer = { error: Record<string, unknown> & { code: string } };

async function register(on: TestServer): Promise<string> {
  const { body } = await on.call<{ machine: { id: string } }>('POST', '/machines', { display_name: 'away' });
  return body.machine.id;
}

async function codeOf(on: TestServer, body: unknown, headers: Record<string, string> = {}, path = '/runs') {
  const answer = await on.call<Partial<ErrorAnswer>>('POST', path, body, headers);
  return answer.body.error?.code ?? answer.status;
}

const text = (length: number) => 'x'.repeat(length);

describe('what a run is asked with (v1-api.md 2.2)', () => {
  it.each<[field: string, good: unknown[], bad: unknown[]]>([
    ['task', [text(1), text(16_000)], ['', text(16_001), 7, null]],
    ['cua_version', ['v1', 'v3', 'v4', 'v5', null], ['v2', 'V3', 3]],
    ['instructions', ['', text(16_000), null], [text(16_001), 1]],
    ['system_prompt', ['', text(32_000), null], [text(32_001)]],
    ['model', ['default', 'builtin', null], ['', text(513)]],
    ['max_steps', [1, 1000, null], [0, 1001, 1.5, '5', true]],
    ['deadline_seconds', [1, 86_400, null], [0, 86_401, 0.5]],
    ['on_awaiting_human', ['pause', 'fail', 'cancel', null], ['wait']],
    ['awaiting_human_timeout_seconds', [1, 86_400, null], [0, 86_401]],
    [
      'webhook_url',
      ['https://hooks.example/x', 'http://127.0.0.1:9/', null],
      ['', 'ftp://x', `https://e.example/${text(2048)}`],
    ],
    [
      'metadata',
      [
        {},
        { a: { b: [1, null] } },
        Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i])),
        null,
      ],
      [Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, i])), [], 'x'],
    ],
    ['llm', [{}, { provider: 'managed' }, null], [{ provider: 'other' }, { api_key: 'x' }, 'x']],
    ['budget_cents', [0, 5, 100_000_000, null], [-1, 0.5]],
    [
      'action_policy',
      [
        {},
        {
          allowed_actions: ['click'],
          blocked_actions: ['drag'],
          blocked_keys: ['F4'],
          block_window_close: true,
        },
        { max_actions: 10_000, coordinate_bounds: { min_x: 0, min_y: 0, max_x: 0, max_y: 0 } },
        null,
      ],
      [
        { allowed_actions: [] },
        { allowed_actions: ['click'], blocked_actions: ['click'] },
        { max_actions: 0 },
        { max_actions: 10_001 },
        { blocked_keys: Array.from({ length: 129 }, () => 'a') },
        { coordinate_bounds: { min_x: 1, min_y: 0, max_x: 0, max_y: 0 } },
        { coordinate_bounds: { min_x: 1 } },
        { other: 1 },
      ],
    ],
  ])('[2.2] [2.6] %s has its limits', async (field, good, bad) => {
    const body = { machine_id: away, task: 'x' };
    for (const value of good)
      expect([field, value, await codeOf(server, { ...body, [field]: value })]).toEqual([field, value, 200]);
    for (const value of bad)
      expect([field, value, await codeOf(server, { ...body, [field]: value })]).toEqual([
        field,
        value,
        'VALIDATION_ERROR',
      ]);
  });

  it('[2.2] [11#2] what is left out has its default', async () => {
    expect(await server.createRun(away, 'x')).toMatchObject({
      cua_version: 'v3',
      max_steps: 50,
      on_awaiting_human: 'pause',
      deadline_seconds: null,
      instructions: null,
      metadata: null,
      llm: null,
      webhook_url: null,
      webhook_secret: null,
    });
  });

  it('[2.2] [11#50] steps above the operator’s ceiling are lowered to it', async () => {
    expect((await server.createRun(away, 'x', { max_steps: 1000 })).max_steps).toBe(600);
  });

  it('[2.2] checks in the written order: key, scope, form, idempotency, machine, wallet, queue', async () => {
    await using poor = await TestServer.start({ wallet_cents: '4', max_queued_runs_per_machine: '1' });
    const machine = await register(poor);
    const reader = await poor.call('POST', '/keys', { name: 'reader', scopes: ['runs:read'] });
    const asReader = { 'x-api-key': String(reader.body.key) };
    expect(await codeOf(poor, { tusk: 1 }, { 'x-api-key': 'none' })).toBe('INVALID_API_KEY');
    expect(await codeOf(poor, { tusk: 1 }, asReader)).toBe('INSUFFICIENT_SCOPE');
    // A key that was used for something else, in the way of each check that comes after it.
    const used = { 'idempotency-key': 'used' };
    expect(await codeOf(poor, { display_name: 'm' }, used, '/machines')).toBe(200);
    expect(await codeOf(poor, { tusk: 1 }, used)).toBe('VALIDATION_ERROR');
    expect(await codeOf(poor, { machine_id: 'nobody', task: 'x' }, used)).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(await codeOf(poor, { machine_id: 'nobody', task: 'x' })).toBe('MACHINE_NOT_FOUND');
    expect(await codeOf(poor, { machine_id: machine, task: 'x' })).toBe('INSUFFICIENT_CREDITS');
    await using rich = await TestServer.start({ max_queued_runs_per_machine: '1' });
    const busy = await register(rich);
    expect(await codeOf(rich, { machine_id: busy, task: 'x' })).toBe(200);
    expect(await codeOf(rich, { machine_id: busy, task: 'x' })).toBe('TOO_MANY_RUNS');
  });

  it('[2.2] a run whose machine is away waits, until the queue’s time is up', async () => {
    await using brief = await TestServer.start({ queue_timeout_seconds: '1' });
    const run = await brief.createRun(await register(brief), 'x');
    expect(run.status).toBe('queued');
    expect(await brief.untilStatus(run.id, 'timed_out')).toMatchObject({
      error: { code: 'DEADLINE_EXCEEDED' },
      started_at: null,
      result: null,
    });
  });
});

const FIELDS = [
  'id',
  'run_id',
  'object',
  'status',
  'state',
  'machine_id',
  'machine',
  'task',
  'cua_version',
  'instructions',
  'max_steps',
  'deadline_seconds',
  'on_awaiting_human',
  'steps_completed',
  'credits_charged',
  'cost_cents',
  'result',
  'error',
  'awaiting_human_reason',
  'awaiting_human_since',
  'metadata',
  'llm',
  'webhook_url',
  'webhook_secret',
  'created_at',
  'started_at',
  'finished_at',
  'request_id',
];

describe('the run object (v1-api.md 2.3)', () => {
  it('[2.3] [11#1] has every field from every endpoint, and no prompt, policy or budget', async () => {
    const created = await server.createRun(desktop.machineId, 'ask:go? done', {
      system_prompt: 'a prompt of mine',
      action_policy: { blocked_keys: ['F9'] },
      budget_cents: 4711,
      metadata: { order: 7, nested: { a: [1] } },
    });
    await server.untilStatus(created.id, 'awaiting_human');
    const asked = await server.run(created.id);
    expect([asked.awaiting_human_reason, asked.awaiting_human_since]).toEqual(['go?', expect.any(String)]);
    const resumed = (await server.call('POST', `/runs/${created.id}/resume`, { note: 'go' })).body;
    expect([resumed.status, resumed.awaiting_human_reason, resumed.awaiting_human_since]).toEqual([
      'running',
      null,
      null,
    ]);
    await server.untilStatus(created.id, 'succeeded');
    const listed = (await server.call<{ data: Array<Record<string, unknown>> }>('GET', '/runs?limit=200'))
      .body.data;
    const cancelled = (await server.call('POST', `/runs/${(await server.createRun(away, 'x')).id}/cancel`))
      .body;
    for (const run of [created, asked, resumed, await server.run(created.id), cancelled, ...listed] as Array<
      Record<string, unknown>
    >) {
      expect(Object.keys(run)).toEqual(expect.arrayContaining(FIELDS));
      expect([run.object, run.run_id, run.state, run.cost_cents]).toEqual([
        'agent.run',
        run.id,
        run.status,
        run.credits_charged,
      ]);
      expect(Object.keys(run).filter((name) => /prompt|policy|budget|key$|mode/.test(name))).toEqual([]);
    }
    expect(JSON.stringify(listed)).not.toMatch(/a prompt of mine|F9|4711/);
    expect(created.metadata).toEqual({ order: 7, nested: { a: [1] } });
  });
});

describe('states, cancel, resume (v1-api.md 2.4, 2.5)', () => {
  it('[2.4] the deadline counts from creation, in the queue and while a human is asked too', async () => {
    const queued = await server.createRun(away, 'x', { deadline_seconds: 1 });
    const asking = await server.createRun(desktop.machineId, 'ask:well? done', { deadline_seconds: 1 });
    for (const { id } of [queued, asking])
      expect(await server.untilStatus(id, 'timed_out')).toMatchObject({
        error: { code: 'DEADLINE_EXCEEDED' },
        result: null,
        finished_at: expect.any(String),
        awaiting_human_reason: null,
      });
  });

  it('[2.4] nothing leads out of an end', async () => {
    const run = await server.createRun(desktop.machineId, 'done');
    const end = await server.untilStatus(run.id, 'succeeded');
    for (const [verb, code, allowed] of [
      ['cancel', 'INVALID_STATE', ['queued', 'running', 'awaiting_human']],
      ['resume', 'RESUME_CONFLICT', ['awaiting_human']],
    ] as const) {
      const answer = await server.call<ErrorAnswer>('POST', `/runs/${run.id}/${verb}`);
      expect([answer.status, answer.body.error]).toMatchObject([
        409,
        { code, current_state: 'succeeded', allowed_from: allowed },
      ]);
    }
    expect(await server.run(run.id)).toEqual(end);
  });

  it('[2.5] [11#15] cancel twice and resume too late are refused; a note has its limit', async () => {
    const run = await server.createRun(away, 'x');
    const cancelled = await server.call('POST', `/runs/${run.id}/cancel`);
    expect(cancelled.body).toMatchObject({
      status: 'cancelled',
      error: null,
      result: null,
      finished_at: expect.any(String),
    });
    expect(await codeOf(server, {}, {}, `/runs/${run.id}/cancel`)).toBe('INVALID_STATE');
    expect(await codeOf(server, {}, {}, `/runs/${run.id}/resume`)).toBe('RESUME_CONFLICT');
    const asking = await server.createRun(desktop.machineId, 'ask:well? done');
    await server.untilStatus(asking.id, 'awaiting_human');
    const path = `/runs/${asking.id}/resume`;
    for (const body of [{ note: text(2001) }, { note: 7 }, { nope: 1 }])
      expect(await codeOf(server, body, {}, path)).toBe('VALIDATION_ERROR');
    expect(await codeOf(server, { note: text(2000) }, {}, path)).toBe(200);
    await server.untilStatus(asking.id, 'succeeded');
  });

  it('[2.5] lists by each state', async () => {
    for (const status of [
      'queued',
      'running',
      'awaiting_human',
      'succeeded',
      'failed',
      'cancelled',
      'timed_out',
    ]) {
      const { body } = await server.call<{ data: Array<{ status: string }> }>(
        'GET',
        `/runs?status=${status}&limit=200`,
      );
      expect(new Set(body.data.map((run) => run.status))).toEqual(
        new Set(body.data.length === 0 ? [] : [status]),
      );
    }
  });
});

describe('action policy (v1-api.md 2.6)', () => {
  const end = async (task: string, action_policy: unknown) => {
    const run = await server.createRun(desktop.machineId, task, { action_policy });
    const { status, error } = await server.untilStatus(run.id, 'succeeded', 'failed');
    return status === 'succeeded' ? status : [error?.code, error?.rule];
  };

  it('[2.6] each rule ends the run that breaks it, by name; bounds belong to the allowed', async () => {
    const bounds = { min_x: 10, min_y: 10, max_x: 20, max_y: 20 };
    expect(await end('click:10,20 click:20,10 done', { coordinate_bounds: bounds })).toBe('succeeded');
    expect(await end('click:9,10 done', { coordinate_bounds: bounds })).toEqual([
      'ACTION_POLICY_VIOLATION',
      'coordinate_bounds',
    ]);
    expect(await end('click:1,1 done', { blocked_actions: ['click'] })).toEqual([
      'ACTION_POLICY_VIOLATION',
      'blocked_actions',
    ]);
    expect(await end('click:1,1 done', { allowed_actions: ['scroll'] })).toEqual([
      'ACTION_POLICY_VIOLATION',
      'allowed_actions',
    ]);
    expect(await end('click:1,1 click:2,2 done', { max_actions: 1 })).toEqual([
      'ACTION_POLICY_VIOLATION',
      'max_actions',
    ]);
    // Ending and asking are always allowed.
    expect(await end('done', { allowed_actions: ['scroll'] })).toBe('succeeded');
  });

  it('[2.6] one forbidden action of a turn, and nothing of the turn is done', async () => {
    const before = desktop.performed.length;
    expect(
      await end('batch:3 done', { coordinate_bounds: { min_x: 0, min_y: 0, max_x: 2, max_y: 2 } }),
    ).toEqual(['ACTION_POLICY_VIOLATION', 'coordinate_bounds']);
    expect(desktop.performed.length).toBe(before);
  });
});

describe('screenshots of a run (v1-api.md 2.7)', () => {
  it('[2.7] fifty by default, ten with pixels, by index', async () => {
    const run = await server.createRun(desktop.machineId, 'forever', { max_steps: 60 });
    await server.untilStatus(run.id, 'failed');
    type Page = { data: Array<{ index: number; image_b64?: string }>; has_more: boolean };
    const page = async (query: string) =>
      (await server.call<Page>('GET', `/runs/${run.id}/screenshots${query}`)).body;
    const first = await page('');
    expect([first.data.length, first.has_more]).toEqual([50, true]);
    expect(first.data.map((shot) => shot.index)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect((await page('?after_index=49')).data[0]?.index).toBe(50);
    expect(await page('?after_index=9999')).toMatchObject({ data: [], has_more: false });
    for (const yes of ['true', '1']) {
      const pixels = await page(`?include_image=${yes}&limit=200`);
      expect(pixels.data).toHaveLength(10);
      expect(Buffer.from(pixels.data[0]?.image_b64 ?? '', 'base64').length).toBeGreaterThan(0);
    }
    expect((await page('?include_image=false&limit=1')).data[0]).not.toHaveProperty('image_b64');
  });
});

describe('events (v1-api.md 3)', () => {
  it('[3.1] the head of a stream is to the letter', async () => {
    const run = await server.createRun(desktop.machineId, 'done');
    const response = await fetch(`${server.server.baseUrl}/runs/${run.id}/events`, {
      headers: { 'x-api-key': server.key },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    await response.text();
  });

  it('[3.2] a finished run is replayed and closed; past its end there is nothing, at once', async () => {
    const run = await server.createRun(desktop.machineId, 'done');
    await server.untilStatus(run.id, 'succeeded');
    const whole = server.follow(run.id);
    await whole.ended;
    const last = whole.events.length;
    expect(whole.events[0]?.data).toMatchObject({ type: 'status', status: 'queued', seq: 1 });
    for (const after of [String(last), String(last + 7), '99999999999999999999']) {
      const response = await fetch(`${server.server.baseUrl}/runs/${run.id}/events?after=${after}`, {
        headers: { 'x-api-key': server.key },
      });
      expect([response.status, await response.text()]).toEqual([200, '']);
    }
    const early = await server.createRun(desktop.machineId, 'wait:120000');
    const ahead = server.follow(early.id, {}, '?after=99');
    await eventually(() => expect(ahead.status).toBe(200));
    await server.call('POST', `/runs/${early.id}/cancel`);
    await ahead.ended;
    expect(ahead.events).toEqual([]);
    for (const odd of ['-1', 'abc', '1.5', '1e3', '']) {
      const again = server.follow(run.id, {}, `?after=${odd}`);
      await again.ended;
      expect([odd, again.events.length]).toEqual([odd, last]);
    }
  });

  it('[3.3] payloads fit their schema, steps tell their story in order, the end is status then done', async () => {
    const run = await server.createRun(desktop.machineId, 'batch:2 click:1,1 fail');
    const stream = server.follow(run.id);
    await stream.ended;
    for (const { data } of stream.events) {
      expect(RunEvent.safeParse(data).error?.issues ?? []).toEqual([]);
      if ('status' in data) expect(data.state).toBe(data.status);
    }
    const story = stream.types.filter((type) => !['text', 'reasoning'].includes(type));
    expect(story).toEqual([
      'status',
      'status',
      ...['tool_call', 'tool_result', 'tool_call', 'tool_result', 'step', 'billing'],
      ...['tool_call', 'tool_result', 'step', 'billing'],
      'error',
      'status',
      'done',
    ]);
    const billing = stream.events
      .filter((event) => event.event === 'billing')
      .map((event) => event.data.credits_charged);
    expect(billing).toEqual([5, 10]);
    expect(JSON.stringify(stream.events)).not.toContain('image_b64');
  });

  it('[3.3] [11#13] a pause ends with awaiting_human, going on begins with resumed', async () => {
    const run = await server.createRun(desktop.machineId, 'click:1,1 ask:which? done');
    const stream = server.follow(run.id);
    await eventually(() => expect(stream.types.at(-1)).toBe('awaiting_human'));
    const paused = stream.events.length;
    expect(stream.events.slice(-2).map((event) => event.data)).toMatchObject([
      { type: 'status', status: 'awaiting_human' },
      { type: 'awaiting_human', reason: 'which?' },
    ]);
    await server.call('POST', `/runs/${run.id}/resume`, { note: 'the first' });
    await stream.ended;
    expect(stream.events.slice(paused, paused + 2).map((event) => event.data)).toMatchObject([
      { type: 'resumed', note: 'the first' },
      { type: 'status', status: 'running' },
    ]);
  });
});

describe('engine versions (v1-api.md 5)', () => {
  it('[5] v1 and v3 end on the agent’s word, v4 and v5 on a verdict; each is echoed as it was sent', async () => {
    for (const cua_version of ['v1', 'v3', 'v4', 'v5']) {
      const run = await server.createRun(desktop.machineId, 'click:1,1 done', { cua_version });
      const { result, ...end } = await server.untilStatus(run.id, 'succeeded');
      expect([end.cua_version, result?.passed, result?.status]).toEqual([cua_version, true, 'succeeded']);
      expect(end.cost_cents).toBe(cua_version === 'v1' ? 8 : 5);
      if (cua_version < 'v4') expect(result).not.toHaveProperty('verdict');
      else
        expect(result?.verdict).toMatchObject({
          passed: true,
          reason: expect.any(String),
          confidence: expect.any(Number),
          evidence: expect.any(Array),
        });
    }
  });

  it('[5] giving up is a failure that says so, under v4 and v5 with the verdict on what was left; no result after a cancel', async () => {
    for (const [version, verdict] of [
      ['v3', undefined],
      ['v4', { passed: true, judgement: 'satisfied' }],
      ['v5', { passed: true, judgement: 'satisfied' }],
    ] as const) {
      const { id } = await server.createRun(desktop.machineId, 'fail:impossible', { cua_version: version });
      const failed = await server.untilStatus(id, 'failed');
      expect(failed).toMatchObject({
        error: { code: 'TASK_FAILED' },
        result: { passed: false, status: 'failed', summary: 'impossible', ...(verdict && { verdict }) },
      });
      expect('verdict' in (failed.result ?? {})).toBe(verdict !== undefined);
    }
    const cancelled = await server.createRun(desktop.machineId, 'wait:120000', { cua_version: 'v4' });
    await server.untilStatus(cancelled.id, 'running');
    await server.call('POST', `/runs/${cancelled.id}/cancel`);
    expect((await server.untilStatus(cancelled.id, 'cancelled')).result).toBeNull();
  });
});
