import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { heldInputs } from '../helpers/held-inputs.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { slowDrag } from '../helpers/slow-drag.ts';
import { cleanEnv, findProcesses, isAlive } from '../helpers/up-process.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

/** The longest anything may stay pressed after whatever held it was killed. */
const RELEASED_WITHIN_MS = 1000;

let desktop: XDesktop;
let server: LinkServer;

beforeAll(async () => {
  desktop = await startXDesktop();
  server = await LinkServer.start();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

describe('a process that is killed while a key and a button are held', () => {
  let daemon: DaemonProcess;
  let family: number[];

  beforeEach(async () => {
    server.stopLease();
    const hellos = server.hellos.length;
    daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
    await server.hello(hellos + 1);
    server.lease();
    const { observation } = await server.observe();
    void server.act([slowDrag()], { frameId: observation?.frame?.geometry.frameId });
    await eventually(async () => (await heldInputs(desktop)).length === 2, {
      what: 'Shift and the button down',
    });
    family = daemon.family().map(({ pid }) => pid);
  });

  afterEach(async () => {
    await daemon[Symbol.asyncDispose]();
    expect(await heldInputs(desktop)).toEqual([]);
    await eventually(() => !family.some(isAlive), { timeoutMs: 2000, what: 'the end of all' });
  });

  it('[KILL] hands: guard lets go, new hands come, and nothing is done twice', async () => {
    const hands = daemon.handsPid();
    process.kill(hands, 'SIGKILL');
    await released();
    await eventually(() => daemon.handsPid() !== hands, { what: 'new hands' });
    family.push(daemon.handsPid());
    await pointerRests();
    const reply = await eventually(async () => {
      const answer = await server.act([{ type: 'move', point: { x: 50, y: 50 } }], await frame());
      return answer.type === 'result' && answer.outcomes[0]?.status === 'confirmed' && answer;
    });
    expect(reply.outcomes).toHaveLength(1);
  });

  it('[KILL] guard: hands lose their lease and let go; guard comes back, and so does the right to act', async () => {
    const guard = daemon.guardPid();
    process.kill(guard, 'SIGKILL');
    await released();
    await eventually(() => server.events.some(({ event }) => event === 'guard_lost'), { what: 'the event' });
    await eventually(() => daemon.guardPid() !== guard, { what: 'a new guard' });
    family.push(daemon.guardPid());
    await eventually(() => server.events.some(({ event }) => event === 'guard_back'), { what: 'the event' });
    await eventually(async () => {
      const answer = await server.act([{ type: 'move', point: { x: 60, y: 60 } }], await frame());
      return answer.type === 'result' && answer.outcomes[0]?.status === 'confirmed';
    });
  });

  it('[KILL] guard while a person has control: the person keeps it', async () => {
    await using local = await daemon.local();
    await local.request({ type: 'command', name: 'takeover' });
    const guard = daemon.guardPid();
    process.kill(guard, 'SIGKILL');
    await released();
    await eventually(() => daemon.guardPid() !== guard, { what: 'a new guard' });
    family.push(daemon.guardPid());
    await eventually(
      async () => {
        const state = await local.request({ type: 'command', name: 'status' });
        return state.type === 'state' && state.guardAlive && state.pauseKind === 'takeover';
      },
      { what: 'a restored takeover' },
    );
    expect(await server.act([{ type: 'key_press', keys: ['a'] }])).toMatchObject({
      outcomes: [{ status: 'refused', code: 'PAUSED' }],
    });
    await local.request({ type: 'command', name: 'hand_back' });
    expect(await local.request({ type: 'command', name: 'status' })).toMatchObject({ control: 'armed' });
  });

  it('[KILL] the daemon: guard kills hands, lets go, and everything is gone', async () => {
    await daemon.end('SIGKILL');
    await released();
    await eventually(() => family.every((pid) => !isAlive(pid)), { timeoutMs: 2000, what: 'the end of all' });
    expect(existsSync(daemon.runtime.guardSocket)).toBe(false);
  });

  it('[KILL] hands and daemon in one moment: guard alone lets go', async () => {
    process.kill(daemon.handsPid(), 'SIGKILL');
    await daemon.end('SIGKILL');
    await released();
  });

  it('[KILL] daemon, guard and hands in one moment: the keeper lets go, which is all that is left', async () => {
    const keeper = keeperPid(daemon);
    for (const pid of [daemon.guardPid(), daemon.handsPid(), daemon.pid]) process.kill(pid, 'SIGKILL');
    await released(3000);
    expect(keeper).toBeGreaterThan(1);
    await eventually(() => !isAlive(keeper), { what: 'the end of the keeper' });
  });

  it('[KILL] all of them and the keeper: nobody is left; the next start lets go before anything else', async () => {
    const { dataFolder } = daemon;
    const all = [keeperPid(daemon), daemon.guardPid(), daemon.handsPid(), daemon.pid];
    for (const pid of all) process.kill(pid, 'SIGKILL');
    await eventually(() => all.every((pid) => !isAlive(pid)), { what: 'the end of all' });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await heldInputs(desktop)).toHaveLength(2);
    const before = server.hellos.length;
    const next = await DaemonProcess.start({
      server: server.url,
      env: desktop.environment,
      dataFolder,
      paired: true,
    });
    await server.hello(before + 1);
    expect(await heldInputs(desktop)).toEqual([]);
    await next[Symbol.asyncDispose]();
  });

  it('[KILL] the daemon frozen: input ends by itself', async () => {
    process.kill(daemon.pid, 'SIGSTOP');
    try {
      // Two seconds of silence and half a second of lease, and then it must be up.
      await eventually(async () => (await heldInputs(desktop)).length === 0, {
        timeoutMs: 3500,
        what: 'release',
      });
      await pointerRests();
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
    }
  });

  it('[KILL] hands frozen: they are killed and replaced', async () => {
    const hands = daemon.handsPid();
    process.kill(hands, 'SIGSTOP');
    await server.command({ type: 'release', leaseId: 'lease-1', reason: 'test' });
    await released();
    await eventually(() => !isAlive(hands), { what: 'the end of the frozen hands' });
    await eventually(() => family.push(daemon.handsPid()), { what: 'new hands' });
  });
});

describe('the end', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s: released and gone, nothing left', async (signal) => {
    const hellos = server.hellos.length;
    const daemon = await DaemonProcess.start({
      server: server.url,
      env: cleanEnv({ XDG_RUNTIME_DIR: desktop.folder }),
      args: ['--virtual=800x600'],
    });
    await server.hello(hellos + 1);
    const family = daemon.family();
    expect(family.map(({ command }) => command).join('\n')).toContain('Xvfb');
    const { code, ms } = await daemon.end(signal);
    expect(code).toBe(0);
    expect(ms).toBeLessThan(1500);
    await eventually(() => family.every(({ pid }) => !isAlive(pid)), {
      timeoutMs: 1000,
      what: 'no child left',
    });
    expect(existsSync(daemon.runtime.dir)).toBe(false);
    expect(existsSync(join(daemon.dataFolder, 'daemon.lock'))).toBe(false);
    await daemon[Symbol.asyncDispose]();
  });

  it('SIGKILL: the private desktop goes too, and the same folder starts again', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'deskhand-daemon-'));
    const env = cleanEnv({ XDG_RUNTIME_DIR: desktop.folder });
    try {
      const hellos = server.hellos.length;
      const args = ['--virtual=800x600'];
      const daemon = await DaemonProcess.start({ server: server.url, env, args, dataFolder });
      const family = daemon.family();
      await daemon.end('SIGKILL');
      await eventually(() => family.every(({ pid }) => !isAlive(pid)), {
        timeoutMs: 3000,
        what: 'the end of all',
      });
      const next = await DaemonProcess.start({ server: server.url, env, args, dataFolder, paired: true });
      const hello = await server.hello(hellos + 2);
      expect(hello.bootId).not.toBe(server.hellos[hellos]?.bootId);
      expect(hello.lastEpoch).toBe(0);
      await next[Symbol.asyncDispose]();
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });

  it('SIGKILL and at once a new start on the same folder and display: it waits for the old guard', async () => {
    const first = await DaemonProcess.start({ server: server.url, env: desktop.environment });
    const { dataFolder } = first;
    const hellos = server.hellos.length;
    await first.end('SIGKILL');
    const second = await DaemonProcess.start({
      server: server.url,
      env: desktop.environment,
      dataFolder,
      paired: true,
    });
    await server.hello(hellos + 1);
    await using local = await second.local();
    expect(await local.request({ type: 'command', name: 'status' })).toMatchObject({ guardAlive: true });
    await second[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
  });

  it.each<[moment: string, args: string[], isNow: (daemon: DaemonProcess) => boolean]>([
    ['before anything of it is there', [], () => true],
    ['its folder is locked', [], ({ dataFolder }) => existsSync(join(dataFolder, 'daemon.lock'))],
    ['guard is being started', [], (daemon) => runs(daemon, 'guard/main.ts')],
    ['guard listens', [], ({ runtime }) => existsSync(runtime.guardSocket)],
    ['hands are being started', [], (daemon) => runs(daemon, 'hands/main.ts')],
    ['the panel may come', [], ({ runtime }) => existsSync(runtime.daemonSocket)],
    ['its private desktop is being started', ['--virtual=800x600'], (daemon) => runs(daemon, 'Xvfb')],
  ])('[KILL] SIGTERM while it starts, %s: it ends, and nothing is left', async (_moment, args, isNow) => {
    const mark = randomUUID();
    const base = args.length === 0 ? desktop.environment : cleanEnv({ XDG_RUNTIME_DIR: desktop.folder });
    const daemon = DaemonProcess.launch({
      server: server.url,
      env: { ...base, DESKHAND_TEST_START: mark },
      args: ['--pair-code', 'TEST-CODE', ...args],
    });
    await eventually(() => isNow(daemon), { everyMs: 2, what: 'that moment' });
    await daemon.end('SIGTERM');
    // Until it hears signals, the system ends it.
    expect([daemon.child.exitCode, daemon.child.signalCode]).toEqual(
      daemon.child.signalCode === null ? [0, null] : [null, 'SIGTERM'],
    );
    expect(daemon.messages.filter(({ type }) => type === 'problem')).toEqual([]);
    await eventually(() => findProcesses('DESKHAND_TEST_START', mark).length === 0, {
      what: 'nothing that it started',
    });
    await daemon[Symbol.asyncDispose]();
  });

  it('its parent dies: it goes as with SIGTERM', async () => {
    const daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment });
    const family = daemon.family();
    daemon.child.disconnect();
    await eventually(() => daemon.ended && family.every(({ pid }) => !isAlive(pid)), {
      timeoutMs: 2000,
      what: 'the end of all',
    });
    expect(daemon.child.exitCode).toBe(0);
    await daemon[Symbol.asyncDispose]();
  });
});

describe('a bad beginning', () => {
  it.each<[code: string, args: string[], env: Record<string, string>]>([
    ['NO_DISPLAY', ['--pair-code', 'X-1234'], {}],
    ['CONFIG_INVALID', [], { DISPLAY: ':5999' }],
    ['CONFIG_INVALID', ['--virtual=wide', '--pair-code', 'X-1234'], { DESKHAND_STOP_HOTKEY: 'escape' }],
    ['DISPLAY_UNAVAILABLE', ['--pair-code', 'X-1234'], { DISPLAY: ':5999' }],
  ])('%s: one clear problem, status 2, nothing left (%j)', async (code, args, env) => {
    const daemon = DaemonProcess.launch({ server: server.url, env: cleanEnv(env), args });
    await eventually(() => daemon.ended, { timeoutMs: 30_000, what: 'its end' });
    expect(daemon.child.exitCode).toBe(2);
    const problems = daemon.messages.filter(({ type }) => type === 'problem');
    expect(problems).toEqual([expect.objectContaining({ code })]);
    expect(existsSync(join(daemon.dataFolder, 'daemon.lock'))).toBe(false);
    await daemon[Symbol.asyncDispose]();
  });

  it('CONFIG_INVALID names every problem at once', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'deskhand-daemon-'));
    writeFileSync(join(dataFolder, 'config.json'), '{"stop_hotkey": 7}');
    const daemon = DaemonProcess.launch({ env: cleanEnv(), args: ['--virtual=1x1'], dataFolder });
    await eventually(() => daemon.ended, { timeoutMs: 30_000, what: 'its end' });
    const problem = String(daemon.messages.find(({ type }) => type === 'problem')?.message);
    expect(problem).toContain('--virtual');
    expect(problem).toContain('stop_hotkey');
    rmSync(dataFolder, { recursive: true, force: true });
  });

  it('DATA_FOLDER_IN_USE: a second daemon leaves the first alone', async () => {
    const first = await DaemonProcess.start({ server: server.url, env: desktop.environment });
    const second = DaemonProcess.launch({
      server: server.url,
      env: desktop.environment,
      dataFolder: first.dataFolder,
      args: ['--pair-code', 'X-1234'],
    });
    await eventually(() => second.ended, { what: 'its end' });
    expect(second.messages).toEqual([
      expect.objectContaining({ type: 'problem', code: 'DATA_FOLDER_IN_USE' }),
    ]);
    await using local = await first.local();
    expect(await local.request({ type: 'command', name: 'status' })).toMatchObject({ control: 'armed' });
    await first[Symbol.asyncDispose]();
  });

  it('a server that rejects for good ends it with that code; a server that is not there does not', async () => {
    const { welcome } = server;
    server.welcome = () => ({ type: 'reject', code: 'PAIRING_FAILED', message: 'Used.', retry: false });
    const daemon = DaemonProcess.launch({
      server: server.url,
      env: desktop.environment,
      args: ['--pair-code', 'X-1234'],
    });
    await eventually(() => daemon.ended, { what: 'its end' });
    server.welcome = welcome;
    expect(daemon.messages).toEqual([expect.objectContaining({ type: 'problem', code: 'PAIRING_FAILED' })]);
    expect(existsSync(join(daemon.dataFolder, 'machine.json'))).toBe(false);
    await daemon[Symbol.asyncDispose]();
  });
});

function runs(daemon: DaemonProcess, program: string): boolean {
  return daemon.family().some(({ command }) => command.includes(program));
}

/** The shell that waits for guard's end. */
function keeperPid(daemon: DaemonProcess): number {
  return daemon.family().find(({ command }) => command.includes('release-held'))?.pid ?? 0;
}

async function released(withinMs = RELEASED_WITHIN_MS): Promise<void> {
  await eventually(async () => (await heldInputs(desktop)).length === 0, {
    timeoutMs: withinMs,
    everyMs: 5,
    what: 'nothing held',
  });
}

/** No input goes on: the pointer stays where it is. */
async function pointerRests(): Promise<void> {
  const where = await desktop.ask('xdotool', 'getmouselocation');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await desktop.ask('xdotool', 'getmouselocation')).toBe(where);
}

async function frame(): Promise<{ frameId: string | undefined }> {
  const { observation } = await server.observe({ settle: false });
  return { frameId: observation?.frame?.geometry.frameId };
}
