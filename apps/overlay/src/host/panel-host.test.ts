import { existsSync, readFileSync } from 'node:fs';
import { silentLogger } from '@deskhand/base';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GUARD_SILENCE_MS } from '../core/panel-state.ts';
import type { HostMessage } from '../core/panel-view.ts';
import { FakeDesktop, guardState, panelRun } from '../testing/fake-desktop.ts';
import { GUARD_POLL_MS, PanelHost, type Renderer } from './panel-host.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

async function start(): Promise<{ desktop: FakeDesktop; host: PanelHost }> {
  const desktop = await FakeDesktop.start();
  open.push(desktop);
  const host = new PanelHost({
    kind: 'browser',
    paths: desktop.paths,
    platform: 'linux',
    log: silentLogger,
    nowMs: () => performance.now(),
  });
  open.push(host);
  host.start();
  await vi.waitFor(() => expect(host.view.links).toMatchObject({ guard: true, daemon: true }), 5000);
  return { desktop, host };
}

function renderer(role: Renderer['role'] = 'controller') {
  const messages: HostMessage[] = [];
  return {
    messages,
    results: () => messages.filter((message) => message.type === 'result'),
    renderer: {
      role,
      isBehind: () => false,
      send: (message: HostMessage) => messages.push(message),
    } as Renderer,
  };
}

describe('panel host', () => {
  it('starts without any control and finds both processes', async () => {
    const { host } = await start();
    expect(host.view.mode).toBe('idle');
    expect(host.view.stop.active).toBe(true);
  });

  it('sends a stop to guard and to the daemon, and says that it was confirmed', async () => {
    const { desktop, host } = await start();
    const panel = renderer();
    await host.command(panel.renderer, { type: 'command', id: 'a', name: 'stop' });
    expect(desktop.guard.messages('stop')).toHaveLength(1);
    expect(desktop.daemon.messages('command')).toContainEqual(expect.objectContaining({ name: 'stop' }));
    expect(panel.results()).toEqual([expect.objectContaining({ id: 'a', result: 'confirmed' })]);
    await vi.waitFor(() => expect(host.view.mode).toBe('stopped'));
    expect(existsSync(desktop.paths.latchFile)).toBe(false);
  });

  it('sets the latch file itself when neither process is there, and does not call that confirmed', async () => {
    const { desktop, host } = await start();
    await desktop.guard[Symbol.asyncDispose]();
    await desktop.daemon[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(host.view.mode).toBe('controls_lost'));
    const panel = renderer();
    await host.command(panel.renderer, { type: 'command', id: 'a', name: 'stop' });
    expect(panel.results().map((result) => result.type === 'result' && result.result)).toEqual([
      'not_confirmed',
    ]);
    expect(JSON.parse(readFileSync(desktop.paths.latchFile, 'utf8'))).toMatchObject({ by: 'panel' });
  });

  it('sets the latch file when both processes are there but silent', async () => {
    const { desktop, host } = await start();
    desktop.guard.onMessage = () => [];
    desktop.daemon.onMessage = () => [];
    const panel = renderer();
    void host.command(panel.renderer, { type: 'command', id: 'a', name: 'stop' });
    await vi.waitFor(() => expect(panel.results()).toHaveLength(1));
    expect(panel.results()[0]).toMatchObject({ result: 'not_confirmed' });
    expect(existsSync(desktop.paths.latchFile)).toBe(true);
    expect(desktop.guard.messages('stop')).toHaveLength(1);
  });

  it('corrects "not confirmed" when the answer comes late', async () => {
    const { desktop, host } = await start();
    desktop.daemon.onMessage = () => [];
    const asGuard = desktop.guard.onMessage;
    let late: (() => void) | undefined;
    desktop.guard.onMessage = (message) => {
      if (message.type === 'stop') late = () => desktop.guard.send({ type: 'ack', id: message.id });
      return message.type === 'status' ? asGuard(message) : [];
    };
    const panel = renderer();
    const command = host.command(panel.renderer, { type: 'command', id: 'a', name: 'stop' });
    await vi.waitFor(() => expect(panel.results()).toHaveLength(1));
    late?.();
    await command;
    expect(panel.results().map((result) => result.type === 'result' && result.result)).toEqual([
      'not_confirmed',
      'confirmed',
    ]);
  });

  it('does not overwrite who stopped first', async () => {
    const { desktop, host } = await start();
    const { writeLatchFile } = await import('@deskhand/protocol/latch-file');
    writeLatchFile(desktop.paths.latchFile, { by: 'hotkey', at: new Date().toISOString() });
    await desktop.guard[Symbol.asyncDispose]();
    await desktop.daemon[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(host.view.mode).toBe('controls_lost'));
    await host.stop();
    expect(JSON.parse(readFileSync(desktop.paths.latchFile, 'utf8'))).toMatchObject({ by: 'hotkey' });
  });

  it('looks inactive when guard hangs with its socket open, and active again when it wakes', async () => {
    const { desktop, host } = await start();
    const asGuard = desktop.guard.onMessage;
    desktop.guard.onMessage = () => [];
    await vi.waitFor(() => expect(host.view.stop.active).toBe(false), 5000);
    expect(host.view.mode).toBe('controls_lost');
    desktop.guard.onMessage = asGuard;
    await vi.waitFor(() => expect(host.view.stop.active).toBe(true), 5000);
  });

  it('[KILL12] shows a guard that hangs within two seconds, whenever it was asked last', () => {
    // Heard just before it hung; the view is made anew at each question.
    const looksMs = Math.ceil(GUARD_SILENCE_MS / GUARD_POLL_MS) * GUARD_POLL_MS;
    expect(looksMs).toBeLessThanOrEqual(1500);
  });

  it('[KILL11] remembers a stop that no disk has: the latch file as soon as there can be one', async () => {
    const { desktop, host } = await start();
    const latch = { tripped: true, by: 'hotkey', at: '2026-01-02T03:04:05.678Z', memoryOnly: true };
    desktop.setGuard({ control: 'stopped', latch, instance: 'one', resets: 0 });
    await vi.waitFor(() => expect(host.view.mode).toBe('stopped'));
    expect(existsSync(desktop.paths.latchFile)).toBe(false);
    await desktop.guard[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(existsSync(desktop.paths.latchFile)).toBe(true), 5000);
    expect(JSON.parse(readFileSync(desktop.paths.latchFile, 'utf8'))).toMatchObject({ by: 'hotkey' });
  });

  it('[KILL11] hands it to a guard that was started anew, and lets it go once that has reset it', async () => {
    const desktop = await FakeDesktop.start();
    open.push(desktop);
    const paths = { ...desktop.paths, latchFile: '/proc/nowhere/latch.json' };
    const host = new PanelHost({
      kind: 'browser',
      paths,
      platform: 'linux',
      log: silentLogger,
      nowMs: () => performance.now(),
    });
    open.push(host);
    host.start();
    const at = '2026-01-02T03:04:05.678Z';
    await vi.waitFor(() => expect(host.view.links.guard).toBe(true), 5000);
    const latch = { tripped: true, by: 'hotkey', at, memoryOnly: true };
    desktop.setGuard({ control: 'stopped', latch, instance: 'one', resets: 0 });
    await vi.waitFor(() => expect(host.view.mode).toBe('stopped'));
    await desktop.guard[Symbol.asyncDispose]();
    desktop.guardState = guardState({ instance: 'two', resets: 0 });
    await desktop.guard.listen();
    await vi.waitFor(() => expect(desktop.guard.messages('stop').length).toBeGreaterThan(0), 5000);
    expect(desktop.guard.messages('stop')[0]).toMatchObject({ by: 'hotkey', at });
    await vi.waitFor(() => expect(host.view.mode).toBe('stopped'));
    desktop.setGuard({ control: 'armed', latch: { tripped: false }, resets: 1 });
    desktop.guard.forget();
    await vi.waitFor(() => expect(host.view.mode).toBe('idle'), 5000);
    await vi.waitFor(() => expect(desktop.guard.messages('status').length).toBeGreaterThan(2), 5000);
    expect(desktop.guard.messages('stop')).toEqual([]);
  });

  it('comes back when the daemon is started again', async () => {
    const { desktop, host } = await start();
    desktop.setDaemon({ run: panelRun() });
    await vi.waitFor(() => expect(host.view.mode).toBe('running'));
    await desktop.daemon[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(host.view.links.daemon).toBe(false));
    desktop.daemonState = { ...desktop.daemonState, seq: 1, run: null };
    await desktop.daemon.listen();
    await vi.waitFor(() => expect(host.view.mode).toBe('idle'), 5000);
  });

  it('survives half a message and nonsense from the daemon', async () => {
    const { desktop, host } = await start();
    desktop.daemon.sendRaw('{"type":"state","seq":\n');
    await vi.waitFor(() => expect(desktop.daemon.clients).toBe(0), 5000);
    await vi.waitFor(() => expect(host.view.links.daemon).toBe(true), 5000);
  });

  it('lets a viewer stop and nothing else', async () => {
    const { desktop, host } = await start();
    const panel = renderer('viewer');
    await host.command(panel.renderer, { type: 'command', id: 'a', name: 'reset' });
    await host.command(panel.renderer, { type: 'command', id: 'b', name: 'stop' });
    expect(panel.results().map((result) => result.type === 'result' && result.result)).toEqual([
      'refused',
      'confirmed',
    ]);
    expect(desktop.guard.messages('reset')).toHaveLength(0);
  });

  it('sends an approval with what was shown', async () => {
    const { desktop, host } = await start();
    desktop.setDaemon({ run: panelRun({ status: 'awaiting_human', awaitingReason: 'Send it?' }) });
    await vi.waitFor(() => expect(host.view.mode).toBe('awaiting_human'));
    const panel = renderer();
    await host.command(panel.renderer, {
      type: 'command',
      id: 'a',
      name: 'approve',
      requestId: 'req_1',
      digest: 'abc',
      note: 'the second one',
    });
    expect(desktop.daemon.messages('command')).toContainEqual(
      expect.objectContaining({
        name: 'approve',
        requestId: 'req_1',
        digest: 'abc',
        note: 'the second one',
        runId: panelRun().id,
      }),
    );
  });

  it('shows a refusal as one', async () => {
    const { desktop, host } = await start();
    const asGuard = desktop.guard.onMessage;
    desktop.guard.onMessage = (message) =>
      message.type === 'reset'
        ? [{ type: 'refused', id: message.id, code: 'FORBIDDEN', message: 'no real device was used' }]
        : asGuard(message);
    const panel = renderer();
    await host.command(panel.renderer, { type: 'command', id: 'a', name: 'reset' });
    expect(panel.results()).toEqual([
      expect.objectContaining({ result: 'refused', message: 'no real device was used' }),
    ]);
  });

  it('drops thumbnails for a window that is behind, never states', async () => {
    const { desktop, host } = await start();
    const slow = renderer();
    host.attach({ ...slow.renderer, isBehind: () => true });
    const quick = renderer();
    host.attach(quick.renderer);
    desktop.thumbnail({ jpegBase64: 'AAAA', width: 4, height: 4, target: null });
    desktop.setDaemon({ run: panelRun() });
    await vi.waitFor(() =>
      expect(slow.messages).toContainEqual(
        expect.objectContaining({ type: 'view', view: expect.objectContaining({ mode: 'running' }) }),
      ),
    );
    expect(quick.messages.some((message) => message.type === 'thumbnail')).toBe(true);
    expect(slow.messages.some((message) => message.type === 'thumbnail')).toBe(false);
  });
});
