import type { RawImage } from '../ports.ts';

/** Grey picture prepared for a text reader; rows top to bottom, one byte per pixel. */
export type GreyImage = Readonly<{ width: number; height: number; pixels: Uint8Array }>;

/** How many times as wide and as high something is made. */
export type Scale = Readonly<{ x: number; y: number }>;

/** Neighbours that differ by no more belong to one surface; a title bar's gradient does, a letter's edge does not. */
const SAME_SURFACE = 3;
/** A surface on which something may be written holds a square of this side; strokes of letters do not. */
const SURFACE_SIDE_PX = 8;
const NO_GROUND = -1;
const CONTRAST = 1.4;
/** How dark a pixel becomes, by its difference from the surface it lies on. */
const SHADES = Uint8Array.from({ length: 256 }, (_, difference) =>
  Math.max(0, 255 - Math.round(difference * CONTRAST)),
);
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
  return enlarge(plain, { x: scale, y: scale });
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
      ((source[at + red] as number) * 77 +
        (source[at + 1] as number) * 150 +
        (source[at + blue] as number) * 29) >>
      8;
  }
  return { width, height, pixels };
}

/** Difference of each pixel from the surface to its left; surfaces themselves become white. */
function withoutSurfaces(grey: GreyImage): GreyImage {
  const { width, height, pixels } = grey;
  const { labels, wide } = surfacesOf(grey);
  const result = new Uint8Array(pixels.length).fill(255);
  for (let y = 0; y < height; y += 1) {
    const start = y * width;
    const end = start + width;
    let first = start;
    while (first < end && wide[labels[first] as number] !== 1) first += 1;
    let ground = first < end ? (pixels[first] as number) : NO_GROUND;
    for (let index = start; index < end; index += 1) {
      const value = pixels[index] as number;
      if (wide[labels[index] as number] === 1) {
        ground = value;
        continue;
      }
      // No surface in the whole row: a photograph. It stays as it is.
      result[index] = ground === NO_GROUND ? value : (SHADES[Math.abs(value - ground)] as number);
    }
  }
  return { width, height, pixels: result };
}

/** Each pixel's surface, and of each surface 1 where it is wide enough to be written on. */
function surfacesOf({ width, height, pixels }: GreyImage): { labels: Int32Array; wide: Uint8Array } {
  const labels = new Int32Array(pixels.length);
  /** Runs of a row that touch below belong together; a run's parent is never a later one. */
  const parents = new Int32Array(pixels.length);
  const find = (start: number): number => {
    let run = start;
    while (parents[run] !== run) run = parents[run] as number;
    return run;
  };
  let runs = 0;
  for (let y = 0, index = 0; y < height; y += 1) {
    let upper = -1;
    for (let x = 0; x < width; x += 1, index += 1) {
      const value = pixels[index] as number;
      if (x > 0 && Math.abs(value - (pixels[index - 1] as number)) <= SAME_SURFACE) {
        labels[index] = labels[index - 1] as number;
      } else {
        labels[index] = runs;
        parents[runs] = runs;
        runs += 1;
        upper = -1;
      }
      if (y === 0 || Math.abs(value - (pixels[index - width] as number)) > SAME_SURFACE) continue;
      const above = labels[index - width] as number;
      if (above === upper) continue;
      upper = above;
      const [own, other] = [find(labels[index] as number), find(above)];
      if (own < other) parents[other] = own;
      else parents[own] = other;
    }
  }
  for (let run = 0; run < runs; run += 1) parents[run] = parents[parents[run] as number] as number;
  // Side of the largest square of one surface that ends at a pixel, row by row.
  const wide = new Uint8Array(runs);
  let previous = new Uint8Array(width);
  let current = new Uint8Array(width);
  for (let y = 0, index = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, index += 1) {
      const surface = parents[labels[index] as number] as number;
      labels[index] = surface;
      // Sides are compared within one surface only, and of this one nothing more need be known.
      if (wide[surface] === 1) continue;
      let side = 1;
      if (
        x > 0 &&
        y > 0 &&
        labels[index - 1] === surface &&
        labels[index - width] === surface &&
        labels[index - width - 1] === surface
      ) {
        side += Math.min(current[x - 1] as number, previous[x] as number, previous[x - 1] as number);
      }
      if (side >= SURFACE_SIDE_PX) wide[surface] = 1;
      current[x] = Math.min(side, SURFACE_SIDE_PX);
    }
    [previous, current] = [current, previous];
  }
  return { labels, wide };
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
    const first = line * across;
    let runStart = -1;
    for (let at = 0, index = first; at <= length; at += 1, index += step) {
      if (at < length && (from[index] as number) < INK) {
        if (runStart < 0) runStart = at;
        continue;
      }
      if (runStart < 0) continue;
      if (at - runStart >= shortest && isThin(from, walk, line, runStart, at)) {
        for (let erased = runStart; erased < at; erased += 1) to[first + erased * step] = 255;
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

/** Bilinear: every row is widened once, then two of them are mixed. Weights in 256ths. */
export function enlarge(image: GreyImage, scale: Scale): GreyImage {
  const { pixels: source } = image;
  const { width, height } = sizeAt(image, scale);
  if (width === image.width && height === image.height) return image;
  const pixels = new Uint8Array(width * height);
  const columns = mixes(image.width, width);
  const rows = mixes(image.height, height);
  const widened = [new Uint16Array(width), new Uint16Array(width)] as const;
  const held = [-1, -1];
  const widen = (row: number): Uint16Array => {
    const slot = row % 2;
    const target = widened[slot as 0 | 1];
    if (held[slot] === row) return target;
    held[slot] = row;
    const start = row * image.width;
    for (let x = 0; x < width; x += 1) {
      const left = start + (columns.first[x] as number);
      const share = columns.share[x] as number;
      target[x] =
        (source[left] as number) * (256 - share) + (source[left + (share === 0 ? 0 : 1)] as number) * share;
    }
    return target;
  };
  for (let y = 0; y < height; y += 1) {
    const share = rows.share[y] as number;
    const top = widen(rows.first[y] as number);
    const bottom = share === 0 ? top : widen((rows.first[y] as number) + 1);
    const start = y * width;
    for (let x = 0; x < width; x += 1)
      pixels[start + x] = ((top[x] as number) * (256 - share) + (bottom[x] as number) * share + 32_768) >> 16;
  }
  return { width, height, pixels };
}

/** Whole pixels of something enlarged. */
export function sizeAt(
  { width, height }: Readonly<{ width: number; height: number }>,
  scale: Scale,
): { width: number; height: number } {
  return {
    width: Math.max(1, Math.round(width * scale.x)),
    height: Math.max(1, Math.round(height * scale.y)),
  };
}

/** For each place of an enlarged axis the first of its two sources, and how much the second counts, in 256ths. */
function mixes(source: number, target: number): { first: Int32Array; share: Uint16Array } {
  const first = new Int32Array(target);
  const share = new Uint16Array(target);
  for (let place = 0; place < target; place += 1) {
    const from = Math.min(source - 1, Math.max(0, ((place + 0.5) * source) / target - 0.5));
    first[place] = Math.floor(from);
    share[place] = Math.round((from - Math.floor(from)) * 256);
  }
  return { first, share };
}
