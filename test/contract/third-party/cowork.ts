/**
 * Clients over `fetch` in the manner of three that exist: the cookbook's TypeScript one (POSTs without a body), the
 * desktop collaborator (`tool`, flat machines, action policies, screenshots) and the MCP server (a base URL without
 * `/v1`, keys and ids checked by expression before anything is sent). Throws where a promise they rely on is broken.
 */
import assert from 'node:assert/strict';

const { COASTY_BASE_URL = '', COASTY_API_KEY = '', COASTY_MACHINE_ID = '' } = process.env;
const [TASK = '', FORBIDDEN_TASK = ''] = process.argv.slice(2);
const HOST = COASTY_BASE_URL.replace(/\/v1\/?$/, '');

type Json = Record<string, unknown>;

async function call(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Json; headers: Headers }> {
  const response = await fetch(url, {
    method,
    headers: { 'X-API-Key': COASTY_API_KEY, Accept: 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Json, headers: response.headers };
}

const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  call(method, `${COASTY_BASE_URL}${path}`, body, headers);

/** Reads bytes as they come, cuts where the blank line is, never mind where the chunks end. */
async function* follow(id: string, query = ''): AsyncGenerator<{ id: string; event: string; data: Json }> {
  const response = await fetch(`${COASTY_BASE_URL}/runs/${id}/events${query}`, {
    headers: { Authorization: `Bearer ${COASTY_API_KEY}`, Accept: 'text/event-stream' },
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('cache-control') ?? '', /no-cache, no-transform/);
  assert.equal(response.headers.get('content-encoding'), null);
  let buffer = '';
  for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream(),
  )) {
    buffer += chunk;
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const frame = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (frame.startsWith(':')) continue;
      const match = /^id: (\d+)\nevent: ([a-z_]+)\ndata: (\{.*\})$/.exec(frame);
      assert.ok(match, frame);
      yield { id: match[1] as string, event: match[2] as string, data: JSON.parse(match[3] as string) };
    }
  }
  assert.equal(buffer, '', 'the stream ends at the end of a frame');
}

async function finished(id: string): Promise<Json> {
  for await (const { event, data } of follow(id)) if (event === 'done') return data;
  throw new Error('the stream ended without done');
}

// --- The MCP server ---------------------------------------------------------------------------------------------
assert.match(COASTY_API_KEY, /^(sk-coasty-live-|sk-coasty-test-|cua_sk_)/);
const pricing = (await (await fetch(`${HOST}/api/pricing`)).json()) as Json & {
  meteredRates: Json[];
  agentMinuteRate: Json;
};
assert.equal(pricing.currency, 'USD');
for (const rate of pricing.meteredRates)
  assert.deepEqual(Object.keys(rate).sort(), ['creditsPerCall', 'description', 'endpoint']);
for (const name of ['subscriptions', 'boostPackages', 'notes']) assert.ok(Array.isArray(pricing[name]), name);
assert.equal(typeof pricing.agentMinuteRate.creditsPerMinute, 'number');
const mcp = { 'X-Coasty-Source': 'mcp', 'User-Agent': 'coasty-mcp/1.1.0' };
const machines = await call('GET', `${HOST}/v1/machines?limit=50`, undefined, mcp);
assert.equal(machines.status, 200);
assert.equal(machines.body.object, 'list');
for (const { id } of machines.body.data as Json[]) assert.match(String(id), /^[A-Za-z0-9_-]{8,64}$/);
const provision = { display_name: 'by MCP', os_type: 'linux', desktop_enabled: true, provider: 'auto' };
const provisioned = await call('POST', `${HOST}/v1/machines`, provision, {
  ...mcp,
  'Content-Type': 'application/json',
  'Idempotency-Key': 'mcp-1',
});
assert.equal(provisioned.status, 200);
assert.match(provisioned.headers.get('warning') ?? '', /^199 /);
const made = provisioned.body.machine as Json;
assert.match(String(made.id), /^[A-Za-z0-9_-]{8,64}$/);
const deleted = await call('DELETE', `${HOST}/v1/machines/${made.id}`, undefined, mcp);
assert.equal(deleted.body.status, 'terminated');
const gone = await call('DELETE', `${HOST}/v1/machines/${made.id}`, undefined, mcp);
assert.equal(gone.status, 404);
assert.equal((gone.body.error as Json).code, 'MACHINE_NOT_FOUND');
assert.ok((gone.body.error as Json).request_id);
const usage = await call('GET', `${HOST}/v1/usage`, undefined, mcp);
assert.match(String(usage.body.period), /^\d{4}-\d{2}$/);
assert.equal((await call('GET', `${HOST}/v1/usage?period=soon`, undefined, mcp)).status, 422);
// Not built here, and said so in the envelope its tool shows.
const missing = await call('POST', `${HOST}/v1/ocr`, { screenshot: 'x' }, mcp);
assert.equal((missing.body.error as Json).code, 'NOT_FOUND');

// --- The collaborator: flat and nested at once, a run under a policy ----------------------------------------------
const machine = (await api('GET', `/machines/${COASTY_MACHINE_ID}`)).body;
assert.equal(machine.id, COASTY_MACHINE_ID);
assert.equal(machine.status, 'running');
assert.equal((machine.machine as Json).id, machine.id);
const allowed = await api('POST', '/runs', {
  machine_id: COASTY_MACHINE_ID,
  task: TASK,
  cua_version: 'v5',
  action_policy: { blocked_keys: ['F4'], block_window_close: true, max_actions: 200 },
});
assert.equal(allowed.status, 200, JSON.stringify(allowed.body));
assert.equal(allowed.body.cua_version, 'v5');
assert.ok(!('action_policy' in allowed.body), 'a policy is never echoed');
const runId = String(allowed.body.id);
const tools: unknown[] = [];
let last: Json = {};
for await (const { event, data } of follow(runId)) {
  if (event === 'tool_call') tools.push(data.tool);
  last = data;
}
assert.equal(last.type, 'done');
assert.equal(last.status, 'succeeded', JSON.stringify(last));
assert.equal(typeof (last.result as Json).verdict, 'object');
assert.ok(tools.length > 0 && tools.every((tool) => typeof tool === 'string'));
const log = (await api('GET', `/runs/${runId}/log`)).body;
const tail: number[] = [];
for await (const { id } of follow(runId, '?after=2')) tail.push(Number(id));
assert.deepEqual(
  [1, 2, ...tail],
  (log.data as Json[]).map((entry) => entry.seq),
);
const indexes: unknown[] = [];
for (let after = -1, more = true; more; ) {
  const page = (
    await api('GET', `/runs/${runId}/screenshots?limit=2${after < 0 ? '' : `&after_index=${after}`}`)
  ).body;
  const items = page.data as Json[];
  indexes.push(...items.map((item) => item.index));
  after = Number(items.at(-1)?.index ?? after);
  more = page.has_more === true;
}
assert.deepEqual(indexes, [...indexes.keys()]);
assert.ok(indexes.length > 2);

// A task: no machine is chosen, one is found.
const task = await api('POST', '/tasks', { task: 'Open the text editor', machine: { os_type: 'linux' } });
assert.equal(task.status, 200, JSON.stringify(task.body));
assert.equal(task.body.machine_id, null);
assert.equal((task.body.machine as Json).status, 'provisioning');
await finished(String(task.body.id));
const released = (await api('GET', `/runs/${task.body.id}`)).body;
assert.equal(released.status, 'succeeded', JSON.stringify(released));
assert.equal(released.machine_id, COASTY_MACHINE_ID);
assert.equal((released.machine as Json).status, 'released');

// The words of the policy are held to the letter, before anything is done.
for (const [policy, rule] of [
  [{ blocked_actions: ['type_text', 'type', 'key_press', 'key_combo', 'click'] }, /./],
  [{ coordinate_bounds: { min_x: 0, min_y: 0, max_x: 0, max_y: 0 }, allowed_actions: ['wait'] }, /./],
] as const) {
  const run = await api('POST', '/runs', {
    machine_id: COASTY_MACHINE_ID,
    task: FORBIDDEN_TASK,
    action_policy: policy,
  });
  const done = await finished(String(run.body.id));
  assert.equal(done.status, 'failed', JSON.stringify(done));
  assert.equal((done.error as Json).code, 'ACTION_POLICY_VIOLATION', JSON.stringify(done));
  assert.match(String((done.error as Json).rule), rule);
}
const both = await api('POST', '/runs', {
  machine_id: COASTY_MACHINE_ID,
  task: TASK,
  action_policy: { allowed_actions: ['click'], blocked_actions: ['click'] },
});
assert.equal(both.status, 422);

// --- The cookbook's: no body, or a JSON content type with nothing behind it -----------------------------------------
for (const headers of [{}, { 'Content-Type': 'application/json' }] as Record<string, string>[]) {
  const run = await api(
    'POST',
    '/runs',
    { machine_id: COASTY_MACHINE_ID, task: 'Wait 60 seconds' },
    {
      'Content-Type': 'application/json',
    },
  );
  const cancelled = await api('POST', `/runs/${run.body.id}/cancel`, undefined, headers);
  assert.equal(cancelled.status, 200, JSON.stringify(cancelled.body));
  assert.equal(cancelled.body.state, 'cancelled');
  const resumed = await api('POST', `/runs/${run.body.id}/resume`, undefined, headers);
  assert.equal((resumed.body.error as Json).code, 'RESUME_CONFLICT');
  assert.deepEqual((resumed.body.error as Json).allowed_from, ['awaiting_human']);
}
for (const [verb, status] of [
  ['stop', 'stopped'],
  ['start', 'running'],
] as const) {
  const answer = await api('POST', `/machines/${COASTY_MACHINE_ID}/${verb}`);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(answer.body.status, status);
  if (verb === 'stop') {
    const refused = await api('POST', '/runs', { machine_id: COASTY_MACHINE_ID, task: 'x' });
    assert.equal(refused.status, 409);
    assert.equal((refused.body.error as Json).code, 'INVALID_STATE');
  }
}
console.log(`${tools.length} calls, ${indexes.length} frames`);
