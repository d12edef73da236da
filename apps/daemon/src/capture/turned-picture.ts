/** How a panel is mounted. `transform` as wl_output numbers it: quarter turns in the low two bits, 4 for mirrored. */
export type Mounting = Readonly<{ transform: number; inverted: boolean }>;

/**
 * A picture as the panel has it, made as the person sees it. Pure.
 * @param panel rows of `strideBytes`, 4 bytes per pixel.
 * @returns rows without padding; sides exchanged for odd quarter turns.
 */
export function turnedBack(
  panel: Uint8Array,
  size: Readonly<{ width: number; height: number; strideBytes: number }>,
  mounting: Mounting,
): Uint8Array<ArrayBuffer> {
  const turns = mounting.transform % 4;
  const [width, height] = turns % 2 === 0 ? [size.width, size.height] : [size.height, size.width];
  const seen = new Uint8Array(width * height * 4);
  const from = new Uint32Array(panel.buffer, panel.byteOffset, panel.byteLength >> 2);
  const to = new Uint32Array(seen.buffer);
  const stride = size.strideBytes >> 2;
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const across = mounting.transform >= 4 ? width - 1 - x : x;
      let [column, row] = [across, y];
      if (turns === 1) [column, row] = [y, width - 1 - across];
      else if (turns === 2) [column, row] = [width - 1 - across, height - 1 - y];
      else if (turns === 3) [column, row] = [height - 1 - y, across];
      if (mounting.inverted) row = size.height - 1 - row;
      to[y * width + x] = from[row * stride + column] as number;
    }
  return seen;
}
