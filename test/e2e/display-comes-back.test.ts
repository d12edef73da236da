import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { slowDrag } from '../helpers/slow-drag.ts';
import { cleanEnv, DESKHAND, temporaryFolder, UpProcess } from '../helpers/up-process.ts';

/**
 * An X server that is killed and begun again under the same name, as when somebody's session crashes and they log in
 * anew: what lends that desktop stays, says what it waits for, and lends it again.
 */

const ask = promisify(execFile);
let screen: Screen | undefined;

afterEach(async () => {
  await screen?.kill();
  screen = undefined;
});

it('`deskhand pair` outlasts its X server, killed in the middle of a drag, and needs no second code', async () => {
  await using server = await LinkServer.start();
  const folder = temporaryFolder('display-back');
  screen = await startScreen();
  const { display } = screen;
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

    await screen.kill();
    await eventually(() => said().includes('The display is gone'), { what: 'a word about the display' });
    expect(daemon.exitCode).toBeNull();

    screen = await startScreen(display);
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
    rmSync(folder, { recursive: true, force: true });
  }
}, 150_000);

it('under `deskhand up` the run of that moment is no success, and the next one is', async () => {
  screen = await startScreen();
  const { display } = screen;
  await using up = await UpProcess.start({ virtual: false, env: { DISPLAY: display } });
  const run = async (task: string) => {
    const answer = await up.request('/runs', {
      method: 'POST',
      body: JSON.stringify({ machine_id: up.ready.machine_id, task, model: 'builtin' }),
    });
    return (await answer.json()) as { id?: string };
  };
  const status = async (id: string) =>
    ((await (await up.request(`/runs/${id}`)).json()) as { status: string }).status;

  const { id: interrupted = '' } = await run(
    'Wait 3 seconds, then take a screenshot, then wait 300 seconds.',
  );
  await eventually(async () => (await status(interrupted)) === 'running', { what: 'the run to begin' });
  await screen.kill();
  await eventually(() => up.stderr().includes('the display is gone'), { what: 'a word about the display' });
  expect(up.child.exitCode).toBeNull();
  screen = await startScreen(display);
  // It waits for its desktop, and a wait of minutes has no place in a test: what it never is, is done.
  await up.request(`/runs/${interrupted}/cancel`, { method: 'POST' });
  const next = await eventually(async () => (await run('Take a screenshot.')).id, {
    what: 'a run to be taken',
    timeoutMs: 60_000,
    everyMs: 500,
  });
  const end = await eventually(
    async () => {
      const now = await status(next);
      return ['succeeded', 'failed', 'timed_out', 'cancelled'].includes(now) ? now : undefined;
    },
    { what: 'the end of the run', timeoutMs: 90_000, everyMs: 100 },
  );
  expect(end).toBe('succeeded');
  expect(await status(interrupted)).not.toBe('succeeded');
}, 240_000);

type Screen = Readonly<{ display: string; kill(): Promise<void> }>;

/** An X server with a window manager on it. @param display its name; a free one when absent */
async function startScreen(display?: string): Promise<Screen> {
  const args = ['-screen', '0', '1280x800x24', '-ac', '-noreset', '-nolisten', 'tcp', '-displayfd', '3'];
  const server = spawn('Xvfb', [...(display === undefined ? [] : [display]), ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const told = server.stdio[3] as NodeJS.ReadableStream;
  const [number] = (await once(told, 'data')) as [Buffer];
  const name = `:${number.toString().trim()}`;
  const manager = spawn('openbox', ['--sm-disable'], {
    env: { ...process.env, DISPLAY: name },
    stdio: 'ignore',
  });
  await eventually(
    async () =>
      (await ask('xprop', ['-display', name, '-root', '_NET_SUPPORTING_WM_CHECK'])).stdout.includes('0x'),
    { what: 'the window manager' },
  );
  return {
    display: name,
    async kill() {
      for (const child of [server, manager]) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
    },
  };
}

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
