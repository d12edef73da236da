import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { silentLogger } from '@deskhand/base';
import { FrameEncoder, layoutIdOf, openX11ScreenCapture } from '@deskhand/daemon/capture';
import { openX11 } from '@deskhand/daemon/x11';
import { type Display, desktopToFrame, frameToDesktop } from '@deskhand/protocol';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

let desktop: XDesktop;
const { signal } = new AbortController();

beforeAll(async () => {
  desktop = await startXDesktop({ width: 1280, height: 800 });
});
afterAll(() => desktop?.[Symbol.asyncDispose]());

/** Everything one look needs, closed at the end of the test. */
async function openEyes(display = desktop.display) {
  const connection = await openX11({ display, log: silentLogger });
  const capture = await openX11ScreenCapture({ connection, log: silentLogger });
  const encoder = new FrameEncoder();
  const look = async (options: Partial<Parameters<FrameEncoder['encode']>[1]> = {}) => {
    const displays = await capture.displays();
    const [first] = displays;
    if (first === undefined) throw new Error('no display');
    const region = options.region ?? first.bounds;
    return encoder.encode(await capture.grab(region, { signal }), {
      region,
      display: first,
      layoutId: layoutIdOf(displays),
      maxSidePx: 4096,
      mimeType: 'image/png',
      capturedAt: new Date(),
      ...options,
    });
  };
  return {
    connection,
    capture,
    look,
    async [Symbol.asyncDispose]() {
      await capture[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}

async function colorAt(bytes: Uint8Array, x: number, y: number): Promise<number[]> {
  return [
    ...(await sharp(bytes).extract({ left: x, top: y, width: 1, height: 1 }).removeAlpha().raw().toBuffer()),
  ];
}

describe('frames of a real X server', () => {
  it('show what ImageMagick sees, pixel for pixel', async () => {
    await desktop.xterm('sh', '-c', 'seq 1 200; exec sleep 1000');
    await using eyes = await openEyes();
    await eventually(async () => {
      const file = `${desktop.folder}/judge.png`;
      await desktop.ask('import', '-silent', '-window', 'root', file);
      const theirs = await sharp(file).removeAlpha().raw().toBuffer();
      const ours = await sharp((await eyes.look()).bytes)
        .removeAlpha()
        .raw()
        .toBuffer();
      expect(ours.length).toBe(theirs.length);
      expect(ours.equals(theirs)).toBe(true);
    });
  });

  it('come through the socket, the same pixels, where shared memory has no room for them', async () => {
    await using connection = await openX11({ display: desktop.display, log: silentLogger });
    const full = () => Promise.reject(new Error('ENOSPC: no space left on device'));
    Object.assign(await connection.require('shm'), { createSegment: full });
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (message: string) => warnings.push(message) };
    await using narrow = await openX11ScreenCapture({ connection, log });
    await using eyes = await openEyes();
    const region = { x: 100, y: 50, width: 300, height: 200 };
    await eventually(async () => {
      const theirs = Buffer.from((await eyes.capture.grab(region, { signal })).pixels);
      const ours = Buffer.from((await narrow.grab(region, { signal })).pixels);
      expect(ours.equals(theirs)).toBe(true);
    });
    expect(warnings).toHaveLength(1);
  });

  it('a patch found in a shrunk frame is the patch on the desktop, to the pixel', async () => {
    await using eyes = await openEyes();
    const place = { x: 733, y: 411, width: 6, height: 6 };
    const window = await eyes.connection.createWindow(place, {
      overrideRedirect: 1,
      backgroundPixel: 0xff0000,
    });
    await eyes.connection.mapWindow(window);
    const { bytes, frame } = await eyes.look({ maxSidePx: 640 });
    const center = { x: place.x + 2.5, y: place.y + 2.5 };
    const inFrame = desktopToFrame(frame.geometry, center);
    const [red = 0, green = 0] = await colorAt(bytes, Math.round(inFrame.x), Math.round(inFrame.y));
    expect(red).toBeGreaterThan(200);
    expect(green).toBeLessThan(60);
    const back = frameToDesktop(frame.geometry, inFrame);
    expect(Math.abs(back.x - center.x)).toBeLessThanOrEqual(1);
    expect(Math.abs(back.y - center.y)).toBeLessThanOrEqual(1);
    await eyes.connection.destroyWindow(window);
  });

  it('masks hide, the pointer is drawn only when asked for, a zoom keeps full resolution', async () => {
    await using eyes = await openEyes();
    await desktop.ask('xdotool', 'mousemove', '900', '700');
    const plain = await eyes.look();
    const withPointer = await eyes.look({ pointer: await eyes.capture.pointerImage() });
    expect(
      await differs(plain.bytes, withPointer.bytes, { left: 895, top: 695, width: 20, height: 25 }),
    ).toBe(true);
    expect(await differs(plain.bytes, withPointer.bytes, { left: 0, top: 0, width: 800, height: 600 })).toBe(
      false,
    );
    const masked = await eyes.look({ masks: [{ x: 40, y: 40, width: 100, height: 50 }] });
    expect(await colorAt(masked.bytes, 40, 40)).toEqual([128, 128, 128]);
    expect(await colorAt(masked.bytes, 139, 89)).toEqual([128, 128, 128]);
    const region = { x: 101, y: 77, width: 333, height: 222 };
    const zoom = await eyes.look({ region, maxSidePx: 1280 });
    expect(zoom.frame.geometry.image).toEqual({ width: 333, height: 222 });
    const same = await sharp(plain.bytes)
      .extract({ left: 101, top: 77, width: 333, height: 222 })
      .raw()
      .toBuffer();
    expect((await sharp(zoom.bytes).raw().toBuffer()).equals(same)).toBe(true);
  });

  it('a display that changes its size is announced, has another layout, and is captured whole', async () => {
    await using eyes = await openEyes();
    const before = layoutIdOf(await eyes.capture.displays());
    const changed = new Promise<readonly Display[]>((resolve) => eyes.capture.onDisplaysChanged(resolve));
    // A virtual server offers one mode; any other has to be described to it.
    const timing = ['60', '1024', '1024', '1024', '1024', '768', '768', '768', '768'];
    await desktop.ask('xrandr', '--newmode', 'smaller', ...timing);
    await desktop.ask('xrandr', '--addmode', 'screen', 'smaller');
    await desktop.ask('xrandr', '--output', 'screen', '--mode', 'smaller');
    const [display] = await changed;
    expect(display?.bounds).toEqual({ x: 0, y: 0, width: 1024, height: 768 });
    expect(layoutIdOf(await eyes.capture.displays())).not.toBe(before);
    expect((await eyes.look()).frame.geometry.image).toEqual({ width: 1024, height: 768 });
    await expect(
      eyes.capture.grab({ x: 0, y: 0, width: 1280, height: 800 }, { signal }),
    ).rejects.toMatchObject({ code: 'DISPLAY_UNAVAILABLE' });
    await desktop.ask('xrandr', '--output', 'screen', '--mode', '1280x800');
    await eventually(async () => expect(layoutIdOf(await eyes.capture.displays())).toBe(before));
  });

  it('memory does not grow over many captures', async () => {
    await using eyes = await openEyes();
    const look = () => eyes.look({ maxSidePx: 640, mimeType: 'image/jpeg' });
    for (let round = 0; round < 50; round += 1) await look();
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 400; round += 1) await look();
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * 1024);
  });
});

describe('an X server that dies', () => {
  it('ends captures with an error, not the process', async () => {
    const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '640x480x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const [line] = (await once(server.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
    await using eyes = await openEyes(`:${line.toString().trim()}`);
    await eyes.look();
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
    expect(await eyes.connection.closed).toBeInstanceOf(Error);
    await expect(eyes.look()).rejects.toMatchObject({ code: 'DISPLAY_UNAVAILABLE' });
    await expect(openX11({ display: `:${line.toString().trim()}`, log: silentLogger })).rejects.toMatchObject(
      {
        code: 'DISPLAY_UNAVAILABLE',
      },
    );
  });
});

async function differs(
  a: Uint8Array,
  b: Uint8Array,
  area: { left: number; top: number; width: number; height: number },
): Promise<boolean> {
  const [first, second] = await Promise.all(
    [a, b].map((bytes) => sharp(bytes).extract(area).raw().toBuffer()),
  );
  return !(first as Buffer).equals(second as Buffer);
}
