import { crc32, deflateSync } from 'node:zlib';
import type { Rect } from '@deskhand/protocol';

export const PROBE_SIZE = { width: 640, height: 400 } as const;
/** Where the square is, pixels of the picture: off every middle, so that a guess misses it. */
export const PROBE_SQUARE: Rect = { x: 452, y: 268, width: 64, height: 64 };

/** A white picture with one red square, as PNG. Nothing of a person's screen. */
export function probePicture(): Uint8Array {
  const { width, height } = PROBE_SIZE;
  const rows = Buffer.alloc(height * (1 + width * 3), 255);
  for (let y = 0; y < height; y += 1) {
    const row = y * (1 + width * 3);
    rows[row] = 0;
    if (y < PROBE_SQUARE.y || y >= PROBE_SQUARE.y + PROBE_SQUARE.height) continue;
    for (let x = PROBE_SQUARE.x; x < PROBE_SQUARE.x + PROBE_SQUARE.width; x += 1)
      rows.set([220, 20, 20], row + 1 + x * 3);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits a channel, RGB, no filter choices, no interlacing.
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
