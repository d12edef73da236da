import { readFile } from 'node:fs/promises';
import { FileType, screen } from '@nut-tree-fork/nut-js';
import { Jimp } from 'jimp';
import sharp from 'sharp';

/** Takes a picture the way users of nut-js do, each time a message asks for it; answers with bytes and milliseconds. */
const target = { width: Number(process.env.WIDTH), height: Number(process.env.HEIGHT) };

async function grab(): Promise<number> {
  const { width, height, data } = await screen.grab();
  // Four channels would be less work and wrong colours.
  const rgb = Buffer.allocUnsafe(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from + 2] as number;
    rgb[to + 1] = data[from + 1] as number;
    rgb[to + 2] = data[from] as number;
  }
  const jpeg = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(target.width, target.height, { fit: 'fill' })
    .jpeg({ quality: 80 })
    .toBuffer();
  return jpeg.length;
}

/** The desktop agents that scale in JavaScript: https://github.com/bytedance/UI-TARS-desktop does it this way. */
async function jimp(): Promise<number> {
  const { width, height, data } = await screen.grab();
  const rgba = Buffer.from(data);
  for (let at = 0; at < rgba.length; at += 4) {
    const blue = rgba[at] as number;
    rgba[at] = rgba[at + 2] as number;
    rgba[at + 2] = blue;
    rgba[at + 3] = 255;
  }
  const picture = Jimp.fromBitmap({ width, height, data: rgba });
  picture.resize({ w: target.width, h: target.height });
  return (await picture.getBuffer('image/jpeg', { quality: 80 })).length;
}

async function file(): Promise<number> {
  return (await readFile(await screen.capture('nut-shot', FileType.PNG, process.cwd()))).length;
}

const WAYS = { grab, jimp, file };

process.on('message', async (way) => {
  const startedAt = performance.now();
  const bytes = await WAYS[way as keyof typeof WAYS]();
  process.send?.({ bytes, ms: performance.now() - startedAt });
});
