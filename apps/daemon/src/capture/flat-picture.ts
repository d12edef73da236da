import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Size } from '@deskhand/protocol';

/**
 * Levels a channel keeps in a flat picture: text stays sharp, and what is one colour to the eye becomes one. With six,
 * grey text on grey suffers; with eight, a page of plain text is no longer a sixth of its full-size PNG.
 */
const LEVELS = 7;
/** Colours a flat picture has; what a palette of four bits holds. */
const COLOURS = 16;
/** Share of the pixels that these colours must make up. */
const FLAT_SHARE = 0.97;
/** Every so manyth pixel is looked at; a prime, so that no column is looked at again and again. */
const SAMPLE_EVERY = 7;

const NEAREST = new Uint8Array(256).map((_, value) =>
  Math.round((Math.round((value * (LEVELS - 1)) / 255) * 255) / (LEVELS - 1)),
);

/**
 * Whether a picture is made of a few colours, as forms, tables, editors and terminals are. Photographs and gradients
 * are not.
 * @param rgb three bytes a pixel
 */
export function isFlat(rgb: Uint8Array): boolean {
  const bins = new Uint32Array(512);
  let samples = 0;
  for (let at = 0; at + 2 < rgb.length; at += 3 * SAMPLE_EVERY) {
    const [red, green, blue] = [rgb[at] as number, rgb[at + 1] as number, rgb[at + 2] as number];
    const bin = ((red >> 5) << 6) | ((green >> 5) << 3) | (blue >> 5);
    bins[bin] = (bins[bin] ?? 0) + 1;
    samples += 1;
  }
  const most = bins.sort().subarray(-COLOURS);
  return most.reduce((sum, count) => sum + count, 0) >= samples * FLAT_SHARE;
}

/** Rounds every channel to a few levels, in place: a third of the bytes, and no pixel moves. */
export function flatten(rgb: Uint8Array): void {
  for (let at = 0; at < rgb.length; at += 1) rgb[at] = NEAREST[rgb[at] as number] as number;
}

/**
 * A flat picture as a PNG of sixteen colours, four bits a pixel. sharp's own way to a palette takes three times as
 * long: the colours are few and known here, there is nothing to be searched.
 * @param rgb three bytes a pixel, not yet flattened; only read
 */
export async function encodeFlatPng(rgb: Uint8Array, { width, height }: Size): Promise<Buffer> {
  const colours = new Uint16Array(width * height);
  const counts = new Uint32Array(LEVELS ** 3);
  for (let pixel = 0, at = 0; pixel < colours.length; pixel += 1, at += 3) {
    const red = LEVEL_OF[rgb[at] as number] as number;
    const green = LEVEL_OF[rgb[at + 1] as number] as number;
    const colour = (red * LEVELS + green) * LEVELS + (LEVEL_OF[rgb[at + 2] as number] as number);
    colours[pixel] = colour;
    counts[colour] = (counts[colour] as number) + 1;
  }
  const palette = choosePalette(counts);
  const indexOf = nearestIn(palette, counts);
  const stride = Math.ceil(width / 2);
  // Every row begins with its filter: none.
  const rows = Buffer.alloc((stride + 1) * height);
  for (let y = 0, pixel = 0; y < height; y += 1) {
    let at = y * (stride + 1) + 1;
    for (let x = 0; x < width; x += 2, at += 1) {
      const high = indexOf[colours[pixel] as number] as number;
      const low = x + 1 < width ? (indexOf[colours[pixel + 1] as number] as number) : 0;
      rows[at] = (high << 4) | low;
      pixel += x + 1 < width ? 2 : 1;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([BITS_PER_PIXEL, INDEXED], 8);
  const entries = palette.flatMap((colour) => partsOf(colour).map((level) => CHANNEL_OF[level] as number));
  return Buffer.concat([
    PNG_SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(entries)),
    chunk('IDAT', await deflate(rows, { level: 6 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const LEVEL_OF = new Uint8Array(256).map((_, value) => Math.round((value * (LEVELS - 1)) / 255));
const CHANNEL_OF = new Uint8Array(LEVELS).map((_, level) => Math.round((level * 255) / (LEVELS - 1)));
const BITS_PER_PIXEL = 4;
const INDEXED = 3;
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const deflate = promisify(zlib.deflate);

/** The most frequent colour, then one by one what is both frequent and unlike those: a red word is few pixels. */
function choosePalette(counts: Uint32Array): number[] {
  const there = [...counts.keys()].filter((colour) => (counts[colour] as number) > 0);
  const gaps = new Map(there.map((colour) => [colour, Number.MAX_SAFE_INTEGER]));
  const palette: number[] = [];
  while (palette.length < Math.min(COLOURS, there.length)) {
    const weigh = (colour: number) => Math.sqrt(counts[colour] as number) * (gaps.get(colour) as number);
    const next = there.reduce((best, colour) => (weigh(colour) > weigh(best) ? colour : best));
    palette.push(next);
    for (const colour of there)
      gaps.set(colour, Math.min(gaps.get(colour) as number, distance(colour, next)));
  }
  return palette;
}

function nearestIn(palette: readonly number[], counts: Uint32Array): Uint8Array {
  return Uint8Array.from(counts, (count, colour) => {
    if (count === 0) return 0;
    const gaps = palette.map((entry) => distance(colour, entry));
    return gaps.indexOf(Math.min(...gaps));
  });
}

/** As eyes weigh channels; squared levels. */
function distance(one: number, other: number): number {
  const [red, green, blue] = partsOf(one);
  const [otherRed, otherGreen, otherBlue] = partsOf(other);
  return 3 * (red - otherRed) ** 2 + 4 * (green - otherGreen) ** 2 + 2 * (blue - otherBlue) ** 2;
}

function partsOf(colour: number): [red: number, green: number, blue: number] {
  return [Math.floor(colour / LEVELS ** 2), Math.floor(colour / LEVELS) % LEVELS, colour % LEVELS];
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(zlib.crc32(body), body.length + 4);
  return framed;
}
