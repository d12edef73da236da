/**
 * Levels a channel keeps in a flat picture: text stays sharp, and what is one colour to the eye becomes one. With six,
 * grey text on grey suffers; with eight, a page of plain text is no longer a sixth of its full-size PNG.
 */
const LEVELS = 7;
/** Colours a flat picture has; what a palette of four bits holds. */
const COLOURS = 16;
/** Share of the pixels that these colours must make up. */
const FLAT_SHARE = 0.97;
/** Every so manyth pixel is looked at; a prime, so that no column is looked at again and again. */
const SAMPLE_EVERY = 7;

const NEAREST = new Uint8Array(256).map((_, value) =>
  Math.round((Math.round((value * (LEVELS - 1)) / 255) * 255) / (LEVELS - 1)),
);

/**
 * Whether a picture is made of a few colours, as forms, tables, editors and terminals are. Photographs and gradients
 * are not.
 * @param rgb three bytes a pixel
 */
export function isFlat(rgb: Uint8Array): boolean {
  const bins = new Uint32Array(512);
  let samples = 0;
  for (let at = 0; at + 2 < rgb.length; at += 3 * SAMPLE_EVERY) {
    const [red = 0, green = 0, blue = 0] = [rgb[at], rgb[at + 1], rgb[at + 2]];
    const bin = ((red >> 5) << 6) | ((green >> 5) << 3) | (blue >> 5);
    bins[bin] = (bins[bin] ?? 0) + 1;
    samples += 1;
  }
  const most = bins.sort().subarray(-COLOURS);
  return most.reduce((sum, count) => sum + count, 0) >= samples * FLAT_SHARE;
}

/** Rounds every channel to a few levels, in place: a third of the bytes, and no pixel moves. */
export function flatten(rgb: Uint8Array): void {
  for (let at = 0; at < rgb.length; at += 1) rgb[at] = NEAREST[rgb[at] as number] as number;
}

/** For a palette of the colours that are left. */
export const FLAT_PALETTE = { palette: true, colours: COLOURS, effort: 1, dither: 0 } as const;
