import { assembleModule, I32, op, V128, type WasmFunction } from './wasm-assembler.ts';

/**
 * The inner loops of scaling, as SIMD: BGRX bytes in, RGB bytes out, in one pass over the picture.
 *
 * Fixed point: vertical weights are whole numbers that sum to {@link VERTICAL_ONE}, so a row of sums fits 16 bits
 * (255 × 64 plus the overshoot of negative lobes); horizontal weights sum to {@link HORIZONTAL_ONE}, products are
 * added in 32 bits.
 */
export const VERTICAL_ONE = 64;
export const HORIZONTAL_ONE = 1 << 14;
const SHIFT = 20;

export type ScaleKernel = Readonly<{
  /**
   * One output row's weighted sum of the kernel's number of source rows, for `blocks` × 4 pixels.
   * `rows`: a 32-bit address per source row; `weights`: one signed 16-bit weight per source row. Writes 16-bit sums at
   * `sums`, pixels in pairs: B B G G R R X X.
   */
  vertical(rows: number, sums: number, blocks: number, weights: number): void;
  /**
   * `blocks` × 4 output pixels as RGB at `target` (four bytes past the end are written too), from a row of sums.
   * `starts`: 32-bit byte offset into the sums per pixel; `weights`: per pixel the kernel's number of pairs, each a
   * word of two signed 16-bit weights.
   */
  horizontal(sums: number, target: number, blocks: number, starts: number, weights: number): void;
  /** `blocks` × 4 pixels BGRX → RGB without scaling (four bytes past the end are written too). */
  swizzle(source: number, target: number, blocks: number): void;
}>;

/**
 * The loops over rows and pairs are written out, which halves the time; hence a kernel for each pair of numbers.
 * @param taps source rows per output row, 1…64. @param pairs pairs of source pixels per output pixel, 1…64.
 */
export function createScaleKernel(memory: WasmMemory, taps: number, pairs: number): ScaleKernel {
  const bytes = assembleModule([vertical(taps), horizontal(pairs), swizzle()]);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory } });
  return instance.exports as ScaleKernel;
}

export function createMemory(): WasmMemory {
  return new WebAssembly.Memory({ initial: 1 });
}

export type WasmMemory = { readonly buffer: ArrayBuffer; grow(pages: number): number };

/** The part of the global that is used; Node's types do not declare it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { host: { memory: WasmMemory } }) => { exports: unknown };
  Memory: new (limits: { initial: number }) => WasmMemory;
};

/** So many weights stay in registers; more are loaded again for each block. */
const HELD_WEIGHTS = 8;

function vertical(taps: number): WasmFunction {
  const [rows, sums, blocks, weights] = [0, 1, 2, 3] as const;
  const [low, high, pixels, firstRow] = [4, 5, 6, 7] as const;
  const firstFactor = firstRow + taps;
  const held = Math.min(taps, HELD_WEIGHTS);
  const row = (tap: number) => firstRow + tap;
  const factor = (tap: number) =>
    tap < held ? op.get(firstFactor + tap) : [...op.get(weights), ...op.v128.loadSplat16(tap * 2)];
  // B G R X of two pixels → pairs of equal channels, as the dot product wants its neighbours.
  const pairUp = op.v128.shuffle([0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15]);
  const numbers = Array.from({ length: taps }, (_, tap) => tap);
  return {
    name: 'vertical',
    parameters: 4,
    locals: [
      ...[V128, V128, V128],
      ...new Array<number>(taps).fill(I32),
      ...new Array<number>(held).fill(V128),
    ],
    body: [
      ...numbers.flatMap((tap) => [...op.get(rows), ...op.loadI32(tap * 4), ...op.set(row(tap))]),
      ...numbers
        .slice(0, held)
        .flatMap((tap) => [
          ...op.get(weights),
          ...op.v128.loadSplat16(tap * 2),
          ...op.set(firstFactor + tap),
        ]),
      ...op.repeat([
        ...numbers.flatMap((tap) => [
          ...[...op.get(row(tap)), ...op.v128.load(), ...op.set(pixels)],
          ...op.advance(row(tap), op.constant(16)),
          ...[...op.get(pixels), ...op.v128.extendLowU8, ...factor(tap), ...op.v128.multiplyI16],
          ...(tap === 0 ? [] : [...op.get(low), ...op.v128.addI16]),
          ...op.set(low),
          ...[...op.get(pixels), ...op.v128.extendHighU8, ...factor(tap), ...op.v128.multiplyI16],
          ...(tap === 0 ? [] : [...op.get(high), ...op.v128.addI16]),
          ...op.set(high),
        ]),
        ...[...op.get(sums), ...op.get(low), ...op.get(low), ...pairUp, ...op.v128.store()],
        ...[...op.get(sums), ...op.get(high), ...op.get(high), ...pairUp, ...op.v128.store(16)],
        ...op.advance(sums, op.constant(32)),
        ...op.countDown(blocks),
      ]),
    ],
  };
}

function horizontal(pairs: number): WasmFunction {
  const [sums, target, blocks, starts, weights] = [0, 1, 2, 3, 4] as const;
  const from = 5;
  const sum = (pixel: number) => from + 1 + pixel;
  const product = (pixel: number, pair: number) => [
    ...[...op.get(from), ...op.v128.load(pair * 16)],
    ...[...op.get(weights), ...op.v128.loadSplat32((pixel * pairs + pair) * 4), ...op.v128.dotI16],
  ];
  return {
    name: 'horizontal',
    parameters: 5,
    locals: [I32, V128, V128, V128, V128],
    body: op.repeat([
      ...[0, 1, 2, 3].flatMap((pixel) => [
        ...[...op.get(sums), ...op.get(starts), ...op.loadI32(pixel * 4), ...op.add, ...op.set(from)],
        ...[...op.constant(1 << (SHIFT - 1)), ...op.v128.splatI32],
        ...Array.from({ length: pairs }, (_, pair) => [...product(pixel, pair), ...op.v128.addI32]).flat(),
        ...[...op.constant(SHIFT), ...op.v128.shiftRightI32, ...op.set(sum(pixel))],
      ]),
      // Narrowing saturates, so the overshoot of sharp edges stays white or black.
      ...[...op.get(sum(0)), ...op.get(sum(1)), ...op.v128.narrowToI16],
      ...[...op.get(sum(2)), ...op.get(sum(3)), ...op.v128.narrowToI16],
      ...[...op.v128.narrowToU8, ...op.set(sum(0))],
      ...[...op.get(target), ...op.get(sum(0)), ...op.get(sum(0)), ...FOUR_TO_RGB, ...op.v128.store()],
      ...op.advance(target, op.constant(12)),
      ...op.advance(starts, op.constant(16)),
      ...op.advance(weights, op.constant(pairs * 16)),
      ...op.countDown(blocks),
    ]),
  };
}

/** Four pixels BGRX → twelve bytes of RGB, four that mean nothing. */
const FOUR_TO_RGB = op.v128.shuffle([2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 0, 0, 0, 0]);

function swizzle(): WasmFunction {
  const [source, target, blocks] = [0, 1, 2] as const;
  const pixels = 3;
  return {
    name: 'swizzle',
    parameters: 3,
    locals: [V128],
    body: op.repeat([
      ...[...op.get(source), ...op.v128.load(), ...op.set(pixels)],
      ...[...op.get(target), ...op.get(pixels), ...op.get(pixels)],
      ...FOUR_TO_RGB,
      ...op.v128.store(),
      ...op.advance(source, op.constant(16)),
      ...op.advance(target, op.constant(12)),
      ...op.countDown(blocks),
    ]),
  };
}
