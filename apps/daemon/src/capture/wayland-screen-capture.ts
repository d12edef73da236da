import { closeSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type Logger, raceSignal } from '@deskhand/base';
import { type Display, intersection, type Point, ProtocolError, type Rect } from '@deskhand/protocol';
import type { RawImage, ScreenCapture } from '../ports.ts';
import {
  duplicate,
  openOnWayland,
  openSharedFile,
  type WaylandConnection,
  type WaylandDisplay,
  type WaylandDisplays,
  type WaylandObject,
} from '../wayland/index.ts';
import { demandRegion } from './demand-region.ts';
import { turnedBack } from './turned-picture.ts';

/** Pixel formats with 8 bits a channel, as wl_shm numbers them; all others are refused. */
const BLUE_FIRST = new Set([0, 1]);
const RED_FIRST = new Set([0x3432_4258, 0x3432_4241]);
const Y_INVERTED = 1;

/** Memory shared with the compositor, reused while the picture keeps its shape. */
type Shared = Readonly<{
  format: number;
  width: number;
  height: number;
  strideBytes: number;
  descriptor: number;
  buffer: WaylandObject<'wl_buffer'>;
}>;

/** @throws ProtocolError DISPLAY_UNAVAILABLE, FEATURE_NOT_AVAILABLE */
export function openWaylandScreenCapture(options: {
  socket: string;
  log: Logger;
}): Promise<WaylandScreenCapture> {
  return openOnWayland(options, (connection, displays) => new WaylandScreenCapture(connection, displays));
}

/**
 * The screen through wlr-screencopy (sway, Hyprland, river, labwc, Wayfire …), copied into shared memory. No window
 * can be left out, and where the pointer is nobody tells.
 */
export class WaylandScreenCapture implements ScreenCapture {
  readonly name = 'wlr-screencopy';
  readonly #connection: WaylandConnection;
  readonly #displays: WaylandDisplays;
  readonly #manager: WaylandObject<'zwlr_screencopy_manager_v1'>;
  readonly #shm: WaylandObject<'wl_shm'>;
  readonly #shared = new Map<number, Shared>();
  /** Used again by the next grab, as the port says. */
  #pixels = new Uint8Array(0);
  /** Grabs take turns: they share the memory. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Use {@link openWaylandScreenCapture}. */
  constructor(connection: WaylandConnection, displays: WaylandDisplays) {
    this.#connection = connection;
    this.#displays = displays;
    this.#manager = connection.require('zwlr_screencopy_manager_v1', 1);
    this.#shm = connection.require('wl_shm', 1);
  }

  /** Settles when the compositor is gone. */
  get lost(): Promise<void> {
    return this.#connection.closed.then((why) => (why === null ? new Promise<void>(() => {}) : undefined));
  }

  /** As the compositor has them, logical places included. */
  get outputs(): readonly WaylandDisplay[] {
    return this.#displays.all;
  }

  async displays(): Promise<readonly Display[]> {
    return this.#displays.all.map(({ display }) => display);
  }

  onDisplaysChanged(listener: (displays: readonly Display[]) => void): () => void {
    return this.#displays.onChanged((all) => listener(all.map(({ display }) => display)));
  }

  async pointer(): Promise<Point | null> {
    return null;
  }

  async grab(region: Rect, options: { signal: AbortSignal }): Promise<RawImage> {
    options.signal.throwIfAborted();
    demandRegion(region, this.#bounds());
    const grabbed = this.#turn.then(() => this.#grab(region));
    // Whoever asked reads the shared pixels before the next ones are written over them.
    this.#turn = grabbed.then(
      () => setImmediate(),
      () => {},
    );
    return raceSignal(grabbed, options.signal);
  }

  #bounds(): Rect[] {
    return this.#displays.all.map(({ display: { bounds } }) => bounds);
  }

  async #grab(region: Rect): Promise<RawImage> {
    const { all } = this.#displays;
    // The outputs may have changed while it waited for its turn.
    demandRegion(region, this.#bounds());
    const { width, height } = region;
    const bytes = width * height * 4;
    if (this.#pixels.length < bytes) this.#pixels = new Uint8Array(bytes);
    const pixels = this.#pixels.subarray(0, bytes);
    // Between outputs there is nothing to be copied.
    if (all.length > 1) pixels.fill(0);
    for (const display of all) {
      const part = intersection(region, display.display.bounds);
      if (part !== null) await this.#copyPart(display, part, { region, pixels });
    }
    return { width, height, format: 'bgrx', pixels };
  }

  async #copyPart(from: WaylandDisplay, part: Rect, to: { region: Rect; pixels: Uint8Array }): Promise<void> {
    const { bounds } = from.display;
    const { shared, inverted } = await this.#copyOutput(from);
    const upright = from.transform === 0 && !inverted;
    // Upright, only the rows that are wanted are read.
    const firstRow = upright ? part.y - bounds.y : 0;
    const rows = upright ? part.height : shared.height;
    const { length } = to.pixels;
    if (upright && part.width * 4 === shared.strideBytes && rows * shared.strideBytes === length) {
      readSync(shared.descriptor, to.pixels, 0, length, firstRow * shared.strideBytes);
      if (RED_FIRST.has(shared.format)) exchangeRedAndBlue(to.pixels);
      return;
    }
    let bytes = new Uint8Array(rows * shared.strideBytes);
    readSync(shared.descriptor, bytes, 0, bytes.length, firstRow * shared.strideBytes);
    if (RED_FIRST.has(shared.format)) exchangeRedAndBlue(bytes);
    let { strideBytes } = shared;
    if (!upright) {
      bytes = turnedBack(bytes, shared, { transform: from.transform, inverted });
      strideBytes = bounds.width * 4;
    }
    const skippedRows = upright ? 0 : part.y - bounds.y;
    for (let row = 0; row < part.height; row += 1) {
      const start = (row + skippedRows) * strideBytes + (part.x - bounds.x) * 4;
      const target = ((part.y - to.region.y + row) * to.region.width + (part.x - to.region.x)) * 4;
      to.pixels.set(bytes.subarray(start, start + part.width * 4), target);
    }
  }

  /** Has the compositor copy one output into our memory. */
  async #copyOutput({ output, display }: WaylandDisplay): Promise<{ shared: Shared; inverted: boolean }> {
    const frame = this.#manager.create('capture_output', 'zwlr_screencopy_frame_v1', 0, output);
    const ended = Promise.withResolvers<boolean>();
    let inverted = false;
    let shared: Shared | undefined;
    frame.on('buffer', (format, width, height, strideBytes) => {
      try {
        const shape = { format: Number(format), width: Number(width), height: Number(height) };
        shared = this.#sharedFor(output.id, { ...shape, strideBytes: Number(strideBytes) });
        frame.request('copy', shared.buffer);
      } catch (error) {
        ended.reject(error);
      }
    });
    frame.on('flags', (flags) => {
      inverted = (Number(flags) & Y_INVERTED) !== 0;
    });
    frame.on('ready', () => ended.resolve(true));
    frame.on('failed', () => ended.resolve(false));
    const forget = this.#connection.onEnd(() => ended.resolve(false));
    const copied = await ended.promise.finally(forget);
    if (!this.#connection.isClosed) frame.request('destroy');
    if (!copied || shared === undefined)
      throw new ProtocolError(
        'CAPTURE_FAILED',
        this.#connection.isClosed
          ? 'The Wayland compositor is gone.'
          : `The compositor did not copy ${display.name}; is it switched off?`,
      );
    return { shared, inverted };
  }

  #sharedFor(outputId: number, shape: Omit<Shared, 'descriptor' | 'buffer'>): Shared {
    const known = this.#shared.get(outputId);
    if (known !== undefined && sameShape(known, shape)) return known;
    if (!BLUE_FIRST.has(shape.format) && !RED_FIRST.has(shape.format))
      throw new ProtocolError(
        'CAPTURE_FAILED',
        `The compositor's pixel format ${shape.format} is not known.`,
      );
    this.#forget(outputId);
    const bytes = shape.strideBytes * shape.height;
    const descriptor = openSharedFile(bytes);
    const pool = this.#shm.create('create_pool', 'wl_shm_pool', duplicate(descriptor), bytes);
    const { width, height, strideBytes, format } = shape;
    const buffer = pool.create('create_buffer', 'wl_buffer', 0, width, height, strideBytes, format);
    pool.request('destroy');
    const made = { ...shape, descriptor, buffer };
    this.#shared.set(outputId, made);
    return made;
  }

  #forget(outputId: number): void {
    const known = this.#shared.get(outputId);
    if (known === undefined) return;
    this.#shared.delete(outputId);
    closeSync(known.descriptor);
    if (!this.#connection.isClosed) known.buffer.request('destroy');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
    await this.#turn;
    for (const id of [...this.#shared.keys()]) this.#forget(id);
  }
}

function sameShape(one: Omit<Shared, 'descriptor' | 'buffer'>, other: typeof one): boolean {
  return (
    one.format === other.format &&
    one.width === other.width &&
    one.height === other.height &&
    one.strideBytes === other.strideBytes
  );
}

function exchangeRedAndBlue(pixels: Uint8Array): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const red = pixels[at] as number;
    pixels[at] = pixels[at + 2] as number;
    pixels[at + 2] = red;
  }
}
