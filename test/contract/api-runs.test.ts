import { type FakeDaemon, TestServer } from '@deskhand/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: TestServer;
let desktop: FakeDaemon;

beforeAll(async () => {
  server = await TestServer.start();
  desktop = await server.desktop();
});
afterAll(() => server[Symbol.asyncDispose]());

describe('a run from create to done (v1-api.md 2, 3)', () => {
  it('[2.3] answers both name pairs, drives the desktop and streams every event once', async () => {
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
