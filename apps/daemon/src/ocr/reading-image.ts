import type { RawImage } from '../ports.ts';

/** Grey picture prepared for a text reader; rows top to bottom, one byte per pixel. */
export type GreyImage = Readonly<{ width: number; height: number; pixels: Uint8Array }>;

/** Neighbours that differ by no more belong to one surface; a title bar's gradient does, a letter's edge does not. */
const SAME_SURFACE = 3;
/** A surface on which something may be written holds a square of this side; strokes of letters do not. */
const SURFACE_SIDE_PX = 8;
const CONTRAST = 1.4;
/** Darker than this in the result counts as ink. */
const INK = 215;
/** Straight strokes longer than letters are tall or wide, and thin: frames, rules, underlines. */
const RULE_WIDTH_PX = 36;
const RULE_HEIGHT_PX = 20;
const RULE_THICKNESS_PX = 2;

/**
 * Turns a capture into dark text on white paper, whatever it was written on: each pixel becomes its
 * difference from the surface it lies on, so that a navy bar, a grey button and a white page are read in
 * one pass. Frames and rules, which keep a reader from seeing the text inside, are taken out. Then it is
 * enlarged: readers are trained on print, where letters are twice a screen's size.
 * The result shares nothing with `image`.
 * @param scale whole number ≥ 1.
 */
export function toReadingImage(image: RawImage, scale: number): GreyImage {
  const paper = withoutSurfaces(toGrey(image));
  const plain = withoutRules(paper);
  return scale === 1 ? plain : enlarge(plain, scale);
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

/** Difference of each pixel from the surface to its left; surfaces themselves become white. */
function withoutSurfaces(grey: GreyImage): GreyImage {
  const { width, height, pixels } = grey;
  const labels = surfacesOf(grey);
  const result = new Uint8Array(pixels.length).fill(255);
  for (let y = 0; y < height; y += 1) {
    const start = y * width;
    let ground = firstGround(labels, pixels, start, width);
    for (let index = start; index < start + width; index += 1) {
      const value = pixels[index] ?? 0;
      if (labels[index] === 1) {
        ground = value;
        continue;
      }
      // No surface in the whole row: a photograph. It stays as it is.
      const ink = ground < 0 ? 255 - value : Math.abs(value - ground) * CONTRAST;
      result[index] = Math.max(0, 255 - Math.round(ink));
    }
  }
  return { width, height, pixels: result };
}

function firstGround(labels: Uint8Array, pixels: Uint8Array, start: number, width: number): number {
  for (let index = start; index < start + width; index += 1)
    if (labels[index] === 1) return pixels[index] ?? -1;
  return -1;
}

/** 1 where a pixel belongs to a surface wide enough to be written on, 0 elsewhere. */
function surfacesOf({ width, height, pixels }: GreyImage): Uint8Array {
  const parents = new Int32Array(pixels.length);
  const find = (start: number): number => {
    let index = start;
    while (parents[index] !== index) {
      const above = parents[parents[index] ?? 0] ?? 0;
      parents[index] = above;
      index = above;
    }
    return index;
  };
  const alike = (a: number, b: number) => Math.abs((pixels[a] ?? 0) - (pixels[b] ?? 0)) <= SAME_SURFACE;
  for (let y = 0, index = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, index += 1) {
      parents[index] = index;
      if (x > 0 && alike(index, index - 1)) parents[index] = find(index - 1);
      if (y > 0 && alike(index, index - width)) {
        const own = find(index);
        const upper = find(index - width);
        if (own !== upper) parents[own] = upper;
      }
    }
  }
  // Side of the largest square of one surface that ends at a pixel, row by row.
  const wide = new Uint8Array(pixels.length);
  let previous = new Uint8Array(width);
  let current = new Uint8Array(width);
  for (let y = 0, index = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, index += 1) {
      const root = find(index);
      let side = 1;
      const joined =
        x > 0 &&
        y > 0 &&
        find(index - 1) === root &&
        find(index - width) === root &&
        find(index - width - 1) === root;
      if (joined) side += Math.min(current[x - 1] ?? 0, previous[x] ?? 0, previous[x - 1] ?? 0);
      current[x] = Math.min(side, SURFACE_SIDE_PX);
      if (side >= SURFACE_SIDE_PX) wide[root] = 1;
    }
    [previous, current] = [current, previous];
  }
  const result = new Uint8Array(pixels.length);
  for (let index = 0; index < result.length; index += 1) result[index] = wide[find(index)] ?? 0;
  return result;
}

/** Takes out long thin straight strokes in both directions. */
function withoutRules(paper: GreyImage): GreyImage {
  const { width, height, pixels } = paper;
  const result = new Uint8Array(pixels);
  eraseRuns(pixels, result, {
    count: height,
    length: width,
    step: 1,
    across: width,
    shortest: RULE_WIDTH_PX,
  });
  eraseRuns(pixels, result, {
    count: width,
    length: height,
    step: width,
    across: 1,
    shortest: RULE_HEIGHT_PX,
  });
  return { width, height, pixels: result };
}

/** @param walk `count` parallel lines of `length` pixels; `step` along a line, `across` to the next one. */
function eraseRuns(
  from: Uint8Array,
  to: Uint8Array,
  walk: Readonly<{ count: number; length: number; step: number; across: number; shortest: number }>,
): void {
  const { count, length, step, across, shortest } = walk;
  for (let line = 0; line < count; line += 1) {
    let runStart = -1;
    for (let at = 0; at <= length; at += 1) {
      const isInk = at < length && (from[line * across + at * step] ?? 255) < INK;
      if (isInk && runStart < 0) runStart = at;
      if (isInk || runStart < 0) continue;
      if (at - runStart >= shortest && isThin(from, walk, line, runStart, at)) {
        for (let index = runStart; index < at; index += 1) to[line * across + index * step] = 255;
      }
      runStart = -1;
    }
  }
}

/** Whether most of a run has paper on both sides within the thickness of a rule. */
function isThin(
  from: Uint8Array,
  walk: Readonly<{ count: number; step: number; across: number }>,
  line: number,
  start: number,
  end: number,
): boolean {
  let thin = 0;
  for (let at = start; at < end; at += 1) {
    let thickness = 1;
    for (const direction of [-1, 1]) {
      for (let away = 1; away <= RULE_THICKNESS_PX; away += 1) {
        const other = line + direction * away;
        if (other < 0 || other >= walk.count) break;
        if ((from[other * walk.across + at * walk.step] ?? 255) >= INK) break;
        thickness += 1;
      }
    }
    if (thickness <= RULE_THICKNESS_PX) thin += 1;
  }
  return thin * 2 > end - start;
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
