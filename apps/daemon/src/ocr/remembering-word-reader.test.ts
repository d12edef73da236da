import type { ScreenElement } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import type { RawImage, WordReader } from '../ports.ts';
import { RememberingWordReader } from './remembering-word-reader.ts';

const WIDTH = 320;
const HEIGHT = 240;

/** "Reads" one word per block of one colour, named after it: enough to see what was read and when. */
class BlockReader implements WordReader {
  readonly name = 'blocks';
  readonly sizes: string[] = [];
  closed = false;
  fails = false;
  async read(image: RawImage): Promise<readonly ScreenElement[]> {
    this.sizes.push(`${image.width}x${image.height}`);
    if (this.fails) throw new Error('unreadable');
    const found = new Map<number, { left: number; top: number; right: number; bottom: number }>();
    for (let index = 0; index < image.width * image.height; index += 1) {
      const colour = image.pixels[index * 3] ?? 0;
      if (colour === 0) continue;
      const x = index % image.width;
      const y = Math.floor(index / image.width);
      const box = found.get(colour) ?? { left: x, top: y, right: x, bottom: y };
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
      box.bottom = Math.max(box.bottom, y);
      found.set(colour, box);
    }
    return [...found].map(([colour, box], index) => ({
      id: `ocr${index}`,
      source: 'ocr',
      role: 'word',
      name: `w${colour}`,
      states: [],
      bounds: { x: box.left, y: box.top, width: box.right - box.left + 1, height: box.bottom - box.top + 1 },
    }));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
  }
}

type Block = readonly [x: number, y: number, width: number, height: number, colour: number];

function picture(...blocks: readonly Block[]): RawImage {
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  for (const [left, top, width, height, colour] of blocks) {
    for (let y = top; y < top + height; y += 1) {
      pixels.fill(colour, (y * WIDTH + left) * 3, (y * WIDTH + left + width) * 3);
    }
  }
  return { width: WIDTH, height: HEIGHT, format: 'rgb', pixels };
}

const options = { signal: new AbortController().signal };
const placed = (elements: readonly ScreenElement[]) =>
  elements
    .map(({ name, bounds }) => `${name} ${bounds.x},${bounds.y} ${bounds.width}x${bounds.height}`)
    .sort();

const upper: Block = [10, 10, 40, 12, 1];
const lower: Block = [10, 200, 40, 12, 2];
const other: Block = [200, 200, 30, 12, 3];

describe('reading again', () => {
  it('keeps its own copy of a picture whose memory the next capture writes over', async () => {
    const blocks = new BlockReader();
    await using reader = new RememberingWordReader(blocks);
    const memory = Buffer.from(picture([10, 10, 40, 12, 7]).pixels);
    const capture: RawImage = { width: WIDTH, height: HEIGHT, format: 'rgb', pixels: memory };
    expect((await reader.read(capture, options)).map(({ name }) => name)).toEqual(['w7']);
    memory.set(picture([10, 10, 40, 12, 9]).pixels);
    expect((await reader.read(capture, options)).map(({ name }) => name)).toEqual(['w9']);
  });

  it('reads nothing where nothing has changed, even after something else was read', async () => {
    const inner = new BlockReader();
    const reader = new RememberingWordReader(inner);
    const first = await reader.read(picture(upper, lower), options);
    await reader.read(picture(upper, lower, other), options);
    const count = inner.sizes.length;
    expect(await reader.read(picture(upper, lower), options)).toEqual(first);
    expect(inner.sizes.length).toBe(count);
  });

  it('reads only the part that has changed, and forgets what was there', async () => {
    const inner = new BlockReader();
    const reader = new RememberingWordReader(inner);
    await reader.read(picture(upper, lower), options);
    const elements = await reader.read(picture(upper, other), options);
    expect(placed(elements)).toEqual(['w1 10,10 40x12', 'w3 200,200 30x12']);
    expect(inner.sizes[0]).toBe('320x240');
    const [width = 0, height = 0] = (inner.sizes[1] ?? '').split('x').map(Number);
    expect(width * height).toBeLessThan((WIDTH * HEIGHT) / 2);
    expect(new Set(elements.map(({ id }) => id)).size).toBe(elements.length);
  });

  it('reads a word again as a whole when only its end has changed', async () => {
    const inner = new BlockReader();
    const reader = new RememberingWordReader(inner);
    await reader.read(picture([10, 100, 150, 12, 4]), options);
    const elements = await reader.read(picture([10, 100, 170, 12, 4]), options);
    expect(placed(elements)).toEqual(['w4 10,100 170x12']);
  });

  it('reads everything when most has changed or the size is another', async () => {
    const inner = new BlockReader();
    const reader = new RememberingWordReader(inner);
    await reader.read(picture(upper), options);
    await reader.read(picture([5, 5, 300, 220, 7]), options);
    await reader.read({ width: 8, height: 8, format: 'rgb', pixels: new Uint8Array(192) }, options);
    expect(inner.sizes).toEqual(['320x240', '320x240', '8x8']);
  });

  it('keeps its own copy: the capture’s buffer is used again', async () => {
    const inner = new BlockReader();
    const reader = new RememberingWordReader(inner);
    const image = picture(upper);
    await reader.read(image, options);
    image.pixels.set(picture(other).pixels);
    expect(placed(await reader.read(image, options))).toEqual(['w3 200,200 30x12']);
  });

  it('remembers nothing of a reading that failed or was stopped', async () => {
    const inner = new BlockReader();
    const reader = new RememberingWordReader(inner);
    inner.fails = true;
    await expect(reader.read(picture(upper), options)).rejects.toThrow('unreadable');
    inner.fails = false;
    expect(placed(await reader.read(picture(upper), options))).toEqual(['w1 10,10 40x12']);
    const gone = { signal: AbortSignal.abort(new Error('kill switch')) };
    await expect(reader.read(picture(upper), gone)).rejects.toThrow('kill switch');
  });

  it('closes the reader it was given', async () => {
    const inner = new BlockReader();
    await new RememberingWordReader(inner)[Symbol.asyncDispose]();
    expect(inner.closed).toBe(true);
  });
});
