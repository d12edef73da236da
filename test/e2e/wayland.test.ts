import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '@deskhand/base';
import { openWaylandScreenCapture, type WaylandScreenCapture } from '@deskhand/daemon/capture/wayland';
import { findDisplayServer } from '@deskhand/daemon/display-server';
import { openWaylandInputBackend, type WaylandInputBackend } from '@deskhand/daemon/input/wayland';
import { openSenses, type Senses } from '@deskhand/daemon/senses';
import { SwayWindowSystem } from '@deskhand/daemon/windows/sway';
import { centerOf, type Rect, type SenseCheck } from '@deskhand/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { slowDrag } from '../helpers/slow-drag.ts';
import { StandInPortal } from '../helpers/stand-in-portal.ts';
import {
  startWaylandDesktop,
  startWaylandWitness,
  type WaylandDesktop,
  type WaylandWitness,
} from '../helpers/wayland-desktop.ts';
import { TYPING_CORPUS } from './typing-corpus.ts';

const run = promisify(execFile);
const SIZE = { width: 1000, height: 700 };
const { signal } = new AbortController();
const open = () => {};

/** Rows of [red, green, blue] as another program sees the screen. */
async function asGrimSeesIt(
  desktop: WaylandDesktop,
): Promise<{ width: number; height: number; rgb: Buffer }> {
  const { stdout } = await run('grim', ['-t', 'ppm', '-'], {
    env: desktop.environment,
    encoding: 'buffer',
    maxBuffer: 64 * 1024 * 1024,
  });
  const [, width, height] = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(stdout.toString('latin1', 0, 40)) ?? [];
  const bytes = Number(width) * Number(height) * 3;
  return { width: Number(width), height: Number(height), rgb: stdout.subarray(stdout.length - bytes) };
}

function differentPixels(bgrx: Uint8Array, rgb: Buffer): number {
  let different = 0;
  for (let at = 0, other = 0; other < rgb.length; at += 4, other += 3)
    if (bgrx[at + 2] !== rgb[other] || bgrx[at + 1] !== rgb[other + 1] || bgrx[at] !== rgb[other + 2])
      different += 1;
  return different;
}

describe('eyes on a real Wayland compositor', () => {
  let desktop: WaylandDesktop;
  let capture: WaylandScreenCapture;
  let hands: WaylandInputBackend;
  let ask: () => Promise<WaylandWitness>;

  beforeAll(async () => {
    desktop = await startWaylandDesktop(SIZE);
    const patches = [
      { x: 40, y: 30, width: 200, height: 100, color: [200, 30, 60] },
      { x: 500, y: 420, width: 37, height: 211, color: [10, 220, 90] },
    ];
    ({ ask } = await startWaylandWitness(desktop, { ...SIZE, patches }));
    capture = await openWaylandScreenCapture({ socket: desktop.socket, log: silentLogger });
    hands = await openWaylandInputBackend({ socket: desktop.socket, log: silentLogger });
  }, 60_000);
  afterAll(async () => {
    await hands?.[Symbol.asyncDispose]();
    await capture?.[Symbol.asyncDispose]();
    await desktop?.[Symbol.asyncDispose]();
  });

  async function isAsGrimSeesIt(): Promise<{ width: number; height: number; scale: number }> {
    const [display] = await capture.displays();
    if (display === undefined) throw new Error('no display');
    // The window answers a new size in its own time; two programs must agree once it has.
    await eventually(async () => {
      const theirs = await asGrimSeesIt(desktop);
      const ours = await capture.grab(display.bounds, { signal });
      expect([ours.width, ours.height]).toEqual([theirs.width, theirs.height]);
      expect(differentPixels(ours.pixels, theirs.rgb)).toBe(0);
      return true;
    });
    const { width, height } = display.bounds;
    return { width, height, scale: display.scale };
  }

  it('keeps its memory over many pictures', async () => {
    const region = { x: 0, y: 0, ...SIZE };
    const takeMany = async () => {
      for (let count = 0; count < 120; count += 1) await capture.grab(region, { signal });
      return process.memoryUsage().rss;
    };
    const before = await takeMany();
    expect((await takeMany()) - before).toBeLessThan(40 * 1024 * 1024);
  });

  it('sees what grim sees, to the pixel', async () => {
    expect(await isAsGrimSeesIt()).toEqual({ ...SIZE, scale: 1 });
  });

  it.each(['90', '180', '270', 'flipped', 'flipped-90', 'flipped-180', 'flipped-270'])(
    'sees a screen that is mounted %s upright',
    async (transform) => {
      await desktop.command(`output HEADLESS-1 transform ${transform}`);
      const quarter = transform.endsWith('90') || transform.endsWith('270');
      await eventually(async () => (await capture.displays())[0]?.bounds.width === (quarter ? 700 : 1000));
      await isAsGrimSeesIt();
    },
  );

  it.each([2, 1.25])('sees and hits physical pixels at scale %d', async (scale) => {
    await desktop.command('output HEADLESS-1 transform normal');
    await desktop.command(`output HEADLESS-1 scale ${scale}`);
    await eventually(async () => Math.abs(((await capture.displays())[0]?.scale ?? 0) - scale) < 0.01);
    expect(await isAsGrimSeesIt()).toMatchObject(SIZE);
    await eventually(async () => {
      await hands.moveTo({ x: 10, y: 10 });
      return Math.floor(((await ask()).pointer?.x ?? 0) * scale) === 10;
    });
    const random = pseudoRandom(7);
    for (let trial = 0; trial < 300; trial += 1) {
      const point = { x: Math.floor(random() * SIZE.width), y: Math.floor(random() * SIZE.height) };
      await hands.moveTo(point);
      const seen = (await ask()).pointer;
      // What the compositor passes on is rounded to 1/256 of a logical pixel.
      expect([Math.floor((seen?.x ?? 0) * scale + 0.01), Math.floor((seen?.y ?? 0) * scale + 0.01)]).toEqual([
        point.x,
        point.y,
      ]);
    }
  });

  it('hears of a second output, left of the first, and sees it', async () => {
    await desktop.command('output HEADLESS-1 scale 1');
    const heard: number[] = [];
    const stop = capture.onDisplaysChanged((displays) => heard.push(displays.length));
    await desktop.command('create_output');
    await desktop.command('output HEADLESS-2 resolution 800x600 position -800 50 bg #ff0000 solid_color');
    await eventually(() => heard.includes(2));
    const second = await eventually(async () =>
      (await capture.displays()).find(({ bounds }) => bounds.x === -800 && bounds.width === 800),
    );
    await eventually(async () => {
      const { pixels } = await capture.grab({ x: -10, y: 60, width: 1, height: 1 }, { signal });
      return pixels[2] === 255 && pixels[1] === 0;
    });
    expect(second).toMatchObject({ bounds: { x: -800, y: 50, width: 800, height: 600 }, primary: false });
    stop();
  });
});

describe('hands on a real Wayland terminal (foot)', () => {
  let desktop: WaylandDesktop;
  let hands: WaylandInputBackend;
  const typed = () => readFile(join(desktop.folder, 'typed'), 'utf8');

  beforeAll(async () => {
    desktop = await startWaylandDesktop(SIZE);
    desktop.start('foot', ['-e', 'sh', '-c', 'stty -icanon -echo; touch ready; cat > typed']);
    await eventually(() => readFile(join(desktop.folder, 'ready'), 'utf8').then(() => true), {
      timeoutMs: 30_000,
    });
    hands = await openWaylandInputBackend({ socket: desktop.socket, log: silentLogger });
    // Its keyboard is the first of this seat: the terminal has the focus once a key arrives.
    await eventually(async () => {
      await hands.typeText('x', open, { signal });
      return (await typed()) !== '';
    });
    // What was typed before this has arrived before it.
    await hands.typeText('|', open, { signal });
    await eventually(async () => (await typed()).endsWith('|'));
  }, 60_000);
  afterAll(async () => {
    await hands?.[Symbol.asyncDispose]();
    await desktop?.[Symbol.asyncDispose]();
  });

  const texts: Record<string, string> = {
    ...TYPING_CORPUS,
    tabs: 'a\tb\t\tc',
    '300 different characters': Array.from({ length: 300 }, (_, index) =>
      String.fromCodePoint(0x4e00 + index * 7),
    ).join(''),
    'letters that Caps Lock would change': 'éÉ ñÑ aA',
  };
  it.each(Object.keys(texts))('types exactly: %s', async (name) => {
    const text = texts[name] as string;
    const before = (await typed()).length;
    await hands.typeText(text, open, { signal });
    await eventually(async () => {
      expect((await typed()).slice(before)).toBe(text);
      return true;
    });
  });

  it('types capitals as they are while Caps Lock is on, and leaves it on', async () => {
    await hands.key('caps_lock', true);
    await hands.key('caps_lock', false);
    const before = (await typed()).length;
    await hands.typeText('aB', open, { signal });
    for (const down of [true, false]) await hands.key('c', down);
    for (const down of [true, false]) await hands.key('caps_lock', down);
    for (const down of [true, false]) await hands.key('d', down);
    await eventually(async () => {
      expect((await typed()).slice(before)).toBe('aBCd');
      return true;
    });
  });
});

describe('windows of a real sway', () => {
  let desktop: WaylandDesktop;
  let windows: SwayWindowSystem;
  const same = (rect: Rect) => rect;
  const titled = async (title: string) => (await windows.windows()).find((window) => window.title === title);

  beforeAll(async () => {
    desktop = await startWaylandDesktop(SIZE);
    windows = new SwayWindowSystem({ socket: desktop.swaySocket, toDesktop: same, toLogical: same });
    for (const title of ['one', 'two']) {
      desktop.start('foot', ['-T', title, '-o', 'locked-title=yes', '-e', 'cat']);
      await eventually(() => titled(title), { timeoutMs: 30_000 });
    }
  }, 60_000);
  afterAll(() => desktop?.[Symbol.asyncDispose]());

  it('are listed with their places, and with the process that the compositor knows', async () => {
    const [one, two] = [await titled('one'), await titled('two')];
    expect(one?.bounds).toEqual({ x: 0, y: 0, width: 500, height: 700 });
    expect(two).toMatchObject({ bounds: { x: 500, y: 0, width: 500, height: 700 }, application: 'foot' });
    expect(await windows.identity(two?.id ?? '')).toMatchObject({ program: '/usr/bin/foot', pid: two?.pid });
    expect((await windows.windowAt({ x: 10, y: 10 }))?.id).toBe(one?.id);
    expect((await windows.windowAt({ x: 999, y: 699 }))?.id).toBe(two?.id);
  });

  it('get the focus, move above others, go away and close', async () => {
    const [one, two] = [await titled('one'), await titled('two')];
    if (one === undefined || two === undefined) throw new Error('a window is missing');
    await windows.focus(one.id);
    expect((await windows.activeWindow())?.id).toBe(one.id);
    await windows.move(one.id, { x: 300, y: 100, width: 400, height: 300 });
    await eventually(async () => (await titled('one'))?.bounds.width === 400);
    expect((await titled('one'))?.bounds).toEqual({ x: 300, y: 100, width: 400, height: 300 });
    // Above the other, which fills the screen now.
    expect((await windows.windowAt({ x: 310, y: 110 }))?.id).toBe(one.id);
    expect((await windows.windowAt({ x: 290, y: 110 }))?.id).toBe(two.id);
    await windows.maximize(two.id);
    await eventually(async () => (await windows.windowAt({ x: 310, y: 110 }))?.id === two.id);
    await windows.maximize(two.id, false);
    await windows.minimize(one.id);
    await eventually(async () => (await titled('one'))?.minimized);
    expect((await windows.windowAt({ x: 310, y: 110 }))?.id).toBe(two.id);
    await windows.close(two.id);
    await eventually(async () => (await titled('two')) === undefined);
    await expect(windows.focus(two.id)).rejects.toMatchObject({ code: 'WINDOW_NOT_FOUND' });
  });
});

describe('the elements of a GTK application on Wayland', () => {
  let desktop: WaylandDesktop;
  let bus: ChildProcess;
  let senses: Senses;
  let windows: SwayWindowSystem;
  let hands: WaylandInputBackend;

  beforeAll(async () => {
    desktop = await startWaylandDesktop(SIZE);
    bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address=1'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: desktop.environment,
    });
    const [line] = (await once(bus.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const env = { ...desktop.environment, DBUS_SESSION_BUS_ADDRESS: line.toString().trim() };
    const same = (rect: Rect) => rect;
    windows = new SwayWindowSystem({ socket: desktop.swaySocket, toDesktop: same, toLogical: same });
    senses = await openSenses({
      display: null,
      windows,
      env,
      dataDir: desktop.folder,
      virtual: false,
      log: silentLogger,
    });
    hands = await openWaylandInputBackend({ socket: desktop.socket, log: silentLogger });
    desktop.start('mousepad', ['--disable-server'], {
      ...env,
      GDK_BACKEND: 'wayland',
      // Toolkits build their tree only when asked to at their start.
      GTK_MODULES: 'gail:atk-bridge',
      NO_AT_BRIDGE: '0',
    });
  }, 60_000);
  afterAll(async () => {
    await hands?.[Symbol.asyncDispose]();
    await senses?.[Symbol.asyncDispose]();
    bus?.kill('SIGKILL');
    await desktop?.[Symbol.asyncDispose]();
  });

  const element = (name: string) =>
    eventually(async () => {
      const active = await windows.activeWindow();
      return (await senses.accessibility.elements(active, { signal })).find((found) => found.name === name);
    });
  const click = async ({ bounds }: { bounds: Rect }) => {
    await hands.moveTo(centerOf(bounds));
    await hands.button('left', true);
    await hands.button('left', false);
  };

  it('are where the tree says, also in a window that lies somewhere', async () => {
    const window = await eventually(() => windows.activeWindow());
    await windows.move(window.id, { x: 150, y: 120, width: 700, height: 500 });
    // GTK tells places within its window only; the window's own place is sway's word.
    await eventually(async () => {
      const { bounds } = await element('File');
      return bounds.x >= 150 && bounds.y >= 120;
    });
    await click(await element('File'));
    // GTK takes what comes within half a second for the end of the click that opened the menu, hence again. The
    // application is the judge: it ends.
    await eventually(
      async () => {
        const active = await windows.activeWindow();
        if (active === null) return true;
        const found = await senses.accessibility.elements(active, { signal });
        const quit = found.find(({ name }) => name === 'Quit');
        if (quit !== undefined) await click(quit);
        return false;
      },
      { everyMs: 700 },
    );
  });
});

describe('what a session is shown by', () => {
  let desktop: WaylandDesktop;
  beforeAll(async () => {
    desktop = await startWaylandDesktop(SIZE);
  }, 60_000);
  afterAll(() => desktop?.[Symbol.asyncDispose]());
  const find = (env: Record<string, string | undefined>) =>
    findDisplayServer(env, { platform: 'linux', dataDir: desktop.folder, log: silentLogger });

  it('is a compositor with its own protocols, also beside XWayland', async () => {
    const { socket, swaySocket } = desktop;
    expect(await find({ WAYLAND_DISPLAY: socket, SWAYSOCK: swaySocket, DISPLAY: ':0' })).toEqual({
      kind: 'wlroots',
      socket,
      sway: swaySocket,
    });
    const relative = { WAYLAND_DISPLAY: basename(socket), XDG_RUNTIME_DIR: dirname(socket) };
    expect(await find(relative)).toEqual({ kind: 'wlroots', socket, sway: null });
  });

  it('is the portal where the compositor offers nothing, X where there is no portal, else an error', async () => {
    await using portal = await StandInPortal.start(SIZE);
    const gone = { WAYLAND_DISPLAY: join(desktop.folder, 'nobody') };
    expect(await find({ ...gone, DBUS_SESSION_BUS_ADDRESS: portal.address, DISPLAY: ':0' })).toEqual({
      kind: 'portal',
      bus: portal.address,
      socket: gone.WAYLAND_DISPLAY,
      tokenFolder: desktop.folder,
    });
    expect(await find({ ...gone, DISPLAY: ':0' })).toEqual({ kind: 'x11', display: ':0' });
    await expect(find(gone)).rejects.toMatchObject({
      code: 'NO_DISPLAY',
      message: expect.stringContaining('--virtual'),
    });
    await expect(find({})).rejects.toMatchObject({ code: 'NO_DISPLAY' });
  });

  it('is examined by the doctor', async () => {
    const main = join(import.meta.dirname, '../../apps/daemon/src/doctor/main.ts');
    const { stdout } = await run(process.execPath, [main], {
      env: { ...process.env, ...desktop.environment, DISPLAY: '' },
    });
    const { checks } = JSON.parse(stdout) as { checks: SenseCheck[] };
    const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]));
    expect(states).toMatchObject({ displays: 'ok', capture: 'ok', input: 'ok', typing: 'ok', settle: 'ok' });
    expect(checks.find(({ name }) => name === 'capture')?.detail).toMatch(/^wlr-screencopy: 1000x700/);
    expect(checks.find(({ name }) => name === 'own windows')).toMatchObject({ state: 'warn' });
  });
});

describe('the whole daemon on a real Wayland compositor', () => {
  let desktop: WaylandDesktop;
  let server: LinkServer;
  let daemon: DaemonProcess;
  let ask: () => Promise<WaylandWitness>;

  beforeAll(async () => {
    desktop = await startWaylandDesktop(SIZE);
    ({ ask } = await startWaylandWitness(desktop, SIZE));
    server = await LinkServer.start();
  }, 60_000);
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await desktop?.[Symbol.asyncDispose]();
  });

  const start = async () => {
    server.stopLease();
    const hellos = server.hellos.length;
    const env = { ...process.env, ...desktop.environment, DESKHAND_ALLOW_UNARMED: '1' };
    daemon = await DaemonProcess.start({ server: server.url, env });
    await server.hello(hellos + 1);
    server.lease();
  };

  it('says what it is, sees the window and clicks where it was told', async () => {
    await start();
    expect(server.hellos.at(-1)?.capabilities).toMatchObject({
      capture: 'wlr-screencopy',
      input: 'wlr-virtual-input',
    });
    const { observation } = await server.observe();
    expect(observation?.frame?.geometry.image).toEqual(SIZE);
    const [window] = observation?.windows ?? [];
    expect(window).toMatchObject({ bounds: { x: 0, y: 0, ...SIZE }, active: true });
    await ask();
    const acted = await server.act([{ type: 'click', point: { x: 333, y: 222 } }], {
      frameId: observation?.frame?.geometry.frameId,
    });
    expect(acted).toMatchObject({ type: 'result' });
    const seen = await ask();
    expect(seen.events).toEqual(['press 1', 'release 1']);
    expect(seen.pointer && [Math.floor(seen.pointer.x), Math.floor(seen.pointer.y)]).toEqual([333, 222]);
  });

  it.each(['hands', 'all'])(
    'leaves nothing held when %s are killed in the middle of a drag',
    async (whom) => {
      const { observation } = await server.observe();
      void server.act([slowDrag()], { frameId: observation?.frame?.geometry.frameId }).catch(() => {});
      await eventually(async () => (await ask()).held.length === 2, { what: 'Shift and the button down' });
      const doomed =
        whom === 'hands' ? [daemon.handsPid()] : [daemon.pid, daemon.guardPid(), daemon.handsPid()];
      for (const pid of doomed) process.kill(pid, 'SIGKILL');
      await eventually(async () => {
        expect((await ask()).held).toEqual([]);
        return true;
      });
    },
  );
});

function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
