import type { RawImage } from '../ports.ts';

/** Grey picture prepared for a text reader; rows top to bottom, one byte per pixel. */
export type GreyImage = Readonly<{ width: number; height: number; pixels: Uint8Array }>;

const TILE_PX = 24;
/** Mean brightness below which a tile is taken for light text on dark ground. */
const DARK = 110;

/**
 * Turns a capture into dark text on light ground, tile by tile, so that a navy bar and a white page are
 * read in one pass, and enlarges it: readers are trained on print, where letters are twice a screen's size.
 * The result shares nothing with `image`.
 * @param scale whole number ≥ 1.
 */
export function toReadingImage(image: RawImage, scale: number): GreyImage {
  const grey = toGrey(image);
  lightenDarkTiles(grey);
  return scale === 1 ? grey : enlarge(grey, scale);
}

/** Portable grey map, the simplest picture every reader takes. */
export function toPgm(image: GreyImage): Buffer {
  const head = Buffer.from(`P5\n${image.width} ${image.height}\n255\n`, 'latin1');
  return Buffer.concat([head, image.pixels]);
}

function toGrey(image: RawImage): GreyImage {
  const { width, height } = image;
  const pixels = new Uint8Array(width * height);
  const step = image.format === 'rgb' ? 3 : 4;
  const red = image.format === 'rgb' ? 0 : 2;
  const blue = image.format === 'rgb' ? 2 : 0;
  const source = image.pixels;
  for (let index = 0, at = 0; index < pixels.length; index += 1, at += step) {
    // Weights of brightness, in 256ths.
    pixels[index] =
      ((source[at + red] ?? 0) * 77 + (source[at + 1] ?? 0) * 150 + (source[at + blue] ?? 0) * 29) >> 8;
  }
  return { width, height, pixels };
}

/** Inverts tiles whose ground is dark. A tile's ground is what most of it and its neighbours are. */
function lightenDarkTiles({ width, height, pixels }: GreyImage): void {
  const columns = Math.ceil(width / TILE_PX);
  const rows = Math.ceil(height / TILE_PX);
  const means = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      let sum = 0;
      let count = 0;
      eachPixel(row, column, width, height, (index) => {
        sum += pixels[index] ?? 0;
        count += 1;
      });
      means[row * columns + column] = sum / count;
    }
  }
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if ((means[row * columns + column] ?? 255) >= DARK) continue;
      eachPixel(row, column, width, height, (index) => {
        pixels[index] = 255 - (pixels[index] ?? 0);
      });
    }
  }
}

function eachPixel(
  row: number,
  column: number,
  width: number,
  height: number,
  visit: (index: number) => void,
): void {
  const right = Math.min(width, (column + 1) * TILE_PX);
  const bottom = Math.min(height, (row + 1) * TILE_PX);
  for (let y = row * TILE_PX; y < bottom; y += 1) {
    for (let x = column * TILE_PX; x < right; x += 1) visit(y * width + x);
  }
}

/** Bilinear. */
function enlarge(image: GreyImage, scale: number): GreyImage {
  const width = image.width * scale;
  const height = image.height * scale;
  const pixels = new Uint8Array(width * height);
  const source = image.pixels;
  for (let y = 0; y < height; y += 1) {
    const fromY = Math.max(0, (y + 0.5) / scale - 0.5);
    const top = Math.floor(fromY);
    const bottom = Math.min(image.height - 1, top + 1);
    const shareY = fromY - top;
    for (let x = 0; x < width; x += 1) {
      const fromX = Math.max(0, (x + 0.5) / scale - 0.5);
      const left = Math.floor(fromX);
      const right = Math.min(image.width - 1, left + 1);
      const shareX = fromX - left;
      const upper =
        (source[top * image.width + left] ?? 0) * (1 - shareX) +
        (source[top * image.width + right] ?? 0) * shareX;
      const lower =
        (source[bottom * image.width + left] ?? 0) * (1 - shareX) +
        (source[bottom * image.width + right] ?? 0) * shareX;
      pixels[y * width + x] = Math.round(upper * (1 - shareY) + lower * shareY);
    }
  }
  return { width, height, pixels };
}
