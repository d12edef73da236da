import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually, ServerProcess } from '@deskhand/server/testing';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

describe('test keys (v1-api.md 7.1): an instant virtual desktop that is really driven', {
  timeout: 120_000,
}, () => {
  it('[7.1] is running at once, shows its screen, does a task, and goes with its machine', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'deskhand-virtual-'));
    const server = new ServerProcess(folder, { model: 'builtin', virtual_desktop_size: '1024x768' }, 'main');
    try {
      await server.start();
      const key = await server.key('test_api_key');
      const call = async (method: string, route: string, body?: unknown) => {
        const response = await fetch(`${server.origin}/v1${route}`, {
          method,
          headers: { 'x-api-key': key },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return {
          status: response.status,
          headers: response.headers,
          body: (await response.json()) as Record<string, unknown>,
        };
      };
      const created = await call('POST', '/machines', { display_name: 'virtual' });
      expect(created.body.machine).toMatchObject({
        status: 'running',
        is_test: true,
        id: expect.stringMatching(/^mch_test_[0-9a-f]{16}$/),
      });
      const { id } = created.body.machine as { id: string };
      const run = await call('POST', '/runs', { machine_id: id, task: 'Open the text editor' });
      expect(run.headers.get('x-credits-charged')).toBe('0');
      await eventually(async () => {
        const state = await call('GET', `/runs/${run.body.id}`);
        expect(state.body).toMatchObject({ status: 'succeeded', cost_cents: 5 });
      }, 60_000);
      // What clients' own tests play there, the same each time (v1-api.md 10.1).
      for (const version of ['v3', 'v4']) {
        const start = async (task: string) =>
          String((await call('POST', '/runs', { machine_id: id, task, cua_version: version })).body.id);
        const state = async (runId: string, status: string) =>
          eventually(async () => {
            const { body } = await call('GET', `/runs/${runId}`);
            expect(body).toMatchObject({ status });
            return body;
          }, 60_000);
        const paused = await start('Check the dashboard [pause] and report');
        expect((await state(paused, 'awaiting_human')).awaiting_human_reason).toContain('[pause]');
        expect((await call('POST', `/runs/${paused}/resume`, { note: 'go on' })).status).toBe(200);
        expect(await state(paused, 'succeeded')).toMatchObject({
          steps_completed: 2,
          cost_cents: 10,
          result: { passed: true, summary: expect.stringContaining('not attempted') },
        });
        expect(await state(await start('Order it [fail]'), 'failed')).toMatchObject({
          steps_completed: 1,
          error: { code: 'TASK_FAILED' },
          result: { passed: false },
        });
      }
      const shot = await call('GET', `/machines/${id}/screenshot`);
      expect(shot.body).toMatchObject({ width: 1024, height: 768, mime_type: 'image/jpeg' });
      const { entropy } = await sharp(Buffer.from(String(shot.body.image_b64), 'base64')).stats();
      expect(entropy).toBeGreaterThan(0.1);
      expect((await call('GET', '/usage')).body).toMatchObject({ total_credits: 35 });
      expect((await call('DELETE', `/machines/${id}`)).status).toBe(200);
      expect((await call('GET', `/machines/${id}`)).status).toBe(404);
    } finally {
      await server.kill('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    }
  });
});
