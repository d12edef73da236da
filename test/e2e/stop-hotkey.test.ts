import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, sleep } from '@deskhand/base';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import type { CommandFailure, CommandResult } from '@deskhand/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { FrozenPart } from '../helpers/frozen-part.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { type PersonDesktop, startPersonDesktop } from '../helpers/person-desktop.ts';
import { slowDrag } from '../helpers/slow-drag.ts';
import { isAlive } from '../helpers/up-process.ts';

/** What may still arrive after the chord: events the X server and the application had already taken. */
const STRAGGLERS_MS = 100;
/** So long the X server must serve nobody else before it counts as grabbed. */
const GRABBED_MS = 1500;
/** Blocks the event loop of a process that gets SIGUSR2, until a file is there: busy, as no stopped process is. */
const SPINNER = (file: string) =>
  `data:text/javascript,${encodeURIComponent(
    `import { existsSync } from 'node:fs'; process.on('SIGUSR2', () => { while (!existsSync(${JSON.stringify(file)})); });`,
  )}`;
/** Esc of a PC keyboard, and Ctrl+Alt+Shift in the state mask. */
const ESCAPE_KEYCODE = 9;
const CHORD_MASK = 1 | 4 | 8;
/** Buttons 1 to 5 in a pointer's state. */
const ANY_BUTTON = 0x1f00;
const LONG_TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(223);

let desktop: PersonDesktop;
let server: LinkServer;
let daemon: DaemonProcess;
/** What really reached the application: a terminal in raw mode that writes each byte to a file. */
let received: string;
/** While it is missing, a daemon that was told to spins. */
let goOn: string;
let epoch = 0;
/** Data folders that outlived their first daemon. */
const folders: string[] = [];

beforeAll(async () => {
  desktop = await startPersonDesktop();
  server = await LinkServer.start();
  goOn = join(desktop.folder, 'go-on');
  daemon = await DaemonProcess.start({
    server: server.url,
    env: { ...desktop.environment, NODE_OPTIONS: `--import=${SPINNER(goOn)}` },
  });
  received = join(desktop.folder, 'received');
  writeFileSync(received, '');
  await desktop.xterm('sh', '-c', `stty raw -echo; exec cat > ${received}`);
});

afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
  if (desktop !== undefined) folders.push(desktop.folder);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await reset();
  epoch += 1;
  server.lease({ epoch, leaseId: `lease-${epoch}` });
  // The person's last key of the test before may have come up after the reset: that is a hand, and it pauses.
  await eventually(
    async () => {
      const { control } = await status();
      if (control === 'paused') await resume();
      return control === 'armed';
    },
    { what: 'an armed desktop' },
  );
});

describe('the stop chord on a real keyboard', () => {
  it('[KILL] is proven at start', async () => {
    expect((await status()).stopHotkey).toEqual({ chord: 'Ctrl+Alt+Shift+Esc', armed: true });
  });

  it('[KILL] ends typing at once, releases everything, latches, and says so', async () => {
    const { reply } = await startTyping();
    const handsPid = daemon.handsPid();
    await pressChord();
    await expectNothingMoreArrives();
    expect(isAlive(handsPid)).toBe(false);
    expect(await desktop.held()).toEqual([]);
    const latch = JSON.parse(readFileSync(daemon.runtime.latchFile, 'utf8'));
    expect(latch).toMatchObject({ by: 'hotkey', how_to_clear: expect.stringContaining('deskhand reset') });
    expect(outcomeOf(await reply)).toMatchObject({ status: 'failed' });
    await eventually(() => server.events.some(({ event }) => event === 'stopped'), { what: 'the event' });
    expect((await status()).control).toBe('stopped');
  });

  it('[KILL] works while the daemon is frozen', async () => {
    await startTyping();
    const handsPid = daemon.handsPid();
    process.kill(daemon.pid, 'SIGSTOP');
    try {
      await pressChord();
      await expectNothingMoreArrives();
      expect(isAlive(handsPid)).toBe(false);
      expect(existsSync(daemon.runtime.latchFile)).toBe(true);
      expect(await desktop.held()).toEqual([]);
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
    }
  });

  it('[KILL] works while the daemon’s event loop is blocked', async () => {
    await startTyping();
    const handsPid = daemon.handsPid();
    process.kill(daemon.pid, 'SIGUSR2');
    let answered = false;
    const answer = status().then(() => {
      answered = true;
    });
    try {
      await pressChord();
      await expectNothingMoreArrives();
      expect(isAlive(handsPid)).toBe(false);
      expect(existsSync(daemon.runtime.latchFile)).toBe(true);
      expect(await desktop.held()).toEqual([]);
      expect(answered).toBe(false);
    } finally {
      writeFileSync(goOn, '');
      await answer.catch(() => {});
      rmSync(goOn, { force: true });
    }
  });

  it.each([
    ['the chord', 'ctrl+alt+shift+Escape', 'stopped'],
    ['any key of a person', 'z', 'paused'],
  ])(
    '[KILL] hands that hang while the X server serves only them: %s frees the desktop',
    async (_what, key, control) => {
      await using other = await openX11({ display: desktop.display, log: silentLogger });
      const { reply } = await startTyping();
      const handsPid = await freezeHandsInTheirGrab(other);
      const served = other.sync();
      await desktop.person('key', key);
      await served;
      // Their connection ends a moment before they do.
      await eventually(() => !isAlive(handsPid), { what: 'the end of those hands' });
      await eventually(async () => (await desktop.held()).length === 0, { what: 'nothing held' });
      expect((await status()).control).toBe(control);
      expect(outcomeOf(await reply).status).toBe('failed');
      await expectNothingMoreArrives();
      await using local = await daemon.local();
      if (control === 'paused') await local.request({ type: 'command', name: 'hand_back' });
    },
  );

  it('[KILL] lets go while another program has the whole X server to itself', async () => {
    await using seer = await openX11({ display: desktop.display, log: silentLogger });
    await (await seer.require('xtest')).immuneToGrabs(true);
    const held = async () => {
      const [keys, { mask }] = await Promise.all([seer.keysDown(), seer.pointer()]);
      return keys.length + (mask & ANY_BUTTON ? 1 : 0);
    };
    const { observation } = await server.observe({ settle: false });
    const reply = server.act([slowDrag()], { frameId: observation?.frame?.geometry.frameId });
    await eventually(async () => (await held()) === 2, { what: 'Shift and the button down' });
    const other = await openX11({ display: desktop.display, log: silentLogger });
    try {
      other.unchecked((client) => client.GrabServer());
      await other.sync();
      await pressChord();
      await eventually(async () => (await held()) === 0, { what: 'nothing held' });
      await eventually(() => existsSync(daemon.runtime.latchFile), { what: 'the latch file' });
    } finally {
      await other[Symbol.asyncDispose]();
    }
    expect(outcomeOf(await reply).status).toBe('failed');
    expect(await desktop.held()).toEqual([]);
  });

  it.each(['frozen', 'gone'] as const)('[KILL] works while the panel is %s', async (how) => {
    await using panel = await FrozenPart.panel(daemon.runtime);
    await startTyping();
    const handsPid = daemon.handsPid();
    process.kill(panel.pid, how === 'frozen' ? 'SIGSTOP' : 'SIGKILL');
    await pressChord();
    await expectNothingMoreArrives();
    expect(isAlive(handsPid)).toBe(false);
    expect(await desktop.held()).toEqual([]);
  });

  it('[KILL] works while the server says nothing any more, before its lease is over', async () => {
    await startTyping();
    const handsPid = daemon.handsPid();
    server.cut();
    await pressChord();
    await expectNothingMoreArrives();
    expect(isAlive(handsPid)).toBe(false);
    expect(existsSync(daemon.runtime.latchFile)).toBe(true);
    expect(await desktop.held()).toEqual([]);
    await eventually(() => server.connected, { what: 'the link again' });
  });

  it('[KILL] works while another program holds the keyboard', async () => {
    const other = await openX11({ display: desktop.display, log: silentLogger });
    try {
      await other.checked('GrabKeyboard', (client) =>
        client.GrabKeyboard(other.root, 0, 0, 1, 1, () => true),
      );
      await pressChord();
      await eventually(() => existsSync(daemon.runtime.latchFile), { what: 'the latch file' });
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  it('[KILL] is also three presses of Escape, from a real keyboard only', async () => {
    await desktop.ask('xdotool', 'key', 'Escape', 'Escape', 'Escape', 'Escape');
    // The agent's way of pressing keys reaches the application and stops nothing.
    await eventually(() => readFileSync(received, 'latin1').endsWith('\u001b\u001b\u001b\u001b'));
    expect((await status()).control).toBe('armed');
    await desktop.person('key', 'Escape', 'Escape', 'Escape');
    await eventually(async () => (await status()).control === 'stopped', { what: 'a stopped desktop' });
  });

  it('[KILL] stays after every process was killed, until a person resets', async () => {
    await pressChord();
    await eventually(() => existsSync(daemon.runtime.latchFile));
    const { dataFolder } = daemon;
    folders.push(dataFolder);
    const family = daemon.family();
    await daemon.end('SIGKILL');
    for (const { pid } of family) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    await eventually(() => family.every(({ pid }) => !isAlive(pid)), { what: 'all gone' });
    const successor = await DaemonProcess.start({
      server: server.url,
      env: desktop.environment,
      dataFolder,
      paired: true,
    });
    daemon = successor;
    expect((await status()).control).toBe('stopped');
    server.lease({ epoch, leaseId: 'after-restart' });
    expect(outcomeOf(await server.act([{ type: 'key_press', keys: ['a'] }]))).toMatchObject({
      status: 'refused',
      code: 'LATCHED',
    });
    await reset();
    const before = readFileSync(received, 'latin1').length;
    await eventually(async () => {
      const reply = await server.act([{ type: 'type_text', text: 'b' }]);
      return outcomeOf(reply).code === undefined;
    });
    await eventually(() => readFileSync(received, 'latin1').length === before + 1);
  });
});

describe('the person’s own hands', () => {
  it('[KILL] a real key pauses at once, and nothing of it is swallowed', async () => {
    const { reply } = await startTyping();
    await desktop.person('key', 'z');
    await expectNothingMoreArrives();
    expect(readFileSync(received, 'latin1')).toContain('z');
    expect(await status()).toMatchObject({ control: 'paused', pauseKind: 'person_input' });
    expect(outcomeOf(await reply)).toMatchObject({ status: 'failed', code: 'PAUSED' });
    await eventually(() => server.events.at(-1)?.event === 'person_took_over', { what: 'the event' });
    expect(existsSync(daemon.runtime.latchFile)).toBe(false);
    await using local = await daemon.local();
    await local.request({ type: 'command', name: 'hand_back' });
    await eventually(() => server.events.at(-1)?.event === 'resumed', { what: 'the event' });
    expect(outcomeOf(await server.act([{ type: 'type_text', text: 'c' }])).status).not.toBe('refused');
  });

  it('[KILL] a real movement beyond 40 px pauses; a twitch and the agent’s own do not', async () => {
    await desktop.person('mousemove', '300', '300');
    await eventually(async () => (await desktop.ask('xdotool', 'getmouselocation')).startsWith('x:300 '), {
      what: 'the pointer there',
    });
    // Whatever that movement means to guard, it knows it before it answers this.
    await status();
    await resume();
    await desktop.person('mousemove', '310', '300');
    await desktop.ask('xdotool', 'mousemove', '900', '600', 'mousemove', '100', '100');
    const moves = Array.from({ length: 20 }, (_, index) => ({
      type: 'key_press' as const,
      keys: [index % 2 === 0 ? 'left' : 'right'],
    }));
    await server.act(moves);
    expect((await status()).control).toBe('armed');
    // A hand passes through many places; a busy nested display may tell two of them as one.
    let x = 600;
    await eventually(
      async () => {
        x = x === 600 ? 700 : 600;
        await desktop.person('mousemove', String(x), '300');
        return (await status()).pauseKind === 'person_input';
      },
      { what: 'a pause' },
    );
  });
});

/** The last of this file: it has a daemon of its own. */
describe('a stop chord that the X server gave to another program', () => {
  it('[KILL8] is told and logged; the chord and three Escapes stop all the same', async () => {
    await daemon[Symbol.asyncDispose]();
    await using other = await openX11({ display: desktop.display, log: silentLogger });
    await other.grabKey(other.root, ESCAPE_KEYCODE, CHORD_MASK);
    const args = ['--allow-unarmed'];
    daemon = await DaemonProcess.start({ server: server.url, env: desktop.environment, args });
    const reason = expect.stringContaining('Another program holds this chord');
    expect((await status()).stopHotkey).toMatchObject({ armed: false, reason });
    expect(daemon.log).toContain('Another program holds this chord');
    for (const keys of [['Escape', 'Escape', 'Escape'], ['ctrl+alt+shift+Escape']]) {
      epoch += 1;
      server.lease({ epoch, leaseId: `lease-${epoch}` });
      const { reply } = await startTyping();
      await desktop.person('key', ...keys);
      await expectNothingMoreArrives();
      await eventually(() => existsSync(daemon.runtime.latchFile), { what: 'the latch file' });
      expect(await desktop.held()).toEqual([]);
      expect(outcomeOf(await reply).status).toBe('failed');
      expect((await status()).control).toBe('stopped');
      await reset();
      await eventually(async () => (await status()).control === 'armed', { what: 'an armed desktop' });
    }
  });
});

async function status() {
  await using local = await daemon.local();
  const state = await local.request({ type: 'command', name: 'status' });
  if (state.type !== 'state') throw new Error(`status was answered with ${state.type}`);
  return state;
}

async function resume(): Promise<void> {
  await using local = await daemon.local();
  await local.request({ type: 'command', name: 'resume' });
}

async function reset(): Promise<void> {
  await using guard = await daemon.guard();
  await guard.request({ type: 'reset', by: 'cli' });
}

type Reply = CommandResult | CommandFailure;

/** Comes back when characters arrive. */
async function startTyping(): Promise<{ reply: Promise<Reply> }> {
  const reply = server.act([{ type: 'type_text', text: LONG_TEXT }]);
  await untilTyping();
  return { reply };
}

async function untilTyping(): Promise<void> {
  const before = readFileSync(received).length;
  await eventually(() => readFileSync(received).length > before + 50, { everyMs: 5, what: 'typing' });
}

/** Stops hands in the one moment in which nobody else is served; every key they press has one. */
async function freezeHandsInTheirGrab(other: X11Connection): Promise<number> {
  const pid = daemon.handsPid();
  return eventually(
    async () => {
      process.kill(pid, 'SIGSTOP');
      const served = other.sync().then(() => true);
      if (!(await Promise.race([served, sleep(GRABBED_MS).then(() => false)]))) return pid;
      process.kill(pid, 'SIGCONT');
      return 0;
    },
    { everyMs: 1, timeoutMs: 60_000, what: 'hands stopped within their grab' },
  );
}

async function pressChord(): Promise<void> {
  await desktop.person('key', 'ctrl+alt+shift+Escape');
}

async function expectNothingMoreArrives(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, STRAGGLERS_MS));
  const then = readFileSync(received, 'latin1');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(readFileSync(received, 'latin1').length).toBe(then.length);
}

function outcomeOf(reply: CommandResult | CommandFailure) {
  if (reply.type === 'failure') return { status: 'failure', code: reply.code };
  return reply.outcomes[0] ?? { status: 'none' };
}
