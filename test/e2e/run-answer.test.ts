import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { TestServer } from '@deskhand/server/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { cleanEnv, DESKHAND } from '../helpers/up-process.ts';

/** `deskhand run` on a terminal of its own, as a person has it: the question is only put to one. */
describe('a question of a run on the terminal', { timeout: 60_000 }, () => {
  let server: TestServer;
  let terminal: ChildProcessWithoutNullStreams;
  let shown = '';

  beforeEach(async () => {
    server = await TestServer.start();
    const { machineId } = await server.desktop();
    shown = '';
    terminal = spawn(
      'script',
      [
        '--quiet',
        '--return',
        '--command',
        `${DESKHAND} run "click ask:Which? click done" --machine ${machineId}`,
        '/dev/null',
      ],
      {
        env: cleanEnv({
          DESKHAND_BASE_URL: `http://127.0.0.1:${server.server.port}/v1`,
          DESKHAND_API_KEY: server.key,
          SHELL: '/bin/sh',
          TERM: 'dumb',
        }),
      },
    );
    terminal.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
    });
    await eventually(() => expect(shown).toContain('Your answer'), {
      timeoutMs: 30_000,
      what: 'the question on the terminal',
    });
  });
  afterEach(async () => {
    terminal.kill('SIGKILL');
    await server[Symbol.asyncDispose]();
  });

  const onlyRun = async () => {
    const { data } = (await (
      await fetch(`http://127.0.0.1:${server.server.port}/v1/runs`, { headers: { 'x-api-key': server.key } })
    ).json()) as { data: Array<{ id: string; status: string }> };
    return data[0] as { id: string; status: string };
  };

  it('is answered by a line, which the run gets as its note', async () => {
    const ended = once(terminal, 'exit');
    terminal.stdin.write('the newer one\r');
    expect(await ended).toEqual([0, null]);
    expect(JSON.stringify(server.minds.turns)).toContain('the newer one');
    expect((await onlyRun()).status).toBe('succeeded');
  });

  it('is withdrawn when somebody answers elsewhere, and nobody waits for a key any more', async () => {
    const ended = once(terminal, 'exit');
    const { id } = await onlyRun();
    await fetch(`http://127.0.0.1:${server.server.port}/v1/runs/${id}/resume`, {
      method: 'POST',
      headers: { 'x-api-key': server.key, 'content-type': 'application/json' },
      body: JSON.stringify({ note: 'from the panel' }),
    });
    // Ends by itself: the terminal's input stays open and says nothing.
    expect(await ended).toEqual([0, null]);
    expect(shown.split('Your answer')).toHaveLength(2);
    expect(JSON.stringify(server.minds.turns)).toContain('from the panel');
  });
});
