import { createHash } from 'node:crypto';
import { type Display, DisplayId, Frame, type Rect, type Size } from '@deskhand/protocol';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { RawImage } from '../ports.ts';
import { type EncodeFrameOptions, FrameEncoder } from './encode-frame.ts';

const display: Display = {
  id: DisplayId.parse('test:1'),
  name: 'test',
  bounds: { x: 0, y: 0, width: 400, height: 300 },
  scale: 1.5,
  primary: true,
};
const capturedAt = new Date('2026-01-02T03:04:05.678Z');

type Rgb = readonly [number, number, number];

/** BGRX; the meaningless fourth byte alternates, as it does between windows. */
function picture(width: number, height: number, color: (x: number, y: number) => Rgb): RawImage {
  const pixels = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const [red, green, blue] = color(x, y);
      pixels.set([blue, green, red, (x + y) % 2 === 0 ? 255 : 0], (y * width + x) * 4);
    }
  return { width, height, format: 'bgrx', pixels };
}

function encode(image: RawImage, options: Partial<EncodeFrameOptions> = {}) {
  const region: Rect = { x: 0, y: 0, width: image.width, height: image.height };
  return new FrameEncoder().encode(image, {
    region,
    display,
    layoutId: 'layout',
    maxSidePx: 4096,
    mimeType: 'image/png',
    capturedAt,
    ...options,
  });
}

/** Decoded by the same library, from the bytes alone. */
async function decoded(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return {
    ...info,
    at: (x: number, y: number): Rgb => {
      const offset = (y * info.width + x) * 3;
      return [data[offset] as number, data[offset + 1] as number, data[offset + 2] as number];
    },
    data,
  };
}

/** What a strong reduction should be: the mean of all that a pixel covers, whole source pixels by their centres. */
function averages(rgb: Buffer, source: Size, target: Size): Buffer {
  const sums = new Float64Array(target.width * target.height * 3);
  const counts = new Float64Array(target.width * target.height);
  for (let y = 0; y < source.height; y += 1)
    for (let x = 0; x < source.width; x += 1) {
      const column = Math.floor(((x + 0.5) * target.width) / source.width);
      const row = Math.floor(((y + 0.5) * target.height) / source.height);
      const at = row * target.width + column;
      counts[at] = (counts[at] as number) + 1;
      for (let channel = 0; channel < 3; channel += 1)
        sums[at * 3 + channel] =
          (sums[at * 3 + channel] as number) + (rgb[(y * source.width + x) * 3 + channel] as number);
    }
  return Buffer.from(sums.map((sum, index) => sum / (counts[Math.floor(index / 3)] as number)));
}

const gradient = (x: number, y: number): Rgb => [x % 256, y % 256, (x * 7 + y * 3) % 256];

describe('FrameEncoder', () => {
  it('keeps every pixel of an unscaled PNG, whatever the fourth byte holds', async () => {
    // Odd sizes: whole vectors reach beyond the picture there.
    for (const [width, height] of [
      [401, 299],
      [1, 1],
      [3, 2],
      [64, 64],
    ] as const) {
      const { bytes } = await encode(picture(width, height, gradient));
      const result = await decoded(bytes);
      expect([result.width, result.height]).toEqual([width, height]);
      for (let y = 0; y < height; y += 1)
        for (let x = 0; x < width; x += 1) expect(result.at(x, y)).toEqual(gradient(x, y));
    }
  });

  it.each([
    [1280, 720, 853],
    [1921, 1081, 1280],
    [1366, 768, 640],
    [801, 33, 64],
    [2560, 1440, 1280],
    [777, 1555, 500],
    [3840, 2160, 160],
    [64, 4000, 64],
  ])('%ix%i at most %i px: as another scaler sees it', async (width, height, maxSidePx) => {
    const smooth = (x: number, y: number): Rgb => [
      Math.round(127 + 120 * Math.sin(x / 19)),
      Math.round(127 + 120 * Math.cos(y / 23)),
      Math.round((255 * x) / width),
    ];
    const image = picture(width, height, smooth);
    const { bytes, frame } = await encode(image, { maxSidePx });
    const ours = await decoded(bytes);
    expect({ width: ours.width, height: ours.height }).toEqual(frame.geometry.image);
    expect(Math.max(ours.width, ours.height)).toBe(maxSidePx);
    const rgb = Buffer.alloc(width * height * 3);
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1) rgb.set(smooth(x, y), (y * width + x) * 3);
    const theirs =
      width / ours.width < 2.5
        ? await sharp(rgb, { raw: { width, height, channels: 3 } })
            .resize(ours.width, ours.height, { fit: 'fill', kernel: 'cubic' })
            .raw()
            .toBuffer()
        : averages(rgb, { width, height }, ours);
    let sum = 0;
    let worst = 0;
    for (let index = 0; index < theirs.length; index += 1) {
      const difference = Math.abs((theirs[index] as number) - (ours.data[index] as number));
      sum += difference;
      worst = Math.max(worst, difference);
    }
    expect(sum / theirs.length).toBeLessThan(1.5);
    expect(worst).toBeLessThan(16);
  });

  it('sharp edges neither wrap around nor shift: black stays left of white', async () => {
    const { bytes } = await encode(
      picture(900, 90, (x) => (x < 450 ? [0, 0, 0] : [255, 255, 255])),
      { maxSidePx: 600 },
    );
    const result = await decoded(bytes);
    for (const y of [0, 30, 59]) {
      expect(result.at(0, y)).toEqual([0, 0, 0]);
      expect(Math.max(...result.at(290, y))).toBeLessThan(8);
      expect(Math.min(...result.at(309, y))).toBeGreaterThan(247);
      expect(result.at(599, y)).toEqual([255, 255, 255]);
    }
  });

  it('never enlarges', async () => {
    const { frame } = await encode(picture(100, 50, gradient), { maxSidePx: 1280 });
    expect(frame.geometry.image).toEqual({ width: 100, height: 50 });
  });

  it('paints private regions over before anything is encoded, also where they end between pixels', async () => {
    const region = { x: -200, y: 40, width: 400, height: 300 };
    const secret: Rgb = [255, 0, 0];
    const image = picture(400, 300, (x, y) =>
      x >= 50 && x < 90 && y >= 20 && y < 60 ? secret : [0, 0, 255],
    );
    const mask = { x: -150.2, y: 59.5, width: 40.4, height: 41 };
    for (const maxSidePx of [4096, 200]) {
      const { bytes } = await encode(image, {
        region,
        maxSidePx,
        masks: [mask, { x: 5000, y: 0, width: 9, height: 9 }],
      });
      const { data } = await decoded(bytes);
      for (let index = 0; index < data.length; index += 3) {
        const [red, , blue] = data.subarray(index, index + 3);
        expect((red as number) > 140 && (blue as number) < 110).toBe(false);
      }
    }
  });

  it('draws the pointer where it is, blended, and only its visible part', async () => {
    const region = { x: 100, y: 100, width: 50, height: 50 };
    // Half transparent white, premultiplied: 128 of everything.
    const pointer = { x: 96, y: 120, width: 8, height: 4, pixels: new Uint8Array(8 * 4 * 4).fill(128) };
    const { bytes } = await encode(
      picture(50, 50, () => [0, 0, 200]),
      { region, pointer },
    );
    const result = await decoded(bytes);
    expect(result.at(0, 20)).toEqual([128, 128, 228]);
    expect(result.at(3, 23)).toEqual([128, 128, 228]);
    expect(result.at(4, 20)).toEqual([0, 0, 200]);
    expect(result.at(0, 24)).toEqual([0, 0, 200]);
  });

  describe('[FRAME9] compact', () => {
    /** White with lines of dark "letters", and a blue button. */
    const form = (x: number, y: number): Rgb => {
      if (x > 300 && x < 380 && y > 30 && y < 60) return [26, 115, 232];
      return y % 20 > 12 && (x * 7 + y) % 5 === 0 && x < 200 ? [32, 33, 36] : [255, 255, 255];
    };
    const sky = (x: number, y: number): Rgb => [
      Math.round(127 + 120 * Math.sin(x / 19)),
      Math.round(127 + 120 * Math.cos(y / 23)),
      Math.round((255 * x) / 400),
    ];

    it.each([
      ['image/jpeg', 'image/png'],
      ['image/webp', 'image/webp'],
      ['image/png', 'image/png'],
    ] as const)('a flat picture asked for as %s is a sharp %s', async (asked, got) => {
      const { bytes, frame } = await encode(picture(400, 300, form), { mimeType: asked, compact: true });
      expect(frame.mimeType).toBe(got);
      expect(`image/${(await sharp(bytes).metadata()).format}`).toBe(got);
      const ordinary = await encode(picture(400, 300, form), { mimeType: 'image/jpeg' });
      expect(bytes.length * 3).toBeLessThan(ordinary.bytes.length);
      const { at } = await decoded(bytes);
      for (let x = 0; x < 400; x += 3)
        for (let y = 0; y < 300; y += 3) {
          const difference = at(x, y).map((value, index) => Math.abs(value - (form(x, y)[index] as number)));
          expect(Math.max(...difference)).toBeLessThanOrEqual(26);
        }
    });

    it('keeps a few red letters red among a hundred greys, at any size', async () => {
      const smooth = (x: number, y: number): Rgb => {
        if (y > 40 && y < 44 && x > 50 && x < 58) return [220, 0, 0];
        const grey = y % 20 > 14 ? 120 + ((x * 13) % 100) : 255;
        return [grey, grey, grey];
      };
      for (const [width, height] of [
        [401, 91],
        [60, 61],
      ] as const) {
        const { bytes } = await encode(picture(width, height, smooth), {
          mimeType: 'image/png',
          compact: true,
        });
        const { at } = await decoded(bytes);
        expect(at(53, 42)).toEqual([213, 0, 0]);
        expect(at(width - 1, height - 1)).toEqual([255, 255, 255]);
      }
    });

    it.each(['image/jpeg', 'image/webp'] as const)(
      'anything else stays %s, a little coarser',
      async (asked) => {
        const { bytes, frame } = await encode(picture(400, 300, sky), { mimeType: asked, compact: true });
        expect(frame.mimeType).toBe(asked);
        expect(bytes.length).toBeLessThan(
          (await encode(picture(400, 300, sky), { mimeType: asked })).bytes.length,
        );
      },
    );

    it('the same pixels are the same bytes', async () => {
      const [one, two] = await Promise.all(
        [1, 2].map(() => encode(picture(400, 300, form), { mimeType: 'image/jpeg', compact: true })),
      );
      expect(one?.frame.sha256).toBe(two?.frame.sha256);
    });
  });

  it.each(['image/jpeg', 'image/png', 'image/webp'] as const)(
    '%s is what it says, with its hash',
    async (mimeType) => {
      const { bytes, frame } = await encode(picture(320, 200, gradient), { mimeType, maxSidePx: 160 });
      expect(Frame.parse(frame)).toEqual(frame);
      expect(`image/${(await sharp(bytes).metadata()).format}`).toBe(mimeType);
      expect(frame).toMatchObject({
        mimeType,
        byteLength: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        capturedAt: capturedAt.toISOString(),
        geometry: { displayId: 'test:1', layoutId: 'layout', scale: 1.5, image: { width: 160, height: 100 } },
      });
    },
  );

  it('takes three-byte pictures too', async () => {
    const rgb: RawImage = { width: 2, height: 1, format: 'rgb', pixels: Uint8Array.from([1, 2, 3, 4, 5, 6]) };
    const result = await decoded((await encode(rgb)).bytes);
    expect([result.at(0, 0), result.at(1, 0)]).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  it('a large picture, at work band by band, is painted as if it were whole', async () => {
    const region = { x: -300, y: 70, width: 1500, height: 1100 };
    const mask = { x: 10.5, y: 80, width: 333, height: 1050 };
    const pointer = { x: 1000, y: 60, width: 7, height: 1200, pixels: new Uint8Array(7 * 1200 * 4).fill(99) };
    const inMask = (x: number, y: number) => x >= 310 && x < 644 && y >= 10 && y < 1060;
    const inPointer = (x: number) => x >= 1300 && x < 1307;
    const blended = ([red, green, blue]: Rgb): Rgb => {
      const over = (below: number) => Math.min(255, 99 + Math.round((below * (255 - 99)) / 255));
      return [over(red), over(green), over(blue)];
    };
    const painted = picture(1500, 1100, (x, y) =>
      inMask(x, y) ? [128, 128, 128] : inPointer(x) ? blended(gradient(x, y)) : gradient(x, y),
    );
    for (const maxSidePx of [4096, 800, 400]) {
      const whole = { region, maxSidePx };
      const ours = await encode(picture(1500, 1100, gradient), { ...whole, masks: [mask], pointer });
      const theirs = await encode(painted, whole);
      expect(Buffer.compare((await decoded(ours.bytes)).data, (await decoded(theirs.bytes)).data)).toBe(0);
    }
  });

  it('sizes that take turns keep apart', async () => {
    const encoder = new FrameEncoder();
    for (const maxSidePx of [100, 64, 300, 100, 64, 81, 300]) {
      const { bytes } = await encoder.encode(
        picture(300, 200, (x) => (x < 150 ? [255, 255, 255] : [0, 0, 0])),
        {
          region: { x: 0, y: 0, width: 300, height: 200 },
          display,
          layoutId: '',
          maxSidePx,
          mimeType: 'image/png',
          capturedAt,
        },
      );
      const result = await decoded(bytes);
      expect(result.at(1, 1)).toEqual([255, 255, 255]);
      expect(result.at(result.width - 2, result.height - 2)).toEqual([0, 0, 0]);
    }
  });

  it('refuses a picture that is not of its region', async () => {
    const region = { x: 0, y: 0, width: 11, height: 10 };
    await expect(encode(picture(10, 10, gradient), { region })).rejects.toMatchObject({
      code: 'CAPTURE_FAILED',
    });
  });

  it('frames encoded at the same time do not mix', async () => {
    const encoder = new FrameEncoder();
    const colors: Rgb[] = [
      [250, 0, 0],
      [0, 250, 0],
      [0, 0, 250],
      [9, 9, 9],
      [99, 0, 99],
    ];
    const frames = await Promise.all(
      colors.map((color) =>
        encoder.encode(
          picture(300, 200, () => color),
          {
            region: { x: 0, y: 0, width: 300, height: 200 },
            display,
            layoutId: '',
            maxSidePx: 150,
            mimeType: 'image/png',
            capturedAt,
          },
        ),
      ),
    );
    for (const [index, { bytes }] of frames.entries())
      expect((await decoded(bytes)).at(75, 50)).toEqual(colors[index]);
  });
});
