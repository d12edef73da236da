import { silentLogger } from '@deskhand/base';
import { FrameEncoder, layoutIdOf, openX11ScreenCapture } from '@deskhand/daemon/capture';
import { openX11InputBackend } from '@deskhand/daemon/input';
import type { ScreenCapture } from '@deskhand/daemon/ports';
import { openX11 } from '@deskhand/daemon/x11';
import { type Display, type Frame, frameToDesktop, type Point } from '@deskhand/protocol';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type Display as XDisplay } from 'x11';
import { DaemonProcess } from '../helpers/daemon-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { LinkServer } from '../helpers/link-server.ts';
import { type Monitors, startMonitors } from '../helpers/monitors.ts';

const { signal } = new AbortController();
let monitors: Monitors;
beforeAll(async () => {
  monitors = await startMonitors();
});
afterAll(() => monitors?.[Symbol.asyncDispose]());

const TILE = 256;
const BUTTON_PRESS_MASK = 4;

/** An application over the whole desktop whose every pixel says where it is, and which tells what clicks reached it. */
async function openTarget(size: { width: number; height: number }) {
  const { client, screen } = await new Promise<XDisplay>((resolve, reject) => {
    createClient({ display: monitors.display }, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const root = screen[0]?.root ?? 0;
  const tile = Buffer.alloc(TILE * TILE * 4);
  for (let y = 0; y < TILE; y += 1)
    for (let x = 0; x < TILE; x += 1) tile.writeUInt32LE((x << 16) | (y << 8) | 0x7f, (y * TILE + x) * 4);
  const pixmap = client.AllocID();
  client.CreatePixmap(pixmap, root, 24, TILE, TILE);
  const gc = client.AllocID();
  client.CreateGC(gc, pixmap, {});
  // A request holds at most 256 KiB.
  for (let half = 0; half < 2; half += 1) {
    const rows = TILE / 2;
    const part = tile.subarray(half * rows * TILE * 4, (half + 1) * rows * TILE * 4);
    client.PutImage(2, pixmap, gc, TILE, rows, 0, half * rows, 0, 24, part);
  }
  const window = client.AllocID();
  client.CreateWindow(window, root, 0, 0, size.width, size.height, 0, 0, 1, 0, {
    overrideRedirect: 1,
    backgroundPixmap: pixmap,
    eventMask: BUTTON_PRESS_MASK,
  });
  client.MapWindow(window);
  const clicks: Point[] = [];
  client.on('event', (event: { name?: string; rootx: number; rooty: number }) => {
    if (event.name === 'ButtonPress') clicks.push({ x: event.rootx, y: event.rooty });
  });
  return {
    clicks,
    async [Symbol.asyncDispose]() {
      client.terminate();
    },
  };
}

/** The same numbers every time: a failure can be looked at again. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function lookAt(
  capture: ScreenCapture,
  display: Display,
  options: { maxSidePx: number; region?: Display['bounds'] },
): Promise<{ frame: Frame; pixels: Buffer }> {
  const region = options.region ?? display.bounds;
  const displays = await capture.displays();
  const { frame, bytes } = await new FrameEncoder().encode(await capture.grab(region, { signal }), {
    region,
    display,
    layoutId: layoutIdOf(displays),
    maxSidePx: options.maxSidePx,
    mimeType: 'image/png',
    capturedAt: new Date(),
  });
  return { frame, pixels: await sharp(bytes).removeAlpha().raw().toBuffer() };
}

type Output = { name: string; mode: string; x: number; y: number };
const SETUPS: ReadonlyArray<[name: string, outputs: Output[], dpi: number]> = [
  ['one display, 1920x1080', [{ name: 'DUMMY0', mode: '1920x1080', x: 0, y: 0 }], 96],
  [
    'two displays, the second left of and above the primary one',
    [
      { name: 'DUMMY0', mode: '1920x1080', x: 1280, y: 200 },
      { name: 'DUMMY1', mode: '1280x1024', x: 0, y: 0 },
    ],
    96,
  ],
  ['4K at scale 2', [{ name: 'DUMMY0', mode: '3840x2160', x: 0, y: 0 }], 192],
  ['1366x768 at scale 1.5', [{ name: 'DUMMY0', mode: '1366x768', x: 0, y: 0 }], 144],
];

describe('[GEO2] 1,000 random points of frames, clicked for real', () => {
  it.each(SETUPS)('%s: each arrives on the one pixel that was meant', async (_name, outputs, dpi) => {
    await monitors.arrange(outputs);
    await monitors.setDpi(dpi);
    await using connection = await openX11({ display: monitors.display, log: silentLogger });
    await using capture = await openX11ScreenCapture({ connection, log: silentLogger });
    await using input = await openX11InputBackend({
      connection: await openX11({ display: monitors.display, log: silentLogger }),
      log: silentLogger,
    });
    const displays = await eventually(
      async () => {
        const found = await capture.displays();
        return found.length === outputs.length && found.every(({ scale }) => scale === dpi / 96) && found;
      },
      { what: 'the displays' },
    );
    const right = Math.max(...displays.map(({ bounds }) => bounds.x + bounds.width));
    const bottom = Math.max(...displays.map(({ bounds }) => bounds.y + bounds.height));
    await using target = await openTarget({ width: right, height: bottom });
    await eventually(async () => {
      const pixel = await capture.grab({ x: right - 1, y: bottom - 1, width: 1, height: 1 }, { signal });
      return pixel.pixels[0] === 0x7f;
    });
    for (const { name, mode, x, y } of outputs) {
      const [width, height] = mode.split('x').map(Number);
      expect(displays.find((display) => display.name === name)?.bounds).toEqual({ x, y, width, height });
    }

    const random = pseudoRandom(outputs.length + dpi);
    const between = (from: number, to: number) => Math.floor(from + random() * (to - from));
    const frames: Array<{ frame: Frame; pixels: Buffer; whole: boolean }> = [];
    for (const display of displays) {
      const { x, y, width, height } = display.bounds;
      const crop = {
        x: x + between(0, width - 400),
        y: y + between(0, height - 300),
        width: 397,
        height: 291,
      };
      frames.push(
        { ...(await lookAt(capture, display, { maxSidePx: 8192 })), whole: true },
        { ...(await lookAt(capture, display, { maxSidePx: 1280 })), whole: false },
        { ...(await lookAt(capture, display, { maxSidePx: 8192, region: crop })), whole: true },
      );
    }
    const expected: Array<{ meant: Point; exact: boolean }> = [];
    const wrong: string[] = [];
    for (let round = 0; round < 1000; round += 1) {
      const { frame, pixels, whole } = frames[round % frames.length] as (typeof frames)[number];
      const { image, region } = frame.geometry;
      const point = { x: between(0, image.width), y: between(0, image.height) };
      const desktop = frameToDesktop(frame.geometry, point);
      await input.moveTo(desktop);
      await input.button('left', true);
      await input.button('left', false);
      if (whole) {
        // What the picture itself says about the pixel that was named.
        const at = (point.y * image.width + point.x) * 3;
        const shown = { x: pixels[at] as number, y: pixels[at + 1] as number };
        expected.push({ meant: shown, exact: true });
      } else {
        const meant = {
          x: region.x + ((point.x + 0.5) * region.width) / image.width - 0.5,
          y: region.y + ((point.y + 0.5) * region.height) / image.height - 0.5,
        };
        expected.push({ meant, exact: false });
      }
    }
    await eventually(() => target.clicks.length >= 1000, { what: 'a thousand clicks' });
    expect(target.clicks).toHaveLength(1000);
    target.clicks.forEach((click, index) => {
      const { meant, exact } = expected[index] as (typeof expected)[number];
      const hit = exact
        ? click.x % TILE === meant.x && click.y % TILE === meant.y
        : Math.abs(click.x - meant.x) <= 0.5 && Math.abs(click.y - meant.y) <= 0.5;
      if (!hit) wrong.push(`${click.x}, ${click.y} instead of ${meant.x}, ${meant.y} (exact: ${exact})`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('monitors that come and go during a run', () => {
  const two: Output[] = [
    { name: 'DUMMY0', mode: '1920x1080', x: 1280, y: 0 },
    { name: 'DUMMY1', mode: '1280x1024', x: 0, y: 0 },
  ];

  it('[FRAME3] a display that vanishes between decision and action: refused, told, and the daemon goes on', async () => {
    await monitors.setDpi(96);
    await monitors.arrange(two);
    await using server = await LinkServer.start();
    await using daemon = await DaemonProcess.start({ server: server.url, env: monitors.environment });
    server.lease();
    const second = await eventually(async () => {
      const { observation } = await server.observe({ displayId: 'x11:DUMMY1', settle: false });
      return observation?.frame;
    });
    expect(second.geometry.region).toEqual({ x: 0, y: 0, width: 1280, height: 1024 });
    const click = [{ type: 'click' as const, point: { x: 10, y: 10 } }];

    await monitors.arrange([{ name: 'DUMMY0', mode: '1920x1080', x: 0, y: 0 }]);
    const event = await eventually(() => server.events.find((found) => found.event === 'displays_changed'), {
      what: 'the event',
    });
    expect(event.displays?.map(({ id }) => id)).toEqual(['x11:DUMMY0']);
    expect(await server.act(click, { frameId: second.geometry.frameId })).toMatchObject({
      outcomes: [{ status: 'refused', code: 'FRAME_STALE' }],
    });
    await expect(server.observe({ displayId: 'x11:DUMMY1' })).rejects.toThrow('DISPLAY_UNAVAILABLE');
    const { observation } = await server.observe();
    expect(observation?.frame?.geometry).toMatchObject({
      displayId: 'x11:DUMMY0',
      region: { x: 0, y: 0, width: 1920, height: 1080 },
    });

    await monitors.arrange(two);
    const back = await eventually(async () => {
      const again = await server.observe({ displayId: 'x11:DUMMY1', settle: false }).catch(() => null);
      return again?.observation?.frame;
    });
    // As it was, but what was seen before is no longer known to be there.
    expect(await server.act(click, { frameId: second.geometry.frameId })).toMatchObject({
      outcomes: [{ status: 'refused', code: 'FRAME_STALE' }],
    });
    expect(back.geometry.region).toEqual({ x: 0, y: 0, width: 1280, height: 1024 });
    const reply = await server.act(click, { frameId: back.geometry.frameId });
    expect(reply).toMatchObject({ outcomes: [{ status: expect.not.stringMatching('refused|failed') }] });
    const pointer = await monitors.ask('xdotool', 'getmouselocation');
    expect(pointer).toContain('x:10 y:10');
    expect(daemon.ended).toBe(false);
  });

  it('[FRAME3] a display that vanishes in the middle of a drag: the drag ends there, says so, and lets go', async () => {
    await monitors.arrange(two);
    await using server = await LinkServer.start();
    await using daemon = await DaemonProcess.start({ server: server.url, env: monitors.environment });
    await using x = await openX11({ display: monitors.display, log: silentLogger });
    server.lease();
    const frame = await eventually(async () => {
      const { observation } = await server.observe({ displayId: 'x11:DUMMY1', settle: false });
      return observation?.frame;
    });
    const drag = {
      type: 'drag' as const,
      from: { x: 50, y: 60 },
      to: { x: 1200, y: 1000 },
      durationMs: 10_000,
    };
    const { frameId } = frame.geometry;
    const acting = server.act([drag], { frameId, deadlineMs: 60_000 });
    const BUTTON_1 = 1 << 8;
    await Promise.race([
      eventually(async () => ((await x.pointer()).mask & BUTTON_1) !== 0, { what: 'the button is down' }),
      acting.then((reply) => Promise.reject(new Error(`it ended early: ${JSON.stringify(reply)}`))),
    ]);
    await monitors.arrange([{ name: 'DUMMY0', mode: '1920x1080', x: 0, y: 0 }]);
    expect(await acting).toMatchObject({ outcomes: [{ status: 'failed', code: 'FRAME_STALE' }] });
    expect((await x.pointer()).mask & BUTTON_1).toBe(0);
    // Far from where it was going, and the hands go on with what is there now.
    expect((await x.pointer()).x).toBeLessThan(1200);
    const { observation } = await server.observe({ settle: false });
    const reply = await server.act([{ type: 'click', point: { x: 10, y: 10 } }], {
      frameId: observation?.frame?.geometry.frameId,
    });
    expect(reply).toMatchObject({ outcomes: [{ status: expect.not.stringMatching('refused|failed') }] });
    expect(daemon.ended).toBe(false);
  });
});
