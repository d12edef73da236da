import type { RawImage } from '../ports.ts';

const MARGIN_PX = 12;
/** Letters about as high as those of a desktop. */
const DOTS_PER_INCH = 110;

/** Dark text on white as a picture, for trying a reader. @throws Error where no font is installed at all. */
export async function pictureOfText(text: string): Promise<RawImage> {
  const { default: sharp } = await import('sharp');
  const { data, info } = await sharp({ text: { text, font: 'sans 12', dpi: DOTS_PER_INCH } })
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const width = info.width + 2 * MARGIN_PX;
  const height = info.height + 2 * MARGIN_PX;
  const pixels = new Uint8Array(width * height * 3).fill(255);
  for (let y = 0; y < info.height; y += 1)
    for (let x = 0; x < info.width; x += 1) {
      // One channel: how much ink there is.
      const ink = data[(y * info.width + x) * info.channels] as number;
      const at = ((y + MARGIN_PX) * width + x + MARGIN_PX) * 3;
      pixels.fill(255 - ink, at, at + 3);
    }
  return { width, height, format: 'rgb', pixels };
}
