import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeLine } from '@deskhand/protocol';
import { readLatchFile } from '@deskhand/protocol/latch-file';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { heldInputs } from '../helpers/held-inputs.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { startMonitors } from '../helpers/monitors.ts';
import { slowDrag } from '../helpers/slow-drag.ts';
import { cleanEnv, isAlive } from '../helpers/up-process.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

let server: LinkServer;
let folder: string;
let daemon: DaemonProcess | undefined;
let epoch = 0;
/** Also those whose daemon is gone: none may outlive its test. */
const guards = new Set<number>();

beforeAll(async () => {
  server = await LinkServer.start();
});
afterAll(() => server?.[Symbol.asyncDispose]());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deskhand-stop-'));
});
afterEach(async () => {
  server.stopLease();
  server.events.length = 0;
  await daemon?.[Symbol.asyncDispose]();
  daemon = undefined;
  rmSync(folder, { recursive: true, force: true });
  const left = () => [...guards].filter((pid) => isAlive(pid));
  await eventually(() => left().length === 0, { what: 'the end of every guard' });
});

async function start(options: {
  env: NodeJS.ProcessEnv;
  dataFolder?: string;
  paired?: boolean;
}): Promise<DaemonProcess> {
  const hellos = server.hellos.length;
  daemon = await DaemonProcess.start({ server: server.url, ...options });
  await server.hello(hellos + 1);
  guards.add(daemon.guardPid());
  return daemon;
}

async function status() {
  await using local = await (daemon as DaemonProcess).local();
  const state = await local.request({ type: 'command', name: 'status' });
  if (state.type !== 'state') throw new Error(state.type);
  return state;
}

/** Comes back with the button and Shift down. */
async function drag(asking: Pick<XDesktop, 'ask'>, to = { x: 900, y: 600 }) {
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}` });
  const { observation } = await server.observe({ settle: false });
  const reply = server.act([slowDrag({ x: 100, y: 100 }, to)], {
    frameId: observation?.frame?.geometry.frameId,
  });
  await eventually(async () => (await held(asking)).length === 2, { what: 'Shift and the button down' });
  return { reply };
}
const hands = () =>
  (daemon as DaemonProcess).family().filter(({ command }) => command.includes('hands/main.ts'));
const held = (asking: Pick<XDesktop, 'ask'>) => heldInputs(asking as XDesktop);
const nothingHeld = (asking: Pick<XDesktop, 'ask'>) =>
  eventually(async () => (await held(asking)).length === 0, { what: 'nothing held' });

describe('on a desktop of its own', () => {
  let desktop: XDesktop;
  beforeAll(async () => {
    desktop = await startXDesktop();
  });
  afterAll(() => desktop?.[Symbol.asyncDispose]());
  const pressChord = () => desktop.ask('xdotool', 'key', 'ctrl+alt+shift+Escape');

  describe.runIf(process.getuid?.() === 0 && mayMount())('a disk that is full', () => {
    const mountPoint = () => join(folder, 'small-disk');
    const fill = () => spawnSync('sh', ['-c', `cat /dev/zero > ${mountPoint()}/fill-$$ 2>/dev/null`]);
    const empty = () => spawnSync('sh', ['-c', `rm -f ${mountPoint()}/fill-*`]);
    const dataFolder = () => join(mountPoint(), 'data');
    const spare = () => join(dataFolder(), '.latch-spare');
    /** A second name for each file: what a daemon removes or replaces at its end makes no room. */
    const keepNames = () =>
      spawnSync('sh', ['-c', 'mkdir kept; find . -type f ! -name "fill-*" -exec ln -t kept -b {} +'], {
        cwd: mountPoint(),
      });
    beforeEach(async () => {
      mkdirSync(mountPoint());
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', mountPoint()]);
      await start({ env: desktop.environment, dataFolder: dataFolder() });
    });
    afterEach(async () => {
      await daemon?.[Symbol.asyncDispose]();
      daemon = undefined;
      execFileSync('umount', ['-l', mountPoint()]);
    });

    /** Not one byte is left, and the room that was kept for the latch is gone, too. */
    async function stopWithoutRoom(): Promise<DaemonProcess> {
      rmSync(spare());
      fill();
      // What the daemon was just replacing gives room back within a second.
      await new Promise((resolve) => setTimeout(resolve, 1200));
      fill();
      await pressChord();
      await nothingHeld(desktop);
      await eventually(async () => (await status()).control === 'stopped', { what: 'a stopped desktop' });
      expect(await status()).toMatchObject({
        latch: { memoryOnly: true, reason: expect.stringContaining('Held in memory only') },
      });
      const stopped = daemon as DaemonProcess;
      expect(existsSync(stopped.runtime.latchFile)).toBe(false);
      return stopped;
    }

    async function expectLatched(): Promise<void> {
      expect(await server.act([{ type: 'key_press', keys: ['a'] }])).toMatchObject({
        outcomes: [{ status: 'refused', code: 'LATCHED' }],
      });
    }

    it('[KILL11] the room kept for the latch is used: the stop is on the disk all the same', async () => {
      const { runtime } = daemon as DaemonProcess;
      await drag(desktop);
      fill();
      await pressChord();
      await nothingHeld(desktop);
      await eventually(() => existsSync(runtime.latchFile), { what: 'the latch file' });
      expect(JSON.parse(readFileSync(runtime.latchFile, 'utf8'))).toMatchObject({ by: 'hotkey' });
      expect((await status()).latch.memoryOnly).toBeUndefined();
      empty();
      await using guard = await (daemon as DaemonProcess).guard();
      await guard.request({ type: 'reset', by: 'cli' });
      expect(existsSync(runtime.latchFile)).toBe(false);
      expect(existsSync(spare())).toBe(true);
    });

    it('[KILL11] without that room memory holds the stop, also when guard dies, and the file follows', async () => {
      await drag(desktop);
      const { runtime, guardPid } = { ...(await stopWithoutRoom()), guardPid: daemon?.guardPid() as number };
      await expectLatched();
      process.kill(guardPid, 'SIGKILL');
      await eventually(async () => (await status()).guardAlive && guardPid !== daemon?.guardPid(), {
        what: 'another guard',
      });
      await using guard = await (daemon as DaemonProcess).guard();
      expect(await guard.request({ type: 'status' })).toMatchObject({
        control: 'stopped',
        latch: { by: 'hotkey', memoryOnly: true },
      });
      await expectLatched();
      expect(server.events.map(({ event }) => event)).not.toContain('latch_cleared');
      empty();
      await eventually(() => existsSync(runtime.latchFile), { what: 'the latch file' });
      await eventually(async () => !(await status()).latch.reason?.includes('memory'), { what: 'the truth' });
      await guard.request({ type: 'reset', by: 'cli' });
      await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
    });

    it.each(['SIGKILL', 'SIGTERM'] as const)(
      '[KILL11] a daemon that ends by %s meanwhile: guard stays until the stop is written',
      async (signal) => {
        await drag(desktop);
        const { runtime } = await stopWithoutRoom();
        const guardPid = (daemon as DaemonProcess).guardPid();
        keepNames();
        await daemon?.end(signal);
        // One that ends in good order takes files of its own away: there may be room by then.
        if (signal === 'SIGKILL') {
          expect(isAlive(guardPid)).toBe(true);
          expect(existsSync(runtime.latchFile)).toBe(false);
        }
        empty();
        await eventually(() => existsSync(runtime.latchFile), { what: 'the latch file' });
        await eventually(() => !isAlive(guardPid), { what: 'the end of guard' });
        await start({ env: desktop.environment, dataFolder: dataFolder(), paired: true });
        expect(await status()).toMatchObject({ control: 'stopped', latch: { by: 'hotkey' } });
      },
    );

    it.each([
      ['removed: nothing can start from it, so nobody stays', 'removed'],
      ['moved: the stop goes where it is now', 'moved'],
      ['replaced by another one of its name: the stop is that one’s no less', 'replaced'],
    ] as const)('[KILL11] a guard that waits for a disk, its folder %s', async (_what, how) => {
      await drag(desktop);
      const { runtime } = await stopWithoutRoom();
      const guardPid = (daemon as DaemonProcess).guardPid();
      keepNames();
      await daemon?.end('SIGKILL');
      expect(isAlive(guardPid)).toBe(true);
      const moved = join(mountPoint(), 'moved');
      if (how === 'moved') renameSync(dataFolder(), moved);
      else rmSync(dataFolder(), { recursive: true });
      // Whoever sets it up again there finds it stopped: in doubt, stopped.
      if (how === 'replaced') mkdirSync(dataFolder());
      if (how !== 'removed') empty();
      await eventually(() => !isAlive(guardPid), { what: 'the end of guard' });
      const latchFile = how === 'moved' ? join(moved, 'latch.json') : runtime.latchFile;
      expect(existsSync(latchFile)).toBe(how !== 'removed');
    });
  });

  it('[KILL1] a stop that reaches the daemon only, guard frozen and hands dead: it latches itself', async () => {
    const { runtime } = await start({ env: desktop.environment });
    const guardPid = (daemon as DaemonProcess).guardPid();
    await drag(desktop);
    process.kill(guardPid, 'SIGSTOP');
    try {
      await using local = await (daemon as DaemonProcess).local();
      const stopped = local.request({ type: 'command', name: 'stop', note: 'by hand' }, 30_000);
      let done = false;
      void stopped.then(() => {
        done = true;
      });
      // Whatever is started meanwhile is dead when the daemon gets to it.
      while (!done) {
        for (const { pid } of hands()) process.kill(pid, 'SIGKILL');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(readLatchFile(runtime.latchFile)).toMatchObject({ tripped: true, by: 'cli', reason: 'by hand' });
      expect(await status()).toMatchObject({ control: 'stopped', latch: { by: 'cli' } });
      expect(server.events.at(-1)).toMatchObject({ event: 'stopped' });
    } finally {
      process.kill(guardPid, 'SIGCONT');
    }
    await using guard = await (daemon as DaemonProcess).guard();
    await eventually(
      async () => {
        const state = await guard.request({ type: 'status' });
        return state.type === 'guard_state' && state.control === 'stopped';
      },
      { what: 'guard’s own latch' },
    );
    await nothingHeld(desktop);
    expect(server.events.map(({ event }) => event)).not.toContain('latch_cleared');
  });

  it('[KILL11] a guard that slept through a stop the disk refused: nothing of it is lost when guard wakes', async () => {
    const { runtime } = await start({ env: desktop.environment });
    const guardPid = (daemon as DaemonProcess).guardPid();
    await drag(desktop);
    process.kill(guardPid, 'SIGSTOP');
    try {
      // A folder where the file belongs: neither written nor renamed over.
      mkdirSync(runtime.latchFile);
      await using local = await (daemon as DaemonProcess).local();
      await expect(local.request({ type: 'command', name: 'stop' }, 30_000)).rejects.toThrow();
      expect(await status()).toMatchObject({ control: 'stopped', latch: { memoryOnly: true } });
      rmSync(runtime.latchFile, { recursive: true });
    } finally {
      process.kill(guardPid, 'SIGCONT');
    }
    await eventually(() => existsSync(runtime.latchFile), { what: 'the latch file' });
    expect((await status()).control).toBe('stopped');
    expect(server.events.map(({ event }) => event)).not.toContain('latch_cleared');
  });

  it('[KILL] a daemon that guard does not hear for a while: input ends, no person is asked, and it comes back', async () => {
    const { child } = await start({ env: desktop.environment });
    await using guard = await (daemon as DaemonProcess).guard();
    const guardState = async () => {
      const state = await guard.request({ type: 'status' });
      if (state.type !== 'guard_state') throw new Error(state.type);
      return state;
    };
    await drag(desktop);
    await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
    const told = server.events.length;
    process.kill(child.pid as number, 'SIGSTOP');
    let meanwhile: ReturnType<LinkServer['act']> | undefined;
    try {
      await eventually(async () => (await guardState()).unheard === true, {
        what: 'guard missing the daemon',
      });
      await nothingHeld(desktop);
      meanwhile = server.act([{ type: 'key_press', keys: ['shift'] }]);
    } finally {
      process.kill(child.pid as number, 'SIGCONT');
    }
    // "Paused" would let the run wait for a person who has done nothing.
    expect(JSON.stringify(await meanwhile)).not.toContain('"PAUSED"');
    await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop again' });
    const kinds = server.events.slice(told).map(({ event }) => event);
    expect(kinds).not.toContain('paused');
    expect(kinds).not.toContain('person_took_over');
    expect(kinds).not.toContain('resumed');
    await eventually(
      async () => {
        expect(await server.act([{ type: 'key_press', keys: ['shift'] }])).toMatchObject({
          outcomes: [{ status: expect.stringMatching(/^(?:confirmed|unverified|no_effect)$/) }],
        });
        return true;
      },
      { what: 'input that is let through again' },
    );
  });

  it.each([
    ['a year ahead', 365 * 86_400_000],
    ['a day back', -86_400_000],
  ])(
    '[KILL] the wall clock jumps %s: no lease is longer or shorter, and the stop works',
    async (_what, jumpMs) => {
      const offsetFile = join(folder, 'offset');
      writeFileSync(offsetFile, '0');
      const clock = join(folder, 'clock.mjs');
      writeFileSync(clock, CLOCK);
      const env = { ...desktop.environment, NODE_OPTIONS: `--import=${clock}`, TEST_OFFSET_FILE: offsetFile };
      const { runtime } = await start({ env });
      const { reply } = await drag(desktop);
      writeFileSync(offsetFile, String(jumpMs));
      // Three times as long as guard's lease; the server's is renewed all the while.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(await held(desktop)).toHaveLength(2);
      expect((await status()).control).toBe('armed');
      server.stopLease();
      await nothingHeld(desktop);
      expect(await reply).toMatchObject({ outcomes: [{ status: 'failed', code: 'LEASE_REQUIRED' }] });
      await pressChord();
      await eventually(() => existsSync(runtime.latchFile), { what: 'the latch file' });
      const at = Date.parse(String((await status()).latch.at));
      expect(Math.abs(at - (Date.now() + jumpMs))).toBeLessThan(60_000);
    },
  );
});

it('[KILL] a guard whose display never answers does not outlive its daemon', async () => {
  mkdirSync('/tmp/.X11-unix', { recursive: true, mode: 0o1777 });
  const number = 5000 + (process.pid % 1000);
  const path = `/tmp/.X11-unix/X${number}`;
  rmSync(path, { force: true });
  const asked = Promise.withResolvers<void>();
  const silent = createServer(() => asked.resolve()).listen(path);
  const main = fileURLToPath(new URL('../../apps/daemon/src/guard/main.ts', import.meta.url));
  const guard = spawn(process.execPath, [main], { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    const ended = once(guard, 'exit');
    guard.stdin.write(
      encodeLine({
        socket: join(folder, 'guard.sock'),
        latchFile: join(folder, 'latch.json'),
        chord: 'ctrl+alt+shift+escape',
        server: { kind: 'x11', display: `:${number}` },
        draw: false,
        stopped: null,
        tokens: { person: 'p'.repeat(32), daemon: 'd'.repeat(32), hands: 'h'.repeat(32) },
      }),
    );
    await asked.promise;
    guard.stdin.end();
    expect(await ended).toEqual([0, null]);
  } finally {
    guard.kill('SIGKILL');
    silent.close();
    rmSync(path, { force: true });
  }
});

it('[KILL] the X server is restarted: a new daemon finds nothing held, and its hotkey is armed and stops', async () => {
  let screen = await startServer();
  const env = cleanEnv({ DISPLAY: `:${screen.number}`, XDG_RUNTIME_DIR: folder });
  const dataFolder = join(folder, 'data');
  const first = await start({ env, dataFolder });
  screen.child.kill('SIGKILL');
  await eventually(() => first.ended, { what: 'the end of the daemon' });
  expect(first.messages.at(-1)).toMatchObject({ type: 'problem', code: 'DISPLAY_UNAVAILABLE' });
  screen = await startServer(screen.number);
  try {
    await start({ env, dataFolder, paired: true });
    expect(await status()).toMatchObject({ control: 'armed', stopHotkey: { armed: true } });
    const ask = async (command: string, ...args: string[]) =>
      execFileSync(command, args, {
        env: { ...process.env, DISPLAY: `:${screen.number}` },
        encoding: 'utf8',
      });
    expect(await held({ ask })).toEqual([]);
    await drag({ ask });
    await ask('xdotool', 'key', 'ctrl+alt+shift+Escape');
    await nothingHeld({ ask });
    await eventually(async () => (await status()).control === 'stopped', { what: 'a stopped desktop' });
  } finally {
    await daemon?.[Symbol.asyncDispose]();
    daemon = undefined;
    screen.child.kill('SIGKILL');
  }
});

it('[KILL] a monitor is pulled in the middle of a drag on it: nothing stays pressed, and the stop works', async () => {
  await using monitors = await startMonitors();
  await monitors.arrange([
    { name: 'DUMMY0', mode: '1280x1024', x: 0, y: 0 },
    { name: 'DUMMY1', mode: '1280x1024', x: 1280, y: 0 },
  ]);
  await start({ env: { ...monitors.environment, XDG_RUNTIME_DIR: folder } });
  const displays = (await status()).displays;
  expect(displays).toHaveLength(2);
  const { reply } = await drag(monitors);
  await monitors.arrange([{ name: 'DUMMY0', mode: '1280x1024', x: 0, y: 0 }]);
  await eventually(() => server.events.some(({ event }) => event === 'displays_changed'), {
    what: 'the news',
  });
  await monitors.ask('xdotool', 'key', 'ctrl+alt+shift+Escape');
  await nothingHeld(monitors);
  expect(await reply).toMatchObject({ outcomes: [{ status: 'failed' }] });
  await eventually(async () => (await status()).control === 'stopped', { what: 'a stopped desktop' });
  expect((await status()).displays).toHaveLength(1);
});

/** Everything that asks for the time of day gets it shifted by what a file says; monotonic time is left alone. */
const CLOCK = `
import { readFileSync } from 'node:fs';
const real = Date.now.bind(Date);
const offset = () => { try { return Number(readFileSync(process.env.TEST_OFFSET_FILE, 'utf8')) || 0; } catch { return 0; } };
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) { if (args.length === 0) super(real() + offset()); else super(...args); }
  static now() { return real() + offset(); }
};
`;

function mayMount(): boolean {
  const at = mkdtempSync(join(tmpdir(), 'deskhand-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at]).status === 0;
  if (mounted) spawnSync('umount', [at]);
  rmSync(at, { recursive: true, force: true });
  return mounted;
}

async function startServer(number?: string): Promise<{ child: ChildProcess; number: string }> {
  const child = spawn(
    'Xvfb',
    [
      ...(number === undefined ? [] : [`:${number}`]),
      ...['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp', '-ac', '-noreset'],
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  );
  const [said] = (await once(child.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { child, number: said.toString().trim() };
}
