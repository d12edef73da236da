import { join } from 'node:path';
import { silentLogger } from '@deskhand/base';
import { openX11ScreenCapture } from '@deskhand/daemon/capture';
import type { RawImage } from '@deskhand/daemon/ports';
import { openX11 } from '@deskhand/daemon/x11';
import type { FromDaemon, GuardState } from '@deskhand/protocol';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

const COLORS = {
  running: '#4da3ff',
  awaiting: '#ffb224',
  paused: '#c7d0da',
  stopped: '#ff6b6b',
  line: '#0b0e12',
};

/** The border and the ring, drawn by the guard of a real daemon and judged from screenshots another program made. */
describe('what guard draws over the desktop', () => {
  let desktop: XDesktop;
  let server: LinkServer;
  let daemon: DaemonProcess;
  let epoch = 0;

  beforeAll(async () => {
    desktop = await startXDesktop({ width: 1280, height: 800 });
    await desktop.ask('xsetroot', '-solid', '#204060');
    server = await LinkServer.start();
    daemon = await DaemonProcess.start({
      server: server.url,
      env: { ...desktop.environment, DESKHAND_TARGET_RING_MS: '1000' },
    });
  });
  afterEach(async () => {
    server.stopLease();
    await using guard = await daemon.guard();
    await guard.request({ type: 'reset', by: 'cli' });
    await guard.request({ type: 'resume', by: 'cli' });
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await desktop?.[Symbol.asyncDispose]();
  });

  const drive = () => {
    epoch += 1;
    server.lease({ epoch, leaseId: `lease-${epoch}`, runId: `run_${epoch}` });
  };

  async function shot() {
    const file = join(desktop.folder, 'shot.png');
    await desktop.ask('import', '-window', 'root', file);
    const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) =>
      `#${data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3).toString('hex')}`;
    return { at, width: info.width, height: info.height };
  }
  const shows = (check: (picture: Awaited<ReturnType<typeof shot>>) => void) =>
    eventually(async () => {
      check(await shot());
      return true;
    });

  it('[LOCAL8] nothing while nobody drives, blue on all four edges while the agent does', async () => {
    await shows(({ at }) => expect(at(600, 0)).toBe('#204060'));
    drive();
    await shows(({ at, width, height }) => {
      const edges = [at(600, 0), at(600, height - 1), at(0, 400), at(width - 1, 400), at(0, 0)];
      expect(new Set(edges)).toEqual(new Set([COLORS.running]));
      // The dark line inside makes it visible on white, too; what is further in is the desktop’s.
      expect([at(600, 3), at(600, height - 4), at(3, 400), at(width - 4, 400)]).toEqual(
        Array(4).fill(COLORS.line),
      );
      expect(at(600, 4)).toBe('#204060');
    });
  });

  it('amber and thicker for a decision, dashed while paused, red when stopped', async () => {
    drive();
    await shows(({ at }) => expect(at(600, 0)).toBe(COLORS.running));
    server.send({
      ...{ type: 'narrate', runId: `run_${epoch}`, status: 'awaiting_human', awaitingReason: 'Which?' },
      ...{ step: 1, maxSteps: 9, costCents: 0 },
    });
    await shows(({ at }) => expect([at(600, 0), at(600, 4)]).toEqual([COLORS.awaiting, COLORS.awaiting]));
    await using guard = await daemon.guard();
    await guard.request({ type: 'pause', reason: 'test' });
    await shows(({ at }) => {
      const row = Array.from({ length: 400 }, (_, index) => at(200 + index, 0));
      const runs = row.join(' ').match(/(#c7d0da ?)+/g) ?? [];
      expect(runs.length).toBeGreaterThanOrEqual(9);
      expect(new Set(row)).toEqual(new Set([COLORS.paused, '#204060']));
    });
    await guard.request({ type: 'stop', by: 'cli' });
    await shows(({ at }) => expect(at(600, 0)).toBe(COLORS.stopped));
  });

  it('says that nobody is in control any more when the daemon hangs', async () => {
    drive();
    await shows(({ at }) => expect(at(600, 0)).toBe(COLORS.running));
    process.kill(daemon.pid, 'SIGSTOP');
    try {
      await shows(({ at }) => expect([at(600, 0), at(606, 0), at(612, 0)]).toContain('#7a8591'));
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
    }
    await shows(({ at }) => expect(at(600, 0)).toBe(COLORS.running));
  });

  it('stays above a full-screen window, and lets a click through to it', async () => {
    drive();
    const window = await desktop.chromium(
      'data:text/html,<title>page</title><body style="background:%23fff">',
    );
    try {
      await desktop.ask('xdotool', 'windowactivate', '--sync', window.windowId as string, 'key', 'F11');
      await shows(({ at }) => {
        expect(at(600, 10)).toBe('#ffffff');
        expect([at(600, 0), at(0, 400), at(1279, 400)]).toEqual(Array(3).fill(COLORS.running));
      });
      await desktop.ask('xdotool', 'mousemove', '1278', '400');
      const under = await desktop.ask('xdotool', 'getmouselocation', '--shell');
      const [drawn, beneath] = [await drawnWindows(), /WINDOW=(\d+)/.exec(under)?.[1]];
      expect(drawn.length).toBeGreaterThanOrEqual(4);
      expect(drawn).not.toContain(Number(beneath));
    } finally {
      await window.close();
    }
  });

  it('has its windows and places told, covering nothing else', async () => {
    drive();
    await shows(({ at }) => expect(at(600, 0)).toBe(COLORS.running));
    const state = await guardState();
    const area = (state.drawn?.rects ?? []).reduce((sum, { width, height }) => sum + width * height, 0);
    expect(area).toBe(2 * 4 * 1280 + 2 * 4 * (800 - 8));
    for (const id of state.drawn?.windows ?? [])
      expect(await desktop.ask('xwininfo', '-id', String(id))).toContain('Deskhand border');
    // And the agent sees none of it.
    const { observation } = await server.observe();
    const frame = server.frames.get(observation?.frame?.geometry.frameId ?? '');
    const { data, info } = await sharp(frame).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const blue = [...Array(info.width).keys()].filter(
      (x) => (data[x * 3 + 2] ?? 0) > (data[x * 3] ?? 0) + 140,
    );
    expect(blue).toEqual([]);
  });

  it('a ring around the target before the pointer goes there, in no frame, and gone before the agent looks', async () => {
    drive();
    // Quick enough to look while it is there: another program would need as long as it stays.
    await using x = await openX11({ display: desktop.display, log: silentLogger });
    await using eyes = await openX11ScreenCapture({ connection: x, log: silentLogger });
    const [screen] = await eyes.displays();
    const whole = screen?.bounds ?? expect.fail('no display');
    const { signal } = new AbortController();
    const { observation } = await server.observe();
    await using panel = await daemon.local('panel');
    const heard: FromDaemon[] = [];
    panel.onMessage((message) => heard.push(message));
    panel.send({ type: 'subscribe', thumbnails: false });
    await panel.request({ type: 'command', name: 'status' });
    await desktop.ask('xdotool', 'mousemove', '50', '60');
    const act = server.act([{ type: 'move', point: { x: 640, y: 400 } }], {
      frameId: observation?.frame?.geometry.frameId,
      observe: {},
    });
    const ring = [
      [640, 380],
      [640, 419],
      [620, 400],
      [659, 400],
    ] as const;
    const colors = (image: RawImage) => ring.map(([left, top]) => colorAt(image, left, top));
    await eventually(
      async () => {
        const shown = await eyes.grabEverything(whole, { signal });
        expect(colors(shown)).toEqual(Array(4).fill(COLORS.running));
        expect(colorAt(shown, 640, 400)).toBe('#204060');
        return true;
      },
      { everyMs: 5 },
    );
    expect(await eyes.pointer()).toEqual({ x: 50, y: 60 });
    const frame = await eyes.grab(whole, { signal });
    expect(frame.left).toContainEqual({ x: 616, y: 376, width: 48, height: 48 });
    expect(colors(frame)).toEqual(Array(4).fill('#204060'));
    // The border is there as well, and in no frame either.
    expect(colorAt(frame, 600, 0)).toBe('#204060');
    expect(await act).toMatchObject({ type: 'result' });
    expect(await desktop.ask('xdotool', 'getmouselocation')).toContain('x:640 y:400');
    expect((await shot()).at(640, 380)).toBe('#204060');
    expect(heard).toContainEqual({
      type: 'target',
      rect: { x: 616, y: 376, width: 48, height: 48 },
      showMs: 1000,
    });
  });

  it('follows the display when it changes its size', async () => {
    drive();
    await shows(({ at }) => expect(at(600, 0)).toBe(COLORS.running));
    // A virtual server offers one mode; any other has to be described to it.
    const timing = ['60', '1024', '1024', '1024', '1024', '768', '768', '768', '768'];
    await desktop.ask('xrandr', '--newmode', 'smaller', ...timing);
    await desktop.ask('xrandr', '--addmode', 'screen', 'smaller');
    await desktop.ask('xrandr', '--output', 'screen', '--mode', 'smaller');
    try {
      await shows(({ at, width }) => {
        expect(width).toBe(1024);
        expect(at(1023, 400)).toBe(COLORS.running);
      });
    } finally {
      await desktop.ask('xrandr', '--output', 'screen', '--mode', '1280x800');
    }
  });

  it('costs nothing but itself: without a border the stop and the run go on', async () => {
    const bare = await DaemonProcess.start({
      server: server.url,
      env: { ...desktop.environment, DESKHAND_BORDER: 'off' },
    });
    try {
      await using guard = await bare.guard();
      expect(await guard.request({ type: 'status' })).toMatchObject({ drawn: { windows: [] } });
    } finally {
      await bare[Symbol.asyncDispose]();
    }
  });

  async function guardState(): Promise<GuardState> {
    await using guard = await daemon.guard();
    const state = await guard.request({ type: 'status' });
    if (state.type !== 'guard_state') throw new Error('no state');
    return state;
  }
  const drawnWindows = async () => (await guardState()).drawn?.windows ?? [];
});

function colorAt({ width, pixels }: RawImage, x: number, y: number): string {
  const at = (y * width + x) * 4;
  const [blue = 0, green = 0, red = 0] = pixels.subarray(at, at + 3);
  return `#${[red, green, blue].map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
