import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { silentLogger, sleep } from '@deskhand/base';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { heldInputs } from '../helpers/held-inputs.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { LoginManager, SESSION_PATH } from '../helpers/login-manager.ts';
import { slowDrag } from '../helpers/slow-drag.ts';
import { DESKHAND } from '../helpers/up-process.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

const run = promisify(execFile);
let desktop: XDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
let login: LoginManager;
let locker: X11Connection;
let lockWindow = 0;
let epoch = 0;

beforeAll(async () => {
  login = await LoginManager.start();
  desktop = await startXDesktop();
  server = await LinkServer.start();
  const env = { ...desktop.environment, DBUS_SYSTEM_BUS_ADDRESS: login.address };
  daemon = await DaemonProcess.start({ server: server.url, env });
  locker = await openX11({ display: desktop.display, log: silentLogger });
});
afterAll(async () => {
  await locker?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
  await login?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  server.stopLease();
  if (epoch > 0) await server.command({ type: 'release', leaseId: `lease-${epoch}`, reason: 'test' });
  await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
});

async function status() {
  await using local = await daemon.local();
  const state = await local.request({ type: 'command', name: 'status' });
  if (state.type !== 'state') throw new Error(state.type);
  return state;
}

async function handBack(): Promise<void> {
  await using local = await daemon.local();
  await local.request({ type: 'command', name: 'hand_back' });
}

/** The agent in the middle of a drag, with Shift. */
async function drag(): Promise<{ reply: ReturnType<LinkServer['act']> }> {
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}` });
  const { observation } = await server.observe({ settle: false });
  const reply = server.act([slowDrag()], { frameId: observation?.frame?.geometry.frameId });
  await eventually(async () => (await heldInputs(desktop)).length === 2, {
    what: 'Shift and the button down',
  });
  return { reply };
}

const dbusSend = (...args: string[]) =>
  run('dbus-send', ['--session', '--type=signal', ...args], { env: desktop.environment });
const saver = (active: boolean) =>
  dbusSend('/org/freedesktop/ScreenSaver', 'org.freedesktop.ScreenSaver.ActiveChanged', `boolean:${active}`);
const manager = (asleep: boolean) => login.sleep(asleep);
const session = (member: 'Lock' | 'Unlock') =>
  login.signal(SESSION_PATH, 'org.freedesktop.login1.Session', member);
const front = (active: boolean) =>
  login.changed(SESSION_PATH, 'org.freedesktop.login1.Session', 'Active', active);
const lid = (closed: boolean) =>
  login.changed('/org/freedesktop/UPower', 'org.freedesktop.UPower', 'LidIsClosed', closed);

/** As lockers do: a window over everything that no window manager handles, and the keyboard. */
async function lockScreen(): Promise<void> {
  const { width, height } = locker.screen;
  lockWindow = locker.allocateId();
  await locker.checked('CreateWindow', (client) =>
    client.CreateWindow(lockWindow, locker.root, 0, 0, width, height, 0, 0, 0, 0, { overrideRedirect: 1 }),
  );
  await locker.mapWindow(lockWindow);
  await locker.answer<number>('GrabKeyboard', (reply, client) =>
    client.GrabKeyboard(lockWindow, 0, 0, 1, 1, reply),
  );
}
async function unlockScreen(): Promise<void> {
  locker.unchecked((client) => client.UngrabKeyboard(0));
  await locker.destroyWindow(lockWindow);
}

const CASES: ReadonlyArray<readonly [string, () => unknown, () => unknown, string]> = [
  ['the desktop’s lock screen', () => saver(true), () => saver(false), 'locked'],
  ['a lock by the login manager', () => session('Lock'), () => session('Unlock'), 'locked'],
  ['sleep', () => manager(true), () => manager(false), 'sleep'],
  ['another user in front', () => front(false), () => front(true), 'Another session'],
  ['the lid', () => lid(true), () => lid(false), 'lid'],
  ['a locker that tells nobody', lockScreen, unlockScreen, 'locked'],
];

describe.each(CASES)('[KILL10] %s', (_what, goAway, comeBack, word) => {
  it('in the middle of a drag: paused and let go; handed back only when it is over, by a person', async () => {
    const { reply } = await drag();
    await goAway();
    await eventually(async () => (await heldInputs(desktop)).length === 0, { what: 'nothing held' });
    expect(await reply).toMatchObject({ outcomes: [{ status: 'failed', code: 'PAUSED' }] });
    const state = await status();
    expect(state).toMatchObject({ control: 'paused', pauseKind: 'session' });
    expect(state.controlReason).toContain(word);
    expect(server.events.at(-1)).toMatchObject({ event: 'person_took_over' });
    await expect(handBack()).rejects.toMatchObject({ code: 'PAUSED' });
    await comeBack();
    await eventually(() => handBack().then(() => true), { what: 'a hand-back' });
    await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
  });

  it('with nothing under way: nothing may begin, and all is as before when it is over', async () => {
    await goAway();
    await eventually(async () => (await status()).control === 'paused', { what: 'a pause' });
    await comeBack();
    await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
  });
});

it('[KILL10] a stop that is reset while the screen is locked: nothing may run, and everybody is told why', async () => {
  await saver(true);
  await eventually(async () => (await status()).control === 'paused', { what: 'a pause' });
  await using guard = await daemon.guard();
  await guard.request({ type: 'stop', by: 'cli' });
  await eventually(async () => (await status()).control === 'stopped', { what: 'a stopped desktop' });
  const seen: string[] = [];
  await using panel = await daemon.local('panel');
  panel.onMessage((message) => {
    if (message.type === 'state') seen.push(`${message.control}: ${message.controlReason}`);
  });
  panel.send({ type: 'subscribe', thumbnails: false });
  const { stdout } = await run(DESKHAND, ['reset', '--yes', '--data', daemon.dataFolder], {
    env: { ...desktop.environment },
  });
  expect(stdout).toMatch(/^The stop is reset, but nothing may run yet: .*locked/);
  expect(await status()).toMatchObject({
    control: 'paused',
    pauseKind: 'session',
    controlReason: expect.stringContaining('locked'),
  });
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}` });
  expect(await server.act([{ type: 'key_press', keys: ['a'] }])).toMatchObject({
    outcomes: [{ status: 'refused', code: 'PAUSED' }],
  });
  await eventually(async () => (await guard.request({ type: 'status' })).type === 'guard_state');
  expect(await guard.request({ type: 'status' })).toMatchObject({ control: 'paused' });
  await saver(false);
  await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
  // Not for a moment did it look as if an agent might act.
  const told = seen.slice(0, seen.findLastIndex((state) => state.startsWith('paused')) + 1);
  expect(told.filter((state) => state.startsWith('armed'))).toEqual([]);
  expect(told.at(-1)).toMatch(/^paused: .*locked/);
});

it('[KILL10] another session’s lock, a small window and one without the keyboard are none of ours', async () => {
  login.signal('/org/freedesktop/login1/session/_99', 'org.freedesktop.login1.Session', 'Lock');
  login.changed('/org/freedesktop/login1/session/_99', 'org.freedesktop.login1.Session', 'Active', false);
  const window = locker.allocateId();
  await locker.checked('CreateWindow', (client) =>
    client.CreateWindow(window, locker.root, 0, 0, 300, 200, 0, 0, 0, 0, { overrideRedirect: 1 }),
  );
  await locker.mapWindow(window);
  // Everything before this pause and its end has been heard, too.
  await lockScreen();
  await eventually(async () => (await status()).control === 'paused', { what: 'a pause' });
  await unlockScreen();
  await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
  await locker.destroyWindow(window);
});

it('[KILL10] a window over everything that lets go of the keyboard was no locker, also while it stays', async () => {
  await lockScreen();
  await eventually(async () => (await status()).control === 'paused', { what: 'a pause' });
  locker.unchecked((client) => client.UngrabKeyboard(0));
  await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
  await unlockScreen();
});

it('[KILL10] windows that flash over everything while somebody has the keyboard are no lock', async () => {
  const { width, height } = locker.screen;
  await locker.answer<number>('GrabKeyboard', (reply, client) =>
    client.GrabKeyboard(locker.root, 0, 0, 1, 1, reply),
  );
  const pauses = () => server.events.filter(({ event }) => event !== 'resumed').length;
  const before = pauses();
  for (let flash = 0; flash < 60; flash += 1) {
    const window = await locker.createWindow({ x: 0, y: 0, width, height }, { overrideRedirect: 1 });
    await locker.mapWindow(window);
    await sleep(flash % 6);
    await locker.destroyWindow(window);
  }
  // What was taken for a lock would have been told by the time a real one is.
  await sleep(1000);
  locker.unchecked((client) => client.UngrabKeyboard(0));
  expect(pauses()).toBe(before);
  expect((await status()).control).toBe('armed');
});

describe('[KILL10] sleep waits', () => {
  it('until the agent’s keys and buttons are up, and is held up the next time, too', async () => {
    await eventually(() => login.delays === 1, { what: 'a lock that holds up sleep' });
    const { reply } = await drag();
    login.sleep(true);
    await eventually(() => login.delays === 0, { what: 'a computer that may sleep' });
    expect(await heldInputs(desktop)).toEqual([]);
    expect(await reply).toMatchObject({ outcomes: [{ code: 'PAUSED' }] });
    login.sleep(false);
    await eventually(() => login.delays === 1, { what: 'the next lock' });
    await eventually(() => handBack().then(() => true), { what: 'a hand-back' });
  });

  it('for nobody when the daemon was killed', async () => {
    await eventually(() => login.delays === 1, { what: 'a lock' });
    process.kill(daemon.pid, 'SIGKILL');
    await eventually(() => login.delays === 0, { what: 'no lock' });
  });
});
