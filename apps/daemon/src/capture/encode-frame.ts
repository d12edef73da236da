import { createHash } from 'node:crypto';
import {
  type Display,
  type Frame,
  type FrameWithBytes,
  fitWithin,
  type ImageMimeType,
  intersection,
  mintFrameId,
  type OverlayExclusion,
  ProtocolError,
  type Rect,
} from '@deskhand/protocol';
import sharp from 'sharp';
import type { PointerImage, RawImage } from '../ports.ts';

export type EncodeFrameOptions = Readonly<{
  /** What `image` shows, desktop space; its size is the image's. */
  region: Rect;
  display: Display;
  layoutId: string;
  /** Longest side of the result; never enlarged. */
  maxSidePx: number;
  mimeType: ImageMimeType;
  /** 1…100 for JPEG and WebP. */
  quality?: number;
  /** Desktop space; painted over before anything leaves this function. */
  masks?: readonly Rect[];
  /** Drawn when given. */
  pointer?: PointerImage | null;
  capturedAt: Date;
  exclusion?: OverlayExclusion;
  degraded?: boolean;
}>;

const DEFAULT_QUALITY = 80;
/** Opaque mid-grey: neither a light nor a dark application looks broken, and OCR reads nothing in it. */
const MASK_GREY = 0x80;

/**
 * One grab as an encoded frame: swizzled, masked, scaled, encoded, hashed.
 * The image's pixels are read before the first await, so the grab buffer is free again at once.
 * @throws ProtocolError CAPTURE_FAILED when sizes disagree or the encoder refuses.
 */
export async function encodeFrame(image: RawImage, options: EncodeFrameOptions): Promise<FrameWithBytes> {
  const { region, maxSidePx } = options;
  if (image.width !== region.width || image.height !== region.height)
    throw new ProtocolError(
      'CAPTURE_FAILED',
      `The picture has ${image.width}x${image.height} pixels, its region ${region.width}x${region.height}.`,
    );
  const pixels = toRgb(image);
  const size = { width: image.width, height: image.height };
  if (options.pointer) drawPointer(pixels, region, options.pointer);
  for (const mask of options.masks ?? []) paintOver(pixels, region, mask);
  const target = fitWithin(size, maxSidePx);

  const bytes = await encode(pixels, size, target, options);
  const frame: Frame = {
    geometry: {
      frameId: mintFrameId(),
      displayId: options.display.id,
      layoutId: options.layoutId,
      region,
      image: target,
      scale: options.display.scale,
    },
    mimeType: options.mimeType,
    byteLength: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    capturedAt: options.capturedAt.toISOString(),
    exclusion: options.exclusion ?? 'none_needed',
    degraded: options.degraded ?? false,
  };
  return { frame, bytes };
}

async function encode(
  pixels: Buffer,
  size: { width: number; height: number },
  target: { width: number; height: number },
  options: EncodeFrameOptions,
): Promise<Buffer> {
  // Three channels, always: sharp treats a fourth as alpha and spoils the colours while scaling.
  let pipeline = sharp(pixels, { raw: { width: size.width, height: size.height, channels: 3 } });
  if (target.width !== size.width || target.height !== size.height)
    pipeline = pipeline.resize(target.width, target.height, { fit: 'fill' });
  const quality = options.quality ?? DEFAULT_QUALITY;
  switch (options.mimeType) {
    case 'image/jpeg':
      pipeline = pipeline.jpeg({ quality, mozjpeg: false, optimiseCoding: false });
      break;
    case 'image/png':
      pipeline = pipeline.png({ compressionLevel: 1 });
      break;
    case 'image/webp':
      pipeline = pipeline.webp({ quality, effort: 0 });
      break;
  }
  try {
    return await pipeline.toBuffer();
  } catch (cause) {
    throw new ProtocolError('CAPTURE_FAILED', 'The picture could not be encoded.', {}, { cause });
  }
}

/** A fresh RGB copy. */
export function toRgb(image: RawImage): Buffer {
  const count = image.width * image.height;
  const rgb = Buffer.allocUnsafe(count * 3);
  if (image.format === 'rgb') {
    rgb.set(image.pixels.subarray(0, count * 3));
    return rgb;
  }
  const source = image.pixels;
  if (source.byteOffset % 4 === 0) {
    const words = new Uint32Array(source.buffer, source.byteOffset, count);
    for (let index = 0, out = 0; index < count; index += 1, out += 3) {
      const word = words[index] as number;
      rgb[out] = word >>> 16;
      rgb[out + 1] = word >>> 8;
      rgb[out + 2] = word;
    }
    return rgb;
  }
  for (let index = 0, out = 0; out < count * 3; index += 4, out += 3) {
    rgb[out] = source[index + 2] as number;
    rgb[out + 1] = source[index + 1] as number;
    rgb[out + 2] = source[index] as number;
  }
  return rgb;
}

function paintOver(rgb: Buffer, region: Rect, mask: Rect): void {
  const left = Math.floor(mask.x);
  const top = Math.floor(mask.y);
  const whole: Rect = {
    x: left,
    y: top,
    width: Math.ceil(mask.x + mask.width) - left,
    height: Math.ceil(mask.y + mask.height) - top,
  };
  const hidden = intersection(region, whole);
  if (hidden === null) return;
  const x = hidden.x - region.x;
  for (let y = hidden.y - region.y; y < hidden.y - region.y + hidden.height; y += 1) {
    const start = (y * region.width + x) * 3;
    rgb.fill(MASK_GREY, start, start + hidden.width * 3);
  }
}

/** Pointer pixels are premultiplied BGRA, so blending is `source + destination × (1 − alpha)`. */
function drawPointer(rgb: Buffer, region: Rect, pointer: PointerImage): void {
  const visible = intersection(region, {
    x: pointer.x,
    y: pointer.y,
    width: pointer.width,
    height: pointer.height,
  });
  if (visible === null) return;
  for (let y = visible.y; y < visible.y + visible.height; y += 1) {
    for (let x = visible.x; x < visible.x + visible.width; x += 1) {
      const from = ((y - pointer.y) * pointer.width + (x - pointer.x)) * 4;
      const to = ((y - region.y) * region.width + (x - region.x)) * 3;
      const rest = 255 - (pointer.pixels[from + 3] as number);
      for (let channel = 0; channel < 3; channel += 1) {
        const source = pointer.pixels[from + 2 - channel] as number;
        const below = rgb[to + channel] as number;
        rgb[to + channel] = Math.min(255, source + Math.round((below * rest) / 255));
      }
    }
  }
}
