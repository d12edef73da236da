import type { Rect } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from './encode-frame.ts';
import { FrameMemory } from './frame-difference.ts';
import { keptImage } from './kept-image.ts';
import { X11Grab } from './x11-grab.ts';
import type { PartPixels } from './x11-pixel-reader.ts';

/** Rows as a server would hold them, every byte another; counts what is fetched. */
function held(size: { width: number; height: number }, seed: number) {
  const bytes = new Uint8Array(size.width * size.height * 4).map((_, index) => (index * 7 + seed) % 251);
  const fetched = { bytes: 0 };
  const pixels: PartPixels = {
    sizeBytes: bytes.length,
    copyTo(into, offset) {
      if (offset + into.length > bytes.length) throw new RangeError('beyond the end');
      fetched.bytes += into.length;
      into.set(bytes.subarray(offset, offset + into.length));
    },
  };
  return { bytes, pixels, fetched };
}

const region: Rect = { x: 100, y: 40, width: 60, height: 50 };
const places: Rect[] = [
  { x: 110, y: 45, width: 20, height: 30 },
  { x: 100, y: 40, width: 60, height: 2 },
  { x: 100, y: 42, width: 1, height: 48 },
];

/** What a picture with patches has to be, pixel by pixel. */
function expected(base: Uint8Array, patches: readonly Uint8Array[]): Uint8Array {
  const whole = base.slice();
  patches.forEach((patch, index) => {
    const place = places[index] as Rect;
    for (let y = 0; y < place.height; y += 1)
      for (let x = 0; x < place.width; x += 1) {
        const from = (y * place.width + x) * 4;
        const to = ((place.y - region.y + y) * region.width + place.x - region.x + x) * 4;
        whole.set(patch.subarray(from, from + 4), to);
      }
  });
  return whole;
}

function grabbed() {
  const base = held(region, 3);
  const patches = places.map((place, index) => held(place, 50 * (index + 1)));
  const rooms: number[] = [];
  const image = new X11Grab({
    region,
    base: base.pixels,
    patches: patches.map(({ pixels }, index) => ({ place: places[index] as Rect, pixels })),
    left: places,
    room: (bytes) => {
      rooms.push(bytes);
      return new Uint8Array(bytes);
    },
  });
  return {
    image,
    rooms,
    base,
    all: expected(
      base.bytes,
      patches.map(({ bytes }) => bytes),
    ),
  };
}

describe('a grab whose pixels lie with the X server', () => {
  it('gives the same rows in bands of any height as in one piece, patches laid over them', () => {
    const { all } = grabbed();
    expect(grabbed().image.pixels).toEqual(all);
    for (const step of [1, 7, 16, 49, 50]) {
      const { image } = grabbed();
      const result = new Uint8Array(all.length);
      for (let top = 0; top < region.height; top += step) {
        const count = Math.min(step, region.height - top);
        image.readRows(
          { top, count },
          result.subarray(top * region.width * 4, (top + count) * region.width * 4),
        );
      }
      expect(result, `bands of ${step}`).toEqual(all);
    }
  });

  it('writes no further than the rows asked for', () => {
    const { image } = grabbed();
    const room = new Uint8Array(region.width * 4 * 3).fill(77);
    image.readRows({ top: 4, count: 2 }, room);
    expect(room.subarray(region.width * 4 * 2).every((byte) => byte === 77)).toBe(true);
  });

  it('is encoded and remembered without all of it being brought over', async () => {
    const { image, rooms, all } = grabbed();
    const options = {
      region,
      display: {
        id: 'test:1' as never,
        name: 'test',
        bounds: region,
        scale: 1,
        primary: true,
      },
      layoutId: 'layout',
      maxSidePx: 30,
      mimeType: 'image/png' as const,
      masks: [{ x: 120, y: 50, width: 8, height: 8 }],
      capturedAt: new Date(0),
    };
    const ofRows = await encodeFrame(image, options);
    const ofPixels = await encodeFrame({ ...region, format: 'bgrx', pixels: all }, options);
    expect(ofRows.frame.sha256).toBe(ofPixels.frame.sha256);
    const memory = new FrameMemory();
    expect(memory.remember(image).pixels).toEqual(all);
    expect(rooms).toEqual([]);
  });

  it('is compared in a few rows without the others', () => {
    const { image, rooms, all } = grabbed();
    const memory = new FrameMemory();
    const before = all.slice();
    const changed = { x: 7, y: 30, width: 1, height: 1 };
    before[(changed.y * region.width + changed.x) * 4] =
      255 - (all[(changed.y * region.width + changed.x) * 4] ?? 0);
    memory.remember({ ...region, format: 'bgrx', pixels: before });
    expect(memory.compare(image, { x: 0, y: 25, width: 60, height: 10 })?.bounds).toEqual(changed);
    expect(memory.compare(image, { x: 0, y: 0, width: 60, height: 12 })?.bounds).toBeNull();
    expect(rooms).toEqual([]);
    expect(memory.compare(image)?.bounds).toEqual(changed);
  });

  it('is fetched once however often its pixels are asked for', () => {
    const { image, base } = grabbed();
    expect(image.pixels).toBe(image.pixels);
    image.readRows({ top: 0, count: region.height }, new Uint8Array(base.bytes.length));
    expect(base.fetched.bytes).toBe(base.bytes.length);
  });

  it('is kept with everything it tells, and apart from the server', () => {
    const { image, all } = grabbed();
    const kept = keptImage(image);
    expect(kept).toEqual({ width: 60, height: 50, format: 'bgrx', pixels: all, left: places });
    expect(kept.readRows).toBeUndefined();
  });
});
