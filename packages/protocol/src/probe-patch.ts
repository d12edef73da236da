/**
 * The patch a panel paints for the exclusion self-test: 8 × 8 cells of 3 × 3 physical pixels, so 24 × 24 in all. A cell
 * whose bit is set is green, the others magenta: colours no desktop theme puts side by side.
 */
export const PROBE_CELLS = 8;
export const PROBE_CELL_PX = 3;
export const PROBE_SIDE_PX = PROBE_CELLS * PROBE_CELL_PX;
/** sRGB, 0xRRGGBB. */
export const PROBE_COLORS = { set: 0x00_ff_00, clear: 0xff_00_ff } as const;

/**
 * @param nonce 16 lower-case hex digits.
 * @returns     64 cells, rows top to bottom; the first digit's highest bit is the top-left cell.
 */
export function probeCells(nonce: string): boolean[] {
  return [...nonce].flatMap((digit) => {
    const bits = Number.parseInt(digit, 16);
    return [8, 4, 2, 1].map((bit) => (bits & bit) !== 0);
  });
}
