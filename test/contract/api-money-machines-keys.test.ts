import { DEFAULT_SCOPES, SCOPES } from '@deskhand/protocol';
import { eventually, type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: TestServer;
let desktop: FakeDaemon;
beforeAll(async () => {
  server = await TestServer.start();
  desktop = await server.desktop();
});
afterAll(() => server[Symbol.asyncDispose]());

type ErrorAnswer = { error: Record<string, unknown> & { code: string } };

async function codeOf(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const answer = await server.call<Partial<ErrorAnswer>>(method, path, body, headers);
  return answer.body.error?.code ?? answer.status;
}

async function register(body: Record<string, unknown>, headers: Record<string, string> = {}) {
  return server.call<{
    machine: Record<string, unknown> & { id: string };
    connection: unknown;
    enrollment?: unknown;
  }>('POST', '/machines', body, headers);
}

describe('money (v1-api.md 6)', () => {
  it('[6] [11#34] one credit is one cent, everywhere the same number', async () => {
    const run = await server.createRun(desktop.machineId, 'click:1,1 click:2,2 done');
    const stream = server.follow(run.id);
    await stream.ended;
    const end = await server.run(run.id);
    expect([end.credits_charged, end.cost_cents, end.steps_completed]).toEqual([10, 10, 2]);
    for (const { event, data } of stream.events)
      if (event === 'billing') expect(data.credits_charged).toBe(data.cost_cents);
    const { body } = await server.call('GET', '/usage');
    expect(Object.keys(body)).toEqual(
      expect.arrayContaining([
        ...['period', 'total_requests', 'total_credits', 'total_cost_cents', 'breakdown'],
        ...['balance', 'wallet_balance_cents', 'wallet_balance_usd'],
      ]),
    );
    expect(body).toMatchObject({
      total_credits: 10,
      total_cost_cents: 10,
      wallet_balance_cents: body.balance,
    });
  });

  it('[6] a period is a month; what is none is refused', async () => {
    for (const period of ['2026-13', '2026-00', '26-01', '2026-1', '2026-01-01', 'now'])
      expect([period, await codeOf('GET', `/usage?period=${period}`)]).toEqual([period, 'VALIDATION_ERROR']);
    const { body } = await server.call('GET', '/usage?period=2020-02');
    expect(body).toMatchObject({ period: '2020-02', total_requests: 0, total_credits: 0, breakdown: {} });
  });

  it('[6] what runs and what it costs an hour, and the list of prices, in the shapes clients read', async () => {
    const { body } = await server.call<{ active: Array<Record<string, unknown>> }>('GET', '/billing/active');
    expect(body).toMatchObject({
      current_run_rate_cents_per_hour: 0,
      request_id: expect.stringMatching(/^req_/),
    });
    expect(Object.keys(body.active[0] ?? {}).sort()).toEqual(
      [
        ...[
          'machine_id',
          'display_name',
          'status',
          'os_type',
          'rate_cents_per_hour',
          'running_credits_per_hour',
        ],
        ...[
          'stopped_credits_per_hour',
          'accrued_cents',
          'since',
          'total_credits_billed',
          'suspended_for_billing',
        ],
        ...['auto_destroy_at', 'ttl_minutes'],
      ].sort(),
    );
    const prices = (await (await fetch(`${server.origin}/api/pricing`)).json()) as Record<string, unknown>;
    expect(prices).toMatchObject({
      schemaVersion: expect.any(String),
      updatedAt: expect.stringMatching(/Z$/),
      currency: 'USD',
      subscriptions: [],
      boostPackages: [],
      meteredRates: expect.arrayContaining([
        { endpoint: 'runs.step', creditsPerCall: 5, description: expect.any(String) },
        { endpoint: 'runs.step.v1', creditsPerCall: 8, description: expect.any(String) },
      ]),
      agentMinuteRate: { creditsPerMinute: 0, minCreditsToStart: 0, maxSessionHours: 0 },
      notes: expect.any(Array),
    });
  });

  it('[6] [11#35] a test key sees the price in bodies and pays nothing', async () => {
    const asTest = { 'x-api-key': server.testKey };
    const before = (await server.call('GET', '/usage')).body.total_credits;
    const made = await register({ display_name: 't' }, asTest);
    const snapshot = await server.call('POST', `/machines/${made.body.machine.id}/snapshot`, {}, asTest);
    expect([snapshot.body.credits_charged, snapshot.headers.get('x-credits-charged')]).toEqual([1, '0']);
    expect((await server.call('GET', '/usage')).body.total_credits).toBe(before);
    expect((await server.call('GET', '/usage', undefined, asTest)).body.total_credits).toBe(1);
  });
});

describe('machines (v1-api.md 7.1–7.5)', () => {
  it.each<[field: string, good: unknown[], bad: unknown[]]>([
    ['display_name', ['x', 'x'.repeat(64), '🙂'.repeat(64)], ['', ' ', 'x'.repeat(65), null, 1]],
    ['os_type', ['linux', 'windows', null], ['beos']],
    ['desktop_enabled', [true, false, null], ['yes', 1]],
    ['provider', ['auto', 'aws', 'azure', null], ['nobody']],
    ['cpu_cores', [1, 16, null], [0, 17, 1.5]],
    ['memory_gb', [1, 64, null], [0, 65]],
    ['storage_gb', [8, 500, null], [7, 501]],
    ['ttl_minutes', [5, 10_080, null], [4, 10_081, 0, 5.5]],
    [
      'metadata',
      [{}, { a: 'x'.repeat(256), n: 7, b: true, z: null }, null],
      [
        { ['k'.repeat(65)]: 'x' },
        { a: 'x'.repeat(257) },
        Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, ''])),
      ],
    ],
  ])('[7.2] [11#20] %s has its limits', async (field, good, bad) => {
    for (const value of good)
      expect([
        field,
        value,
        await codeOf('POST', '/machines', { display_name: 'm', [field]: value }),
      ]).toEqual([field, value, 200]);
    for (const value of bad)
      expect([
        field,
        value,
        await codeOf('POST', '/machines', { display_name: 'm', [field]: value }),
      ]).toEqual([field, value, 'VALIDATION_ERROR']);
  });

  it('[7.2] registering a desktop of one’s own answers with its one-time code; without a ttl it warns', async () => {
    const forever = await register({ display_name: 'desk', provider: 'aws', metadata: { room: 'east' } });
    expect(forever.headers.get('warning')).toMatch(/^199 /);
    expect(forever.body).toMatchObject({
      machine: {
        provider: 'self_hosted',
        status: 'provisioning',
        metadata: { room: 'east' },
        is_test: false,
      },
      enrollment: {
        token: expect.any(String),
        expires_at: expect.stringMatching(/Z$/),
        agent_url: expect.stringMatching(/^ws:/),
      },
      request_id: expect.stringMatching(/^req_/),
    });
    const brief = await register({ display_name: 'desk', ttl_minutes: 5 });
    expect(brief.headers.get('warning')).toBeNull();
    expect(brief.body.machine).toMatchObject({
      ttl_minutes: 5,
      auto_destroy_at: expect.stringMatching(/Z$/),
    });
    expect(await codeOf('POST', '/machines', { display_name: 'm', restore_from_snapshot: true })).toBe(
      'FEATURE_NOT_AVAILABLE',
    );
    expect(await codeOf('POST', '/machines', { display_name: 'm', region: 'x' })).toBe('VALIDATION_ERROR');
  });

  it('[7.1] [7.3] [11#19] one machine is nested and flat at once, with every field of the record', async () => {
    const { body } = await server.call<Record<string, unknown> & { machine: Record<string, unknown> }>(
      'GET',
      `/machines/${desktop.machineId}`,
    );
    const { machine, request_id: _, ...flat } = body;
    expect(flat).toEqual(machine);
    expect(Object.keys(machine)).toEqual(
      expect.arrayContaining([
        ...[
          'id',
          'display_name',
          'status',
          'os_type',
          'provider',
          'desktop_enabled',
          'cpu_cores',
          'memory_gb',
        ],
        ...[
          'storage_gb',
          'public_ip',
          'is_test',
          'created_at',
          'started_at',
          'auto_destroy_at',
          'ttl_minutes',
        ],
        ...['metadata', 'billing'],
      ]),
    );
    expect(Object.keys(machine.billing as object)).toEqual(
      expect.arrayContaining([
        ...['billed_to', 'running_credits_per_hour', 'stopped_credits_per_hour', 'accrued_cents'],
        ...[
          'projected_daily_cents',
          'since',
          'total_credits_billed',
          'suspended_for_billing',
          'auto_destroy_at',
          'ttl_minutes',
        ],
      ]),
    );
    expect(machine).toMatchObject({
      status: 'running',
      desktop_enabled: true,
      public_ip: null,
      billing: { billed_to: 'api_wallet' },
    });
  });

  it('[7.1] start from stopped, stop and restart from running, else 409 with both states; with and without a body', async () => {
    const path = `/machines/${desktop.machineId}`;
    const refused = async (verb: string, state: string, allowed: string[]) => {
      const { status, body } = await server.call<ErrorAnswer>('POST', `${path}/${verb}`);
      expect([verb, status, body.error]).toMatchObject([
        verb,
        409,
        { code: 'INVALID_STATE', current_state: state, allowed_from: allowed },
      ]);
    };
    await refused('start', 'running', ['stopped', 'suspended']);
    expect((await server.call('POST', `${path}/stop`)).body).toEqual({
      machine_id: desktop.machineId,
      status: 'stopped',
      message: expect.any(String),
      request_id: expect.stringMatching(/^req_/),
    });
    await refused('stop', 'stopped', ['running']);
    await refused('restart', 'stopped', ['running']);
    expect(await codeOf('GET', `${path}/screenshot`)).toBe('INVALID_STATE');
    expect(await codeOf('POST', '/runs', { machine_id: desktop.machineId, task: 'x' })).toBe('INVALID_STATE');
    expect((await server.call('POST', `${path}/start`, {})).body.status).toBe('running');
  });

  it('[7.1] PATCH takes 0 or 5 to 10080 minutes and answers with what it means', async () => {
    const { body } = await register({ display_name: 'm' });
    const path = `/machines/${body.machine.id}`;
    expect((await server.call('PATCH', path, { ttl_minutes: 60 })).body).toMatchObject({
      machine_id: body.machine.id,
      ttl_minutes: 60,
      auto_destroy_at: expect.stringMatching(/Z$/),
      status: 'provisioning',
      message: expect.any(String),
    });
    expect((await server.call('PATCH', path, { ttl_minutes: 0 })).body).toMatchObject({
      ttl_minutes: null,
      auto_destroy_at: null,
    });
    for (const bad of [
      { ttl_minutes: 4 },
      { ttl_minutes: 10_081 },
      { ttl_minutes: -5 },
      {},
      { ttl_minutes: 60, x: 1 },
    ])
      expect([bad, await codeOf('PATCH', path, bad)]).toEqual([bad, 'VALIDATION_ERROR']);
  });

  it('[7.1] [11#38] a desktop that is away is 503 and worth repeating, before any 409', async () => {
    const daemon = await server.desktop();
    daemon.cut();
    const path = `/machines/${daemon.machineId}`;
    await eventually(async () => expect((await server.call('GET', path)).body.status).toBe('error'));
    const { status, body } = await server.call<ErrorAnswer>('GET', `${path}/screenshot`);
    expect([status, body.error]).toMatchObject([
      503,
      { code: 'UPSTREAM_UNAVAILABLE', retryable: true, retry_after: 5 },
    ]);
    await daemon.open();
    await eventually(async () => expect((await server.call('GET', path)).body.status).toBe('running'));
  });

  it('[7.4] a connection has all its fields, and nothing in them but the size of the screen', async () => {
    const { body } = await register({ display_name: 'm' });
    expect(body.connection).toEqual({
      public_ip: null,
      ssh_port: null,
      ssh_username: null,
      vnc_port: null,
      websocket_port: null,
      has_ssh_key: false,
      has_vnc_password: false,
    });
    const full = await server.call('GET', `/machines/${desktop.machineId}/connection`);
    expect(full.headers.get('cache-control')).toBe('no-store');
    expect(full.body).toEqual({
      machine_id: desktop.machineId,
      ...Object.fromEntries(
        [
          ...['public_ip', 'ssh_port', 'ssh_username', 'ssh_private_key_pem', 'vnc_port', 'vnc_password'],
          ...['websocket_port', 'websocket_url', 'devtools_url', 'vnc_url'],
        ].map((name) => [name, null]),
      ),
      screen_width: 1280,
      screen_height: 800,
      request_id: expect.stringMatching(/^req_/),
    });
  });

  it('[7.5] [11#23] prices of machines in three shapes with one set of numbers; `pricing` is no machine', async () => {
    const { body } = await server.call<Record<string, Record<string, number>>>('GET', '/machines/pricing');
    expect(body).toMatchObject({
      object: 'machine.pricing',
      unit: 'credits_per_hour',
      rates: { running_linux: 0, running_windows: 0, stopped: 0, creating: 0, error: 0, terminated: 0 },
      snapshot_credits: 1,
      provision_gate_credits: 0,
      note: expect.any(String),
      pricing: { running_linux: 0, snapshot_credits: 1 },
      runtime_hourly_cents: { linux_running: 0, windows_running: 0, stopped: 0, creating: 0, terminated: 0 },
      one_time_cents: { snapshot: 1 },
      provisioning_gate_cents: 0,
    });
  });
});

describe('models and keys (v1-api.md 8.6)', () => {
  it('[8.6] [11#3] models, engine versions and actions', async () => {
    const { body } = await server.call<{
      models: Array<Record<string, unknown>>;
      cua_versions: Array<Record<string, unknown>>;
      action_types: string[];
    }>('GET', '/models');
    for (const model of body.models)
      expect(model).toEqual({ id: expect.any(String), description: expect.any(String) });
    expect(body.models.map((model) => model.id)).toContain('default');
    for (const version of body.cua_versions)
      expect(version).toEqual({
        id: expect.stringMatching(/^v[1345]$/),
        description: expect.any(String),
        avg_step_time: expect.any(String),
        features: expect.any(Array),
        latest: version.id === 'v5',
      });
    expect(body.action_types).toEqual(
      expect.arrayContaining([
        'click',
        'type_text',
        'key_press',
        'key_combo',
        'scroll',
        'drag',
        'move',
        'wait',
        'done',
        'fail',
      ]),
    );
  });

  it('[8.6] [1.2] [11#33] a key is shown once, has the default scopes, and `ocr` means `ground`', async () => {
    const { body } = await server.call('POST', '/keys', { name: 'plain' });
    expect(body).toEqual({
      key: expect.stringMatching(/^sk-coasty-live-[0-9a-f]{48}$/),
      key_id: expect.any(String),
      name: 'plain',
      tier: 'enterprise',
      scopes: [...DEFAULT_SCOPES],
      created_at: expect.stringMatching(/Z$/),
      last_used_at: null,
      key_prefix: String(body.key).slice(0, 16),
      request_id: expect.stringMatching(/^req_/),
    });
    expect(DEFAULT_SCOPES).toHaveLength(16);
    expect(SCOPES).toHaveLength(23);
    const reader = await server.call('POST', '/keys', {
      name: 'reader',
      scopes: ['ocr', 'ground', 'runs:read'],
    });
    expect(reader.body.scopes).toEqual(['ground', 'runs:read']);
    for (const bad of [
      {},
      { name: '' },
      { name: 'x'.repeat(101) },
      { name: 'x', scopes: ['root'] },
      { name: 'x', mode: 'live' },
    ])
      expect([bad, await codeOf('POST', '/keys', bad)]).toEqual([bad, 'VALIDATION_ERROR']);
    expect((await server.call('DELETE', `/keys/${reader.body.key_id}`)).body).toMatchObject({
      status: 'ok',
      key_id: reader.body.key_id,
    });
    expect(await codeOf('GET', '/runs', undefined, { 'x-api-key': String(reader.body.key) })).toBe(
      'INVALID_API_KEY',
    );
  });

  it('[8.6] a revoked key reads nothing more, streams that it opened included', async () => {
    const { body } = await server.call('POST', '/keys', { name: 'follower', scopes: ['runs:read'] });
    const run = await server.createRun(desktop.machineId, 'wait:60000 done');
    const revoked = server.follow(run.id, { 'x-api-key': String(body.key) });
    const other = server.follow(run.id);
    await eventually(() => expect(revoked.types).toContain('status'));
    await server.call('DELETE', `/keys/${body.key_id}`);
    await revoked.ended;
    expect(revoked.types).not.toContain('done');
    await server.call('POST', `/runs/${run.id}/cancel`);
    await other.ended;
    expect(other.types.at(-1)).toBe('done');
  });

  it('[1.2] twenty keys a person, by default', async () => {
    await using fresh = await TestServer.start();
    // Two are this computer's own.
    for (let index = 2; index < 20; index += 1)
      expect((await fresh.call('POST', '/keys', { name: `k${index}` })).status).toBe(200);
    const one = await fresh.call<ErrorAnswer>('POST', '/keys', { name: 'one too many' });
    expect([one.status, one.body.error.code]).toEqual([409, 'CONFLICT']);
  });

  it('[1.2] literal keys of the configuration: the prefix says the kind; legacy keys share the live objects', async () => {
    const legacy = `cua_sk_${'a'.repeat(48)}`;
    await using configured = await TestServer.start({ extra_api_keys: `sk-coasty-test-offline, ${legacy}` });
    const run = await configured.createRun((await configured.desktop()).machineId, 'done');
    const kind = async (key: string) => {
      const answer = await configured.call('GET', `/runs/${run.id}`, undefined, { 'x-api-key': key });
      return [
        answer.headers.get('x-coasty-key-kind'),
        answer.headers.get('x-coasty-test-mode'),
        answer.status,
      ];
    };
    expect(await kind(legacy)).toEqual(['legacy', null, 200]);
    expect(await kind('sk-coasty-test-offline')).toEqual(['test', 'true', 404]);
  });

  it('[1.2] each route wants its scope and no other', async () => {
    const made = await server.call('POST', '/keys', { name: 'none', scopes: [] });
    const asNobody = { 'x-api-key': String(made.body.key) };
    const id = desktop.machineId;
    for (const [method, path, scope] of [
      ['POST', '/runs', 'runs:write'],
      ['POST', '/tasks', 'runs:write'],
      ['GET', '/runs', 'runs:read'],
      ['GET', '/runs/x/events', 'runs:read'],
      ['GET', '/runs/x/log', 'runs:read'],
      ['GET', '/runs/x/screenshots', 'runs:read'],
      ['POST', '/runs/x/cancel', 'runs:write'],
      ['POST', '/runs/x/resume', 'runs:write'],
      ['POST', '/machines', 'machines:write'],
      ['GET', '/machines', 'machines:read'],
      ['GET', '/machines/pricing', 'machines:read'],
      ['GET', `/machines/${id}`, 'machines:read'],
      ['PATCH', `/machines/${id}`, 'machines:write'],
      ['DELETE', `/machines/${id}`, 'machines:write'],
      ['POST', `/machines/${id}/stop`, 'machines:write'],
      ['POST', `/machines/${id}/snapshot`, 'snapshots:write'],
      ['GET', `/machines/${id}/screenshot`, 'machines:read'],
      ['GET', `/machines/${id}/connection`, 'connection:read'],
      ['GET', '/usage', 'usage'],
      ['GET', '/billing/active', 'machines:read'],
      ['POST', '/keys', 'keys'],
      ['GET', '/keys', 'keys'],
      ['DELETE', '/keys/x', 'keys'],
      ['GET', '/llm/keys', 'llm_keys'],
    ] as const) {
      const { status, body } = await server.call<ErrorAnswer>(
        method,
        path,
        method === 'GET' ? undefined : {},
        asNobody,
      );
      expect([path, status, body.error]).toMatchObject([
        path,
        403,
        { code: 'INSUFFICIENT_SCOPE', required_scope: scope, current_scopes: [] },
      ]);
    }
    expect((await server.call('GET', '/models', undefined, asNobody)).status).toBe(200);
  });
});
