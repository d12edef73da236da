import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { type PersonDesktop, startPersonDesktop } from '../helpers/person-desktop.ts';
import { isAlive } from '../helpers/up-process.ts';

let desktop: PersonDesktop;
let server: LinkServer;
let daemon: DaemonProcess;

beforeEach(async () => {
  desktop = await startPersonDesktop();
  server = await LinkServer.start();
  daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
  server.lease();
});

afterEach(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
  rmSync(desktop.folder, { recursive: true, force: true });
});

describe('a display that changes', () => {
  it('[GEO] is told, and a point of an older frame is refused instead of guessed', async () => {
    const before = await server.observe();
    const stale = before.observation?.frame?.geometry;
    expect(stale?.image).toEqual({ width: 1280, height: 800 });
    await desktop.ask('xrandr', '-s', '1024x768').catch(() => '');
    const event = await eventually(() => server.events.find((found) => found.event === 'displays_changed'), {
      what: 'the event',
    });
    expect(event.displays?.[0]?.bounds).toEqual({ x: 0, y: 0, width: 1024, height: 768 });
    const click = [{ type: 'click' as const, point: { x: 10, y: 10 } }];
    expect(await server.act(click, { frameId: stale?.frameId })).toMatchObject({
      outcomes: [{ status: 'refused', code: 'FRAME_STALE' }],
    });
    const after = await server.observe();
    expect(after.observation?.frame?.geometry.image).toEqual({ width: 1024, height: 768 });
    const reply = await server.act(click, { frameId: after.observation?.frame?.geometry.frameId });
    expect(reply).toMatchObject({ outcomes: [{ status: expect.not.stringMatching('refused') }] });
  });

  it('[KILL] that is gone ends the daemon with a clear problem and leaves no process', async () => {
    const family = daemon.family().map(({ pid }) => pid);
    process.kill(desktop.serverPid, 'SIGKILL');
    await eventually(() => daemon.ended, { what: 'its end' });
    expect(daemon.child.exitCode).toBe(2);
    expect(daemon.messages.at(-1)).toMatchObject({ type: 'problem', code: 'DISPLAY_UNAVAILABLE' });
    await eventually(() => !family.some(isAlive), { timeoutMs: 2000, what: 'the end of all' });
  });
});
