import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '@deskhand/base';
import { FrameEncoder, layoutIdOf, OVERLAY_PROPERTY, openX11ScreenCapture } from '@deskhand/daemon/capture';
import { openX11 } from '@deskhand/daemon/x11';
import screenshot from 'screenshot-desktop';
import sharp from 'sharp';
import type { BenchTable } from './benchmark.ts';
import type { BusyDesktop } from './desktop-screen.ts';
import { brief, type Contender, race } from './statistics.ts';

const run = promisify(execFile);
const LONGEST_SIDE = 1280;
const QUALITY = 80;
/** What a caller of sharp writes who has not measured: its defaults, but for the quality. */
const JPEG = { quality: QUALITY };

/** Screen to a JPEG with a longest side of 1280, end to end; then our parts alone. */
export async function captureTable(
  busy: BusyDesktop,
  options: { rounds: number; signal: AbortSignal; progress: (line: string) => void },
): Promise<BenchTable> {
  const { desktop } = busy;
  const { signal } = options;
  await using connection = await openX11({ display: desktop.display, log: silentLogger });
  await using capture = await openX11ScreenCapture({ connection, log: silentLogger });
  const displays = await capture.displays();
  const [display] = displays;
  if (display === undefined) throw new Error('no display');
  const { width, height } = display.bounds;
  const encoder = new FrameEncoder();
  const layoutId = layoutIdOf(displays);
  const encode = (image: Parameters<FrameEncoder['encode']>[0], maxSidePx: number) =>
    encoder.encode(image, {
      region: display.bounds,
      display,
      layoutId,
      maxSidePx,
      mimeType: 'image/jpeg',
      quality: QUALITY,
      capturedAt: new Date(),
    });
  const small = await sharp(
    (await encode(await capture.grab(display.bounds, { signal }), LONGEST_SIDE)).bytes,
  )
    .raw()
    .toBuffer({ resolveWithObject: true });
  const target = { width: small.info.width, height: small.info.height };
  const resized = (input: ReturnType<typeof sharp>) =>
    input.resize(target.width, target.height, { fit: 'fill' });
  const environment = { env: desktop.environment, maxBuffer: 256 * 1024 * 1024, signal };
  const file = join(desktop.folder, 'shot.png');
  await using nut = startNutRival(busy, target);

  const contenders: Contender[] = [
    {
      name: 'deskhand',
      every: 1,
      work: async () =>
        (await encode(await capture.grab(display.bounds, { signal }), LONGEST_SIDE)).bytes.length,
    },
    {
      name: '· its copy of the screen alone',
      every: 1,
      work: async () => (await capture.grab(display.bounds, { signal })).pixels.length,
    },
    {
      name: '· its JPEG encoder alone (picture already small)',
      every: 1,
      work: async () =>
        (
          await sharp(small.data, { raw: { ...target, channels: 3 } })
            .jpeg({ quality: QUALITY, mozjpeg: false, optimiseCoding: false })
            .toBuffer()
        ).length,
    },
    {
      name: '· copy and encoder together',
      every: 1,
      work: async () => {
        // Asked for, since pixels nobody asks for stay with the server.
        if ((await capture.grab(display.bounds, { signal })).pixels.length === 0)
          throw new Error('no pixels');
        return (
          await sharp(small.data, { raw: { ...target, channels: 3 } })
            .jpeg({ quality: QUALITY, mozjpeg: false, optimiseCoding: false })
            .toBuffer()
        ).length;
      },
    },
    { name: 'nut-js grab → three channels → sharp', every: 1, work: () => nut.take('grab') },
    { name: 'nut-js grab → Jimp', every: 4, work: () => nut.take('jimp') },
    {
      name: 'screenshot-desktop (png) → sharp',
      every: 4,
      work: async () =>
        (
          await resized(sharp(await screenshot({ format: 'png' })))
            .jpeg(JPEG)
            .toBuffer()
        ).length,
    },
    {
      name: 'screenshot-desktop (jpg) → sharp',
      every: 4,
      work: async () =>
        (
          await resized(sharp(await screenshot({ format: 'jpg' })))
            .jpeg(JPEG)
            .toBuffer()
        ).length,
    },
    { name: 'nut-js PNG file, read back, full size', every: 4, work: () => nut.take('file') },
    {
      name: 'scrot file → sharp',
      every: 4,
      work: async () => {
        await run('scrot', ['--overwrite', file], environment);
        return (
          await resized(sharp(await readFile(file)))
            .jpeg(JPEG)
            .toBuffer()
        ).length;
      },
    },
    {
      name: 'ImageMagick import → sharp',
      every: 4,
      work: async () => {
        const { stdout } = await run('import', ['-silent', '-window', 'root', 'png:-'], {
          ...environment,
          encoding: 'buffer',
        });
        return (await resized(sharp(stdout)).jpeg(JPEG).toBuffer()).length;
      },
    },
  ];
  options.progress(`  ${contenders.length} ways to take a picture, ${options.rounds} rounds`);
  const results = await race(contenders, options);
  const python = await pillow(busy, target, Math.ceil(options.rounds / 2), signal);
  if (python !== null) results.push(python);
  const ours = results[0]?.medianMs ?? Number.NaN;
  return {
    title: `Screen ${width}x${height} → JPEG ${target.width}x${target.height}, quality ${QUALITY}`,
    note: 'Times end to end, taken in turn in one run, each round in another order; factor = median / our median.',
    columns: ['way', 'median ms', 'p95 ms', 'factor', 'KB', 'n'],
    rows: results.map(({ name, medianMs, p95Ms, bytes, count, failure }) =>
      failure === null
        ? [name, brief(medianMs), brief(p95Ms), brief(medianMs / ours), Math.round(bytes / 1024), count]
        : [`${name}: ${failure}`, null, null, null, null, 0],
    ),
  };
}

/** A panel in the corner and a border, as a run shows them: what leaving them out costs. */
export async function overlayTable(
  busy: BusyDesktop,
  options: { rounds: number; signal: AbortSignal; compositor?: string },
): Promise<BenchTable> {
  const { display: name } = busy.desktop;
  const { signal } = options;
  await using connection = await openX11({ display: name, log: silentLogger });
  await using capture = await openX11ScreenCapture({ connection, log: silentLogger });
  await using overlay = await openX11({ display: name, log: silentLogger });
  const [display] = await capture.displays();
  if (display === undefined) throw new Error('no display');
  const { width, height } = display.bounds;
  const windows = [
    { x: width - 400, y: height - 540, width: 380, height: 520 },
    { x: 0, y: 0, width, height: 4 },
    { x: 0, y: height - 4, width, height: 4 },
    { x: 0, y: 4, width: 4, height: height - 8 },
    { x: width - 4, y: 4, width: 4, height: height - 8 },
  ];
  for (const place of windows) {
    const window = await overlay.createWindow(place, { overrideRedirect: 1, backgroundPixel: 0xff00ff });
    await overlay.changeProperty(window, OVERLAY_PROPERTY, 'CARDINAL', { format: 32, data: [1] });
    await overlay.mapWindow(window);
  }
  let shown = 0;
  const whole = async () => (await capture.grabEverything(display.bounds, { signal })).pixels.length;
  const results = await race(
    [
      { name: 'plain copy of the screen, overlay in it', every: 1, work: whole },
      {
        name: 'panel and border left out, what is beneath shown',
        every: 1,
        work: async () => {
          const { pixels } = await capture.grab(display.bounds, { signal });
          // One pixel of the panel, one of the border.
          for (const at of [(height - 300) * width + width - 200, width >> 1])
            if (pixels[at * 4] === 255 && pixels[at * 4 + 1] === 0 && pixels[at * 4 + 2] === 255) shown += 1;
          return pixels.length;
        },
      },
    ],
    options,
  );
  const plain = results[0]?.medianMs ?? Number.NaN;
  return {
    title: `The overlay left out, ${width}x${height}${options.compositor === undefined ? '' : `, beside ${options.compositor}`}`,
    note: `In turn, on the screen of above. The overlay was seen in ${shown} of the second kind.`,
    columns: ['way', 'median ms', 'p95 ms', 'more than plain, ms', 'n'],
    rows: results.map(({ name: way, medianMs, p95Ms, count }) => [
      way,
      brief(medianMs),
      brief(p95Ms),
      brief(medianMs - plain),
      count,
    ]),
  };
}

/** nut-js in a process of its own, which it may end; it takes its own time. */
function startNutRival({ desktop }: BusyDesktop, target: { width: number; height: number }) {
  const child = fork(new URL('desktop-nut-rival.ts', import.meta.url).pathname, [], {
    env: { ...desktop.environment, WIDTH: String(target.width), HEIGHT: String(target.height) },
    cwd: desktop.folder,
  });
  const gone = new AbortController();
  child.once('exit', () => gone.abort(new Error('its process ended')));
  return {
    async take(way: 'grab' | 'jimp' | 'file'): Promise<{ bytes: number; ms: number }> {
      if (!child.connected) throw new Error('its process ended');
      child.send(way);
      const [answer] = await once(child, 'message', gone);
      return answer as { bytes: number; ms: number };
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Timed inside Python, so the interpreter's start is not counted. */
async function pillow(
  { desktop }: BusyDesktop,
  target: { width: number; height: number },
  rounds: number,
  signal: AbortSignal,
) {
  const program = `
import io, json, time
from PIL import ImageGrab
times, size = [], 0
for n in range(${rounds + 1}):
    begin = time.perf_counter()
    out = io.BytesIO()
    ImageGrab.grab().convert('RGB').resize((${target.width}, ${target.height})).save(out, 'JPEG', quality=${QUALITY})
    times.append((time.perf_counter() - begin) * 1000)
    size = len(out.getvalue())
print(json.dumps({'times': sorted(times[1:]), 'size': size}))
`;
  try {
    const { stdout } = await run('/usr/bin/python3', ['-c', program], { env: desktop.environment, signal });
    const { times, size } = JSON.parse(stdout) as { times: number[]; size: number };
    const pick = (share: number) =>
      times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? Number.NaN;
    return {
      name: 'PIL ImageGrab → resize → JPEG (Python, in process)',
      medianMs: pick(0.5),
      p95Ms: pick(0.95),
      bytes: size,
      count: times.length,
      failure: null,
    };
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
