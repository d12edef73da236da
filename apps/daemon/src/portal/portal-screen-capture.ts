import { type ChildProcess, spawn } from 'node:child_process';
import { raceSignal } from '@deskhand/base';
import {
  type Display,
  DisplayId,
  intersection,
  type Point,
  ProtocolError,
  type Rect,
} from '@deskhand/protocol';
import { demandRegion } from '../capture/demand-region.ts';
import type { RawImage, ScreenCapture } from '../ports.ts';
import { PortalDesktop, type PortalOptions } from './portal-desktop.ts';
import type { PortalStream } from './portal-streams.ts';

/** A monitor that shows nothing for this long is not being sent. */
const FIRST_FRAME_CEILING_MS = 10_000;
const FRAMES_PER_SECOND = 30;
const BYTES_PER_PIXEL = 4;

/** Starts what writes raw BGRx frames of a stream, exactly of its size, one after the other to standard output. */
export type StartFrames = (stream: PortalStream) => ChildProcess;

/** Asks the person the first time. @throws ProtocolError DISPLAY_UNAVAILABLE, SHARING_DECLINED, CAPTURE_FAILED */
export async function openPortalScreenCapture(
  options: PortalOptions & { startFrames?: StartFrames },
): Promise<PortalScreenCapture> {
  const desktop = await PortalDesktop.open({ ...options, purpose: 'look' });
  const capture = new PortalScreenCapture(desktop, options.startFrames ?? startGStreamer);
  try {
    await capture.start();
    return capture;
  } catch (error) {
    await capture[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The screen through org.freedesktop.portal.ScreenCast. PipeWire speaks no protocol that Node could, so GStreamer
 * turns each stream into raw frames on a pipe; the newest whole one is kept. A screen that does not change sends none.
 */
export class PortalScreenCapture implements ScreenCapture {
  readonly name = 'portal-screen-cast';
  readonly #desktop: PortalDesktop;
  readonly #feeds: readonly FrameFeed[];

  /** Use {@link openPortalScreenCapture}. */
  constructor(desktop: PortalDesktop, startFrames: StartFrames) {
    this.#desktop = desktop;
    this.#feeds = desktop.streams.map((stream) => new FrameFeed(stream, startFrames));
    void desktop.stopped.then(() => {
      for (const feed of this.#feeds) feed[Symbol.dispose]();
    });
  }

  async start(): Promise<void> {
    const signal = AbortSignal.timeout(FIRST_FRAME_CEILING_MS);
    await Promise.all(this.#feeds.map((feed) => raceSignal(feed.first, signal))).catch((cause) => {
      const message = signal.aborted
        ? 'The compositor sent no picture of the shared monitor in ten seconds.'
        : 'No picture came from the shared monitor; gst-launch-1.0 with its pipewiresrc element is needed (gstreamer1.0-tools, gstreamer1.0-pipewire).';
      throw new ProtocolError('CAPTURE_FAILED', message, {}, { cause });
    });
  }

  get lost(): Promise<ProtocolError> {
    return this.#desktop.lost;
  }

  async displays(): Promise<readonly Display[]> {
    return this.#desktop.streams.map(({ node, bounds, logical }, index) => ({
      id: DisplayId.parse(`portal:${bounds.x},${bounds.y}`),
      name: `shared monitor ${index + 1} (${node})`,
      bounds,
      scale: Math.round((bounds.width / logical.width) * 1000) / 1000,
      primary: index === 0,
    }));
  }

  /** What is shared stays as it was when the person agreed; see PortalDesktop.lost. */
  onDisplaysChanged(): () => void {
    return () => {};
  }

  async pointer(): Promise<Point | null> {
    return null;
  }

  async grab(region: Rect, options: { signal: AbortSignal }): Promise<RawImage> {
    options.signal.throwIfAborted();
    demandRegion(
      region,
      this.#feeds.map(({ stream }) => stream.bounds),
    );
    const { width, height } = region;
    const pixels = new Uint8Array(width * height * BYTES_PER_PIXEL);
    for (const feed of this.#feeds) feed.copyInto(pixels, region);
    return { width, height, format: 'bgrx', pixels };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const feed of this.#feeds) feed[Symbol.dispose]();
    await this.#desktop[Symbol.asyncDispose]();
  }
}

/** The newest whole frame of one stream. Two buffers: one is complete, one is being written. */
class FrameFeed implements Disposable {
  readonly stream: PortalStream;
  /** Settles with the first whole frame. */
  readonly first: Promise<void>;
  readonly #child: ChildProcess;
  #whole: Buffer;
  #next: Buffer;
  #filled = 0;
  #ended = false;

  constructor(stream: PortalStream, startFrames: StartFrames) {
    this.stream = stream;
    const bytes = stream.bounds.width * stream.bounds.height * BYTES_PER_PIXEL;
    this.#whole = Buffer.alloc(bytes);
    this.#next = Buffer.alloc(bytes);
    this.#child = startFrames(stream);
    const first = Promise.withResolvers<void>();
    this.first = first.promise;
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      if (this.#take(chunk)) first.resolve();
    });
    const end = () => {
      this.#ended = true;
      first.reject(new Error('the frames ended'));
    };
    this.#child.once('error', end);
    this.#child.once('exit', end);
    first.promise.catch(() => {});
  }

  /** @throws ProtocolError CAPTURE_FAILED: an old frame must not pass for what is on the screen. */
  copyInto(pixels: Uint8Array, region: Rect): void {
    const { bounds } = this.stream;
    const part = intersection(bounds, region);
    if (part === null) return;
    if (this.#ended) throw new ProtocolError('CAPTURE_FAILED', 'The shared monitor is not sent any more.');
    for (let row = 0; row < part.height; row += 1) {
      const from = ((part.y - bounds.y + row) * bounds.width + (part.x - bounds.x)) * BYTES_PER_PIXEL;
      const to = ((part.y - region.y + row) * region.width + (part.x - region.x)) * BYTES_PER_PIXEL;
      pixels.set(this.#whole.subarray(from, from + part.width * BYTES_PER_PIXEL), to);
    }
  }

  /** @returns whether a frame became whole. */
  #take(chunk: Buffer): boolean {
    let completed = false;
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(this.#next, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < this.#next.length) continue;
      [this.#whole, this.#next] = [this.#next, this.#whole];
      this.#filled = 0;
      completed = true;
    }
    return completed;
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#child.kill('SIGKILL');
  }
}

/**
 * No `videorate`: it ends on frames without a duration, and a compositor's have none. The limit is asked of the
 * compositor.
 */
function startGStreamer({ node, bounds: { width, height } }: PortalStream): ChildProcess {
  const format = `video/x-raw,format=BGRx,width=${width},height=${height}`;
  const elements = [
    ['pipewiresrc', `path=${node}`, 'do-timestamp=true'],
    [`video/x-raw,max-framerate=(fraction)${FRAMES_PER_SECOND}/1`],
    ['videoconvert'],
    ['videoscale'],
    [format],
    ['fdsink', 'fd=1', 'sync=false'],
  ];
  const pipeline = elements.flatMap((element, index) => (index === 0 ? element : ['!', ...element]));
  return spawn('gst-launch-1.0', ['-q', ...pipeline], { stdio: ['ignore', 'pipe', 'ignore'] });
}
