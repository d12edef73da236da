import { readFile } from 'node:fs/promises';
import { FileType, screen } from '@nut-tree-fork/nut-js';
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

async function file(): Promise<number> {
  return (await readFile(await screen.capture('nut-shot', FileType.PNG, process.cwd()))).length;
}

process.on('message', async (way) => {
  const startedAt = performance.now();
  const bytes = way === 'file' ? await file() : await grab();
  process.send?.({ bytes, ms: performance.now() - startedAt });
});
