import { silentLogger } from '@deskhand/base';
import { openX11ScreenCapture } from '@deskhand/daemon/capture';
import { openX11, type X11Connection } from '@deskhand/daemon/x11';
import type { Rect } from '@deskhand/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type Display } from 'x11';
import { eventually, type RunningProgram, startXDesktop, type XDesktop } from '../helpers/x-desktop.ts';

const { signal } = new AbortController();
let desktop: XDesktop;
/** The overlay's side: another client, as guard and panel are. */
let overlay: X11Connection;
let editor: RunningProgram;

beforeAll(async () => {
  desktop = await startXDesktop({ width: 1280, height: 800 });
  overlay = await openX11({ display: desktop.display, log: silentLogger });
  await desktop.xterm('sh', '-c', 'seq 1 300; exec sleep 1000');
  editor = await desktop.mousepad();
});
afterAll(async () => {
  await overlay?.[Symbol.asyncDispose]();
  await desktop?.[Symbol.asyncDispose]();
});

const shown: number[] = [];
afterEach(async () => {
  for (const window of shown.splice(0)) await overlay.destroyWindow(window);
});

/** A window of ours, marked the way guard marks its own. */
async function showOverlay(rect: Rect, options: { color?: number; marked?: boolean } = {}): Promise<number> {
  const window = await overlay.createWindow(rect, {
    overrideRedirect: 1,
    backgroundPixel: options.color ?? 0xff00ff,
  });
  if (options.marked !== false)
    await overlay.changeProperty(window, '_DESKHAND_OVERLAY', 'CARDINAL', { format: 32, data: [1] });
  await overlay.mapWindow(window);
  shown.push(window);
  return window;
}

async function openEyes(options: { sharedMemory?: boolean; pids?: number[] } = {}) {
  const connection = await openX11({ display: desktop.display, log: silentLogger });
  const capture = await openX11ScreenCapture({
    connection,
    log: silentLogger,
    ...(options.sharedMemory === undefined ? {} : { sharedMemory: options.sharedMemory }),
    ownWindows: () => ({ windows: [], pids: options.pids ?? [] }),
  });
  const region = { x: 0, y: 0, width: 1280, height: 800 };
  return {
    capture,
    /** A copy, so that the next grab leaves it alone. */
    grab: async (place: Rect = region) => {
      const image = await capture.grab(place, { signal });
      return { left: image.left ?? [], pixels: Uint8Array.from(image.pixels) };
    },
    everything: async (place: Rect = region) =>
      Uint8Array.from((await capture.grabEverything(place, { signal })).pixels),
    async [Symbol.asyncDispose]() {
      await capture[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}
type Eyes = Awaited<ReturnType<typeof openEyes>>;

/** Pixels whose colour differs; the fourth byte means nothing. */
function differing(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let count = 0;
  for (let at = 0; at < a.length; at += 4)
    if (a[at] !== b[at] || a[at + 1] !== b[at + 1] || a[at + 2] !== b[at + 2]) count += 1;
  return count;
}

/** The screen without any overlay, once it has come to rest. */
async function groundTruth(eyes: Eyes): Promise<Uint8Array> {
  return eventually(async () => {
    const first = await eyes.everything();
    await new Promise((resolve) => setTimeout(resolve, 150));
    const second = await eyes.everything();
    if (differing(first, second) !== 0) throw new Error('the screen is not at rest');
    return second;
  }, 20_000);
}

const PANEL = { x: 700, y: 250, width: 380, height: 520 };
const STRIPS: Rect[] = [
  { x: 0, y: 0, width: 1280, height: 4 },
  { x: 0, y: 796, width: 1280, height: 4 },
  { x: 0, y: 4, width: 4, height: 792 },
  { x: 1276, y: 4, width: 4, height: 792 },
];

/** A window with an alpha channel, as transparent terminals have. @returns what takes it away. */
async function showHalfTransparent({ x, y, width, height }: Rect): Promise<() => Promise<void>> {
  const { client, screen } = await new Promise<Display>((resolve, reject) => {
    createClient({ display: desktop.display }, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const root = screen[0]?.root ?? 0;
  const visual = Number(Object.keys(screen[0]?.depths[32] ?? {})[0]);
  const colormap = client.AllocID();
  client.CreateColormap(colormap, root, visual, 0);
  const window = client.AllocID();
  const values = { overrideRedirect: 1, backgroundPixel: 0x80_19_59_26, borderPixel: 0, colormap };
  client.CreateWindow(window, root, x, y, width, height, 0, 32, 1, visual, values);
  client.MapWindow(window);
  return async () => {
    client.terminate();
  };
}

function overlayIsLeftOut(): void {
  it.each([true, false])(
    'not one pixel differs from the screen without it (shared memory: %s)',
    async (sharedMemory) => {
      await using eyes = await openEyes({ sharedMemory });
      const truth = await groundTruth(eyes);
      await showOverlay(PANEL);
      for (const strip of STRIPS) await showOverlay(strip, { color: 0x4da3ff });
      await eventually(async () =>
        expect(differing(await eyes.everything(), truth)).toBeGreaterThan(150_000),
      );
      // The very first picture may come before applications have painted what was hidden; none later may.
      await eyes.grab();
      await eventually(async () => {
        const { pixels, left } = await eyes.grab();
        expect(left).toHaveLength(5);
        expect(differing(pixels, truth)).toBe(0);
      });
    },
  );
}

describe('our own windows on an ordinary X desktop', () => {
  overlayIsLeftOut();

  it('a crop that touches them, one beside them, one beneath them', async () => {
    await using eyes = await openEyes();
    const truth = await groundTruth(eyes);
    await showOverlay(PANEL);
    await eyes.grab();
    const row = (pixels: Uint8Array, place: Rect) => {
      const rows: Uint8Array[] = [];
      for (let y = place.y; y < place.y + place.height; y += 1)
        rows.push(pixels.subarray((y * 1280 + place.x) * 4, (y * 1280 + place.x + place.width) * 4));
      return Uint8Array.from(Buffer.concat(rows));
    };
    for (const [place, touched] of [
      [{ x: 650, y: 200, width: 123, height: 77 }, 1],
      [{ x: 10, y: 10, width: 300, height: 200 }, 0],
      [{ x: 800, y: 300, width: 31, height: 17 }, 1],
    ] as const) {
      const { pixels, left } = await eyes.grab(place);
      expect(left).toHaveLength(touched);
      expect(differing(pixels, row(truth, place))).toBe(0);
    }
  });

  it('what changes beneath them is seen at once', async () => {
    await using eyes = await openEyes();
    await showOverlay(PANEL);
    await eyes.grab();
    const patch = { x: 800, y: 400, width: 50, height: 40 };
    const application = await overlay.createWindow(patch, { overrideRedirect: 1, backgroundPixel: 0x12ab34 });
    await overlay.mapWindow(application);
    shown.push(application);
    await overlay.configureWindow(shown[0] as number, { stackMode: 0 });
    const { pixels } = await eyes.grab(patch);
    expect([pixels[0], pixels[1], pixels[2]]).toEqual([0x34, 0xab, 0x12]);
    await overlay.configureWindow(application, { x: 820, y: 420 });
    const moved = await eyes.grab({ x: 860, y: 450, width: 1, height: 1 });
    expect([...moved.pixels.subarray(0, 3)]).toEqual([0x34, 0xab, 0x12]);
    // Resized windows get new pixels on the server.
    await overlay.configureWindow(application, { x: 760, width: 200 });
    const resized = await eyes.grab({ x: 765, y: 425, width: 1, height: 1 });
    expect([...resized.pixels.subarray(0, 3)]).toEqual([0x34, 0xab, 0x12]);
  });

  it('shaped windows: only the outline is theirs, above and below', async () => {
    await using eyes = await openEyes();
    const shape = await overlay.require('shape');
    const application = await overlay.createWindow(
      { x: 720, y: 270, width: 100, height: 100 },
      { overrideRedirect: 1, backgroundPixel: 0x00ff00 },
    );
    await shape.setRectangles(application, 0, [{ x: 0, y: 0, width: 100, height: 30 }]);
    await overlay.mapWindow(application);
    shown.push(application);
    const truth = await groundTruth(eyes);
    const panel = await showOverlay(PANEL);
    await shape.setRectangles(panel, 0, [{ x: 0, y: 0, width: 380, height: 60 }]);
    await eyes.grab();
    await eventually(async () => expect(differing((await eyes.grab()).pixels, truth)).toBe(0));
    await shape.setRectangles(application, 0, [{ x: 50, y: 0, width: 50, height: 100 }]);
    await eventually(async () => {
      const { pixels } = await eyes.grab({ x: 725, y: 275, width: 1, height: 1 });
      expect([...pixels.subarray(0, 3)]).not.toEqual([0, 255, 0]);
    });
  });

  it('are told by the process they belong to, frames and popups included', async () => {
    await using plain = await openEyes();
    const truth = await groundTruth(plain);
    let panel: RunningProgram | undefined;
    try {
      panel = await desktop.xterm('sh', '-c', 'exec sleep 1000');
      // The focus goes back to where it was: title bars tell of it.
      await desktop.ask('xdotool', 'windowactivate', '--sync', editor.windowId ?? '');
      await using eyes = await openEyes({ pids: [panel.pid] });
      await eventually(async () => expect(differing(await eyes.everything(), truth)).toBeGreaterThan(10_000));
      await eyes.grab();
      await eventually(async () => {
        const { pixels, left } = await eyes.grab();
        expect(left).toHaveLength(1);
        expect(differing(pixels, truth)).toBe(0);
      });
    } finally {
      await panel?.close();
    }
  });

  it('windows that come and go in a storm spoil no picture', async () => {
    await using eyes = await openEyes();
    await groundTruth(eyes);
    const panel = await showOverlay(PANEL);
    await eyes.grab();
    let storming = true;
    const storm = (async () => {
      for (let round = 0; storming; round += 1) {
        const window = await overlay.createWindow(
          { x: 100, y: 100, width: 60, height: 60 },
          { overrideRedirect: 1, backgroundPixel: 0x00ff00 },
        );
        await overlay.mapWindow(window);
        await overlay.configureWindow(window, { x: 100 + (round % 50), width: 60 + (round % 9) });
        await overlay.configureWindow(panel, { x: PANEL.x + (round % 40) });
        await overlay.destroyWindow(window);
      }
    })();
    try {
      for (let round = 0; round < 60; round += 1) {
        const { pixels, left } = await eyes.grab();
        expect(left.length).toBe(1);
        let magenta = 0;
        for (let at = 0; at < pixels.length; at += 4)
          if (pixels[at] === 255 && pixels[at + 1] === 0 && pixels[at + 2] === 255) magenta += 1;
        expect(magenta).toBe(0);
      }
    } finally {
      storming = false;
      await storm;
    }
  });

  it('a strange window is no overlay', async () => {
    await using eyes = await openEyes({ pids: [999_999_998] });
    await showOverlay(PANEL, { marked: false });
    const { left, pixels } = await eyes.grab({ x: 800, y: 400, width: 1, height: 1 });
    expect(left).toEqual([]);
    expect([...pixels.subarray(0, 3)]).toEqual([255, 0, 255]);
  });
});

describe('our own windows with a compositor', () => {
  let picom: RunningProgram;
  beforeAll(async () => {
    picom = desktop.start('picom', [
      '--backend',
      'xrender',
      '--config',
      '/dev/null',
      '--no-fading-openclose',
    ]);
    await eventually(async () => {
      await using x = await openX11({ display: desktop.display, log: silentLogger });
      expect(await x.selectionOwner(await x.atom('_NET_WM_CM_S0'))).not.toBe(0);
    });
  });
  afterAll(() => picom?.close());
  overlayIsLeftOut();

  it('half transparent windows beneath it are blended as the compositor does', async () => {
    await using eyes = await openEyes();
    const plain = await groundTruth(eyes);
    const done = await showHalfTransparent({ x: 650, y: 300, width: 200, height: 150 });
    try {
      const truth = await groundTruth(eyes);
      // Neither what was there nor the window's own colour: really blended.
      expect(differing(truth, plain)).toBeGreaterThan(20_000);
      await showOverlay(PANEL);
      await eyes.grab();
      await eventually(async () => expect(differing((await eyes.grab()).pixels, truth)).toBe(0));
    } finally {
      await done();
    }
  });
});
