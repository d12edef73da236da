import { createHash } from 'node:crypto';
import { assertNever } from '@deskhand/base';
import {
  type Display,
  type Frame,
  type FrameWithBytes,
  fitWithin,
  type ImageMimeType,
  mintFrameId,
  type OverlayExclusion,
  ProtocolError,
  type Rect,
  type Size,
} from '@deskhand/protocol';
import type { PointerImage, RawImage } from '../ports.ts';
import { encodeFlatPng, flatten, isFlat } from './flat-picture.ts';
import { FrameScaler, type PaintRows, type ReadRows } from './frame-scaler.ts';
import { paintOver, paintPointer, readBgrxRows } from './paint.ts';

export type EncodeFrameOptions = Readonly<{
  /** What `image` shows, desktop space; its size is the image's. */
  region: Rect;
  display: Display;
  layoutId: string;
  /** Longest side of the result; never enlarged. */
  maxSidePx: number;
  /** With `compact` what is wished for: a flat picture comes as PNG where JPEG was asked. */
  mimeType: ImageMimeType;
  /** 1…100 for JPEG and WebP. */
  quality?: number;
  /** As few bytes as stay legible: a picture of few colours loses none of its sharpness, any other some quality. */
  compact?: boolean;
  /** Desktop space; painted over before anything leaves this function. */
  masks?: readonly Rect[];
  /** Drawn when given. */
  pointer?: PointerImage | null;
  capturedAt: Date;
  exclusion?: OverlayExclusion;
  degraded?: boolean;
}>;

const DEFAULT_QUALITY = 80;
const COMPACT_QUALITY = 65;
/** A fresh buffer of this size costs more page faults than scaling costs time; a few are kept. */
const KEPT_BUFFERS = 3;

/** Turns grabs into encoded frames. Keeps its working memory between frames; one per daemon is enough. */
export class FrameEncoder {
  readonly #scaler = new FrameScaler();
  readonly #free: Buffer[] = [];

  /**
   * One grab as an encoded frame: painted over, scaled, encoded, hashed.
   * The image's pixels are read before the first await, so the grab buffer is free again at once.
   * @throws ProtocolError CAPTURE_FAILED when sizes disagree or the encoder refuses.
   */
  async encode(image: RawImage, options: EncodeFrameOptions): Promise<FrameWithBytes> {
    const { region, pointer, masks = [] } = options;
    const source: Size = { width: image.width, height: image.height };
    if (source.width !== region.width || source.height !== region.height)
      throw new ProtocolError(
        'CAPTURE_FAILED',
        `The picture has ${source.width}x${source.height} pixels, its region ${region.width}x${region.height}.`,
      );
    const target = fitWithin(source, options.maxSidePx);
    const rgb = this.#take(target.width * target.height * 3);
    let encoded: Encoded;
    try {
      const paint: PaintRows = (words, { top, count }) => {
        const canvas = { words, region: { ...region, y: region.y + top, height: count } };
        if (pointer) paintPointer(canvas, pointer);
        for (const mask of masks) paintOver(canvas, mask);
      };
      const read: ReadRows = (rows, into) => readBgrxRows(image, rows, into);
      this.#scaler.scale(read, source, target, rgb, pointer || masks.length > 0 ? paint : null);
      encoded = await encodeRgb(rgb, target, options);
    } finally {
      this.#giveBack(rgb);
    }
    const { bytes, mimeType } = encoded;
    const frame: Frame = {
      geometry: {
        frameId: mintFrameId(),
        displayId: options.display.id,
        layoutId: options.layoutId,
        region,
        image: target,
        scale: options.display.scale,
      },
      mimeType,
      byteLength: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      capturedAt: options.capturedAt.toISOString(),
      exclusion: options.exclusion ?? 'none_needed',
      degraded: options.degraded ?? false,
    };
    return { frame, bytes };
  }

  #take(length: number): Buffer {
    const index = this.#free.findIndex((buffer) => buffer.length === length);
    return index === -1 ? Buffer.allocUnsafeSlow(length) : (this.#free.splice(index, 1)[0] as Buffer);
  }

  #giveBack(buffer: Buffer): void {
    this.#free.unshift(buffer);
    this.#free.length = Math.min(this.#free.length, KEPT_BUFFERS);
  }
}

/** For a single frame; {@link FrameEncoder} is for many. */
export function encodeFrame(image: RawImage, options: EncodeFrameOptions): Promise<FrameWithBytes> {
  return new FrameEncoder().encode(image, options);
}

type Encoded = Readonly<{ bytes: Buffer; mimeType: ImageMimeType }>;

async function encodeRgb(rgb: Buffer, size: Size, options: EncodeFrameOptions): Promise<Encoded> {
  // Three channels, always: sharp treats a fourth as alpha and spoils the colours.
  // Loaded with the first picture: a desktop that only waits does without its 25 MB.
  const { default: sharp } = await import('sharp');
  const compact = options.compact === true;
  const flat = compact && isFlat(rgb);
  const mimeType = flat && options.mimeType === 'image/jpeg' ? 'image/png' : options.mimeType;
  if (flat && mimeType === 'image/png') return { bytes: await encodeFlatPng(rgb, size), mimeType };
  if (flat) flatten(rgb);
  const quality = options.quality ?? (compact ? COMPACT_QUALITY : DEFAULT_QUALITY);
  const picture = sharp(rgb, { raw: { width: size.width, height: size.height, channels: 3 } });
  try {
    return { bytes: await encodedAs(picture), mimeType };
  } catch (cause) {
    throw new ProtocolError('CAPTURE_FAILED', 'The picture could not be encoded.', {}, { cause });
  }

  function encodedAs(image: typeof picture): Promise<Buffer> {
    switch (mimeType) {
      case 'image/jpeg':
        return image.jpeg({ quality, mozjpeg: false, optimiseCoding: false }).toBuffer();
      case 'image/png':
        return image.png({ compressionLevel: 1 }).toBuffer();
      case 'image/webp':
        return image
          .webp(flat ? { lossless: true, effort: 2 } : { quality, effort: compact ? 2 : 0 })
          .toBuffer();
      default:
        return assertNever(mimeType, 'image type');
    }
  }
}
