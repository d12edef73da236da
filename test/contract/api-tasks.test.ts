import { type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

type ErrorAnswer = { error: { code: string } };

describe('tasks: runs without choosing a machine (v1-api.md 9.6)', () => {
  let server: TestServer;
  let desktop: FakeDaemon;
  beforeEach(async () => {
    server = await TestServer.start();
    desktop = await server.desktop();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const post = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
    server.call('POST', '/tasks', body, headers);

  it('[9.6] [11#52] begins without a machine, names it once it is known, and lets it go at the end', async () => {
    const { status, body, headers } = await post({
      task: 'click:1,1 wait:300 done',
      machine: { os_type: 'linux', provider: 'auto' },
    });
    expect([status, headers.get('x-credits-charged')]).toEqual([200, '0']);
    expect(body).toMatchObject({
      object: 'agent.run',
      status: 'queued',
      machine_id: null,
      max_steps: 150,
      on_awaiting_human: 'fail',
      machine: {
        mode: 'automatic',
        status: 'provisioning',
        id: null,
        cleanup: 'always',
        cleanup_status: 'pending',
      },
    });
    const id = String(body.id);
    const stream = server.follow(id);
    expect(await server.untilStatus(id, 'running')).toMatchObject({
      machine_id: desktop.machineId,
      machine: { status: 'ready', id: desktop.machineId },
    });
    expect(await server.untilStatus(id, 'succeeded')).toMatchObject({
      machine: { status: 'released', id: desktop.machineId, cleanup_status: 'terminated' },
    });
    await stream.ended;
    const machineIds = stream.events
      .filter((event) => event.event === 'status')
      .map((event) => event.data.machine_id);
    expect(machineIds).toEqual([undefined, desktop.machineId, undefined]);
    // Released, not unregistered.
    expect((await server.call('GET', `/machines/${desktop.machineId}`)).body.status).toBe('running');
  });

  it('[9.6] takes an idle machine of the wanted kind; with none the run fails and says so', async () => {
    const second = await server.desktop();
    const [one, two, three] = [
      await post({ task: 'wait:60000' }),
      await post({ task: 'wait:60000' }),
      await post({ task: 'x' }),
    ];
    const on = async (id: unknown) => (await server.untilStatus(String(id), 'running')).machine_id;
    expect([await on(one.body.id), await on(two.body.id)]).toEqual([desktop.machineId, second.machineId]);
    const stream = server.follow(String(three.body.id));
    await stream.ended;
    expect(stream.types).toEqual(['status', 'error', 'status', 'done']);
    expect(await server.run(String(three.body.id))).toMatchObject({
      status: 'failed',
      machine_id: null,
      error: { code: 'MACHINE_PROVISION_FAILED' },
      result: { passed: false },
      machine: {
        status: 'failed',
        error: { code: 'MACHINE_PROVISION_FAILED' },
        cleanup_status: 'terminated',
      },
    });
    const other = await post({ task: 'x', machine: { os_type: 'windows' } });
    expect((await server.untilStatus(String(other.body.id), 'failed')).error?.code).toBe(
      'MACHINE_PROVISION_FAILED',
    );
    expect((await server.call('POST', `/runs/${one.body.id}/cancel`)).status).toBe(200);
  });

  it('[9.6] never waits for a human', async () => {
    const { body } = await post({ task: 'ask:which? done' });
    const stream = server.follow(String(body.id));
    await stream.ended;
    expect(stream.types).not.toContain('awaiting_human');
    expect((await server.run(String(body.id))).error?.code).toBe('AWAITING_HUMAN');
  });

  it('[9.6] one task per idempotency key, also one that found no machine', async () => {
    const key = { 'idempotency-key': 'order:1' };
    const first = await post({ task: 'done' }, key);
    const again = await post({ task: 'done' }, key);
    expect([again.body, again.headers.get('idempotency-replayed')]).toEqual([first.body, 'true']);
    const none = { 'idempotency-key': 'order:2' };
    const windows = { task: 'x', machine: { os_type: 'windows' } };
    expect((await post(windows, none)).body.id).toBe((await post(windows, none)).body.id);
  });

  it('[9.6] refuses what a desktop of one’s own cannot give, and fields it does not know', async () => {
    const refusal = async (body: Record<string, unknown>) =>
      (await server.call<ErrorAnswer>('POST', '/tasks', body)).body.error.code;
    expect(
      await refusal({ task: 'x', machine: { proxy: { mode: 'custom', host: 'p', password: 'hunter2' } } }),
    ).toBe('FEATURE_NOT_AVAILABLE');
    expect(await refusal({ task: 'x', machine: { restore_from_snapshot: true } })).toBe(
      'FEATURE_NOT_AVAILABLE',
    );
    expect(await refusal({ task: 'x', machine_id: desktop.machineId })).toBe('VALIDATION_ERROR');
    expect(await refusal({ task: 'x', machine: { cpu_cores: 17 } })).toBe('VALIDATION_ERROR');
    expect(await refusal({})).toBe('VALIDATION_ERROR');
  });

  it('[9.6] the operator’s machine for tasks comes first', async () => {
    const second = await server.desktop();
    await server.stop();
    // The same folder and port, so that both desktops come back to it.
    await using chosen = await TestServer.start(
      { task_machine: second.machineId, port: String(server.server.port) },
      { folder: server.folder },
    );
    await Promise.all([desktop.open(), second.open()]);
    const { body } = await chosen.call('POST', '/tasks', { task: 'done' });
    expect((await chosen.untilStatus(String(body.id), 'succeeded')).machine_id).toBe(second.machineId);
  });
});
