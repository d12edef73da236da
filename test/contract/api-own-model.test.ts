import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from '@deskhand/client';
import type { Run } from '@deskhand/protocol';
import { eventually, type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const KEY = 'sk-ant-api03-THIS-IS-A-SECRET-0123456789';
const OTHER = 'sk-proj-ANOTHER-SECRET-9876543210';

let server: TestServer;
let desktop: FakeDaemon;
beforeAll(async () => {
  server = await TestServer.start({ run_step_own_model_cents: '2' });
  desktop = await server.desktop();
});
afterAll(() => server[Symbol.asyncDispose]());

const withKey = (extra: Record<string, string> = {}) => ({
  'x-llm-provider': 'anthropic',
  'x-llm-api-key': KEY,
  ...extra,
});
const start = (task: string, headers: Record<string, string>, extra: Record<string, unknown> = {}) =>
  server.call<Run & { error: { code: string; message: string } }>(
    'POST',
    '/runs',
    { machine_id: desktop.machineId, task, ...extra },
    headers,
  );

/** Everything the server keeps: no key may be readable in it. */
function bytesOnDisk(): string {
  return readdirSync(server.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

describe('a model key of one’s own (v1-api.md 8.7)', () => {
  it('[8.7] is stored sealed, shown as a fingerprint, replaced and deleted', async () => {
    const stored = await server.call('PUT', '/llm/keys/anthropic', { api_key: KEY });
    expect(stored.body).toMatchObject({ provider: 'anthropic', stored: true });
    expect(stored.headers.get('cache-control')).toBe('no-store');
    const first = stored.body.key_fingerprint;
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    const list = await server.call<{ keys: Array<Record<string, unknown>> }>('GET', '/llm/keys');
    expect(list.body.keys).toEqual([
      {
        provider: 'anthropic',
        key_fingerprint: first,
        created_at: expect.any(String),
        updated_at: expect.any(String),
      },
    ]);
    const replaced = await server.call('PUT', '/llm/keys/anthropic', { api_key: OTHER });
    expect(replaced.body.key_fingerprint).not.toBe(first);
    expect(bytesOnDisk()).not.toContain(KEY);
    expect(bytesOnDisk()).not.toContain(OTHER);
    expect((await server.call('DELETE', '/llm/keys/anthropic')).body).toMatchObject({ deleted: true });
    const again = await server.call<{ error: { code: string } }>('DELETE', '/llm/keys/anthropic');
    expect([again.status, again.body.error.code]).toEqual([404, 'LLM_KEY_NOT_FOUND']);
  });

  it('[8.7] [RUN9] goes with one run in headers, reaches its engine, and is destroyed at its end', async () => {
    const { body } = await start('wait:300 done', withKey({ 'x-llm-model': 'claude-x' }));
    expect(body.llm).toEqual({
      provider: 'anthropic',
      model: 'claude-x',
      key_fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      key_source: 'header',
      key_scrubbed: false,
    });
    await server.untilStatus(body.id, 'succeeded');
    const { ownKey } = server.minds.models.at(-1) ?? {};
    expect(ownKey).toMatchObject({ provider: 'anthropic', model: 'claude-x', source: 'header' });
    expect(ownKey?.apiKey.reveal()).toBe(KEY);
    expect((await server.run(body.id)).llm).toMatchObject({ key_scrubbed: true });
    const row = await server.server.parts.database.read
      .selectFrom('runs')
      .select('llm_key')
      .where('id', '=', body.id)
      .executeTakeFirstOrThrow();
    expect(row.llm_key).toBeNull();
    expect(bytesOnDisk()).not.toContain(KEY);
  });

  it('[8.7] header key before stored key before refusal; the provider’s default model', async () => {
    const bare = { 'x-llm-provider': 'openai' };
    expect((await start('done', bare)).body.error.code).toBe('LLM_KEY_NOT_CONFIGURED');
    await server.call('PUT', '/llm/keys/openai', { api_key: OTHER });
    const stored = await start('done', bare);
    expect(stored.body.llm).toMatchObject({ provider: 'openai', key_source: 'stored', model: 'gpt-5' });
    const inBody = await start('done', {}, { llm: { provider: 'openai', model: 'openai/gpt-z' } });
    expect(inBody.body.llm).toMatchObject({ provider: 'openai', key_source: 'stored', model: 'gpt-z' });
    const header = await start('done', { ...bare, 'x-llm-api-key': KEY });
    expect(header.body.llm).toMatchObject({ key_source: 'header' });
    expect(header.body.llm?.key_fingerprint).not.toBe(stored.body.llm?.key_fingerprint);
    await server.untilStatus(header.body.id, 'succeeded');
    expect(server.minds.models.slice(-3).map((model) => model.ownKey?.apiKey.reveal())).toEqual([
      OTHER,
      OTHER,
      KEY,
    ]);
    // An open run keeps its copy when the stored key goes.
    const late = await start('wait:200 done', bare);
    await server.call('DELETE', '/llm/keys/openai');
    await server.untilStatus(late.body.id, 'succeeded');
    expect(server.minds.models.at(-1)?.ownKey?.apiKey.reveal()).toBe(OTHER);
  });

  it('[8.7] without one, `llm` is null and the operator’s model is asked', async () => {
    const { body } = await start('done', {}, { llm: { provider: 'managed' }, model: 'builtin' });
    expect(body.llm).toBeNull();
    await server.untilStatus(body.id, 'succeeded');
    expect(server.minds.models.at(-1)).toEqual({ model: 'builtin', ownKey: null });
  });

  it.each<[string, Record<string, string>, Record<string, unknown>, string]>([
    ['a key and no provider', { 'x-llm-api-key': KEY }, {}, 'LLM_PROVIDER_UNSUPPORTED'],
    ['a model and no provider', { 'x-llm-model': 'claude-x' }, {}, 'LLM_PROVIDER_UNSUPPORTED'],
    [
      'an unknown provider',
      { 'x-llm-provider': 'acme', 'x-llm-api-key': KEY },
      {},
      'LLM_PROVIDER_UNSUPPORTED',
    ],
    ['two providers', withKey(), { llm: { provider: 'openai' } }, 'LLM_PROVIDER_UNSUPPORTED'],
    ['a short key', withKey({ 'x-llm-api-key': 'short' }), {}, 'VALIDATION_ERROR'],
    ['a long key', withKey({ 'x-llm-api-key': 'k'.repeat(513) }), {}, 'VALIDATION_ERROR'],
    ['two keys', withKey({ 'x-llm-api-key': `${KEY}, ${OTHER}` }), {}, 'VALIDATION_ERROR'],
    ['a long model', withKey({ 'x-llm-model': 'm'.repeat(513) }), {}, 'VALIDATION_ERROR'],
    ['a key as the model, in a header', withKey({ 'x-llm-model': OTHER }), {}, 'LLM_MODEL_INVALID'],
    [
      'a key as the model, in llm',
      withKey(),
      { llm: { provider: 'anthropic', model: OTHER } },
      'LLM_MODEL_INVALID',
    ],
    ['a key as a side model', {}, { llm: { grounding_model: OTHER } }, 'LLM_MODEL_INVALID'],
    ['a key as the model, in the body', {}, { model: OTHER }, 'LLM_MODEL_INVALID'],
    ['builtin with a key', withKey(), { model: 'builtin' }, 'LLM_MODEL_INVALID'],
    ['a model nobody knows', {}, { model: 'acme/x-1' }, 'LLM_MODEL_INVALID'],
    ['a key in the body', withKey(), { llm: { provider: 'anthropic', api_key: KEY } }, 'VALIDATION_ERROR'],
    ['a provider nobody knows, in llm', {}, { llm: { provider: 'acme' } }, 'VALIDATION_ERROR'],
  ])('[8.7] refuses %s and quotes no key', async (_title, headers, body, code) => {
    const answer = await start('done', headers, body);
    expect([answer.status, answer.body.error.code]).toEqual([422, code]);
    expect(JSON.stringify(answer.body)).not.toMatch(/SECRET|kkkkk/);
  });

  it('[8.7] is for live keys', async () => {
    const asTest = { 'x-api-key': server.testKey };
    const put = await server.call<{ error: { code: string } }>(
      'PUT',
      '/llm/keys/openai',
      { api_key: KEY },
      asTest,
    );
    expect([put.status, put.body.error.code]).toEqual([422, 'LLM_PROVIDER_UNSUPPORTED']);
    expect((await server.call('GET', '/llm/keys', undefined, asTest)).body).toMatchObject({ keys: [] });
    expect((await server.call('DELETE', '/llm/keys/openai', undefined, asTest)).status).toBe(404);
    const run = await start('done', { ...withKey(), ...asTest });
    expect([run.status, run.body.error.code]).toEqual([422, 'LLM_PROVIDER_UNSUPPORTED']);
    const { body: made } = await server.call<{ key: string }>('POST', '/keys', {
      name: 'no',
      scopes: ['runs:read'],
    });
    const refused = await server.call('GET', '/llm/keys', undefined, { 'x-api-key': made.key });
    expect(refused.status).toBe(403);
  });

  it.each(['say-key done', 'say-key:fail'])(
    '[8.7] never reaches events, lists or webhooks: %s',
    async (task) => {
      const { body } = await start(task, withKey());
      if (task !== 'say-key:fail') {
        const waiting = await server.untilStatus(body.id, 'awaiting_human');
        expect(waiting.awaiting_human_reason).toBe('Is [secret] right?');
        await server.call('POST', `/runs/${body.id}/resume`, {});
      }
      const ended = await server.untilStatus(body.id, 'succeeded', 'failed');
      const log = await server.call('GET', `/runs/${body.id}/log`);
      expect(JSON.stringify([ended, log.body])).toContain('[secret]');
      expect(JSON.stringify([ended, log.body])).not.toContain(KEY);
      expect(bytesOnDisk()).not.toContain(KEY);
    },
  );

  it('[6] [11#36] has its own price when the operator sets one', async () => {
    const own = await start('click:1,1 done', withKey());
    expect(await server.untilStatus(own.body.id, 'succeeded')).toMatchObject({
      steps_completed: 1,
      cost_cents: 2,
    });
    const managed = await start('click:1,1 done', {});
    expect(await server.untilStatus(managed.body.id, 'succeeded')).toMatchObject({ cost_cents: 5 });
  });

  it('[8.7] an idempotent repeat needs no key and shows none', async () => {
    const headers = { 'idempotency-key': 'own-model-1' };
    const first = await start('done', { ...withKey(), ...headers });
    const second = await start('done', { ...withKey(), ...headers });
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.body.id).toBe(first.body.id);
  });

  it('the SDK stores, uses and deletes one', async () => {
    const client = new Client({ baseUrl: server.server.baseUrl, apiKey: server.key });
    expect(await client.llmKeys.store('openai', OTHER)).toMatchObject({ stored: true });
    expect((await client.llmKeys.list()).keys.map((key) => key.provider)).toEqual(['openai']);
    const input = { machine_id: desktop.machineId, task: 'done' };
    const stored = await client.runs.create(input, { llm: { provider: 'openai' } });
    expect(stored.llm).toMatchObject({ key_source: 'stored' });
    const sent = await client.runs.create(input, {
      llm: { provider: 'anthropic', apiKey: KEY, model: 'claude-y' },
    });
    expect(sent.llm).toMatchObject({ key_source: 'header', model: 'claude-y' });
    await expect(
      client.runs.create(input, { llm: { provider: 'anthropic', apiKey: `${KEY}\n` } }),
    ).rejects.toThrow(/^llm\.apiKey has 16 to 512 characters/);
    expect(await client.llmKeys.delete('openai')).toMatchObject({ deleted: true });
    await expect(client.llmKeys.delete('openai')).rejects.toMatchObject({ code: 'LLM_KEY_NOT_FOUND' });
  });

  it('survives a restart of the server with its run', async () => {
    const { body } = await start('click:1,1 wait:60000 done', withKey());
    await eventually(async () => expect((await server.run(body.id)).steps_completed).toBe(1));
    const asked = server.minds.models.length;
    await server.stop();
    await server.boot();
    await desktop.open();
    await eventually(() => expect(server.minds.models.length).toBe(asked + 1));
    expect(server.minds.models.at(-1)?.ownKey?.apiKey.reveal()).toBe(KEY);
    await server.call('POST', `/runs/${body.id}/cancel`);
    expect((await server.run(body.id)).llm).toMatchObject({ key_scrubbed: true });
  });
});
