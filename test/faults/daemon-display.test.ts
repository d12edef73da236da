import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { type PersonDesktop, startPersonDesktop } from '../helpers/person-desktop.ts';
import { slowDrag } from '../helpers/slow-drag.ts';
import { cleanEnv, DESKHAND, isAlive, temporaryFolder, UpProcess } from '../helpers/up-process.ts';

const ask = promisify(execFile);

describe('a display that changes', () => {
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

describe('a display that is gone and comes back', () => {
  it('is lent again by the same house, without anybody doing anything', async () => {
    let server = await startServer();
    const display = `:${server.number}`;
    await using up = await UpProcess.start({ virtual: false, env: { DISPLAY: display } });
    expect(up.ready.display).toBe(display);
    const first = await takePicture(up);
    expect(first.status).toBe('succeeded');
    const shots = await up.request(`/runs/${first.id}/screenshots`);
    // Guard's border may be on the screen by then, and is left out of the picture.
    expect(((await shots.json()) as { data: unknown[] }).data[0]).toMatchObject({
      exclusion: expect.stringMatching(/^(?:none_needed|compose)$/),
    });
    server.process.kill('SIGKILL');
    await once(server.process, 'exit');
    await eventually(() => up.stderr().includes('the display is gone'), {
      what: 'a word that it is gone',
      timeoutMs: 60_000,
    });
    server = await startServer(server.number);
    try {
      const run = await eventually(
        async () => {
          const found = await takePicture(up);
          return found.status === 'succeeded' ? found : undefined;
        },
        { what: 'a run on the new display', timeoutMs: 60_000, everyMs: 500 },
      );
      expect(run.status).toBe('succeeded');
    } finally {
      await up[Symbol.asyncDispose]();
      server.process.kill('SIGKILL');
    }
  });

  it('is lent again by `deskhand pair`, whose drag it ended, without a second code', async () => {
    await using server = await LinkServer.start();
    const folder = temporaryFolder('display-back');
    let screen = await startServer();
    const display = `:${screen.number}`;
    const daemon = spawn(DESKHAND, ['pair', server.url, '--code', 'TEST-CODE', '--data', folder, '--json'], {
      env: cleanEnv({ DISPLAY: display }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = listen(daemon);
    try {
      expect((await server.hello()).auth).toMatchObject({ type: 'pair' });
      await eventually(() => said().includes('"event":"ready"'), { what: 'ready', timeoutMs: 60_000 });
      server.lease();
      const { observation } = await server.observe({ settle: false });
      void server.act([slowDrag()], { frameId: observation?.frame?.geometry.frameId });
      await eventually(async () => (await pointer(display)) > 150, { what: 'the drag to be under way' });

      screen.process.kill('SIGKILL');
      await once(screen.process, 'exit');
      await eventually(() => said().includes('The display is gone'), { what: 'a word about the display' });
      expect(daemon.exitCode).toBeNull();

      screen = await startServer(screen.number);
      expect((await server.hello(2, 60_000)).auth).toMatchObject({
        type: 'token',
        machineId: 'machine-under-test',
      });
      await eventually(() => said().includes('The display is back'), { what: 'a word about its return' });
      server.lease({ leaseId: 'lease-2', epoch: 2 });
      const { observation: next } = await server.observe({ settle: false });
      const reply = await server.act([{ type: 'move', point: { x: 321, y: 234 } }], {
        frameId: next?.frame?.geometry.frameId,
      });
      expect(reply).toMatchObject({ type: 'result' });
      expect(await pointer(display)).toBe(321);
    } finally {
      const ended = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      screen.process.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  }, 150_000);
});

/** Where the pointer is, from the left. */
async function pointer(display: string): Promise<number> {
  const { stdout } = await ask('xdotool', ['getmouselocation', '--shell'], {
    env: { ...process.env, DISPLAY: display },
  });
  return Number(/X=(\d+)/.exec(stdout)?.[1]);
}

/** Everything a program printed so far. */
function listen(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  return () => text;
}

/** An X server of the person's own; at the same number it is "the display came back". */
async function startServer(number?: string): Promise<{ process: ChildProcess; number: string }> {
  const where = number === undefined ? ['-displayfd', '3'] : [`:${number}`, '-displayfd', '3'];
  const server = spawn(
    'Xvfb',
    [...where, '-screen', '0', '1024x768x24', '-ac', '-noreset', '-nolisten', 'tcp'],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    },
  );
  const [line] = (await once(server.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { process: server, number: line.toString().trim() };
}

async function takePicture(up: UpProcess): Promise<{ id?: string; status: string }> {
  const created = await up.request('/runs', {
    method: 'POST',
    body: JSON.stringify({ machine_id: up.ready.machine_id, task: 'Take a screenshot.', model: 'builtin' }),
  });
  if (!created.ok) return { status: String(created.status) };
  const { id } = (await created.json()) as { id: string };
  return await eventually(
    async () => {
      const run = (await (await up.request(`/runs/${id}`)).json()) as { id: string; status: string };
      return ['succeeded', 'failed', 'cancelled'].includes(run.status) ? run : undefined;
    },
    { what: 'the end of the run', timeoutMs: 60_000, everyMs: 100 },
  );
}
